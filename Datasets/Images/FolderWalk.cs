namespace InfMatch.Datasets;

/// <summary>Looks into folders of images. Order is ordinal, links are refused, a file is an image by its content or its
/// name, and what is left out is counted.</summary>
internal sealed class FolderWalk(string root, DecodeLimits limits)
{
    /// <summary>The most classes: labels are bytes.</summary>
    public const int MaxClasses = 256;

    // What is called so is an image that must be readable; all else is one where its first bytes say so.
    private static readonly string[] s_read =
        [".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".pjpeg", ".pjp"];

    private static readonly string[] s_otherImages = [".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".heic",
        ".heif", ".avif", ".jp2", ".jxl", ".svg"];

    private static readonly string[] s_filesOfSystems =
        ["Thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "Icon\r"];

    // macOS, Windows, the storage boxes of Synology and QNAP, file systems of Linux, Python.
    private static readonly string[] s_foldersOfSystems =
    [
        "__MACOSX", "$RECYCLE.BIN", "System Volume Information", "@eaDir", "#recycle", "#snapshot", "@Recycle",
        "@Recently-Snapshot", "lost+found", "__pycache__",
    ];

    private int _listed;

    /// <summary>Files that are no images and were left out.</summary>
    public int LeftOut { get; private set; }

    /// <summary>One of them.</summary>
    public string? LeftOutExample { get; private set; }

    /// <summary>Images that lie beside class folders, where they belong to no class.</summary>
    public int BesideClasses { get; private set; }

    /// <summary>Folders that systems and programs keep for themselves and that were left out.</summary>
    public List<string> OfSystems { get; } = [];

    /// <summary>The folders in a folder that may be classes, in ordinal order.</summary>
    public string[] ClassFolders(string folder)
    {
        var names = new List<string>();
        foreach (FileSystemInfo entry in Entries(folder))
        {
            if (IsOfSystem(entry))
                continue;
            if (entry is DirectoryInfo)
                names.Add(entry.Name);
            else if (KindOf((FileInfo)entry, mustBeReadable: false) is ImageKind.Png or ImageKind.Jpeg)
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

        RequireDistinct(names, folder);
        return [.. names];
    }

    /// <summary>The images in a folder, in ordinal order.</summary>
    public List<ListedImage> Images(string folder, byte label)
    {
        var images = new List<ListedImage>();
        foreach (FileSystemInfo entry in Entries(folder))
        {
            if (IsOfSystem(entry))
                continue;
            if (entry is not FileInfo file)
            {
                throw new DatasetException(
                    DatasetFault.WrongFormat, entry.FullName, "this is a folder among images",
                    fix: "The images of a class lie directly in its folder: move them up.");
            }

            string? kind = KindOf(file, mustBeReadable: true);
            if (kind is null)
            {
                LeftOut++;
                LeftOutExample ??= file.FullName;
            }
            else if (kind is ImageKind.Png or ImageKind.Jpeg)
                images.Add(List(file, label));
            else
            {
                throw new DatasetException(
                    DatasetFault.WrongFormat, file.FullName, $"images of the kind {kind} are not read",
                    expected: "PNG or JPEG", fix: "Convert it to PNG, or take it out of the folder.");
            }
        }

        return images;
    }

    /// <summary>Whether a folder holds folders that may be classes.</summary>
    public static bool HasClassFolders(string folder) => Array.Exists(
        Entries(folder), e => e is DirectoryInfo && !e.Name.StartsWith('.') && !IsFolderOfSystem(e.Name));

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

    /// <summary>What is in a folder, in ordinal order of names; a link among it and a name that is no UTF-8 are refused.
    /// </summary>
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
        foreach (FileSystemInfo entry in entries)
        {
            // Bytes that are no UTF-8 became this sign, and by that name there is nothing.
            if (entry.Name.Contains('\uFFFD', StringComparison.Ordinal) && !Path.Exists(entry.FullName))
            {
                throw new DatasetException(
                    DatasetFault.WrongFormat, entry.FullName, "the name of this file or folder is not UTF-8 (Latin-1?)",
                    fix: "Rename it, for example with convmv -f latin1 -t utf8.");
            }

            if (entry.LinkTarget is not null)
            {
                throw new DatasetException(
                    DatasetFault.WrongFormat, entry.FullName, "this is a link, and links are not followed",
                    fix: "Copy what it points to into its place, or take it out.");
            }
        }

        return entries;
    }

    /// <summary>Whether two names are the same where a system tells neither upper from lower case nor the Unicode forms
    /// apart.</summary>
    public static bool AreOneName(string a, string b) =>
        string.Equals(UnicodeForm.Decomposed(a), UnicodeForm.Decomposed(b), StringComparison.OrdinalIgnoreCase);

    private bool IsOfSystem(FileSystemInfo entry)
    {
        if (entry.Name.StartsWith('.'))
            return true;
        if (entry is FileInfo)
            return s_filesOfSystems.Contains(entry.Name, StringComparer.OrdinalIgnoreCase);
        if (!IsFolderOfSystem(entry.Name))
            return false;
        OfSystems.Add(entry.FullName);
        return true;
    }

    private static bool IsFolderOfSystem(string name) =>
        s_foldersOfSystems.Contains(name, StringComparer.OrdinalIgnoreCase);

    // PNG or JPEG where it is one or is called so, another format where it is of that, null where it is no image.
    private static string? KindOf(FileInfo file, bool mustBeReadable)
    {
        if (s_read.Contains(file.Extension, StringComparer.OrdinalIgnoreCase))
            return ImageKind.Jpeg;
        string? kind = null;
        try
        {
            // Without opening: a pipe has the length zero, too, and opening one would wait for ever.
            kind = file.Length == 0 ? null : ImageKind.Of(DatasetFile.ReadHead(file.FullName, ImageKind.HeadBytes));
        }
        catch (Exception e) when (e is DatasetException or IOException or UnauthorizedAccessException)
        {
            if (mustBeReadable)
                throw e as DatasetException ?? DatasetFile.Unreadable(file.FullName, e);
        }

        return kind ?? (s_otherImages.Contains(file.Extension, StringComparer.OrdinalIgnoreCase) ? file.Extension : null);
    }

    private static void RequireDistinct(List<string> names, string folder)
    {
        var seen = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (string name in names)
        {
            string form = UnicodeForm.Decomposed(name);
            if (seen.TryAdd(form, name))
                continue;
            bool byCase = string.Equals(name, seen[form], StringComparison.OrdinalIgnoreCase);
            throw new DatasetException(
                DatasetFault.Duplicate, folder,
                byCase
                    ? $"two class folders differ in upper and lower case only (\"{name}\")"
                    : $"two class folders have one name in two Unicode forms (\"{name}\", with {Numbers(seen[form])} and with " +
                        $"{Numbers(name)})",
                fix: "Rename one: on other systems they are the same folder.");
        }
    }

    // The letters beyond ASCII, which look alike, by their numbers.
    private static string Numbers(string name) =>
        string.Join(' ', name.EnumerateRunes().Where(r => !r.IsAscii).Select(r => $"U+{r.Value:X4}"));

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
