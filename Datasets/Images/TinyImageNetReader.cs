using System.Collections.Immutable;
using System.Text;

namespace InfMatch.Datasets;

/// <summary>
/// Reads Tiny-ImageNet-200 as published, or any subset of its classes in the same layout: train/ID/images/*.JPEG, and
/// as test set val/images with val_annotations.txt, or val/ID as many scripts arrange it. Classes are the folders below train in ordinal order; words.txt
/// names them. Source: http://cs231n.stanford.edu/tiny-imagenet-200.zip.
/// </summary>
public static class TinyImageNetReader
{
    /// <summary>Name in the catalogue.</summary>
    public const string Name = "tiny-imagenet";

    /// <summary>Name of the folder inside the published archive.</summary>
    public const string FolderName = "tiny-imagenet-200";

    private const string Annotations = "val_annotations.txt";
    private const long MaxTextBytes = 16 << 20;

    /// <summary>Reads all images of a folder that holds train and val.</summary>
    /// <exception cref="DatasetException">A file is missing or damaged, or the parts do not belong
    /// together.</exception>
    public static DatasetPair LoadFolder(string folder, Standardisation standardisation, LoadOptions? options = null)
    {
        options ??= new LoadOptions();
        return ImageDecoding.Load(List(folder, options), standardisation, options);
    }

    /// <summary>True when a folder looks like the set, also where parts are missing.</summary>
    internal static bool IsIn(string folder) =>
        Directory.Exists(Part(folder, "train"))
        && (File.Exists(Path.Combine(folder, "wnids.txt")) || File.Exists(Path.Combine(Part(folder, "val"), Annotations)));

    // In any capitals, where it does not stand there as published.
    private static string Part(string root, string name)
    {
        string published = Path.Combine(root, name);
        return Directory.Exists(published) || !Directory.Exists(root)
            ? published
            : Directory.EnumerateDirectories(root).Order(StringComparer.Ordinal)
                .FirstOrDefault(d => Path.GetFileName(d).Equals(name, StringComparison.OrdinalIgnoreCase)) ?? published;
    }

    internal static ImageListing List(string folder, LoadOptions options)
    {
        DatasetFile.RequireFolder(folder);
        string root = Path.GetFullPath(folder), train = Part(root, "train");
        DatasetFile.RequireFolder(train);
        var walk = new FolderWalk(root, options.Limits);
        string[] ids = walk.ClassFolders(train);
        CheckIds(root, ids, options);
        var trained = new List<ListedImage>();
        for (int c = 0; c < ids.Length; c++)
        {
            string of = ImagesOf(train, ids[c]);
            List<ListedImage> found = walk.Images(of, (byte)c);
            RequireSome(of, ids[c], found.Count);
            trained.AddRange(found);
        }

        return new ImageListing(Name, root, ClassNames(root, ids, options), [.. trained],
            Validation(root, ids, walk, options));
    }

    private static void CheckIds(string root, string[] ids, LoadOptions options)
    {
        string path = Path.Combine(root, "wnids.txt");
        if (!File.Exists(path))
            return;
        string[] published = [.. Lines(Bytes(path, options.Limits)).Select(l => l.Trim())];
        string? foreign = ids.Except(published, StringComparer.Ordinal).FirstOrDefault();
        if (foreign is not null)
        {
            throw new DatasetException(
                DatasetFault.Mismatch, path, $"the folder train/{foreign} is not listed there",
                fix: "Is this folder mixed from two data sets?");
        }

        if (published.Length > ids.Length)
            options.Note?.Invoke($"{root}: {ids.Length} of the {published.Length} classes in wnids.txt have a folder.");
    }

    // The first of several synonyms; names that two classes share are told apart by the id.
    private static ImmutableArray<string> ClassNames(string root, string[] ids, LoadOptions options)
    {
        string path = Path.Combine(root, "words.txt");
        var words = new Dictionary<string, string>(StringComparer.Ordinal);
        if (File.Exists(path))
        {
            foreach (string line in Lines(Bytes(path, options.Limits)))
            {
                if (line.Split('\t', 2) is [var id, var names])
                    words.TryAdd(id.Trim(), Plain(names.Split(',')[0]));
            }
        }

        string[] chosen = [.. ids.Select(id => words.GetValueOrDefault(id, "") is { Length: > 0 } word ? word : id)];
        var shared = chosen.GroupBy(n => n, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key)
            .ToHashSet(StringComparer.Ordinal);
        return [.. chosen.Select((n, c) => shared.Contains(n) ? $"{n} ({ids[c]})" : n)];
    }

