using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>One image file that belongs to a set, by what can be told without opening it.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Name">Its path from the root of the set, with forward slashes.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Written">When it was written, in ticks of UTC.</param>
/// <param name="Label">Its class.</param>
internal sealed record ListedImage(string Path, string Name, long Bytes, long Written, byte Label);

/// <summary>Which files make a set, in the order of its images.</summary>
internal sealed record ImageListing(
    string Dataset, string Root, ImmutableArray<string> ClassNames, ListedImage[] Train, ListedImage[] Test);

/// <summary>Looks into folders of images. Order is ordinal, links are refused, and what is left out is
/// counted.</summary>
internal sealed class FolderWalk(string root, DecodeLimits limits)
{
    /// <summary>The most classes: labels are bytes.</summary>
    public const int MaxClasses = 256;

    private static readonly string[] s_read = [".png", ".jpg", ".jpeg"];
    private static readonly string[] s_otherImages = [".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm",
        ".heic", ".avif"];
    private static readonly string[] s_ofSystems = ["Thumbs.db", "desktop.ini"];

    private int _listed;

    /// <summary>Files that are no images and were left out.</summary>
    public int LeftOut { get; private set; }

    /// <summary>One of them.</summary>
    public string? LeftOutExample { get; private set; }

    /// <summary>Images that lie beside class folders, where they belong to no class.</summary>
    public int BesideClasses { get; private set; }

    /// <summary>The folders in a folder that may be classes, in ordinal order.</summary>
    public string[] ClassFolders(string folder)
    {
        var names = new List<string>();
        foreach (FileSystemInfo entry in Entries(folder))
        {
            if (entry.Name.StartsWith('.'))
                continue;
            if (entry is DirectoryInfo)
                names.Add(entry.Name);
            else if (s_read.Contains(Path.GetExtension(entry.Name), StringComparer.OrdinalIgnoreCase))
                BesideClasses++;
        }

        names.ForEach(n => RequireUsable(n, folder));
        if (names.Count == 0)
        {
            throw new DatasetException(
                DatasetFault.NotFound, folder, "there are no class folders",
                fix: "Put the images of each class into a folder of its own there.");
        }

        if (names.Count > MaxClasses)
        {
            throw new DatasetException(
                DatasetFault.TooLarge, folder, "there are too many class folders", $"{names.Count}",
                $"at most {MaxClasses}",
                "Keep fewer classes.");
        }

        string? twice = names.GroupBy(n => n, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1)?.Key;
        return twice is null
            ? [.. names]
            : throw new DatasetException(
                DatasetFault.Duplicate, folder, $"two class folders differ in upper and lower case only (\"{twice}\")",
                fix: "Rename one: on other systems they are the same folder.");
    }

    /// <summary>The images in a folder, in ordinal order.</summary>
    public List<ListedImage> Images(string folder, byte label)
    {
        var images = new List<ListedImage>();
        foreach (FileSystemInfo entry in Entries(folder))
        {
            string extension = Path.GetExtension(entry.Name);
            if (entry.Name.StartsWith('.') || s_ofSystems.Contains(entry.Name, StringComparer.OrdinalIgnoreCase))
                continue;
            if (entry is not FileInfo file)
            {
                throw new DatasetException(
                    DatasetFault.WrongFormat, entry.FullName, "this is a folder among images",
                    fix: "The images of a class lie directly in its folder: move them up.");
            }

            if (s_otherImages.Contains(extension, StringComparer.OrdinalIgnoreCase))
            {
                throw new DatasetException(
                    DatasetFault.WrongFormat, file.FullName, $"images of the kind {extension} are not read",
                    expected: "PNG or JPEG", fix: "Convert it to PNG, or take it out of the folder.");
            }

            if (!s_read.Contains(extension, StringComparer.OrdinalIgnoreCase))
            {
                LeftOut++;
                LeftOutExample ??= file.FullName;
                continue;
            }

            images.Add(List(file, label));
        }

        return images;
    }

    /// <summary>One file as an image of a class.</summary>
    public ListedImage List(FileInfo file, byte label)
    {
        if (++_listed > limits.MaxImages)
        {
            throw new DatasetException(
                DatasetFault.TooLarge, root, "there are too many images", $"more than {limits.MaxImages}",
                fix: "Keep fewer images.");
        }

        try
        {
            return new ListedImage(
                file.FullName, Path.GetRelativePath(root, file.FullName).Replace('\\', '/'), file.Length,
                file.LastWriteTimeUtc.Ticks, label);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DatasetFile.Unreadable(file.FullName, e);
        }
    }

    /// <summary>What is in a folder, in ordinal order of names; a link among it is refused.</summary>
    public static FileSystemInfo[] Entries(string folder)
    {
        FileSystemInfo[] entries;
        try
        {
            entries = new DirectoryInfo(folder).GetFileSystemInfos();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DatasetFile.Unreadable(folder, e);
        }

        Array.Sort(entries, (a, b) => string.CompareOrdinal(a.Name, b.Name));
        FileSystemInfo? link = Array.Find(entries, e => e.LinkTarget is not null);
        return link is null
            ? entries
            : throw new DatasetException(
                DatasetFault.WrongFormat, link.FullName, "this is a link, and links are not followed",
                fix: "Copy what it points to into its place, or take it out.");
    }

    private static void RequireUsable(string name, string folder)
    {
        if (name.Contains('|', StringComparison.Ordinal) || name.Any(char.IsControl))
        {
            string shown = string.Concat(name.Select(c => char.IsControl(c) ? '?' : c));
            throw new DatasetException(
                DatasetFault.WrongFormat, folder, $"the class name \"{shown}\" holds a | or a control character",
                fix: "Rename the folder: class names are stored as one line of text.");
        }
    }
}
