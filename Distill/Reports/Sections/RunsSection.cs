using System.Globalization;
using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>What several runs reached, beside each other.</summary>
internal sealed class RunsSection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "runs";

    /// <inheritdoc/>
    public override string Title => "Runs";

    /// <inheritdoc/>
    public override int Place => 0;

    /// <inheritdoc/>
    public override SettingTask Task => SettingTask.Images;

    /// <inheritdoc/>
    public override bool IsOf(ReportSource source) => source.IsComparison;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        yield return Html.Of(
            "ul", Html.Class("legend names"), source.Runs.Select((run, i) => Html.Of(
                "li", Html.Of("span", Html.Class($"swatch {RunComparison.ColourOf(i)}")), Html.Of("strong", RunComparison.LetterOf(i)), " ",
                run.Name, RunComparison.RemarkOn(run))));
        var comparison = new RunComparison(source.Runs);
        IReadOnlyList<ResultColumn> shown = ResultColumn.Shown(source.Runs.SelectMany(r => r.Results).Select(r => r.Accuracy));
        yield return Html.Table(
            $"{RunComparison.HeadingOf(source.Runs)}, time and memory",
            ["run", "method", "images per class", .. shown.Select(c => c.Title), "verdict", "time", "memory"],
            comparison.Rows().Select(row => (IReadOnlyList<object?>)
            [
                row.Letter, RunComparison.MethodOf(row.Run, row.Result), ResultCell.RowOf(row.Result),
                .. shown.Select(c => ResultCell.Of(row.Result.Accuracy.Of(c))),
                row.Result.Verdict?.Word ?? "–",
                Durations.Text(TimeSpan.FromSeconds(row.Run.Summary!.Seconds)), ByteSize.Text(row.Run.Summary.PeakMemoryBytes),
            ]));
        yield return Html.Of(
            "div", Html.Class("barcharts"),
            source.Runs.SelectMany(r => r.Sizes).Distinct().Order().Select(ipc => Bars(source.Runs, ipc)).OfType<XElement>());
        string[] protocols = [.. source.Runs.Select(r => r.Summary?.Protocol).OfType<string>().Distinct(StringComparer.Ordinal)];
        yield return Html.Of(
            "p", Html.Class("note"),
            protocols.Length == 1 ? $"All by {protocols[0]}." : "The runs were evaluated by different protocols: their accuracies are not comparable as they stand.",
            string.Concat(comparison.Notes().Select(line => $" {line}")));
    }

    private static XElement? Bars(IReadOnlyList<RecordedRun> runs, int ipc)
    {
        XElement[] bars =
        [
            .. runs.SelectMany((run, i) => run.Results.Where(r => r.Ipc == ipc && r.Accuracy.Distilled is not null)
                .Select(r => AccuracyBar.Of(
                    $"{RunComparison.LetterOf(i)} distilled{(r.Network is { } network ? $", {network}" : "")}", RunComparison.ColourOf(i),
                    r.Accuracy.Distilled!))),
        ];
        return bars.Length == 0
            ? null
            : Html.Of(
                "div", Html.Class("bars"), Html.At("aria-hidden", "true"),
                Html.Of("h4", string.Create(CultureInfo.InvariantCulture, $"{ipc} per class")), bars);
    }
}
