using System.Runtime.InteropServices;
using System.Security.Cryptography;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>
/// Reads the binary version of CIFAR-10: records of one label byte and 3·32·32 pixel bytes.
/// Source: https://www.cs.toronto.edu/~kriz/cifar.html, "binary version".
/// </summary>
public static class CifarReader
{
    /// <summary>Images in each of the six published files.</summary>
    public const int PublishedImagesPerFile = 10_000;

    /// <summary>Name of the folder inside the published archive.</summary>
    public const string FolderName = "cifar-10-batches-bin";

    private const int PixelBytes = 3 * 32 * 32;
    private const int RecordBytes = 1 + PixelBytes;
    private const string Archive = "cifar-10-binary.tar.gz";

    private static readonly string[] s_trainFiles =
        ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"];

    private const string TestFile = "test_batch.bin";

    /// <summary>
    /// Reads training (five batches) and test set from a folder, or from the cifar-10-batches-bin below it; every file
    /// must hold exactly the given number of images, so that a file cut between two records is noticed.
    /// </summary>
    /// <exception cref="DatasetException">A file is missing, damaged, doubled or of another data set.</exception>
    public static DatasetPair LoadFolder(
        string folder, DatasetTraits set, int imagesPerFile = PublishedImagesPerFile, DecodeLimits? limits = null)
    {
        limits ??= DecodeLimits.Default;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(imagesPerFile);
        DatasetFile.RequireFolder(folder);
        string below = Path.Combine(folder, FolderName);
        if (!IsIn(folder) && Directory.Exists(below))
            folder = below;

        string[] paths = [.. s_trainFiles.Append(TestFile).Select(f => Find(folder, f))];

        // All six lengths before the first byte: a short file is reported at once and nothing is allocated for it.
        foreach (string path in paths)
        {
            long length = DatasetFile.LengthOf(path, limits);
            if (length != (long)imagesPerFile * RecordBytes)
                throw WrongLength(path, length, DatasetFile.ReadHead(path, 3), imagesPerFile);
        }

        byte[] pixels = new byte[checked(s_trainFiles.Length * imagesPerFile * PixelBytes)];
        byte[] labels = new byte[s_trainFiles.Length * imagesPerFile];
        byte[] testPixels = new byte[imagesPerFile * PixelBytes];
        byte[] testLabels = new byte[imagesPerFile];
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int b = 0; b < paths.Length; b++)
        {
            byte[] file = DatasetFile.ReadAll(paths[b], limits);
            RequireLength(file, paths[b], imagesPerFile);
            RequireNew(seen, paths[b], file);
            bool test = b == s_trainFiles.Length;
            int first = test ? 0 : b * imagesPerFile;
            Split(
                file, paths[b], set.ClassNames.Length,
                (test ? testPixels : pixels).AsSpan(first * PixelBytes, imagesPerFile * PixelBytes),
                (test ? testLabels : labels).AsSpan(first, imagesPerFile));
        }

