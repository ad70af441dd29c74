using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>What the run took.</summary>
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
        if (source.Run.Summary is not { } summary)
        {
            yield return Html.Missing("The run has not recorded yet what it took.");
            yield break;
        }
        yield return Html.Paragraph(
            $"{Durations.Text(TimeSpan.FromSeconds(summary.Seconds))} on {summary.Device}; memory {ByteSize.Text(summary.PeakMemoryBytes)} at most.");
        yield return Html.Missing("Time and memory of each stage are not recorded: the run is of an earlier version.");
    }
}
