using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>What came out of a run on image-text pairs: a verdict for each set, and the table of recalls beside the baselines.</summary>
internal sealed class RetrievalSection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "retrieval";

    /// <inheritdoc/>
    public override string Title => "Result";

    /// <inheritdoc/>
    public override int Place => 0;

    /// <inheritdoc/>
    public override SettingTask Task => SettingTask.Pairs;

    /// <summary>The class of the style sheet with the colour of a row.</summary>
    public static string ColourOf(string row) => row switch
    {
        PairRows.Distilled => "distilled",
        PairRows.Full => "whole",
        PairRows.WithSimilarity => "soft",
        _ => "real",
    };

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        RecordedRun run = source.Run;
        if (Incomplete(run) is { } banner)
            yield return banner;
        if (run.Retrieval is not { Results.Count: > 0 } summary)
        {
            yield return Html.Missing("Nothing is evaluated yet.");
            yield break;
        }
        yield return Html.Of("div", Html.Class("cards"), summary.Results.Select(r => Card(r, summary)));
        foreach (RetrievalResult result in summary.Results.Where(r => r.Rows.Count > 0))
        {
            yield return Html.Of("h3", run.WordsOf(result.Pairs));
            yield return Html.Table(
                summary.Heading, ["trained on", "mean of six", .. RetrievalRow.Measures],
                result.Rows.Select(row => (IReadOnlyList<object?>)
                    [row.Name, Cell(row.Mean), .. Enumerable.Range(0, RetrievalRow.Measures.Length).Select(m => Cell(row.Of(m)))]));
            yield return Html.Of(
                "div", Html.Class("barcharts"), Html.Of(
                    "div", Html.Class("bars"), Html.At("aria-hidden", "true"), Html.Of("h4", "Mean of six"),
                    result.Rows.Select(row => AccuracyBar.Of(row.Name, ColourOf(row.Name), row.Means))));
        }
        yield return Html.Of(
            "p", Html.Class("note"),
            "IR@K: texts whose image is among the first K. TR@K: images one of whose texts is. Mean ± standard deviation over heads. ",
            $"Trained: {summary.Protocol}. Full data: {summary.Full}.",
            summary.Split == PairSettings.Dev
                ? " Measured on dev, by which settings are chosen; the result of a choice is what '--split test' gives." : null);
    }

    private static XElement Card(RetrievalResult result, RetrievalSummary summary) => Html.Of(
        "div", Html.Class($"card {result.Verdict?.Kind ?? "unknown"}"), Html.Of("h3", $"{result.Pairs} pairs"),
        Html.Of("p", Html.Class("figure"), result.Row(PairRows.Distilled) is { } row ? $"{RetrievalRow.Cell(row.Mean)} %" : "–"),
        Html.Of("p", Html.Class("note"), $"mean of six recalls on {summary.Split}"),
        result.Verdict is { } verdict
            ? Html.Of("p", Html.Of("span", Html.Class("verdict"), verdict.Word), $": {verdict.Text}.")
            : Html.Of("p", result.Row(PairRows.Distilled) is null
                ? "The distilled set is not evaluated, so there is no verdict."
                : "This run did not record a verdict."),
        result.Verdict?.Next is { } next ? Html.Of("p", Html.Of("strong", "Next: "), $"try {next}.") : null);

    private static string Cell(Spread spread) => RetrievalRow.Cell(spread).Replace(' ', '\u00a0');
}
