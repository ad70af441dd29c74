using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>The images of each set as they start, at steps between, and as they end.</summary>
internal sealed class ImagesSection : ReportSection
{
    private const int LabelsShown = 5;

    /// <inheritdoc/>
    public override string Name => "images";

    /// <inheritdoc/>
    public override string Title => "Images";

    /// <inheritdoc/>
    public override int Place => 2;

    /// <inheritdoc/>
    public override SettingTask Task => SettingTask.Images;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        RecordedRun run = source.Run;
        SyntheticArtifact[] sets = [.. run.Sizes.Select(run.Set).OfType<SyntheticArtifact>()];
        if (sets.Length == 0)
        {
            yield return Html.Missing(run.Evaluation is { Set: null }
                ? "Random real images were evaluated, and no set."
                : "There is no set yet whose images could be shown.");
        }
        foreach (SyntheticArtifact set in sets)
        {
            int ipc = set.Count / set.Classes;
            yield return Html.Of("h3", $"{ipc} {(ipc == 1 ? "image" : "images")} per class");
            foreach (XElement element in OfSet(run, ipc, set))
                yield return element;
        }
    }

    private static IEnumerable<XElement> OfSet(RecordedRun run, int ipc, SyntheticArtifact set)
    {
        if (set.Image[0] is not (1 or 3))
        {
            yield return Html.Missing($"Images of {set.Image[0]} channels have no form as a picture.");
            yield break;
        }
        ClassStrip strip = ClassStrip.Of(set);
        (string Label, byte[] Pixels)[] frames = [.. FramesOf(run, ipc, set, strip.MostPictures)];
        yield return Html.Of(
            "div", Html.Class("stepper"), frames.Select((frame, i) => Html.Of(
                "div", Html.Class("frame"), Html.At("data-label", frame.Label), Html.Of("h4", frame.Label),
                strip.Draw(frame.Pixels, frame.Label))),
            Html.Of("script", Html.At("type", "application/json"), Labels(set, strip)));
        yield return Html.Of(
            "p", Html.Class("note"),
            frames.Length < 3
                ? "This run kept no pictures of the steps between. "
                : "Pull the slider to see the images at the steps that the run kept. ",
            "Point at an image, or tap it, for its soft label. ",
            $"Pixels are shown as 8 bits; {set.Count} images of {set.Image[1]}×{set.Image[2]}. ", strip.LeftOut);
        yield return Html.Of("details", Html.Of("summary", "Soft labels as a table"), LabelTable(set, strip));
    }

    // The first and the last, and of those between as many as a page has room for, evenly.
    private static IEnumerable<(string Label, byte[] Pixels)> FramesOf(RecordedRun run, int ipc, SyntheticArtifact set, int most)
    {
        SetPicture[] pictures = run.Evaluation is null ? [.. run.Pictures(ipc)] : [];
        if (pictures.Length > most)
            pictures = [.. Enumerable.Range(0, most).Select(i => pictures[i * (pictures.Length - 1) / (most - 1)])];
        int end = run.Results.FirstOrDefault(r => r.Ipc == ipc)?.Iterations ?? -1;
        foreach (SetPicture picture in pictures.Where(p => p.Iteration != end || end == 0))
        {
            byte[]? pixels = null;
            try
            {
                pixels = GridLayout.ReadImages(picture.Path, (set.Image[0], set.Image[1], set.Image[2]), set.Classes);
            }
            catch (DistillException e)
            {
                run.AddProblem(e.Message);
            }
            if (pixels is not null)
                yield return (picture.Iteration == 0 ? "at the start" : $"after {picture.Iteration} updates", pixels);
        }
        yield return (end < 0 ? "as the set's file has them" : $"at the end, after {end} updates", new PixelView(set).Pixels);
    }

    private static string Labels(SyntheticArtifact set, ClassStrip strip)
    {
        string[][] labels = [.. Shown(set, strip).Select(image => Largest(set, image).Select(l => $"{l.Class} {l.Percent}").ToArray())];
        return JsonSerializer.Serialize(new { classes = set.ClassNames, labels });
    }

    // The numbers of the images that are shown.
    private static IEnumerable<int> Shown(SyntheticArtifact set, ClassStrip strip) =>
        Enumerable.Range(0, strip.Classes).SelectMany(c => Enumerable.Range(c * (set.Count / set.Classes), strip.PerClass));

    private static (int Class, string Percent)[] Largest(SyntheticArtifact set, int image) =>
    [
        .. set.MeanLabel(image).Select((value, label) => (value, label))
            .OrderByDescending(l => l.value).ThenBy(l => l.label).Take(LabelsShown)
            .Select(l => (l.label, (100 * l.value).ToString("F1", CultureInfo.InvariantCulture))),
    ];

    private static XElement LabelTable(SyntheticArtifact set, ClassStrip strip) => Html.Table(
        "Largest probabilities of each soft label, in percent", ["image", "soft label"],
        Shown(set, strip).Select(image => (IReadOnlyList<object?>)
        [
            $"{set.ClassNames[set.Labels[image]]} {image % (set.Count / set.Classes) + 1}",
            string.Join(", ", Largest(set, image).Take(3).Select(l => $"{set.ClassNames[l.Class]} {l.Percent}")),
        ]));
}
