using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>What came out, in a sentence for each row.</summary>
internal sealed class ResultSection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "result";

    /// <inheritdoc/>
    public override string Title => "Result";

    /// <inheritdoc/>
    public override int Place => 0;

    /// <inheritdoc/>
    public override SettingTask Task => SettingTask.Images;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        RecordedRun run = source.Run;
        if (Incomplete(run) is { } banner)
            yield return banner;
        if (run.Results.Count == 0)
            yield return Html.Missing("Nothing is evaluated yet.");
        else
            yield return Html.Of("div", Html.Class("cards"), run.Results.Select(r => Card(r, run.Summary?.EvaluatedOn)));
        if (run.Summary?.Note is { } note)
            yield return Html.Paragraph("Note: ", note);
    }

    private static XElement Card(IpcResult result, string? evaluatedOn)
    {
        Verdict? verdict = result.Verdict;
        return Html.Of(
            "div", Html.Class($"card {verdict?.Kind ?? "unknown"}"), Html.Of("h3", ResultCell.RowOf(result)),
            Html.Of("p", Html.Class("figure"), result.Accuracy.Distilled is { } d ? $"{d.Shown} %" : "–"),
            evaluatedOn is null ? null : Html.Of("p", Html.Class("note"), evaluatedOn),
            verdict is null
                ? Html.Of("p", Without(result.Accuracy))
                : Html.Of("p", Html.Of("span", Html.Class("verdict"), verdict.Word), $": {verdict.Text}."),
            verdict?.Next is { } next ? Html.Of("p", Html.Of("strong", "Next: "), $"try {next}.") : null);
    }

    // A run of an earlier version recorded no verdict: the difference is all that there is.
    private static string Without(AccuracySet a)
    {
        if (a.Distilled is not { } distilled)
            return "The distilled set is not evaluated yet.";
        (Accuracy? beside, string name) = a.RandomRealSoftLabels is { } soft
            ? (soft, "random real images with soft labels")
            : (a.RandomReal, "random real images");
        return beside is null
            ? "Nothing is evaluated beside it, so there is no verdict."
            : FormattableString.Invariant($"{distilled.Mean - beside.Mean:+0.0;−0.0} points against {name}. This run did not record a verdict.");
    }
}
