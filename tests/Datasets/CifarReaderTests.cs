using InfMatch.Datasets;
using static InfMatch.Tests.Datasets.DatasetBytes;

namespace InfMatch.Tests.Datasets;

public sealed class CifarReaderTests
{
    private const int Images = 20;

    [Theory]
    [InlineData("")]
    [InlineData(CifarReader.FolderName)]
    public void Six_files_are_read_from_their_folder_or_its_parent(string below)
    {
        using var folder = new TempFolder();
        folder.PutCifar(Images, below);
        var pair = Load(folder);
        Assert.Equal((100, 3, 32, 32, 10), (pair.Train.Count, pair.Train.Channels, pair.Train.Height,
            pair.Train.Width, pair.Train.Classes));
        Assert.Equal(Images, pair.Test.Count);
        Assert.Equal(10, pair.Train.CountOfClass(3));
        Assert.Equal((byte)(40 * 3 + 7), pair.Train.Image((2 * Images) + 7)[3071]);
        Assert.Equal(7, pair.Train.Label((2 * Images) + 7));
        Assert.Equal((byte)(7 + 19), pair.Test.Image(19)[0]);
        Assert.Equal("frog", pair.Train.ClassNames[6]);
        Assert.Equal(KnownSets.Cifar10.Standardisation, pair.Standardisation);
    }

    [Fact]
    public void Pixels_keep_the_order_of_the_file()
    {
        byte[] file = Cifar(1, 0);
        for (int i = 1; i < file.Length; i++)
            file[i] = (byte)(i * 7);
        Assert.Equal(file[1..], CifarReader.Decode(file, "x", KnownSets.Cifar10, 1).Image(0).ToArray());
    }

    [Theory]
    [InlineData(-1, DatasetFault.Truncated, "no whole number of 3073-byte records")]
    [InlineData(1, DatasetFault.ExtraBytes, "no whole number of 3073-byte records")]
    [InlineData(-CifarRecord / 2, DatasetFault.Truncated, "no whole number of 3073-byte records")]
    [InlineData(-CifarRecord, DatasetFault.Truncated, "too short: got")]
    [InlineData(CifarRecord, DatasetFault.ExtraBytes, "too long: got")]
    public void A_file_of_another_length_is_rejected(int change, DatasetFault fault, string fragment)
    {
        using var folder = new TempFolder();
        folder.PutCifar(Images);
        byte[] whole = Cifar(Images, 120);
        byte[] wrong = change < 0 ? whole[..^-change] : [.. whole, .. new byte[change]];
        string path = folder.Put("data_batch_3.bin", wrong);
        Refused(fault, () => Load(folder), path, fragment, $"{wrong.Length} bytes", "61460 (20 records");
        Refused(fault, () => CifarReader.Decode(wrong, "x", KnownSets.Cifar10, Images), fragment);
    }

    [Fact]
    public void An_empty_file_is_rejected()
    {
        using var folder = new TempFolder();
        folder.PutCifar(Images);
        string path = folder.Put("test_batch.bin", []);
        Refused(DatasetFault.Truncated, () => Load(folder), path, "empty");
        Refused(DatasetFault.Truncated, () => CifarReader.Decode([], "x", KnownSets.Cifar10, 1), "0 bytes");
    }

    [Theory]
    [InlineData(10)]
    [InlineData(255)]
    public void A_label_out_of_range_is_rejected(byte label)
    {
        byte[] file = With(Cifar(Images, 0), 4 * CifarRecord, label);
        var e = Refused(DatasetFault.LabelOutOfRange, () => CifarReader.Decode(file, "x", KnownSets.Cifar10, Images),
            "record 4", $"got {label}", "0 to 9");
        Assert.Equal(4 * CifarRecord, e.Offset);
    }

    [Fact]
    public void A_missing_batch_is_named()
    {
        using var folder = new TempFolder();
        folder.PutCifar(Images);
        File.Delete(folder["data_batch_4.bin"]);
        Refused(DatasetFault.NotFound, () => Load(folder), folder.Path, "data_batch_4.bin is missing", "tar.gz");
    }

