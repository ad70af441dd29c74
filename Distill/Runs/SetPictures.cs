using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The pictures of a set in a run folder: before distilling, at steps between, as it is now, after it, and before and after
/// beside each other.</summary>
internal sealed class SetPictures(PreparedData data, RunInputs inputs, int ipc)
{
    private const double LeastShown = 0.005;

    private readonly int _updates = inputs.Settings.Iterations;
    private readonly Dictionary<string, ImageGrid> _before = new(StringComparer.Ordinal);

    private string Name => $"{data.Pair.Name}, {ipc} {(ipc == 1 ? "image" : "images")} per class";

    /// <summary>Draws S as it is before its first update.</summary>
    public void DrawBefore(SyntheticSet set)
    {
        foreach (SyntheticPart part in PartsOf(set))
        {
            _before[part.Name] = Grid(set, part, "before distilling");
            ImageGrid.Write(PathOf(part, "before"), _before[part.Name]);
        }
    }

    /// <summary>Draws S after so many updates, among which it is one of the steps between.</summary>
    public void DrawStep(SyntheticSet set, int done)
    {
        foreach (SyntheticPart part in PartsOf(set))
            ImageGrid.Write(PathOf(part, FormattableString.Invariant($"step{done:D6}")), Grid(set, part, After(done)));
    }

    /// <summary>Draws S in the place of what it was when it was drawn so last.</summary>
    public void DrawNow(SyntheticSet set, int done)
    {
        foreach (SyntheticPart part in PartsOf(set).Where(p => p.Name == SyntheticSet.ImagesPart))
            ImageGrid.Write(inputs.Folder.PictureNow(ipc), Grid(set, part, After(done)));
    }

    /// <summary>Draws S after its last update, alone and beside what it was before the first.</summary>
    /// <param name="set">S.</param>
    /// <param name="done">How many updates it had.</param>
    /// <param name="accuracy">What networks that learn it reach, as far as that is known.</param>
    public void DrawAfter(SyntheticSet set, int done, AccuracySet accuracy)
    {
        foreach (SyntheticPart part in PartsOf(set))
        {
            ImageGrid grid = Grid(set, part, After(done) + Reached(accuracy));
            ImageGrid.Write(PathOf(part, "after"), grid);
            if (_before.TryGetValue(part.Name, out ImageGrid? before))
                ImageGrid.Write(PathOf(part, "before-after"), before, grid);
        }
    }

    private string After(int done) => inputs.Settings.Budget is not null || done == _updates ? $"after {done} updates" : $"after {done} of {_updates} updates";

    private string Reached(AccuracySet accuracy) => accuracy.Distilled is not { } distilled
        ? ""
        : accuracy.RandomRealSoftLabels is { } soft
            ? $": {distilled.Shown} % {Word} accuracy, {ResultColumn.Of<RandomRealSoftLabelsColumn>().Title} {soft.Shown} %"
            : $": {distilled.Shown} % {Word} accuracy";

    private string Word => data.Pair.HeldOutShare > 0 ? "validation" : "test";

    private string PathOf(SyntheticPart part, string what) =>
        inputs.Folder.Picture(ipc, part.Name == SyntheticSet.ImagesPart ? what : $"{part.Name}-{what}");

    // Every part that has the form of images.
    private IEnumerable<SyntheticPart> PartsOf(SyntheticSet set) => set.Parts.Where(
        part => part.Value.Shape.Rank == 4 && part.Value.Count == set.Count * data.Image.Count);

    private ImageGrid Grid(SyntheticSet set, SyntheticPart part, string when)
    {
        double clipped = data.ExtentOf(part.Value).Clipped;
        return new ImageGrid(data.Pixels(part.Value), data.Image[0], data.Image[1], data.Image[2], inputs.Pair.Train.ClassNames)
        {
            Title = $"{Name}, {when}",
            Note = clipped == 0
                ? ""
                : FormattableString.Invariant($"{100 * clipped:F1} % of the pixels lie outside 0 … 255 and are clipped here."),
            Labels = LabelsOf(set),
        };
    }

    // The two classes that the labels of an image give most to.
    private string[][] LabelsOf(SyntheticSet set)
    {
        if (set.Parts.FirstOrDefault(p => p.Name == SyntheticSet.LabelsPart).Value is not { } logits)
            return [];
        IReadOnlyList<string> names = inputs.Pair.Train.ClassNames;
        float[][] rows = [.. logits.ToArray<float>().Chunk(names.Count)];
        return [.. rows.Chunk(rows.Length / set.Count).Select(ofImage =>
        {
            var shares = new double[names.Count];
            foreach (float[] row in ofImage)
            {
                double most = row.Max(), sum = row.Sum(v => Math.Exp(v - most)) * ofImage.Length;
                for (int c = 0; c < shares.Length; c++)
                    shares[c] += Math.Exp(row[c] - most) / sum;
            }
            return shares.Select((share, c) => (Class: c, Share: share))
                .OrderByDescending(p => p.Share).ThenBy(p => p.Class).Take(2).Where(p => p.Share >= LeastShown)
                .Select(p => FormattableString.Invariant($"{100 * p.Share:F0} % {names[p.Class]}")).ToArray();
        })];
    }
}
