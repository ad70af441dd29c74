using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>What several runs on image-text pairs reached, beside each other.</summary>
internal sealed class RetrievalRunsSection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "retrieval-runs";

    /// <inheritdoc/>
    public override string Title => "Runs";

    /// <inheritdoc/>
    public override int Place => 0;

    /// <inheritdoc/>
    public override SettingTask Task => SettingTask.Pairs;

    /// <inheritdoc/>
    public override bool IsOf(ReportSource source) => source.IsComparison;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        yield return Html.Of(
            "ul", Html.Class("legend names"), source.Runs.Select((run, i) => Html.Of(
                "li", Html.Of("span", Html.Class($"swatch {RunComparison.ColourOf(i)}")), Html.Of("strong", RunComparison.LetterOf(i)), " ",
                run.Name, RunComparison.RemarkOn(run))));
        IReadOnlyList<string> rows = PairComparison.RowNames(source.Runs);
        yield return Html.Table(
            $"{PairComparison.Heading}, and time", ["run", "method", "set", .. rows, "verdict", "time"],
            PairComparison.Results(source.Runs).Select(r => (IReadOnlyList<object?>)
            [
                r.Letter, PairComparison.MethodOf(r.Run, r.Result), r.Run.WordsOf(r.Result.Pairs),
                .. rows.Select(name => r.Result.Row(name) is { } row ? RetrievalRow.Cell(row.Mean).Replace(' ', '\u00a0') : "–"),
                r.Result.Verdict?.Word ?? "–", Durations.Text(TimeSpan.FromSeconds(r.Run.Retrieval!.Seconds)),
            ]));
        yield return Html.Of(
            "div", Html.Class("barcharts"),
            source.Runs.SelectMany(r => r.Sizes).Distinct().Order().Select(pairs => Bars(source.Runs, pairs)).OfType<XElement>());
        yield return Html.Of("p", Html.Class("note"), string.Join(' ', PairComparison.Notes(source.Runs)));
    }

    private static XElement? Bars(IReadOnlyList<RecordedRun> runs, int pairs)
    {
        XElement[] bars =
        [
            .. PairComparison.Results(runs).Where(r => r.Result.Pairs == pairs && r.Result.Row(PairRows.Distilled) is not null)
                .Select(r => AccuracyBar.Of(
                    $"{r.Letter} distilled", RunComparison.ColourOf(r.Number), r.Result.Row(PairRows.Distilled)!.Means)),
        ];
        return bars.Length == 0
            ? null
            : Html.Of("div", Html.Class("bars"), Html.At("aria-hidden", "true"), Html.Of("h4", runs[0].WordsOf(pairs)), bars);
    }
}