    private static string Plain(string name) =>
        string.Concat(name.Select(c => c == '|' || char.IsControl(c) ? ' ' : c)).Trim();

    // As published in a folder images, or directly in that of the class.
    private static string ImagesOf(string part, string id)
    {
        string of = Path.Combine(part, id);
        return Directory.Exists(Path.Combine(of, "images")) ? Path.Combine(of, "images") : of;
    }

    private static ListedImage[] Validation(string root, string[] ids, FolderWalk walk, LoadOptions options)
    {
        string val = Part(root, "val"), path = Path.Combine(val, Annotations), images = Path.Combine(val, "images");
        if (!Directory.Exists(images) && ids.Any(id => Directory.Exists(Path.Combine(val, id))))
            return ValidationByClass(val, ids, walk);
        DatasetFile.RequireFolder(images);
        var labels = ids.Select((id, c) => (id, c)).ToDictionary(p => p.id, p => (byte)p.c, StringComparer.Ordinal);
        var files = FolderWalk.Entries(images).OfType<FileInfo>().ToDictionary(f => f.Name, StringComparer.Ordinal);
        var chosen = new SortedDictionary<string, ListedImage>(StringComparer.Ordinal);
        int[] counts = new int[ids.Length];
        int number = 0;
        foreach ((string name, string id) in Annotated(Bytes(path, options.Limits), path))
        {
            number++;
            if (!labels.TryGetValue(id, out byte label))
                continue;
            if (!files.TryGetValue(name, out FileInfo? file))
            {
                throw new DatasetException(
                    DatasetFault.NotFound, Path.Combine(images, Path.GetFileName(name)), "the image is missing",
                    expected: $"the image of line {number} of {Annotations}", fix: "Unpack the archive again.");
            }

            if (!chosen.TryAdd(name, walk.List(file, label)))
            {
                throw new DatasetException(
                    DatasetFault.Duplicate, path, $"line {number} names {name} a second time",
                    fix: "Unpack the archive again.");
            }

            counts[label]++;
        }

        for (int c = 0; c < ids.Length; c++)
            RequireSome(images, ids[c], counts[c]);
        return [.. chosen.Values];
    }

    // In the order of the names of images, in which the published layout has them, too.
    private static ListedImage[] ValidationByClass(string val, string[] ids, FolderWalk walk)
    {
        var chosen = new List<ListedImage>();
        for (int c = 0; c < ids.Length; c++)
        {
            string of = ImagesOf(val, ids[c]);
            DatasetFile.RequireFolder(of);
            List<ListedImage> found = walk.Images(of, (byte)c);
            RequireSome(of, ids[c], found.Count);
            chosen.AddRange(found);
        }

        return
        [
            .. chosen.OrderBy(i => Path.GetFileName(i.Path), StringComparer.Ordinal)
                .ThenBy(i => i.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>The name of an image and the id of its class in each line.</summary>
    internal static IEnumerable<(string Name, string Id)> Annotated(byte[] text, string place)
    {
        int number = 0;
        foreach (string line in Lines(text))
        {
            number++;
            yield return line.Split('\t') is [{ Length: > 0 } name, { Length: > 0 } id, ..]
                ? (name, id)
                : throw new DatasetException(
                    DatasetFault.Damaged, place, $"line {number} is no annotation",
                    expected: "a file name, a tab and a class id",
                    fix: "Unpack the archive again.");
        }
    }

    private static void RequireSome(string folder, string id, int count)
    {
        if (count == 0)
        {
            throw new DatasetException(
                DatasetFault.NotEnoughImages, folder, $"the class {id} has no images", "0", "at least 1",
                "Unpack the archive again, or remove the class.");
        }
    }

    private static byte[] Bytes(string path, DecodeLimits limits) =>
        DatasetFile.ReadAll(path, limits with { MaxFileBytes = Math.Min(limits.MaxFileBytes, MaxTextBytes) });

    private static IEnumerable<string> Lines(byte[] bytes)
    {
        ReadOnlySpan<byte> text = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes.AsSpan(3) : bytes;
        return Encoding.UTF8.GetString(text).Split('\n').Select(l => l.TrimEnd('\r')).Where(l => l.Length > 0);
    }
}
