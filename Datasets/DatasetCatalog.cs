using System.Collections.Immutable;
using System.Security.Cryptography;

namespace InfMatch.Datasets;

/// <summary>The data sets known by name, and where they are looked for.</summary>
public static class DatasetCatalog
{
    /// <summary>The set used when none is named: built in, no download.</summary>
    public const string DefaultName = EmbeddedFashionMnist.Name;

    /// <summary>Environment variable that names a data set's folder or a parent of several.</summary>
    public const string FolderVariable = "INFMATCH_DATA";

    private const string Mnist = "mnist", FashionMnist = "fashion-mnist", Cifar10 = "cifar-10";

    // MNIST and Fashion-MNIST have the same file names and sizes: only the contents tell them apart.
    private const string MnistLabels = "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13";
    private const string FashionMnistLabels = "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7";

    private static readonly Entry[] s_onDisk =
    [
        new(new(FashionMnist, "articles of clothing, grey", 60_000, 10_000, 10, "28×28"),
            ["fashion-mnist", "FashionMNIST/raw"], ["/usr/share/datasets/fashion-mnist"],
            "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and " +
            "t10k-labels-idx1-ubyte.gz from https://github.com/zalandoresearch/fashion-mnist " +
            "(on Debian: apt install dataset-fashion-mnist)",
            IdxReader.IsIn,
            (folder, o) => LoadIdx(
                folder, FashionMnist, FashionMnistClasses, Standardisation.FashionMnist, MnistLabels, Mnist, o.Limits)),
        new(new(Mnist, "handwritten digits, grey", 60_000, 10_000, 10, "28×28"), ["mnist", "MNIST/raw"], [],
            "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and " +
            "t10k-labels-idx1-ubyte.gz from http://yann.lecun.com/exdb/mnist",
            IdxReader.IsIn,
            (folder, o) => LoadIdx(
                folder, Mnist, MnistClasses, Standardisation.Mnist, FashionMnistLabels, FashionMnist, o.Limits)),
        new(new(Cifar10, "photographs, colour", 50_000, 10_000, 10, "32×32"), [CifarReader.FolderName, "cifar-10"], [],
            "data_batch_1.bin to data_batch_5.bin and test_batch.bin from cifar-10-binary.tar.gz of " +
            "https://www.cs.toronto.edu/~kriz/cifar.html",
            CifarReader.IsIn,
            (folder, o) => CifarReader.LoadFolder(folder, limits: o.Limits)),
        new(new(Cifar100Reader.Name, "photographs, colour, fine labels", 50_000, 10_000, 100, "32×32"),
            [Cifar100Reader.FolderName, "cifar-100"], [],
            "train.bin and test.bin from cifar-100-binary.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html",
            Cifar100Reader.IsIn,
            (folder, o) => Cifar100Reader.LoadFolder(folder, limits: o.Limits)),
        new(new(SvhnReader.Name, "house numbers, colour", 73_257, 26_032, 10, "32×32"), ["svhn", "SVHN"], [],
            $"{SvhnReader.TrainFile} and {SvhnReader.TestFile} from http://ufldl.stanford.edu/housenumbers",
            SvhnReader.IsIn,
            (folder, o) => SvhnReader.LoadFolder(folder, o.Limits)),
        new(new(TinyImageNetReader.Name, "photographs, colour; a folder with some of the classes will do", 100_000, 10_000, 200,
                "64×64", IsDecoded: true),
            [TinyImageNetReader.FolderName, "tiny-imagenet"], [],
            "the folder of http://cs231n.stanford.edu/tiny-imagenet-200.zip, with train, val, wnids.txt and words.txt",
            TinyImageNetReader.IsIn,
            TinyImageNetReader.LoadFolder),
        new(new(ImageFolderReader.Name, "any folder of PNG or JPEG images with one folder a class", null, null, null, null,
                IsDecoded: true),
            [], [], "one folder of PNG or JPEG images for each class",
            Directory.Exists,
            ImageFolderReader.LoadFolder),
    ];

    /// <summary>All names, the default first.</summary>
    public static ImmutableArray<string> Names { get; } = [DefaultName, .. s_onDisk.Select(e => e.Name)];

    /// <summary>What is known of each set without reading it, in the order of the names.</summary>
    public static ImmutableArray<DatasetInfo> Infos { get; } =
        [new(DefaultName, "a part of Fashion-MNIST, built in", 10_000, 2_000, 10, "28×28"), .. s_onDisk.Select(e => e.Info)];

    /// <summary>What is known of a set without reading it.</summary>
    /// <exception cref="DatasetException">No set has this name.</exception>
    public static DatasetInfo InfoOf(string name) => Infos.FirstOrDefault(i => i.Name == name) ?? throw Unknown(name);

    /// <summary>The ten class names of Fashion-MNIST, in the order of the labels.</summary>
    public static ImmutableArray<string> FashionMnistClasses { get; } =
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    /// <summary>The ten class names of MNIST, in the order of the labels.</summary>
    public static ImmutableArray<string> MnistClasses { get; } = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

    /// <summary>
    /// Loads a set by name. A given folder (the set's own, or a parent of it) is the only place looked at; without one
    /// it is the folder in INFMATCH_DATA and then, for fashion-mnist, where Debian's package puts the files.
    /// </summary>
    /// <exception cref="DatasetException">The name is unknown, or the set is missing or at fault.</exception>
    public static DatasetPair Load(string name, string? folder = null, LoadOptions? options = null) =>
        Load(name, folder, Variable, null, options);

