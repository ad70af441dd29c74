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
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        RecordedRun run = source.Run;
        if (run.Summary is not { Complete: true })
        {
            yield return Html.Of(
                "p", Html.Class("banner"), Html.Of("strong", "This run is not complete. "),
                "What stands here is what was known when the page was written. The run continues with ",
                Html.Code($"{ShellWord.Program} resume {ShellWord.OfPath(ShownPath.Of(run.Files.Path))}"), ".");
        }
        if (run.Results.Count == 0)
            yield return Html.Missing("Nothing is evaluated yet.");
        else
            yield return Html.Of("div", Html.Class("cards"), run.Results.Select(Card));
        if (run.Summary?.Note is { } note)
            yield return Html.Paragraph("Note: ", note);
    }

    private static XElement Card(IpcResult result)
    {
        (string kind, string text) = Judged(result);
        return Html.Of(
            "div", Html.Class($"card {kind}"), Html.Of("h3", ResultColumn.RowOf(result)),
            Html.Of("p", Html.Class("figure"), result.Accuracy.Distilled is { } d ? $"{d.Shown} %" : "–"),
            Html.Of("p", text));
    }

    // A run that recorded no verdict is compared with what stands beside it, by the deviations that it states.
    private static (string Kind, string Text) Judged(IpcResult result)
    {
        AccuracySet a = result.Accuracy;
        if (a.Distilled is not { } distilled)
            return ("unknown", "The distilled set is not evaluated yet.");
        (Accuracy Other, string Name)? beside = a.RandomRealSoftLabels is { } soft ? (soft, "random real images with soft labels")
            : a.RandomReal is { } real ? (real, "random real images")
            : null;
        if (beside is not var (other, name))
            return ("unknown", "Nothing is evaluated beside it.");
        double gain = distilled.Mean - other.Mean, spread = Math.Sqrt(distilled.Std * distilled.Std + other.Std * other.Std);
        string points = FormattableString.Invariant($"{Math.Abs(gain):F1} points {(gain < 0 ? "below" : "above")} {name}");
        return Math.Abs(gain) <= spread ? ("within", $"{points}: within the deviations.")
            : gain > 0 ? ("better", $"{points}: more than the deviations.")
            : ("worse", $"{points}: more than the deviations.");
    }
}
