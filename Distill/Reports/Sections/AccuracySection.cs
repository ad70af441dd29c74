using System.Globalization;
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
                summary.WholeSet is { } whole ? $" Whole set: {whole}." : null),
        ];
    }

    /// <summary>Bars of a row; the table has their numbers.</summary>
    internal static XElement Bars(IpcResult result) => Html.Of(
        "div", Html.Class("bars"), Html.At("aria-hidden", "true"), Html.Of("h4", ResultColumn.RowOf(result)),
        ResultColumn.All.Select(column => (column, Accuracy: column.Of(result.Accuracy))).Where(c => c.Accuracy is not null)
            .Select(c => Bar(c.column.Name, c.column.Colour, c.Accuracy!)));

    /// <summary>A bar from 0 to 100 % with its deviation.</summary>
    internal static XElement Bar(string name, string colour, Accuracy accuracy)
    {
        double low = Math.Max(0, accuracy.Mean - accuracy.Std), high = Math.Min(100, accuracy.Mean + accuracy.Std);
        return Html.Of(
            "div", Html.Class($"bar {colour}"), Html.Of("span", Html.Class("name"), name),
            Html.Of(
                "span", Html.Class("track"),
                Html.Of("span", Html.Class("fill"), Html.At("style", $"width:{Percent(accuracy.Mean)}")),
                Html.Of("span", Html.Class("whisker"), Html.At("style", $"left:{Percent(low)};width:{Percent(high - low)}"))),
            Html.Of("span", Html.Class("value"), accuracy.Shown));
    }

    private static string Percent(double value) => value.ToString("0.##", CultureInfo.InvariantCulture) + "%";
}
