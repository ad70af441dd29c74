using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;

namespace InfMatch.Datasets;

/// <summary>Reads a published set of image-text pairs from its folder: captions, splits and, where they are there or asked for, feature
/// vectors and images. Images are in ordinal order of their names, or in that of the list of the features.</summary>
internal sealed class PairFolder
{
    private readonly PairLayout _layout;
    private readonly LoadOptions _options;
    private readonly string _root;
    private readonly string _captionPlace;
    private readonly List<NamedCaption> _captions;
    private readonly SplitLists _split;
    private readonly List<string> _names;

    private PairFolder(string folder, PairLayout layout, LoadOptions options)
    {
        DatasetFile.RequireFolder(folder);
        (_layout, _options, _root) = (layout, options, Path.GetFullPath(folder));
        string? captions = layout.CaptionFiles.Select(At).FirstOrDefault(File.Exists);
        bool hasLists = layout.Lists.Any(l => File.Exists(At(l)));
        (List<NamedCaption> Captions, SplitLists Split)? karpathy =
            (captions is null || !hasLists) && File.Exists(At(layout.Karpathy)) ? KarpathyFile.Read(At(layout.Karpathy), options.Limits) : null;
        _captionPlace = captions ?? At(layout.Karpathy);
        _captions = captions is not null ? CaptionFile.Read(captions, options.Limits) : karpathy?.Captions ?? throw Missing("captions");
        _split = hasLists ? SplitLists.Read(_root, layout.Lists, options.Limits) : karpathy?.Split ?? throw Missing("lists of the splits");
        _names = Names();
    }

    /// <summary>Reads a set.</summary>
    /// <exception cref="DatasetException">Files are missing or at fault, do not fit together, or a part has no image.</exception>
    public static PairSplits Load(string folder, PairLayout layout, LoadOptions options) => new PairFolder(folder, layout, options).Load();

    private PairSplits Load()
    {
        bool hasFeatures = File.Exists(At(_layout.Features));
        (FeatureTable Images, FeatureTable Captions)? features = !hasFeatures ? null
            : File.Exists(At(PairLayout.ImageList)) ? PairFeatureFile.Read(At(_layout.Features), _names, _captions)
            : throw new DatasetException(
                DatasetFault.NotFound, At(PairLayout.ImageList), "the list of the images to which the rows of the features belong is missing",
                fix: $"Copy it there, or take {_layout.Features} away.");
        string? images = ImageFolder();
        ILookup<string, int> captionsOf = Enumerable.Range(0, _captions.Count).ToLookup(c => _captions[c].Image, StringComparer.Ordinal);
        // Those that a list names, with captions, and with a file where files are read.
        int[] kept =
        [
            .. Enumerable.Range(0, _names.Count).Where(i => _split.PartOf.ContainsKey(_names[i]) && captionsOf.Contains(_names[i])
                && (images is null || File.Exists(Path.Combine(images, _names[i])))),
        ];
        var captions = new List<Caption>();
        var rows = new List<int>();
        for (int i = 0; i < kept.Length; i++)
        {
            foreach (int c in captionsOf[_names[kept[i]]])
            {
                captions.Add(new Caption(i, _captions[c].Text));
                rows.Add(c);
            }
        }
        int[][] parts = Parts(kept);
        var whole = new PairDataset(
            _layout.Set, [.. kept.Select(i => _names[i])], [.. captions], features?.Images.Subset(kept),
            features?.Captions.Subset(CollectionsMarshal.AsSpan(rows)), images is null ? null : Decode(images, kept, parts[0]));
        PairDataset Part(PairSplit part) => whole.Subset($"{_layout.Set} {part.ToString().ToLowerInvariant()}", parts[(int)part]);
        (int missing, int unlisted) = Tell(kept, captionsOf);
        return new PairSplits(_layout.Set, Part(PairSplit.Train), Part(PairSplit.Dev), Part(PairSplit.Test))
        {
            Missing = missing, Unlisted = unlisted, ImageFolder = _layout.ImageFolders.Select(At).FirstOrDefault(Directory.Exists),
        };
    }

