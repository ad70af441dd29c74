using System.Buffers.Binary;
using System.Collections.Immutable;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>Grey images of an IDX file, pixels [N, H, W].</summary>
/// <param name="Count">Number of images N, at least 1.</param>
/// <param name="Height">Height H in pixels.</param>
/// <param name="Width">Width W in pixels.</param>
/// <param name="Pixels">Pixels [N, H, W], 0…255.</param>
public sealed record IdxImages(int Count, int Height, int Width, ImmutableArray<byte> Pixels);

/// <summary>
/// Reads the IDX files of MNIST and Fashion-MNIST, plain or gzip (told apart by content, because browsers unpack files
/// and keep the .gz). Source: http://yann.lecun.com/exdb/mnist, "file formats".
/// </summary>
public static class IdxReader
{
    private const uint ImageMagic = 0x0000_0803;
    private const uint LabelMagic = 0x0000_0801;

    /// <summary>Reads training and test set from a folder with the four published files.</summary>
    /// <exception cref="DatasetException">A file is missing, damaged or does not belong to the others.</exception>
    public static DatasetPair LoadFolder(string folder, DatasetTraits set, DecodeLimits? limits = null)
    {
        DatasetFile.RequireFolder(folder);
        string trainImages = Find(folder, "train-images", "idx3-ubyte");
        string trainLabels = Find(folder, "train-labels", "idx1-ubyte");
        string testImages = Find(folder, "t10k-images", "idx3-ubyte");
        string testLabels = Find(folder, "t10k-labels", "idx1-ubyte");
        var train = LoadSet(trainImages, trainLabels, set with { Name = $"{set.Name} train" }, limits);
        var test = LoadSet(testImages, testLabels, set with { Name = $"{set.Name} test" }, limits);
        return new DatasetPair(set.Name, train, test);
    }

    /// <summary>Reads one set from an image file and its label file.</summary>
    /// <exception cref="DatasetException">A file is missing or damaged, or the two counts differ.</exception>
    public static ImageDataset LoadSet(string imagePath, string labelPath, DatasetTraits set, DecodeLimits? limits = null)
    {
        // The small file first: a swapped or foreign pair then fails in milliseconds.
        var labels = ReadLabels(labelPath, set.ClassNames.Length, limits);
        var images = ReadImages(imagePath, limits);
        return Join(set, imagePath, images, labelPath, labels);
    }

    /// <summary>Reads an image file, plain or gzip: [N, H, W].</summary>
    /// <exception cref="DatasetException">The file is missing, damaged or no IDX image file.</exception>
    public static IdxImages ReadImages(string path, DecodeLimits? limits = null)
    {
        limits ??= DecodeLimits.Default;
        return DecodeImages(DatasetFile.ReadAll(path, limits), path, limits);
    }

    /// <summary>Reads a label file, plain or gzip: [N], each label below the number of classes.</summary>
    /// <exception cref="DatasetException">The file is missing, damaged or no IDX label file.</exception>
    public static ImmutableArray<byte> ReadLabels(string path, int classes, DecodeLimits? limits = null)
    {
        limits ??= DecodeLimits.Default;
        return DecodeLabels(DatasetFile.ReadAll(path, limits), path, classes, limits);
    }

    /// <summary>Decodes an image file held in memory; the place is only named in errors.</summary>
    /// <exception cref="DatasetException">The bytes are damaged or no IDX image file.</exception>
    public static IdxImages DecodeImages(byte[] file, string place, DecodeLimits? limits = null)
    {
        limits ??= DecodeLimits.Default;
        file = Unpacked(file, place, limits);
        RequireMagic(file, place, ImageMagic);
        RequireHeader(file, place, 16);
        int count = Size(file, place, 4, "number of images", limits.MaxImages);
        int height = Size(file, place, 8, "height", limits.MaxSide);
        int width = Size(file, place, 12, "width", limits.MaxSide);
        RequireLength(file, place, 16, (Int128)count * height * width, limits);
        return new IdxImages(count, height, width, [.. file.AsSpan(16)]);
    }

    /// <summary>Decodes a label file held in memory; the place is only named in errors.</summary>
    /// <exception cref="DatasetException">The bytes are damaged or no IDX label file.</exception>
    public static ImmutableArray<byte> DecodeLabels(
        byte[] file, string place, int classes, DecodeLimits? limits = null)
    {
        limits ??= DecodeLimits.Default;
        file = Unpacked(file, place, limits);
        RequireMagic(file, place, LabelMagic);
        RequireHeader(file, place, 8);
        int count = Size(file, place, 4, "number of labels", limits.MaxImages);
        RequireLength(file, place, 8, count, limits);
        for (int i = 8; i < file.Length; i++)
        {
            if (file[i] >= classes)
            {
                throw new DatasetException(
                    DatasetFault.LabelOutOfRange, place, $"label {i - 8} is not a class",
                    $"{file[i]}", $"0 to {classes - 1}", "Is this the label file of another data set?") { Offset = i };
            }
        }

        return [.. file.AsSpan(8)];
    }

