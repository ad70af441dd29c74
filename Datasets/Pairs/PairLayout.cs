namespace InfMatch.Datasets;

/// <summary>How the files of a set are called.</summary>
/// <param name="Set">Name of the set.</param>
/// <param name="CaptionFiles">Files with captions; the first one that is there is read.</param>
/// <param name="Lists">The lists of the images of each part: training, development, test.</param>
/// <param name="Karpathy">The file with captions and splits, which stands in for what is not there.</param>
/// <param name="ImageFolders">Folders of images; the first one that is there is read.</param>
/// <param name="Features">The file with feature vectors.</param>
internal sealed record PairLayout(
    string Set, string[] CaptionFiles, string[] Lists, string Karpathy, string[] ImageFolders, string Features)
{
    /// <summary>The list of the images to which the rows of the features belong.</summary>
    public const string ImageList = "images.txt";

    /// <summary>A name that several sets have for their captions.</summary>
    public const string SharedCaptions = "captions.txt";

    /// <summary>Whether a folder has a file that belongs to this set and to no other.</summary>
    public bool IsIn(string folder) =>
        CaptionFiles.Where(f => f != SharedCaptions).Append(Karpathy).Append(Features).Any(f => File.Exists(Path.Combine(folder, f)));

    /// <summary>Which files are needed, as a part of a sentence.</summary>
    public string Files =>
        $"the captions ({string.Join(", or ", CaptionFiles)}) and the splits ({string.Join(", ", Lists)}), or {Karpathy} in place of both, " +
        $"with the folder {ImageFolders[0]} or {Features}";
}
