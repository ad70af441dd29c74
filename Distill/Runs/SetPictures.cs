using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The pictures of a set in a run folder: before distilling, at steps between, as it is now, and after it.</summary>
internal sealed class SetPictures(PreparedData data, RunInputs inputs, int ipc)
{
    /// <summary>Draws every part of S that has the form of images.</summary>
    /// <param name="set">S.</param>
    /// <param name="what">before, after, or a step: a part of the file's name.</param>
    public void Draw(SyntheticSet set, string what)
    {
        foreach (SyntheticPart part in set.Parts.Where(p => IsImages(set, p)))
            Write(inputs.Folder.Picture(ipc, part.Name == SyntheticSet.ImagesPart ? what : $"{part.Name}-{what}"), part);
    }

    /// <summary>Draws S in the place of what it was when it was drawn so last.</summary>
    public void DrawNow(SyntheticSet set)
    {
        foreach (SyntheticPart part in set.Parts.Where(p => p.Name == SyntheticSet.ImagesPart && IsImages(set, p)))
            Write(inputs.Folder.PictureNow(ipc), part);
    }

    private bool IsImages(SyntheticSet set, SyntheticPart part) =>
        part.Value.Shape.Rank == 4 && part.Value.Count == set.Count * data.Image.Count;

    private void Write(string path, SyntheticPart part) => ImageGrid.Write(
        path, data.Pixels(part.Value), data.Image[0], data.Image[1], data.Image[2], inputs.Pair.Train.ClassNames);
}
