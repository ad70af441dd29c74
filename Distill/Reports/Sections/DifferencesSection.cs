using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>The settings in which several runs differ.</summary>
internal sealed class DifferencesSection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "differences";

    /// <inheritdoc/>
    public override string Title => "Settings that differ";

    /// <inheritdoc/>
    public override int Place => 1;

    /// <inheritdoc/>
    public override bool IsOf(ReportSource source) => source.IsComparison;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        var comparison = new RunComparison(source.Runs);
        return comparison.Differences.Count == 0
            ? [Html.Paragraph("All settings are the same.")]
            : [Html.Table(
                "Value of each run", ["setting", .. source.Runs.Select((_, i) => RunComparison.LetterOf(i))],
                comparison.Differences.Select(d => (IReadOnlyList<object?>)[Html.Code(d.Setting.Name), .. d.Values]))];
    }
}