    internal static ImageDataset Join(
        DatasetTraits set, string imagePlace, IdxImages images, string labelPlace, ImmutableArray<byte> labels)
    {
        if (images.Count != labels.Length)
        {
            throw new DatasetException(
                DatasetFault.Mismatch, imagePlace, "the numbers of images and labels differ",
                $"{images.Count} images", $"{labels.Length} as the labels in {labelPlace}",
                "Are training and test files mixed up?") { Offset = 4 };
        }

        return new ImageDataset(set, new Shape(1, images.Height, images.Width), images.Pixels, labels);
    }

    /// <summary>True when a folder holds at least one file with a published name.</summary>
    internal static bool IsIn(string folder) =>
        Array.Exists(
            [("train-images", "idx3-ubyte"), ("train-labels", "idx1-ubyte"),
             ("t10k-images", "idx3-ubyte"), ("t10k-labels", "idx1-ubyte")],
            f => Array.Exists(Names(f.Item1, f.Item2), n => File.Exists(Path.Combine(folder, n))));

    private static string[] Names(string stem, string kind) =>
        [$"{stem}-{kind}", $"{stem}-{kind}.gz", $"{stem}.{kind}", $"{stem}.{kind}.gz"];

    private static string Find(string folder, string stem, string kind)
    {
        string[] names = Names(stem, kind);
        foreach (string name in names)
        {
            string path = Path.Combine(folder, name);
            if (Path.Exists(path))
                return path;
        }

        throw new DatasetException(
            DatasetFault.NotFound, folder, $"{names[0]} is missing", null, string.Join(" or ", names),
            "Put the published file into this folder; the .gz need not be unpacked.");
    }

    private static byte[] Unpacked(byte[] file, string place, DecodeLimits limits) =>
        Gzip.IsGzip(file) ? Gzip.Unpack(file, place, limits) : file;

    private static void RequireMagic(byte[] file, string place, uint expected)
    {
        RequireHeader(file, place, 4);
        uint magic = BinaryPrimitives.ReadUInt32BigEndian(file);
        if (magic == expected)
            return;

        bool images = expected == ImageMagic;
        string fix = (magic, magic >> 16) switch
        {
            (LabelMagic, _) => "This is a label file; are images and labels swapped?",
            (ImageMagic, _) => "This is an image file; are images and labels swapped?",
            (_, 0) when (byte)(magic >> 8) != 8 => "IDX elements must be unsigned bytes (type 0x08).",
            (_, 0) => $"An IDX file of {(images ? "images has 3 dimensions" : "labels has 1 dimension")}.",
            (0x504B0304, _) => "This is a zip archive; unpack it.",
            _ => "This is not an IDX file; a saved web page, perhaps? Download it again.",
        };
        throw new DatasetException(
            DatasetFault.WrongFormat, place, $"wrong magic number for IDX {(images ? "images" : "labels")}",
            $"0x{magic:x8}", $"0x{expected:x8}", fix) { Offset = 0 };
    }

    private static void RequireHeader(byte[] file, string place, int bytes)
    {
        if (file.Length < bytes)
        {
            throw new DatasetException(
                DatasetFault.Truncated, place, "the file ends inside the IDX header",
                $"{file.Length} bytes", $"at least {bytes}", "Download the file again.") { Offset = file.Length };
        }
    }

    private static int Size(byte[] file, string place, int offset, string what, int limit)
    {
        uint size = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(offset));
        if (size == 0)
        {
            throw new DatasetException(
                DatasetFault.BadHeader, place, $"the {what} in the IDX header is zero",
                "0", "at least 1", "Download the file again.") { Offset = offset };
        }

        if (size > limit)
        {
            throw new DatasetException(
                DatasetFault.TooLarge, place, $"the {what} in the IDX header is over the limit",
                $"{size}", $"at most {limit}", "The header is damaged, or the file is of another kind.") { Offset = offset };
        }

        return (int)size;
    }

    private static void RequireLength(byte[] file, string place, int header, Int128 payload, DecodeLimits limits)
    {
        if (payload > limits.MaxDecodedBytes)
        {
            throw new DatasetException(
                DatasetFault.TooLarge, place, "the sizes in the IDX header multiply to more than the limit",
                $"{payload} bytes", $"at most {limits.MaxDecodedBytes}", "The header is damaged.") { Offset = 4 };
        }

        long expected = header + (long)payload;
        if (file.Length < expected)
        {
            throw new DatasetException(
                DatasetFault.Truncated, place, "the file ends too early for the sizes in its header",
                $"{file.Length} bytes", $"{expected}", "Download the file again.") { Offset = file.Length };
        }

        if (file.Length > expected)
        {
            throw new DatasetException(
                DatasetFault.ExtraBytes, place, "the file goes on after the images its header counts",
                $"{file.Length} bytes", $"{expected}", "Download the file again.") { Offset = expected };
        }
    }
}
