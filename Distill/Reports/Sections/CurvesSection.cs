using System.Xml.Linq;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The course of each distillation.</summary>
internal sealed class CurvesSection : ReportSection
{
    // Numbers that name a window and measure nothing.
    private static readonly string[] s_names = ["expert", "first", "last"];

    /// <inheritdoc/>
    public override string Name => "curves";

    /// <inheritdoc/>
    public override string Title => "Curves";

    /// <inheritdoc/>
    public override int Place => 3;

    /// <inheritdoc/>
    public override bool IsOf(ReportSource source) => base.IsOf(source) && source.Run.Evaluation is null;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        RecordedRun run = source.Run;
        if (run.Settings is not { } settings || run.Metrics.Count == 0)
        {
            yield return Html.Missing("No step is recorded yet.");
            yield break;
        }
        foreach (int ipc in run.Sizes)
        {
            LineChart[] charts = [.. ChartsOf(run, settings, ipc).Where(chart => IsDrawn(chart, run))];
            if (charts.Length == 0)
                continue;
            yield return Html.Of("h3", run.WordsOf(ipc));
            yield return Html.Of("div", Html.Class("charts"), charts.Select(c => c.ToFigure()));
            if (charts.All(c => c.Title != OnTheWay(run)))
            {
                yield return Html.Missing(
                    run.Curve(ipc, "accuracy") is [var only]
                        ? FormattableString.Invariant($"The {ScoreOf(run)} was measured once on the way: {only.Value:F1} % after {only.Iteration} updates. A smaller --evaluate-every draws its curve.")
                        : $"The {ScoreOf(run)} on the way was not measured; --evaluate-every N measures it every N updates.");
            }
        }
    }

    // One accuracy is no curve: its axis would be a tenth of a point.
    private static bool IsDrawn(LineChart chart, RecordedRun run) =>
        chart.Series.Any(s => s.Points.Count > (chart.Title == OnTheWay(run) ? 1 : 0));

    private static string OnTheWay(RecordedRun run) => run.IsOfPairs ? "Recall on the way (mean of six)" : "Accuracy on the way";

    private static string ScoreOf(RecordedRun run) => run.IsOfPairs ? "mean of the recalls" : "accuracy";

    private static IEnumerable<LineChart> ChartsOf(RecordedRun run, RunSettings settings, int ipc)
    {
        const string Updates = "updates of S";
        DistillationMethod method = settings.MethodKind;
        double end = Math.Max(1, run.Curve(ipc, MetricsFile.LossKey).Select(p => p.Iteration + 1).DefaultIfEmpty(1).Max());
        LineChart Chart(string title, IEnumerable<ChartSeries> series) => new(title, Updates, [.. series]) { End = end };
        yield return Chart(OnTheWay(run), [Points("one network", "distilled", run.Curve(ipc, "accuracy"))]) with { Unit = "%" };
        yield return Chart(
            $"{method.LossName} on fixed windows", [Points("mean over the windows", "probe", run.Curve(ipc, MetricsFile.ProbeKey))]) with
        {
            Note = "The same windows each time: this curve falls while S gets better.",
        };
        yield return Chart(
            $"{method.LossName} on the windows drawn",
            ChartSeries.OfSteps(method.LossName, "loss", run.Curve(ipc, MetricsFile.LossKey))) with
        {
            Note = "Each step draws a window of its own, and later steps may draw from a wider range: this curve may rise while S gets better.",
        };
        foreach (string metric in method.Metrics.Except(s_names, StringComparer.Ordinal))
        {
            string name = metric == SyntheticSet.WeightNumber ? "weight α" : metric;
            yield return Chart(char.ToUpperInvariant(name[0]) + name[1..], ChartSeries.OfSteps(name, "other", run.Curve(ipc, metric)));
        }
        if (Kinds.Find<SetSchedule>(settings.RateSchedule) is { Memory: 0 } schedule)
        {
            const int Most = 200;
            int last = (int)end - 1, step = Math.Max(1, last / Most), all = settings.Budget is null ? settings.Iterations : (int)end;
            double rate = run.IsOfPairs ? settings.LrImageFeatures ?? 0 : settings.LrImg;
            yield return Chart(run.IsOfPairs ? "Learning rate of the image features" : "Learning rate of the images", [Points("rate", "rate", [
                .. Enumerable.Range(0, last / step + 1).Select(i =>
                    (i * step, rate * schedule.FactorAt(i * step, all, []))),
            ]) with { HasDots = false }]);
        }
    }

    private static ChartSeries Points(string name, string colour, (int Iteration, double Value)[] points) =>
        new(name, colour, [.. points.Select(p => ((double)p.Iteration, p.Value))]) { HasDots = true };
}