    // The images that the features, the folder or else the captions have.
    private List<string> Names()
    {
        string list = At(PairLayout.ImageList);
        if (!File.Exists(list))
            return [.. _captions.Select(c => c.Image).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var names = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach ((int number, string line) in PairTextFile.Read(list, _options.Limits))
        {
            string name = PairTextFile.RequireName(line.Trim(), list, number);
            if (!seen.Add(name))
                throw PairTextFile.At(list, number).Is(DatasetFault.Duplicate, $"the image {name} is listed twice", null, "each once");
            names.Add(name);
        }
        return names;
    }

    // Indices into the kept images of each part.
    private int[][] Parts(int[] kept)
    {
        int[][] parts =
        [
            .. Enum.GetValues<PairSplit>().Select(part =>
                (int[])[.. Enumerable.Range(0, kept.Length).Where(i => _split.PartOf[_names[kept[i]]] == part)]),
        ];
        foreach (PairSplit part in Enum.GetValues<PairSplit>())
        {
            if (parts[(int)part].Length == 0)
            {
                int listed = _split.PartOf.Values.Count(p => p == part);
                throw new DatasetException(
                    DatasetFault.NotEnoughImages, _root, $"no image of the part {part} is there", $"0 of {listed} listed in {_split.Place}",
                    "at least 1", $"Are lists and captions ({_captionPlace}) those of {_layout.Set}?");
            }
        }
        return parts;
    }

    private (int Missing, int Unlisted) Tell(int[] kept, ILookup<string, int> captionsOf)
    {
        HashSet<string> there = [.. kept.Select(i => _names[i])];
        string[] missing = [.. _split.PartOf.Keys.Where(n => !there.Contains(n))];
        int unlisted = _names.Count(n => !_split.PartOf.ContainsKey(n));
        HashSet<string> known = [.. _names];
        int left = captionsOf.Where(g => !known.Contains(g.Key)).Sum(g => g.Count());
        var parts = new List<string>();
        if (missing.Length > 0)
        {
            string each = string.Join(", ", Enum.GetValues<PairSplit>().Select(p =>
                $"{missing.Count(n => _split.PartOf[n] == p)} of {p.ToString().ToLowerInvariant()}"));
            parts.Add($"{missing.Length} of the {_split.PartOf.Count} images that the splits list are not there or have no caption ({each}; the first is {missing[0]})");
        }
        if (unlisted > 0)
            parts.Add($"{unlisted} images are in no split");
        if (left > 0)
            parts.Add($"{left} captions belong to images that are not there");
        if (parts.Count > 0)
            _options.Note?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{_layout.Set}: {string.Join("; ", parts)}. They are left out."));
        return (missing.Length, unlisted);
    }

    // Null where no images are asked for.
    private string? ImageFolder()
    {
        if (_options.ImageSize is null)
            return null;
        return _layout.ImageFolders.Select(At).FirstOrDefault(Directory.Exists) ?? throw new DatasetException(
            DatasetFault.NotFound, _root, "images were asked for, and there is no folder of images",
            expected: string.Join(" or ", _layout.ImageFolders), fix: "Put the images there, or leave --image-size out.");
    }

    private ImageDataset Decode(string folder, int[] kept, int[] train)
    {
        var files = new ListedImage[kept.Length];
        for (int i = 0; i < kept.Length; i++)
        {
            var file = new FileInfo(Path.Combine(folder, _names[kept[i]]));
            files[i] = new ListedImage(file.FullName, _names[kept[i]], file.Length, file.LastWriteTimeUtc.Ticks, 0);
        }
        ImmutableArray<string> classes = ["image"];
        DecodedImages images = ImageDecoding.Images(new ImageListing(_layout.Set, folder, classes, files, []), _options);
        int size = 3 * images.Height * images.Width;
        var pixels = new byte[train.Length * size];
        for (int i = 0; i < train.Length; i++)
            images.Train.AsSpan(train[i] * size, size).CopyTo(pixels.AsSpan(i * size));
        var measured = Standardisation.Measure(pixels, 3, images.Height * images.Width);
        return new ImageDataset(
            new DatasetTraits(_layout.Set, classes, measured), new Tensors.Shape(3, images.Height, images.Width),
            ImmutableCollectionsMarshal.AsImmutableArray(images.Train), [.. files.Select(f => f.Label)]);
    }

    private string At(string name) => Path.Combine(_root, name);

    private DatasetException Missing(string what) => new(
        DatasetFault.NotFound, _root, $"the {what} are missing", fix: $"Put {_layout.Files} there.");
}