    [Theory]
    [InlineData("data_batch_5.bin", "data_batch_2.bin")]
    [InlineData("test_batch.bin", "data_batch_1.bin")]
    public void A_doubled_batch_is_rejected(string copy, string original)
    {
        using var folder = new TempFolder();
        folder.PutCifar(Images);
        File.Copy(folder[original], folder[copy], overwrite: true);
        Refused(DatasetFault.Duplicate, () => Load(folder), copy, "same contents as " + original);
    }

    [Fact]
    public void A_packed_batch_is_told_with_the_command_to_unpack_it()
    {
        using var folder = new TempFolder();
        folder.PutCifar(Images);
        File.Move(folder["data_batch_2.bin"], folder["data_batch_2.bin.xz"]);
        Refused(DatasetFault.NotFound, () => Load(folder), "data_batch_2.bin", "xz -dk *.xz", folder.Path);
    }

    [Fact]
    public void A_CIFAR_100_file_under_a_CIFAR_10_name_is_told()
    {
        using var folder = new TempFolder();
        folder.PutCifar(Images);
        folder.Put("data_batch_1.bin", new byte[Images * (CifarRecord + 1)]);
        Refused(DatasetFault.WrongFormat, () => Load(folder), "CIFAR-100", "61480 bytes");
    }

    [Fact]
    public void A_CIFAR_100_folder_is_told()
    {
        using var folder = new TempFolder();
        folder.Put("train.bin", new byte[10]);
        folder.Put("test.bin", new byte[10]);
        Refused(DatasetFault.WrongFormat, () => Load(folder), "CIFAR-100", "cifar-10-binary");
    }

    [Theory]
    [InlineData("data_batch_1")]
    [InlineData("cifar-10-batches-py/data_batch_1")]
    public void A_folder_of_the_python_version_is_told(string file)
    {
        using var folder = new TempFolder();
        folder.Put(file, [0x80, 0x02, 0x7D]);
        Refused(DatasetFault.WrongFormat, () => Load(folder), "python version", "binary version");
    }

    [Fact]
    public void A_python_file_under_a_binary_name_is_told()
    {
        using var folder = new TempFolder();
        folder.PutCifar(Images);
        byte[] pickle = [0x80, 0x02, 0x7D, .. new byte[500]];
        string path = folder.Put("data_batch_1.bin", pickle);
        Refused(DatasetFault.WrongFormat, () => Load(folder), path, "python version");
        Refused(DatasetFault.WrongFormat, () => CifarReader.Decode(pickle, "x", KnownSets.Cifar10, Images), "python version");
    }

    [Fact]
    public void An_archive_that_is_not_unpacked_is_told()
    {
        using var folder = new TempFolder();
        folder.Put("cifar-10-binary.tar.gz", [1]);
        Refused(DatasetFault.NotFound, () => Load(folder), "tar xzf cifar-10-binary.tar.gz");
    }

    [Fact]
    public void A_wrong_folder_is_told()
    {
        using var folder = new TempFolder();
        folder.PutMnist();
        Refused(DatasetFault.NotFound, () => Load(folder), folder.Path, "data_batch_1.bin is missing");
        Refused(DatasetFault.NotFound, () => CifarReader.LoadFolder(folder["none"], KnownSets.Cifar10), "does not exist");
        Refused(DatasetFault.WrongFormat, () => CifarReader.LoadFolder(folder["train-images-idx3-ubyte"], KnownSets.Cifar10), "is a file");
    }

    [Fact]
    public void Published_size_is_demanded_when_nothing_else_is_said()
    {
        using var folder = new TempFolder();
        folder.PutCifar(Images);
        Refused(DatasetFault.Truncated, () => CifarReader.LoadFolder(folder.Path, KnownSets.Cifar10), "30730000 (10000 records");
    }

    private static DatasetPair Load(TempFolder folder) => CifarReader.LoadFolder(folder.Path, KnownSets.Cifar10, Images);
}
