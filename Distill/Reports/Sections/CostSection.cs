using System.Globalization;
using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>What the run took, stage by stage.</summary>
internal sealed class CostSection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "cost";

    /// <inheritdoc/>
    public override string Title => "Time and memory";

    /// <inheritdoc/>
    public override int Place => 7;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        RecordedRun run = source.Run;
        yield return run switch
        {
            { Summary: { } summary } => Html.Paragraph(
                $"{Durations.Text(TimeSpan.FromSeconds(summary.Seconds))} on {summary.Device}; memory {ByteSize.Text(summary.PeakMemoryBytes)} at most."),
            { Retrieval: { } retrieval } => Html.Paragraph($"{Durations.Text(TimeSpan.FromSeconds(retrieval.Seconds))} on {retrieval.Device}."),
            _ => Html.Missing("The run has not recorded yet what it took."),
        };
        if (run.Stages.Count == 0)
        {
            yield return Html.Missing("This run did not record the time and memory of its stages: it is of an earlier version.");
            yield break;
        }
        int sittings = run.Stages.Max(s => s.Sitting);
        double longest = run.Stages.Max(s => s.Seconds);
        yield return Html.Table(
            sittings == 1 ? "Stages in their order" : $"Stages in their order; the run was done in {sittings} sittings",
            ["stage", "set", .. sittings == 1 ? (string[])[] : ["sitting"], "time", "memory at most", "began"],
            run.Stages.Select(s => (IReadOnlyList<object?>)
            [
                s.Stage, s.Set ?? "–", .. sittings == 1 ? (object?[])[] : [$"{s.Sitting}"], Time(s.Seconds, longest),
                s.PeakBytes > 0 ? ByteSize.Text(s.PeakBytes) : "–", s.Began.Replace('T', ' ').TrimEnd('Z'),
            ]));
        yield return Html.Of(
            "p", Html.Class("note"), string.Join("; ", run.Stages.GroupBy(s => s.Stage, StringComparer.Ordinal)
                .Select(g => $"{g.Key} {Durations.Text(TimeSpan.FromSeconds(g.Sum(s => s.Seconds)))}")), " in all.");
    }

    private static XElement Time(double seconds, double longest) => Html.Of(
        "span", Html.Class("cell loss"),
        Html.At("style", string.Create(CultureInfo.InvariantCulture, $"--v:{100 * seconds / Math.Max(longest, 1e-9):0.#}")),
        seconds < 10 ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s") : Durations.Text(TimeSpan.FromSeconds(seconds)));
}
