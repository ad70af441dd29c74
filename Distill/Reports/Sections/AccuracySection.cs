using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>The table of accuracies beside the baselines.</summary>
internal sealed class AccuracySection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "accuracy";

    /// <inheritdoc/>
    public override string Title => "Test accuracy";

    /// <inheritdoc/>
    public override int Place => 1;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        if (source.Run.Summary is not { Results.Count: > 0 } summary)
            return [Html.Missing("No accuracy is recorded yet.")];
        return
        [
            Html.Table(
                $"Test accuracy in percent, {summary.Dataset}: mean ± standard deviation",
                ["images per class", .. ResultColumn.All.Select(c => c.Name)],
                summary.Results.Select(r => (IReadOnlyList<object?>)
                    [ResultColumn.RowOf(r), .. ResultColumn.All.Select(c => ResultColumn.Cell(c.Of(r.Accuracy)))])),
            Html.Of("div", Html.Class("barcharts"), summary.Results.Select(Bars)),
            Html.Of(
                "p", Html.Class("note"), summary.Protocol is null ? "The run did not record its protocol." : $"Evaluated by {summary.Protocol}.",
                summary.WholeSet is { } whole ? $" Whole set: {whole}." : null,
                summary.SoftLabels is { } labels ? $" Soft labels: {labels}." : null),
        ];
    }

    private static XElement Bars(IpcResult result) => Html.Of(
        "div", Html.Class("bars"), Html.At("aria-hidden", "true"), Html.Of("h4", ResultColumn.RowOf(result)),
        ResultColumn.All.Select(column => (column, Accuracy: column.Of(result.Accuracy))).Where(c => c.Accuracy is not null)
            .Select(c => AccuracyBar.Of(c.column.Name, c.column.Colour, c.Accuracy!)));
}
