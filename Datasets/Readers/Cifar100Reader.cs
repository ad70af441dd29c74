using System.Runtime.InteropServices;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>
/// Reads the binary version of CIFAR-100: records of one coarse and one fine label byte and 3·32·32 pixel bytes; the
/// fine labels are the classes. Source: https://www.cs.toronto.edu/~kriz/cifar.html, "binary version".
/// </summary>
public static class Cifar100Reader
{
    /// <summary>Name of the folder inside the published archive.</summary>
    public const string FolderName = "cifar-100-binary";

    /// <summary>Images in the two published files.</summary>
    public const int PublishedTrain = 50_000, PublishedTest = 10_000;

    internal const string TrainFile = "train.bin", TestFile = "test.bin";

    private const int CoarseClasses = 20, LabelBytes = 2, PixelBytes = 3 * 32 * 32,
        RecordBytes = LabelBytes + PixelBytes;
    private const string Archive = "cifar-100-binary.tar.gz", Fix = $"Unpack {Archive} again.";

    /// <summary>Reads training and test set from a folder; the files must hold exactly so many images.</summary>
    /// <exception cref="DatasetException">A file is missing, damaged or of another data set.</exception>
    public static DatasetPair LoadFolder(
        string folder, DatasetTraits set, int trainImages = PublishedTrain, int testImages = PublishedTest,
        DecodeLimits? limits = null)
    {
        limits ??= DecodeLimits.Default;
        DatasetFile.RequireFolder(folder);
        string train = Find(folder, TrainFile), test = Find(folder, TestFile);
        foreach ((string path, int images) in ((string, int)[])[(train, trainImages), (test, testImages)])
        {
            long length = DatasetFile.LengthOf(path, limits);
            if (length != (long)images * RecordBytes)
                throw WrongLength(path, length, DatasetFile.ReadHead(path, 3), images);
        }

        return new DatasetPair(
            set.Name, Decode(DatasetFile.ReadAll(train, limits), train, set with { Name = $"{set.Name} train" }, trainImages),
            Decode(DatasetFile.ReadAll(test, limits), test, set with { Name = $"{set.Name} test" }, testImages));
    }

    /// <summary>Decodes a file in memory to a set [N, 3, 32, 32]; the place is only named in errors.</summary>
    /// <exception cref="DatasetException">The bytes are not exactly that many CIFAR-100 records.</exception>
    public static ImageDataset Decode(byte[] file, string place, DatasetTraits set, int images)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(images);
        if (file.Length != (long)images * RecordBytes)
            throw WrongLength(place, file.Length, file, images);
        byte[] pixels = new byte[images * PixelBytes], labels = new byte[images];
        for (int i = 0; i < images; i++)
        {
            int at = i * RecordBytes;
            if (file[at] >= CoarseClasses || file[at + 1] >= set.ClassNames.Length)
            {
                throw new DatasetException(
                    DatasetFault.LabelOutOfRange, place, $"the labels of record {i} are no classes",
                    $"coarse {file[at]}, fine {file[at + 1]}",
                    $"coarse 0 to {CoarseClasses - 1}, fine 0 to {set.ClassNames.Length - 1}",
                    "The file is damaged or not of CIFAR-100.") { Offset = at };
            }

            labels[i] = file[at + 1];
            file.AsSpan(at + LabelBytes, PixelBytes).CopyTo(pixels.AsSpan(i * PixelBytes));
        }

        return new ImageDataset(
            set, new Shape(3, 32, 32), ImmutableCollectionsMarshal.AsImmutableArray(pixels),
            ImmutableCollectionsMarshal.AsImmutableArray(labels));
    }

    /// <summary>True when a folder holds CIFAR-100 in any form, or what is easily taken for it and then
    /// refused.</summary>
    internal static bool IsIn(string folder) =>
        ((string[])[TrainFile, TestFile, Archive, "data_batch_1.bin", "fine_label_names.txt"])
            .Any(f => File.Exists(Path.Combine(folder, f)) || File.Exists(Path.Combine(folder, f + ".xz")))
        || Directory.Exists(Path.Combine(folder, "cifar-100-python"));

    private static string Find(string folder, string file)
    {
        string path = Path.Combine(folder, file);
        if (Path.Exists(path))
            return path;
        if (DatasetFile.StillPacked(path) is { } packed)
            throw packed;

        if (File.Exists(Path.Combine(folder, "data_batch_1.bin")))
            throw Cifar10(folder, null);
        if (Directory.Exists(Path.Combine(folder, "cifar-100-python"))
            || (File.Exists(Path.Combine(folder, "train")) && File.Exists(Path.Combine(folder, "meta"))))
            throw Python(folder);
        throw new DatasetException(
            DatasetFault.NotFound, folder, $"{file} is missing", null, $"{TrainFile} and {TestFile}",
            File.Exists(Path.Combine(folder, Archive)) ? $"Run `tar xzf {Archive}` there." : Fix);
    }

    private static DatasetException Python(string place) => new(
        DatasetFault.WrongFormat, place, "this is the python version (pickle) of CIFAR-100",
        fix: $"The binary version is needed: {Archive} from https://www.cs.toronto.edu/~kriz/cifar.html.");

    private static DatasetException Cifar10(string place, long? bytes) => new(
        DatasetFault.WrongFormat, place, "this is CIFAR-10 (one label byte a record), not CIFAR-100",
        bytes is { } n ? $"{n} bytes, records of {RecordBytes - 1}" : null,
        bytes is null ? null : $"records of {RecordBytes}",
        $"Ask for cifar-10, or download {Archive} from https://www.cs.toronto.edu/~kriz/cifar.html.");

    private static DatasetException WrongLength(string place, long length, ReadOnlySpan<byte> head, int images)
    {
        if (head is [0x80, >= 2 and <= 5, ..])
            return Python(place);
        if (length > 0 && length % (RecordBytes - 1) == 0)
            return Cifar10(place, length);
        long expected = (long)images * RecordBytes;
        return new DatasetException(
            length < expected ? DatasetFault.Truncated : DatasetFault.ExtraBytes, place,
            (length < expected ? "the file is too short" : "the file is too long")
            + (length % RecordBytes == 0 ? string.Empty : $" and no whole number of {RecordBytes}-byte records"),
            $"{length} bytes", $"{expected} ({images} records of {RecordBytes} bytes)", Fix) { Offset = Math.Min(length, expected) };
    }
}
