namespace InfMatch.Distill;

/// <summary>The picture of a set of pairs: the training image nearest to each, and beside it the nearest captions.</summary>
internal static class PairPicture
{
    /// <summary>Writes it.</summary>
    /// <param name="path">The PNG file.</param>
    /// <param name="dataset">The data set.</param>
    /// <param name="set">What is nearest to the pairs.</param>
    /// <exception cref="DistillException">There are no images, and no font to write captions with.</exception>
    public static void Write(string path, string dataset, SetNeighbours set) => new CaptionedGrid(
    [
        .. set.Shown.Select(pair => new CaptionedImage(
            pair.Image.Picture, [.. pair.Captions.Select(c => (c.Text, FormattableString.Invariant($"{c.Cosine:F2}")))])),
    ])
    {
        Title = $"{dataset}, {set.Pairs} learned pairs: the training {(set.HasPictures ? "image and captions" : "captions")} nearest to each",
        Note = $"Behind each caption the cosine of the standardised vectors. {set.LeftOut}".TrimEnd() +
            (set.HasPictures ? "" : " The files of the images are not in the folder of the data set."),
    }.Write(path);
}
