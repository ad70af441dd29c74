#:project ../Datasets/Datasets.csproj
#:property PublishAot=false

// Makes Datasets/Embedded/fashion-mnist-small.bin from the four published IDX files of Fashion-MNIST:
//
//   dotnet run eng/make-embedded-fashion-mnist.cs -- <input folder> <output file> [--check]
//
// --check writes nothing: it makes the file in memory and compares every byte with the existing one.
// Input on Debian: /usr/share/datasets/fashion-mnist (package dataset-fashion-mnist). Takes about a minute.

using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using InfMatch.Datasets;

if (args is not ([_, _] or [_, _, "--check"]))
{
    Console.Error.WriteLine(
        "usage: dotnet run eng/make-embedded-fashion-mnist.cs -- <input folder> <output file> [--check]");
    return 2;
}

DatasetPair whole;
try
{
    whole = DatasetCatalog.Load("fashion-mnist", args[0]);
}
catch (DatasetException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}

byte[] plain =
[
    .. ToIdx(whole.Train.BalancedSubset(FashionMnistSmallDataset.TrainPerClass)),
    .. ToIdx(whole.Test.BalancedSubset(FashionMnistSmallDataset.TestPerClass)),
];
string sha256 = Convert.ToHexStringLower(SHA256.HashData(plain));
byte[] packed = Pack(plain);
Console.WriteLine($"{plain.Length} bytes, SHA-256 {sha256}, packed {packed.Length} bytes");
if (sha256 != FashionMnistSmallDataset.Sha256)
    Console.WriteLine("FashionMnistSmallDataset.Sha256 differs: put the checksum above there.");

if (args.Length == 2)
{
    File.WriteAllBytes(args[1], packed);
    return 0;
}

bool same = File.Exists(args[1]) && packed.AsSpan().SequenceEqual(File.ReadAllBytes(args[1]));
Console.WriteLine(same ? $"{args[1]} is identical" : $"{args[1]} differs or does not exist");
return same && sha256 == FashionMnistSmallDataset.Sha256 ? 0 : 1;

static byte[] ToIdx(ImageDataset set)
{
    byte[] header = new byte[24];
    ReadOnlySpan<int> numbers = [0x803, set.Count, set.Height, set.Width, 0x801, set.Count];
    for (int i = 0; i < numbers.Length; i++)
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 * i), numbers[i]);
    return [.. header[..16], .. set.Pixels, .. header[16..], .. set.Labels];
}

// Quality 11 and the largest window are fixed here, and Brotli has no time stamp: the same input gives the same bytes.
static byte[] Pack(byte[] plain)
{
    byte[] packed = new byte[BrotliEncoder.GetMaxCompressedLength(plain.Length)];
    if (!BrotliEncoder.TryCompress(plain, packed, out int written, quality: 11, window: 24))
        throw new InvalidOperationException("Brotli did not fit into its own upper bound.");
    return packed[..written];
}
