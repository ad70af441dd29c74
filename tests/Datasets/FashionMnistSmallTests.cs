using System.IO.Compression;
using InfMatch.Datasets;
using static InfMatch.Tests.Datasets.DatasetBytes;

namespace InfMatch.Tests.Datasets;

public sealed class FashionMnistSmallTests
{
    [Fact]
    public void The_built_in_set_is_balanced_and_of_the_promised_size()
    {
        var pair = DatasetCatalog.Load(DatasetCatalog.DefaultName);
        Assert.Equal((10_000, 2_000), (pair.Train.Count, pair.Test.Count));
        Assert.Equal((1, 28, 28, 10), (pair.Train.Channels, pair.Train.Height, pair.Train.Width, pair.Train.Classes));
        Assert.All(Enumerable.Range(0, 10), m => Assert.Equal(1_000, pair.Train.CountOfClass(m)));
        Assert.All(Enumerable.Range(0, 10), m => Assert.Equal(200, pair.Test.CountOfClass(m)));
        Assert.Equal([9, 0, 0, 3, 0, 2, 7, 2, 5, 5], pair.Train.Labels[..10].ToArray());
        Assert.Equal(KnownSets.FashionMnist.Standardisation, pair.Standardisation);
    }

    [Fact]
    public void The_published_mean_and_deviation_fit_the_built_in_part()
    {
        var measured = Standardisation.Measure(FashionMnistSmallDataset.Unpack().Train.Pixels, 1, 784);
        Assert.Equal(0.2861, measured.Mean[0], 0.003);
        Assert.Equal(0.3530, measured.Std[0], 0.003);
    }

    [Fact]
    public void Another_byte_in_the_built_in_set_is_noticed()
    {
        byte[] packed = Resource();
        Assert.InRange(packed.Length, 1 << 20, 8 << 20);
        var rng = new TestNumbers(20);
        for (int i = 0; i < 10; i++)
        {
            int at = rng.Below(packed.Length);
            byte[] damaged = With(packed, at, (byte)~packed[at]);
            Refused(DatasetFault.Damaged, () => FashionMnistSmallDataset.Unpack(new MemoryStream(damaged)), "built-in");
        }
    }

    [Fact]
    public void Half_of_the_built_in_set_is_noticed()
    {
        byte[] packed = Resource();
        Refused(DatasetFault.Damaged,
            () => FashionMnistSmallDataset.Unpack(new MemoryStream(packed[..(packed.Length / 2)])), "built-in");
    }

    [Fact]
    public void Other_contents_of_the_right_length_fail_the_checksum()
    {
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            brotli.Write(IdxImages(10_000));
            brotli.Write(IdxLabels(10_000));
            brotli.Write(IdxImages(2_000));
            brotli.Write(IdxLabels(2_000));
        }

        packed.Position = 0;
        Refused(DatasetFault.Damaged, () => FashionMnistSmallDataset.Unpack(packed),
            "SHA-256", FashionMnistSmallDataset.Sha256);
    }

    [Fact]
    public void The_licence_travels_with_the_images()
    {
        string text = FashionMnistSmallDataset.LicenceText();
        Assert.Contains("Copyright (c) 2017 Zalando SE", text, StringComparison.Ordinal);
        Assert.Contains("Permission is hereby granted, free of charge", text, StringComparison.Ordinal);
    }

    private static byte[] Resource()
    {
        using var stream = typeof(FashionMnistSmallDataset).Assembly.GetManifestResourceStream("fashion-mnist-small.bin")!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
