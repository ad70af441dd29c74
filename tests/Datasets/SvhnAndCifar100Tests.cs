using InfMatch.Datasets;
using static InfMatch.Tests.Datasets.DatasetBytes;
using static InfMatch.Tests.Datasets.ImageBytes;

namespace InfMatch.Tests.Datasets;

public sealed class SvhnAndCifar100Tests
{
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void Svhn_is_turned_from_matlabs_order(bool compressed, bool asDouble)
    {
        ImageDataset set = SvhnReader.Decode(Svhn(12, compressed, asDouble), "x", KnownSets.Svhn);
        Assert.Equal((12, 3, 32, 32, 10), (set.Count, set.Channels, set.Height, set.Width, set.Classes));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2], set.Labels.ToArray().Select(l => (int)l));
        foreach ((int n, int c, int y, int x) in ((int, int, int, int)[])[(0, 0, 1, 0), (0, 0, 0, 1), (5, 2, 31, 7),
            (11, 1, 3, 30)])
            Assert.Equal((byte)(y + (2 * x) + (64 * c) + n), set.Image(n)[(((c * 32) + y) * 32) + x]);
        Assert.Equal(KnownSets.Svhn.Standardisation, set.Standardisation);
    }

    [Fact]
    public void Svhn_is_found_by_name()
    {
        using var folder = new TempFolder();
        folder.Put("svhn/train_32x32.mat", Svhn(3));
        Refused(DatasetFault.NotFound, () => DatasetCatalog.Load("svhn", folder.Path), "test_32x32.mat is missing");
        folder.Put("svhn/test_32x32.mat", Svhn(2));
        DatasetPair pair = DatasetCatalog.Load("svhn", folder.Path);
        Assert.Equal((3, 2, "svhn"), (pair.Train.Count, pair.Test.Count, pair.Name));
        Assert.Equal(folder["svhn"], DatasetCatalog.Find("svhn", folder.Path));
    }

    public static TheoryData<string, byte[], DatasetFault, string> BadMats()
    {
        byte[] x = Variable("X", [32, 32, 3, 1], 9, 2, new byte[3072]), y = Variable("y", [1, 1], 9, 2, [1]);
        byte[] good = Svhn(1, compressed: false), packed = Packed(x);
        byte[] lie = [.. BitConverter.GetBytes(14), .. BitConverter.GetBytes(0x7000_0000), .. x[8..]];
        return new()
        {
            { "empty", [], DatasetFault.Truncated, "too early" },
            { "text", new byte[200], DatasetFault.WrongFormat, "level 5" },
            { "version 7.3", [.. "MATLAB 7.3 MAT-file"u8, .. new byte[200]], DatasetFault.WrongFormat, "7.3" },
            { "big-endian", With(With(good, 126, (byte)'M'), 127, (byte)'I'), DatasetFault.WrongFormat,
                "little-endian" },
            { "cut", good[..^9], DatasetFault.Truncated, "too early" },
            { "no X", Mat(y), DatasetFault.WrongFormat, "no variable X" },
            { "no y", Mat(x), DatasetFault.WrongFormat, "no variable y" },
            { "label 0", Mat(x, Variable("y", [1, 1], 9, 2, [0])), DatasetFault.LabelOutOfRange, "got 0" },
            { "label 11", Mat(x, Variable("y", [1, 1], 9, 2, [11])), DatasetFault.LabelOutOfRange, "got 11" },
            { "label 1.5", Mat(x, Variable("y", [1, 1], 6, 9, BitConverter.GetBytes(1.5))),
                DatasetFault.LabelOutOfRange, "1.5" },
            { "label NaN", Mat(x, Variable("y", [1, 1], 6, 9, BitConverter.GetBytes(double.NaN))),
                DatasetFault.LabelOutOfRange, "NaN" },
            { "two labels", Mat(x, Variable("y", [2, 1], 9, 2, [1, 1])), DatasetFault.Mismatch, "2×1" },
            { "other sizes", Mat(Variable("X", [32, 16, 6, 1], 9, 2, new byte[3072]), y), DatasetFault.Mismatch,
                "32×16×6×1" },
            { "sizes lie", Mat(Variable("X", [32, 32, 3, int.MaxValue], 9, 2, new byte[3072]), y),
                DatasetFault.Mismatch, "bytes" },
            { "size 0", Mat(Variable("X", [32, 32, 3, 0], 9, 2, []), y), DatasetFault.BadHeader, "at least 1" },
            { "a cell", Mat(Variable("X", [1, 1], 1, 2, [1]), y), DatasetFault.WrongFormat, "no real numbers" },
            { "packed length lies", Mat(Packed(lie), y), DatasetFault.TooLarge, "over the limit" },
            { "packed length lies less", Mat(Packed([.. lie[..4], .. BitConverter.GetBytes(400 << 20), .. x[8..]]), y),
                DatasetFault.Damaged, "too short" },
            { "Adler-32", Mat(With(packed, packed.Length - 1, (byte)(packed[^1] ^ 1)), y), DatasetFault.Damaged,
                "Adler" },
            { "packed text", Mat(Packed("this is no variable"u8.ToArray()), y), DatasetFault.Damaged, "no variable" },
        };
    }

    [Theory]
    [MemberData(nameof(BadMats))]
    public void A_bad_matlab_file_is_refused_without_memory(string what, byte[] file, DatasetFault fault,
        string fragment)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<DatasetException>(() => SvhnReader.Decode(file, "x", KnownSets.Svhn));
        Assert.True(e.Fault == fault && e.Message.Contains(fragment, StringComparison.Ordinal), $"{what}: {e.Message}");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Cifar_100_is_read_by_its_fine_labels()
    {
        using var folder = new TempFolder();
        folder.Put("train.bin", Cifar100(120));
        folder.Put("test.bin", Cifar100(40));
        DatasetPair pair = Cifar100Reader.LoadFolder(folder.Path, KnownSets.Cifar100, 120, 40);
        Assert.Equal((120, 40, 100), (pair.Train.Count, pair.Test.Count, pair.Train.Classes));
        Assert.Equal((99, 19), (pair.Train.Label(99), pair.Train.Label(119)));
        Assert.Equal(102, pair.Train.Image(99)[3071]);
        Assert.Equal(("apple", "worm", "sea"), (pair.Train.ClassNames[0], pair.Train.ClassNames[99],
            pair.Train.ClassNames[71]));
        Assert.Equal(KnownSets.Cifar100.Standardisation, pair.Standardisation);
        Refused(DatasetFault.Truncated, () => DatasetCatalog.Load("cifar-100", folder.Path),
            "153700000 (50000 records");
    }

    [Fact]
    public void The_two_cifars_are_told_apart()
    {
        using var folder = new TempFolder();
        folder.PutCifar(20);
        Refused(DatasetFault.WrongFormat, () => DatasetCatalog.Load("cifar-100", folder.Path), "this is CIFAR-10",
            "Ask for cifar-10");
        folder.Put("train.bin", Cifar(20, 0));
        folder.Put("test.bin", Cifar(20, 1));
        Refused(DatasetFault.WrongFormat, () => Cifar100Reader.LoadFolder(folder.Path, KnownSets.Cifar100, 20, 20), "this is CIFAR-10",
            "61460 bytes");
        Refused(DatasetFault.WrongFormat, () => CifarReader.Decode(Cifar100(20), "x", KnownSets.Cifar10, 20), "this is CIFAR-100");
    }

    [Fact]
    public void Faults_of_cifar_100_are_told()
    {
        byte[] good = Cifar100(20);
        Refused(DatasetFault.Truncated, () => Cifar100Reader.Decode(good[..^1], "x", KnownSets.Cifar100, 20), "no whole number");
        Refused(DatasetFault.ExtraBytes, () => Cifar100Reader.Decode([.. good, 0], "x", KnownSets.Cifar100, 20), "no whole number");
        Refused(DatasetFault.Truncated, () => Cifar100Reader.Decode(good[3074..], "x", KnownSets.Cifar100, 20), "too short: got");
        Refused(DatasetFault.LabelOutOfRange, () => Cifar100Reader.Decode(With(good, 3074, 20), "x", KnownSets.Cifar100, 20),
            "record 1",
            "coarse 20");
        Refused(DatasetFault.LabelOutOfRange, () => Cifar100Reader.Decode(With(good, 3075, 100), "x", KnownSets.Cifar100, 20), "fine 100");
        Refused(DatasetFault.WrongFormat, () => Cifar100Reader.Decode([0x80, 2, 0x7D], "x", KnownSets.Cifar100, 20), "python version");
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["cifar-100-python"]);
        Refused(DatasetFault.WrongFormat, () => DatasetCatalog.Load("cifar-100", folder.Path), "python version");
        Directory.Delete(folder["cifar-100-python"]);
        folder.Put("cifar-100-binary.tar.gz", [1]);
        Refused(DatasetFault.NotFound, () => DatasetCatalog.Load("cifar-100", folder.Path), "tar xzf");
        folder.Put("train.bin.xz", [1]);
        Refused(DatasetFault.NotFound, () => DatasetCatalog.Load("cifar-100", folder.Path), "xz -dk");
    }
}
