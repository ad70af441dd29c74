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
        new(FashionMnist, ["fashion-mnist", "FashionMNIST/raw"], ["/usr/share/datasets/fashion-mnist"],
            "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and " +
            "t10k-labels-idx1-ubyte.gz from https://github.com/zalandoresearch/fashion-mnist " +
            "(on Debian: apt install dataset-fashion-mnist)",
            IdxReader.IsIn,
            (folder, limits) => LoadIdx(
                folder, FashionMnist, FashionMnistClasses, Standardisation.FashionMnist, MnistLabels, Mnist, limits)),
        new(Mnist, ["mnist", "MNIST/raw"], [],
            "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and " +
            "t10k-labels-idx1-ubyte.gz from http://yann.lecun.com/exdb/mnist",
            IdxReader.IsIn,
            (folder, limits) => LoadIdx(
                folder, Mnist, MnistClasses, Standardisation.Mnist, FashionMnistLabels, FashionMnist, limits)),
        new(Cifar10, [CifarReader.FolderName, "cifar-10"], [],
            "data_batch_1.bin to data_batch_5.bin and test_batch.bin from cifar-10-binary.tar.gz of " +
            "https://www.cs.toronto.edu/~kriz/cifar.html",
            CifarReader.IsIn,
            (folder, limits) => CifarReader.LoadFolder(folder, limits: limits)),
    ];

    /// <summary>All names, the default first.</summary>
    public static ImmutableArray<string> Names { get; } = [DefaultName, .. s_onDisk.Select(e => e.Name)];

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
    public static DatasetPair Load(string name, string? folder = null, DecodeLimits? limits = null)
    {
        string? variable = Environment.GetEnvironmentVariable(FolderVariable);
        return Load(name, folder, string.IsNullOrEmpty(variable) ? null : variable, null, limits);
    }

    /// <summary>As <see cref="Load(string, string?, DecodeLimits?)"/>, surroundings given, for tests.</summary>
    internal static DatasetPair Load(
        string name, string? folder, string? variable, ImmutableArray<string>? systemFolders, DecodeLimits? limits)
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
        var looked = new List<string>();
        string? found = null;
        if (folder is not null)
        {
            DatasetFile.RequireFolder(folder);
            found = FindBelow(folder, entry, looked);
        }
        else
        {
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
        }

        return found is not null
            ? entry.Load(found, limits)
            : throw NotFound(entry, looked);
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
        string Name,
        ImmutableArray<string> SubFolders,
        ImmutableArray<string> SystemFolders,
        string Files,
        Func<string, bool> IsIn,
        Func<string, DecodeLimits?, DatasetPair> Load);
}
