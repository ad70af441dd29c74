using System.Buffers.Binary;
using System.Runtime.InteropServices;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>
/// Reads SVHN's cropped digits, train_32x32.mat and test_32x32.mat: X [32, 32, 3, N] in MATLAB's order and y with 10
/// for the digit 0. Source: Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning",
/// http://ufldl.stanford.edu/housenumbers.
/// </summary>
public static class SvhnReader
{
    internal const string TrainFile = "train_32x32.mat", TestFile = "test_32x32.mat";

    private const int Side = 32, Channels = 3, ImageBytes = Channels * Side * Side;

    /// <summary>Reads training and test set from a folder.</summary>
    /// <exception cref="DatasetException">A file is missing or damaged.</exception>
    public static DatasetPair LoadFolder(string folder, DatasetTraits set, DecodeLimits? limits = null)
    {
        limits ??= DecodeLimits.Default;
        DatasetFile.RequireFolder(folder);
        return new DatasetPair(set.Name, Read(TrainFile, "train"), Read(TestFile, "test"));

        ImageDataset Read(string file, string part)
        {
            string path = Path.Combine(folder, file);
            if (!Path.Exists(path))
            {
                throw new DatasetException(
                    DatasetFault.NotFound, folder, $"{file} is missing",
                    fix: "Put the file of http://ufldl.stanford.edu/housenumbers into this folder (format 2, cropped digits).");
            }

            return Decode(DatasetFile.ReadAll(path, limits), path, set with { Name = $"{set.Name} {part}" }, limits);
        }
    }

    /// <summary>Decodes a file in memory to a set [N, 3, 32, 32]; the place is only named in errors.</summary>
    /// <exception cref="DatasetException">The bytes are damaged or no such file.</exception>
    public static ImageDataset Decode(byte[] file, string place, DatasetTraits set, DecodeLimits? limits = null)
    {
        limits ??= DecodeLimits.Default;
        List<MatArray> arrays = MatFile.Decode(file, place, limits);
        MatArray images = Variable(arrays, "X", place), labels = Variable(arrays, "y", place);
        int count = images.Sizes is [Side, Side, Channels, var n] ? n : images.Sizes is [Side, Side, Channels] ? 1 : 0;
        if (count == 0 || images.Storage != MatStorage.UInt8)
        {
            throw new DatasetException(
                DatasetFault.Mismatch, place, "X is of the wrong form",
                $"{string.Join("×", images.Sizes)} of {images.Storage}",
                "32×32×3×N of UInt8", "The cropped digits (format 2) are needed.");
        }

        if (labels.Sizes is not [var rows, 1] || rows != count)
        {
            throw new DatasetException(
                DatasetFault.Mismatch, place, "the numbers of images and labels differ", string.Join("×", labels.Sizes),
                $"{count}×1", "Download the file again.");
        }

        if (count > limits.MaxImages)
        {
            throw new DatasetException(
                DatasetFault.TooLarge, place, "there are too many images", $"{count}", $"at most {limits.MaxImages}");
        }

        byte[] pixels = new byte[count * ImageBytes], digits = new byte[count];
        for (int i = 0; i < count; i++)
        {
            double label = Value(labels, i);
            if (label is not (>= 1 and <= 10) || label != Math.Floor(label))
            {
                throw new DatasetException(
                    DatasetFault.LabelOutOfRange, place, $"the label of image {i} is no digit", $"{label}",
                    "1 to 10, 10 for the digit 0", "Download the file again.");
            }

            digits[i] = (byte)(label % 10);
            Transpose(images.Data.AsSpan(i * ImageBytes, ImageBytes), pixels.AsSpan(i * ImageBytes, ImageBytes));
        }

        return new ImageDataset(
            set, new Shape(Channels, Side, Side), ImmutableCollectionsMarshal.AsImmutableArray(pixels),
            ImmutableCollectionsMarshal.AsImmutableArray(digits));
    }

    /// <summary>True when a folder holds one of the two files.</summary>
    internal static bool IsIn(string folder) =>
        File.Exists(Path.Combine(folder, TrainFile)) || File.Exists(Path.Combine(folder, TestFile));

    // In the file the row of a pixel runs fastest, here its column.
    private static void Transpose(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        for (int c = 0; c < Channels; c++)
        {
            for (int y = 0; y < Side; y++)
            {
                for (int x = 0; x < Side; x++)
                    destination[(((c * Side) + y) * Side) + x] = source[(((c * Side) + x) * Side) + y];
            }
        }
    }

    private static double Value(MatArray array, int i) => array.Storage switch
    {
        MatStorage.UInt8 => array.Data[i],
        MatStorage.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(array.Data.AsSpan(2 * i)),
        MatStorage.Int32 => BinaryPrimitives.ReadInt32LittleEndian(array.Data.AsSpan(4 * i)),
        MatStorage.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(array.Data.AsSpan(4 * i)),
        _ => BinaryPrimitives.ReadDoubleLittleEndian(array.Data.AsSpan(8 * i)),
    };

    private static MatArray Variable(List<MatArray> arrays, string name, string place) =>
        arrays.Find(a => a.Name == name) ?? throw new DatasetException(
            DatasetFault.WrongFormat, place, $"there is no variable {name}",
            arrays.Count == 0 ? "none" : string.Join(", ", arrays.Select(a => a.Name)), "X and y",
            "The cropped digits (format 2) are needed.");
}