    /// <summary>As <see cref="Load(string, string?, LoadOptions?)"/>, surroundings given, for tests.</summary>
    internal static DatasetPair Load(
        string name, string? folder, string? variable, ImmutableArray<string>? systemFolders, LoadOptions? options)
    {
        if (name == DefaultName)
        {
            return folder is null
                ? EmbeddedFashionMnist.Load()
                : throw new DatasetException(
                    DatasetFault.WrongFormat, folder, $"{DefaultName} is built in and is not read from a folder",
                    fix: $"Leave the folder out, or ask for {FashionMnist}.");
        }

        var entry = Array.Find(s_onDisk, e => e.Name == name) ?? throw Unknown(name);
        (string? found, List<string> looked) = Find(entry, folder, variable, systemFolders);
        return found is not null
            ? entry.Load(found, options ?? new LoadOptions())
            : throw NotFound(entry, looked);
    }

    /// <summary>Where a set is found by the rules of <see cref="Load(string, string?, LoadOptions?)"/>, unread; null where it
    /// is not, or where it is built in. A folder of images can be anywhere, so it is found in a given folder only.</summary>
    /// <exception cref="DatasetException">The name is unknown, or a folder that is named does not exist.</exception>
    public static string? Find(string name, string? folder = null)
    {
        var info = InfoOf(name);
        return name == DefaultName || (name == ImageFolderReader.Name && folder is null)
            ? null
            : Find(Array.Find(s_onDisk, e => e.Name == info.Name)!, folder, Variable, null).Found;
    }

    /// <summary>How many classes a folder holds of a set of which some classes are a set, too; null for the others, which are
    /// there as a whole or not at all. Nothing is read.</summary>
    public static int? ClassesIn(string name, string folder) => name == TinyImageNetReader.Name
        ? Directory.GetDirectories(Path.Combine(folder, "train")).Length
        : null;

    private static string? Variable =>
        Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder ? folder : null;

    private static (string? Found, List<string> Looked) Find(
        Entry entry, string? folder, string? variable, ImmutableArray<string>? systemFolders)
    {
        var looked = new List<string>();
        string? found = null;
        if (folder is not null)
        {
            DatasetFile.RequireFolder(folder);
            return (FindBelow(folder, entry, looked), looked);
        }

        if (variable is not null)
        {
            // A variable that points nowhere is a slip to be told, not a reason to take other data.
            DatasetFile.RequireFolder(variable);
            found = FindBelow(variable, entry, looked);
        }

        foreach (string system in systemFolders ?? entry.SystemFolders)
        {
            if (found is null)
                looked.Add(system);
            if (found is null && entry.IsIn(system))
                found = system;
        }

        return (found, looked);
    }

    private static string? FindBelow(string folder, Entry entry, List<string> looked)
    {
        string[] places = [folder, .. entry.SubFolders.Select(s => Path.Combine(folder, s))];
        foreach (string place in places)
        {
            looked.Add(place);
            if (entry.IsIn(place))
                return place;
        }

        return null;
    }

    private static DatasetPair LoadIdx(
        string folder,
        string name,
        ImmutableArray<string> classes,
        Standardisation standardisation,
        string otherLabels,
        string other,
        DecodeLimits? limits)
    {
        var pair = IdxReader.LoadFolder(folder, name, classes, standardisation, limits);
        if (pair.Train.Height != 28 || pair.Train.Width != 28)
        {
            throw new DatasetException(
                DatasetFault.Mismatch, folder, $"the images are not of the size of {name}",
                $"{pair.Train.Height}×{pair.Train.Width}", "28×28", "Is this the folder of another data set?");
        }

        return Convert.ToHexStringLower(SHA256.HashData(pair.Train.Labels)) == otherLabels
            ? throw new DatasetException(
                DatasetFault.WrongFormat, folder, $"this folder holds {other}", other, name,
                $"Give the folder of {name}, or ask for {other}.")
            : pair;
    }

    private static DatasetException NotFound(Entry entry, List<string> looked) => new(
        DatasetFault.NotFound, entry.Name,
        "the data set was not found; looked in " + (looked.Count == 0 ? "no folder" : string.Join(", ", looked)),
        fix: $"Put {entry.Files} into a folder and name that folder with --data or {FolderVariable}; " +
            $"{DefaultName} needs no files.");

    private static DatasetException Unknown(string name)
    {
        string wanted = Plain(name);
        string nearest = Names.MinBy(n => EditDistance.Between(wanted, Plain(n)))!;
        string list = string.Join(", ", Names);

        // Beyond a third of the letters (a swap of two counts 2) a suggestion is a guess that misleads.
        bool near = EditDistance.Between(wanted, Plain(nearest)) <= Math.Max(2, nearest.Length / 3);
        return new DatasetException(
            DatasetFault.UnknownName, $"\"{name}\"", "no data set has this name",
            fix: (near ? $"Did you mean \"{nearest}\"? " : string.Empty) + $"Known: {list}.");
    }

    private static string Plain(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();

    private sealed record Entry(
        DatasetInfo Info,
        ImmutableArray<string> SubFolders,
        ImmutableArray<string> SystemFolders,
        string Files,
        Func<string, bool> IsIn,
        Func<string, LoadOptions, DatasetPair> Load)
    {
        public string Name => Info.Name;
    }
}

/// <summary>What is known of a set without reading it; null where that depends on the files.</summary>
/// <param name="Name">Name in the catalogue.</param>
/// <param name="Description">A few words on what it shows.</param>
/// <param name="Train">Training images as published.</param>
/// <param name="Test">Test images as published.</param>
/// <param name="Classes">Classes as published.</param>
/// <param name="Size">Height × width as published.</param>
/// <param name="IsDecoded">Whether its images are decoded from files, and can then be brought to another size.</param>
public sealed record DatasetInfo(
    string Name, string Description, int? Train, int? Test, int? Classes, string? Size, bool IsDecoded = false);
