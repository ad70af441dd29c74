using System.Collections.Immutable;
using System.IO.Compression;
using System.Security.Cryptography;

namespace InfMatch.Datasets;

/// <summary>
/// The built-in part of Fashion-MNIST: the first 1,000 training and 200 test images of each class in file order.
/// The resource is one Brotli stream of four IDX files one after another (training images, training labels, test
/// images, test labels); eng/make-embedded-fashion-mnist.cs makes it. Source: Xiao, Rasul and Vollgraf,
/// "Fashion-MNIST", arXiv:1708.07747; licence in Embedded/LICENSE-fashion-mnist.txt.
/// </summary>
public sealed class FashionMnistSmallDataset : Dataset
{
    /// <summary>Its name, where a constant is needed.</summary>
    public const string OwnName = "fashion-mnist-small";

    /// <summary>Training images of each class.</summary>
    public const int TrainPerClass = 1000;

    /// <summary>Test images of each class.</summary>
    public const int TestPerClass = 200;

    /// <summary>SHA-256 of the four unpacked IDX files, lower-case hex.</summary>
    public const string Sha256 = "dc0289273c8bbcf299620bc123dadb811b6f04ead83d54641d1196c9bef7c4da";

    private const string Resource = "fashion-mnist-small.bin";
    private const int TrainCount = 10 * TrainPerClass, TestCount = 10 * TestPerClass;
    private const int ImageHeader = 16, LabelHeader = 8, ImageBytes = 28 * 28;

    /// <inheritdoc/>
    public override string Name => OwnName;

    /// <inheritdoc/>
    public override string Description => "a part of Fashion-MNIST, built in";

    /// <summary>The first, because it needs no files.</summary>
    public override int Place => 0;

    /// <inheritdoc/>
    public override PublishedSize Published { get; } = new(TrainCount, TestCount, 10, "28×28");

    /// <inheritdoc/>
    public override bool IsBuiltIn => true;

    /// <inheritdoc/>
    public override DatasetLicence Licence => FashionMnistDataset.OfImages;

    /// <inheritdoc/>
    public override ImmutableArray<string> ClassNames => FashionMnistDataset.Articles;

    /// <inheritdoc/>
    public override Standardisation Standardisation => FashionMnistDataset.Pixels;

    /// <inheritdoc/>
    public override string Files => "nothing";

    /// <inheritdoc/>
    public override bool IsIn(string folder) => false;

    /// <inheritdoc/>
    public override DatasetPair Load(string? folder, LoadOptions options) => folder is null
        ? Unpack()
        : throw new DatasetException(
            DatasetFault.WrongFormat, folder, $"{Name} is built in and is not read from a folder",
            fix: "Leave the folder out, or ask for fashion-mnist.");

    /// <summary>Unpacks the built-in set and verifies its checksum.</summary>
    /// <exception cref="DatasetException">The resource is missing or damaged: this build is broken.</exception>
    public static DatasetPair Unpack()
    {
        using var stream = typeof(FashionMnistSmallDataset).Assembly.GetManifestResourceStream(Resource)
            ?? throw new DatasetException(
                DatasetFault.NotFound, OwnName, "the built-in set is not in this build",
                fix: "Make it with eng/make-embedded-fashion-mnist.cs and build again.");
        return Unpack(stream);
    }

    /// <summary>The licence of the images, to be shown wherever they are passed on.</summary>
    /// <exception cref="DatasetException">The resource is missing: this build is broken.</exception>
    public static string LicenceText()
    {
        const string LicenceFile = "LICENSE-fashion-mnist.txt";
        using var stream = typeof(FashionMnistSmallDataset).Assembly.GetManifestResourceStream(LicenceFile)
            ?? throw new DatasetException(
                DatasetFault.NotFound, OwnName, $"{LicenceFile} is not in this build", fix: "Build again from a clean copy.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    internal static DatasetPair Unpack(Stream packed)
    {
        ReadOnlySpan<int> lengths =
            [ImageHeader + (TrainCount * ImageBytes), LabelHeader + TrainCount,
             ImageHeader + (TestCount * ImageBytes), LabelHeader + TestCount];
        byte[][] files = new byte[lengths.Length][];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            using var brotli = new BrotliStream(packed, CompressionMode.Decompress);
            for (int i = 0; i < files.Length; i++)
            {
                files[i] = new byte[lengths[i]];
                brotli.ReadExactly(files[i]);
                hash.AppendData(files[i]);
            }

            if (brotli.ReadByte() >= 0)
                throw Damaged("more data than that", "the end of the data", null);
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException or IOException)
        {
            throw Damaged(null, null, e);
        }

        string actual = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (actual != Sha256)
            throw Damaged($"SHA-256 {actual}", Sha256, null);

        return new DatasetPair(
            OwnName,
            Join("train", files[0], files[1]),
            Join("test", files[2], files[3]));
    }

    private static ImageDataset Join(string split, byte[] images, byte[] labels) => IdxReader.Join(
        new DatasetTraits($"{OwnName} {split}", FashionMnistDataset.Articles, FashionMnistDataset.Pixels),
        OwnName, IdxReader.DecodeImages(images, OwnName),
        OwnName, IdxReader.DecodeLabels(labels, OwnName, FashionMnistDataset.Articles.Length));

    private static DatasetException Damaged(string? got, string? expected, Exception? inner) => new(
        DatasetFault.Damaged, OwnName, "the built-in set is damaged", "Build again from a clean copy.", inner)
    {
        Got = got, Expected = expected,
    };
}
