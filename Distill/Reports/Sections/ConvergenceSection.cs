using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>Accuracy and loss over the updates, beside another run.</summary>
internal sealed class ConvergenceSection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "convergence";

    /// <inheritdoc/>
    public override string Title => "Convergence";

    /// <inheritdoc/>
    public override int Place => 4;

    /// <inheritdoc/>
    public override bool IsOf(ReportSource source) => source.IsComparison || source.Against is not null;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        RecordedRun[] runs = [.. source.IsComparison ? source.Runs : [source.Run, source.Against!]];
        if (!source.IsComparison) // whose runs stand above
        {
            yield return Html.Of(
                "ul", Html.Class("legend"), runs.Select((run, i) => Html.Of(
                    "li", Html.Of("span", Html.Class($"swatch {RunComparison.ColourOf(i)}")),
                    Html.Of("strong", RunComparison.LetterOf(i)), " ", run.Name)));
        }
        bool isEmpty = true;
        foreach (int ipc in runs.SelectMany(r => r.Sizes).Distinct().Order())
        {
            XElement[] charts = [.. ChartsOf(runs, ipc).Where(c => c.Series.Any(s => s.Points.Count > 0)).Select(c => c.ToFigure())];
            if (charts.Length == 0)
                continue;
            isEmpty = false;
            yield return Html.Of("h3", source.Run.WordsOf(ipc));
            yield return Html.Of("div", Html.Class("charts"), charts);
        }
        if (isEmpty)
            yield return Html.Missing("None of these runs recorded its steps.");
    }

    private static IEnumerable<LineChart> ChartsOf(RecordedRun[] runs, int ipc)
    {
        yield return new LineChart(runs[0].IsOfPairs ? "Recall on the way (mean of six)" : "Accuracy on the way", "updates of S", [.. runs.Select((run, i) => Accuracy(run, ipc, i))])
        {
            Unit = "%", Note = "The point at the end is the mean over the networks of the evaluation; those on the way are one network's.",
        };
        foreach (IGrouping<string, (RecordedRun Run, int Number)> method in runs.Select((run, i) => (Run: run, Number: i))
            .Where(r => r.Run.Settings is not null).GroupBy(r => r.Run.Settings!.MethodKind.LossName, StringComparer.Ordinal))
        {
            yield return new LineChart($"{method.Key} on fixed windows", "updates of S", [
                .. method.Select(r => new ChartSeries(
                    RunComparison.LetterOf(r.Number), RunComparison.ColourOf(r.Number),
                    [.. r.Run.Curve(ipc, MetricsFile.ProbeKey).Select(p => ((double)p.Iteration, p.Value))]) { HasDots = true }),
            ]);
            yield return new LineChart($"{method.Key}, moving mean", "updates of S", [
                .. method.Select(r => ChartSeries.OfSteps(
                        method.Key, RunComparison.ColourOf(r.Number), r.Run.Curve(ipc, MetricsFile.LossKey)).Last() with
                    {
                        Name = RunComparison.LetterOf(r.Number), Band = [],
                    }),
            ])
            {
                End = runs.SelectMany(r => r.Curve(ipc, MetricsFile.LossKey)).Select(p => p.Iteration + 1.0).DefaultIfEmpty(1).Max(),
            };
        }
    }

    private static ChartSeries Accuracy(RecordedRun run, int ipc, int number)
    {
        (int Iteration, double Value)? end = run.EndOf(ipc);
        return new ChartSeries(
            RunComparison.LetterOf(number), RunComparison.ColourOf(number), [.. run.Curve(ipc, "accuracy").Select(p => ((double)p.Iteration, p.Value))
                .Where(p => end?.Iteration != (int)p.Item1)
                .Concat(end is { } last ? [(last.Iteration, last.Value)] : Array.Empty<(double, double)>())])
        {
            HasDots = true,
        };
    }
}
