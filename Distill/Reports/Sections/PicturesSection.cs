using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>The images of several runs' sets beside each other.</summary>
internal sealed class PicturesSection : ReportSection
{
    private const int MostClasses = 10;

    /// <inheritdoc/>
    public override string Name => "pictures";

    /// <inheritdoc/>
    public override string Title => "Images";

    /// <inheritdoc/>
    public override int Place => 5;

    /// <inheritdoc/>
    public override SettingTask Task => SettingTask.Images;

    /// <inheritdoc/>
    public override bool IsOf(ReportSource source) => source.IsComparison;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        bool isEmpty = true;
        foreach (int ipc in source.Runs.SelectMany(r => r.Sizes).Distinct().Order())
        {
            XElement[] columns =
            [
                .. source.Runs.Select((run, i) => run.Sizes.Contains(ipc) && run.Set(ipc) is { } set && set.Image[0] is 1 or 3 ? Column(run, set, i) : null)
                    .OfType<XElement>(),
            ];
            if (columns.Length == 0)
                continue;
            isEmpty = false;
            yield return Html.Of("h3", $"{ipc} {(ipc == 1 ? "image" : "images")} per class");
            yield return Html.Of("div", Html.Class("charts"), columns);
        }
        if (isEmpty)
            yield return Html.Missing("None of these runs has a set yet.");
    }

    private static XElement Column(RecordedRun run, SyntheticArtifact set, int number)
    {
        var strip = ClassStrip.Of(set);
        strip = strip with { Classes = Math.Min(MostClasses, strip.Classes) };
        return Html.Of(
            "div", Html.Of(
                "h4", Html.Of("span", Html.Class($"swatch {RunComparison.ColourOf(number)}")), $"{RunComparison.LetterOf(number)} {run.Name}"),
            strip.Draw(new PixelView(set).Pixels, $"of run {RunComparison.LetterOf(number)}"),
            strip.LeftOut is { } left ? Html.Of("p", Html.Class("note"), left) : null);
    }
}