        return new DatasetPair(
            set.Name, Set($"{set.Name} train", set, pixels, labels), Set($"{set.Name} test", set, testPixels, testLabels));
    }

    /// <summary>Decodes one batch file in memory to a set [N, 3, 32, 32]; the place is only named in errors.</summary>
    /// <exception cref="DatasetException">The bytes are not exactly that many CIFAR-10 records.</exception>
    public static ImageDataset Decode(
        byte[] file, string place, DatasetTraits set, int imagesPerFile = PublishedImagesPerFile)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(imagesPerFile);
        RequireLength(file, place, imagesPerFile);
        byte[] pixels = new byte[imagesPerFile * PixelBytes], labels = new byte[imagesPerFile];
        Split(file, place, set.ClassNames.Length, pixels, labels);
        return Set(Path.GetFileName(place), set, pixels, labels);
    }

    /// <summary>True when a folder holds CIFAR-10 in any form, also one that is then refused with a reason.</summary>
    internal static bool IsIn(string folder) =>
        s_trainFiles.Append(TestFile).Any(f =>
            File.Exists(Path.Combine(folder, f)) || File.Exists(Path.Combine(folder, f + ".xz")))
        || WrongVersion(folder) is not null;

    private static ImageDataset Set(string name, DatasetTraits set, byte[] pixels, byte[] labels) => new(
        set with { Name = name }, new Shape(3, 32, 32),
        ImmutableCollectionsMarshal.AsImmutableArray(pixels), ImmutableCollectionsMarshal.AsImmutableArray(labels));

    private static string Find(string folder, string file)
    {
        string path = Path.Combine(folder, file);
        if (Path.Exists(path))
            return path;

        if (DatasetFile.StillPacked(path) is { } packed)
            throw packed;

        if (WrongVersion(folder) is { } wrong)
            throw wrong;
        throw new DatasetException(
            DatasetFault.NotFound, folder, $"{file} is missing", null,
            "data_batch_1.bin to data_batch_5.bin and test_batch.bin",
            $"Unpack {Archive} from https://www.cs.toronto.edu/~kriz/cifar.html again.");
    }

    /// <summary>What is in the folder instead of the binary version, where that can be told.</summary>
    private static DatasetException? WrongVersion(string folder)
    {
        if (File.Exists(Path.Combine(folder, "data_batch_1")) || File.Exists(Path.Combine(folder, "test_batch"))
            || Directory.Exists(Path.Combine(folder, "cifar-10-batches-py")))
            return PythonVersion(folder);

        if (File.Exists(Path.Combine(folder, "fine_label_names.txt"))
            || (File.Exists(Path.Combine(folder, "train.bin")) && File.Exists(Path.Combine(folder, "test.bin"))))
            return Cifar100(folder, null);

        return File.Exists(Path.Combine(folder, Archive))
            ? new DatasetException(
                DatasetFault.NotFound, folder, $"{Archive} is not unpacked", fix: $"Run `tar xzf {Archive}` there.")
            : null;
    }

    private static DatasetException PythonVersion(string place) => new(
        DatasetFault.WrongFormat, place, "this is the python version (pickle) of CIFAR-10",
        fix: $"The binary version is needed: {Archive} from https://www.cs.toronto.edu/~kriz/cifar.html.");

    private static DatasetException Cifar100(string place, long? bytes) => new(
        DatasetFault.WrongFormat, place, "this is CIFAR-100 (two label bytes a record), not CIFAR-10",
        bytes is { } n ? $"{n} bytes, records of {RecordBytes + 1}" : null,
        bytes is null ? null : $"records of {RecordBytes}",
        $"Download {Archive} from https://www.cs.toronto.edu/~kriz/cifar.html.");

    private static void RequireLength(byte[] file, string place, int imagesPerFile)
    {
        if (file.Length != (long)imagesPerFile * RecordBytes)
            throw WrongLength(place, file.Length, file, imagesPerFile);
    }

    private static DatasetException WrongLength(
        string place, long length, ReadOnlySpan<byte> head, int imagesPerFile)
    {
        // Pickle protocols 2 to 5 begin so; the python version is written in protocol 2.
        if (head is [0x80, >= 2 and <= 5, ..])
            return PythonVersion(place);
        if (length > 0 && length % (RecordBytes + 1) == 0)
            return Cifar100(place, length);

        long expected = (long)imagesPerFile * RecordBytes;
        bool whole = length % RecordBytes == 0;
        bool cut = length < expected;
        return new DatasetException(
            cut ? DatasetFault.Truncated : DatasetFault.ExtraBytes, place,
            (cut ? "the file is too short" : "the file is too long")
            + (whole ? string.Empty : $" and no whole number of {RecordBytes}-byte records"),
            $"{length} bytes", $"{expected} ({imagesPerFile} records of {RecordBytes} bytes)",
            "Unpack or download it again.") { Offset = Math.Min(length, expected) };
    }

    private static void Split(byte[] file, string place, int classes, Span<byte> pixels, Span<byte> labels)
    {
        for (int i = 0; i < labels.Length; i++)
        {
            int at = i * RecordBytes;
            if (file[at] >= classes)
            {
                throw new DatasetException(
                    DatasetFault.LabelOutOfRange, place, $"the label of record {i} is not a class",
                    $"{file[at]}", $"0 to {classes - 1}",
                    "The file is damaged or not of CIFAR-10.") { Offset = at };
            }

            labels[i] = file[at];
            file.AsSpan(at + 1, PixelBytes).CopyTo(pixels.Slice(i * PixelBytes, PixelBytes));
        }
    }

    private static void RequireNew(Dictionary<string, string> seen, string path, byte[] file)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(file));
        if (!seen.TryAdd(hash, path))
        {
            throw new DatasetException(
                DatasetFault.Duplicate, path, $"the file has the same contents as {Path.GetFileName(seen[hash])}",
                fix: "Each of the six files is different when published: unpack or download it again.");
        }
    }
}
