using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>The table of accuracies beside the baselines.</summary>
internal sealed class AccuracySection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "accuracy";

    /// <inheritdoc/>
    public override string Title => "Accuracy";

    /// <inheritdoc/>
    public override int Place => 1;

    /// <inheritdoc/>
    public override SettingTask Task => SettingTask.Images;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        if (source.Run.Summary is not { Results.Count: > 0 } summary)
            return [Html.Missing("No accuracy is recorded yet.")];
        IReadOnlyList<ResultColumn> shown = ResultColumn.Shown(summary.Results.Select(r => r.Accuracy));
        return
        [
            Html.Table(
                $"{summary.Heading}: mean ± standard deviation",
                ["images per class", .. shown.Select(c => c.Title)],
                summary.Results.Select(r => (IReadOnlyList<object?>)
                    [ResultCell.RowOf(r), .. shown.Select(c => ResultCell.Of(r.Accuracy.Of(c)))])),
            Html.Of("div", Html.Class("barcharts"), summary.Results.Select(Bars)),
            Html.Of(
                "p", Html.Class("note"), summary.Protocol is null ? "The run did not record its protocol." : $"Evaluated by {summary.Protocol}.",
                string.Concat(summary.Notes.Select(line => $" {line}"))),
        ];
    }

    private static XElement Bars(IpcResult result) => Html.Of(
        "div", Html.Class("bars"), Html.At("aria-hidden", "true"), Html.Of("h4", ResultCell.RowOf(result)),
        result.Accuracy.All().Select(c => AccuracyBar.Of(c.Column.Title, c.Column.Colour, c.Accuracy)));
}
