using System.Buffers.Binary;
using System.IO.Compression;
using InfMatch.Datasets;

namespace InfMatch.Tests.Datasets;

/// <summary>Writes small data files byte by byte, independently of the readers under test.</summary>
internal static class DatasetBytes
{
    public const int CifarRecord = 3073;

    public static byte[] Words(params uint[] words)
    {
        byte[] bytes = new byte[4 * words.Length];
        for (int i = 0; i < words.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4 * i), words[i]);
        return bytes;
    }

    /// <summary>An IDX image file whose pixels count 0, 1, 2, … modulo 256.</summary>
    public static byte[] IdxImages(int count, int height = 28, int width = 28)
    {
        byte[] pixels = new byte[count * height * width];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)i;
        return [.. Words(0x803, (uint)count, (uint)height, (uint)width), .. pixels];
    }

    /// <summary>An IDX label file with labels 0, 1, … 9, 0, 1, …</summary>
    public static byte[] IdxLabels(int count)
    {
        byte[] labels = new byte[count];
        for (int i = 0; i < count; i++)
            labels[i] = (byte)(i % 10);
        return [.. Words(0x801, (uint)count), .. labels];
    }

    /// <summary>CIFAR-10 records with labels 0, 1, … and every pixel of record i equal to seed + i.</summary>
    public static byte[] Cifar(int count, int seed)
    {
        byte[] bytes = new byte[count * CifarRecord];
        for (int i = 0; i < count; i++)
        {
            bytes[i * CifarRecord] = (byte)(i % 10);
            bytes.AsSpan((i * CifarRecord) + 1, CifarRecord - 1).Fill((byte)(seed + i));
        }

        return bytes;
    }

    public static byte[] Gzip(byte[] plain)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(plain);
        return packed.ToArray();
    }

    public static byte[] With(byte[] bytes, int offset, byte value)
    {
        byte[] copy = [.. bytes];
        copy[offset] = value;
        return copy;
    }

    /// <summary>Runs an action that must be refused with this fault and a message with all these fragments.</summary>
    public static DatasetException Refused(DatasetFault fault, Action action, params string[] fragments)
    {
        var e = Assert.Throws<DatasetException>(action);
        Assert.Equal(fault, e.Fault);
        Assert.EndsWith($"[IM{(int)fault}]", e.Message, StringComparison.Ordinal);
        Assert.All(fragments, f => Assert.Contains(f, e.Message, StringComparison.Ordinal));
        return e;
    }
}

/// <summary>A folder below the system's temporary folder, removed with everything in it at the end of a test.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("infmatch-datasets-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public string Put(string name, byte[] bytes)
    {
        string path = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>The four files of MNIST with so many images, below the given subfolder.</summary>
    public void PutMnist(string below = "", int train = 20, int test = 10, bool gzip = false, string beforeIdx = "-")
    {
        void One(string stem, string kind, byte[] bytes) => Put(
            System.IO.Path.Combine(below, stem + beforeIdx + kind + (gzip ? ".gz" : string.Empty)),
            gzip ? DatasetBytes.Gzip(bytes) : bytes);
        One("train-images", "idx3-ubyte", DatasetBytes.IdxImages(train));
        One("train-labels", "idx1-ubyte", DatasetBytes.IdxLabels(train));
        One("t10k-images", "idx3-ubyte", DatasetBytes.IdxImages(test));
        One("t10k-labels", "idx1-ubyte", DatasetBytes.IdxLabels(test));
    }

    /// <summary>The six files of CIFAR-10 with so many images each, below the given subfolder.</summary>
    public void PutCifar(int images, string below = "")
    {
        for (int b = 1; b <= 5; b++)
            Put(System.IO.Path.Combine(below, $"data_batch_{b}.bin"), DatasetBytes.Cifar(images, 40 * b));
        Put(System.IO.Path.Combine(below, "test_batch.bin"), DatasetBytes.Cifar(images, 7));
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
