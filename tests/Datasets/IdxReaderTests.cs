using System.Buffers.Binary;
using System.IO.Compression;
using InfMatch.Datasets;
using static InfMatch.Tests.Datasets.DatasetBytes;

namespace InfMatch.Tests.Datasets;

public sealed class IdxReaderTests
{
    private static readonly DecodeLimits s_limits = DecodeLimits.Default;

    [Theory]
    [InlineData(false, "-")]
    [InlineData(true, "-")]
    [InlineData(false, ".")]
    [InlineData(true, ".")]
    public void A_folder_of_four_files_is_read(bool gzip, string beforeIdx)
    {
        using var folder = new TempFolder();
        folder.PutMnist(gzip: gzip, beforeIdx: beforeIdx);
        var pair = Load(folder);
        Assert.Equal((20, 1, 28, 28, 10), (pair.Train.Count, pair.Train.Channels, pair.Train.Height,
            pair.Train.Width, pair.Train.Classes));
        Assert.Equal(10, pair.Test.Count);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9], pair.Train.Labels.ToArray());
        Assert.Equal(((784 * 3) + 5) % 256, pair.Train.Image(3)[5]);
        Assert.Equal(KnownSets.Mnist.Standardisation, pair.Standardisation);
    }

    [Fact]
    public void A_file_unpacked_by_a_browser_but_still_called_gz_is_read()
    {
        var images = IdxReader.DecodeImages(IdxImages(2, 3, 4), "a.gz");
        Assert.Equal((2, 3, 4, 24), (images.Count, images.Height, images.Width, images.Pixels.Length));
    }

    [Fact]
    public void A_gzip_header_with_name_comment_extra_field_and_checksum_is_read()
    {
        byte[] gzip = Gzip(IdxLabels(5));
        byte[] rich =
        [
            0x1F, 0x8B, 8, 0x1E, 0, 0, 0, 0, 0, 255,
            3, 0, 1, 2, 3, .. "name\0"u8, .. "comment\0"u8, 0xAB, 0xCD, .. gzip[10..],
        ];
        Assert.Equal([0, 1, 2, 3, 4], IdxReader.DecodeLabels(rich, "rich.gz", 10).ToArray());
    }

    [Fact]
    public void Swapped_images_and_labels_are_told()
    {
        Refused(DatasetFault.WrongFormat, () => IdxReader.DecodeImages(IdxLabels(3), "x"),
            "(byte 0)", "0x00000801", "0x00000803", "label file", "swapped");
        Refused(DatasetFault.WrongFormat, () => IdxReader.DecodeLabels(IdxImages(1), "x", 10),
            "0x00000803", "0x00000801", "image file", "swapped");
    }

    [Theory]
    [InlineData(0x00000D03u, "unsigned bytes")]
    [InlineData(0x00000804u, "3 dimensions")]
    [InlineData(0x504B0304u, "zip archive")]
    [InlineData(0x3C21444Fu, "web page")]
    public void A_wrong_magic_number_is_rejected(uint magic, string hint)
    {
        byte[] file = IdxImages(1);
        BinaryPrimitives.WriteUInt32BigEndian(file, magic);
        Refused(DatasetFault.WrongFormat, () => IdxReader.DecodeImages(file, "x"), "magic", $"0x{magic:x8}", hint);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(15)]
    public void A_cut_header_is_rejected(int length) =>
        Refused(DatasetFault.Truncated, () => IdxReader.DecodeImages(IdxImages(1)[..length], "x"),
            "header", $"got {length} bytes");

    [Fact]
    public void A_truncated_payload_is_rejected()
    {
        var e = Refused(DatasetFault.Truncated, () => IdxReader.DecodeImages(IdxImages(2)[..^1], "x.idx"),
            "x.idx (byte 1583)", "got 1583 bytes", "expected 1584", "Download");
        Assert.Equal(("x.idx", 1583L), (e.Place, e.Offset));
        Refused(DatasetFault.Truncated, () => IdxReader.DecodeLabels(IdxLabels(9)[..^1], "x", 10), "17");
    }

    [Fact]
    public void Extra_bytes_are_rejected()
    {
        Refused(DatasetFault.ExtraBytes, () => IdxReader.DecodeImages([.. IdxImages(2), 0], "x"),
            "(byte 1584)", "1585");
        Refused(DatasetFault.ExtraBytes, () => IdxReader.DecodeLabels([.. IdxLabels(2), 0], "x", 10), "(byte 10)");
    }

    [Theory]
    [InlineData(4, "number of images")]
    [InlineData(8, "height")]
    [InlineData(12, "width")]
    public void A_zero_size_is_rejected(int offset, string what)
    {
        byte[] file = IdxImages(1);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(offset), 0);
        Refused(DatasetFault.BadHeader, () => IdxReader.DecodeImages(file, "x"), what, "zero", $"(byte {offset})");
    }

    [Theory]
    [InlineData(4, 0x8000_0000u)]
    [InlineData(8, 0x8000_0000u)]
    [InlineData(12, 0xFFFF_FFFFu)]
    [InlineData(12, 4097u)]
    public void A_size_over_the_limit_is_rejected(int offset, uint size)
    {
        byte[] file = IdxImages(1);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(offset), size);
        Refused(DatasetFault.TooLarge, () => IdxReader.DecodeImages(file, "x"), $"got {size}", $"(byte {offset})");
    }

    [Fact]
    public void Sizes_whose_product_overflows_are_rejected_before_anything_is_allocated()
    {
        // 65536 · 65536 · 65536 is 2^48; in 32 bits it is 0, just what an empty payload would have.
        byte[] file = Words(0x803, 65536, 65536, 65536);
        var wide = s_limits with { MaxSide = int.MaxValue };
        Refused(DatasetFault.TooLarge, () => IdxReader.DecodeImages(file, "x", wide), "multiply", "281474976710656");
        byte[] huge = Words(0x803, int.MaxValue, int.MaxValue, int.MaxValue);
        Refused(DatasetFault.TooLarge,
            () => IdxReader.DecodeImages(huge, "x", wide with { MaxImages = int.MaxValue }), "multiply");
    }

    [Fact]
    public void A_count_that_differs_from_the_labels_is_rejected()
    {
        using var folder = new TempFolder();
        folder.PutMnist();
        folder.Put("train-labels-idx1-ubyte", IdxLabels(19));
        Refused(DatasetFault.Mismatch, () => Load(folder), "train-images-idx3-ubyte", "20 images", "19",
            "train-labels-idx1-ubyte");
    }

    [Fact]
    public void Training_and_test_images_of_different_size_are_rejected()
    {
        using var folder = new TempFolder();
        folder.PutMnist();
        folder.Put("t10k-images-idx3-ubyte", IdxImages(10, 32, 28));
        Refused(DatasetFault.Mismatch, () => Load(folder), "[1, 32, 28]", "[1, 28, 28]");
    }

    [Fact]
    public void A_label_out_of_range_is_rejected()
    {
        var e = Refused(DatasetFault.LabelOutOfRange,
            () => IdxReader.DecodeLabels(With(IdxLabels(5), 8 + 3, 10), "x", 10), "label 3", "got 10", "0 to 9");
        Assert.Equal(11, e.Offset);
        Assert.Equal(10, IdxReader.DecodeLabels(With(IdxLabels(5), 8 + 3, 10), "x", 11)[3]);
    }

    [Fact]
    public void A_truncated_gzip_is_rejected_at_every_length()
    {
        byte[] gzip = Gzip(IdxImages(2));
        for (int length = 2; length < gzip.Length; length++)
        {
            var e = Assert.Throws<DatasetException>(() => IdxReader.DecodeImages(gzip[..length], "x.gz"));
            Assert.Contains("cut short", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_gzip_with_a_wrong_checksum_is_rejected_and_named_so()
    {
        byte[] gzip = Gzip(IdxImages(2));
        Refused(DatasetFault.Damaged,
            () => IdxReader.DecodeImages(With(gzip, gzip.Length - 8, (byte)~gzip[^8]), "x.gz"), "CRC-32", "x.gz");
    }

    [Fact]
    public void A_gzip_whose_trailer_counts_other_bytes_is_rejected()
    {
        byte[] gzip = Gzip(IdxImages(2));
        Refused(DatasetFault.Damaged, () => IdxReader.DecodeImages(With(gzip, gzip.Length - 4, 0), "x.gz"),
            "more data", "trailer");
        Refused(DatasetFault.Damaged, () => IdxReader.DecodeImages(With(gzip, gzip.Length - 3, 0xFF), "x.gz"),
            "1584 bytes", "trailer");
        Refused(DatasetFault.Damaged, () => IdxReader.DecodeImages(With(gzip, gzip.Length - 1, 0xFF), "x.gz"),
            "claims");
    }

    [Fact]
    public void A_gzip_of_zero_bytes_is_rejected() =>
        Refused(DatasetFault.Truncated, () => IdxReader.DecodeLabels(EmptyGzip(), "x.gz", 10), "header", "0 bytes");

    [Fact]
    public void An_empty_file_is_rejected()
    {
        using var folder = new TempFolder();
        string path = folder.Put("train-images-idx3-ubyte.gz", []);
        Refused(DatasetFault.Truncated, () => IdxReader.ReadImages(path), path, "empty");
    }

    [Fact]
    public void A_gzip_inside_a_gzip_is_rejected() =>
        Refused(DatasetFault.WrongFormat, () => IdxReader.DecodeImages(Gzip(Gzip(IdxImages(1))), "x.gz"),
            "gzip inside gzip", "gunzip");

    [Fact]
    public void Bytes_after_a_gzip_are_rejected() => Refused(
        DatasetFault.ExtraBytes, () => IdxReader.DecodeImages([.. Gzip(IdxImages(1)), 1, 2, 3], "x.gz"), "no gzip", "gunzip");

    [Fact]
    public void Gzip_members_in_a_row_are_one_file_and_zeros_behind_them_nothing()
    {
        byte[] plain = IdxImages(2), expected = IdxReader.DecodeImages(plain, "x").Pixels.ToArray();
        byte[] half = Gzip(plain[..500]), rest = Gzip(plain[500..]), none = Gzip([]);
        foreach (byte[] file in (byte[][])
        [
            [.. half, .. rest], [.. half, .. none, .. rest], [.. half, .. rest, .. none], [.. none, .. half, .. rest],
            [.. Gzip(plain), .. new byte[512]], [.. half, .. rest, 0],
            [.. plain.Chunk(100).SelectMany(Gzip)],
        ])
        {
            Assert.Equal(expected, IdxReader.DecodeImages(file, "x.gz").Pixels.ToArray());
        }

        Refused(DatasetFault.ExtraBytes, () => IdxReader.DecodeImages([.. half, .. rest, 0, 0, 5], "x.gz"), "no gzip");
        Refused(DatasetFault.Damaged, () => IdxReader.DecodeImages([.. half, .. With(rest, rest.Length - 8, (byte)~rest[^8])], "x.gz"));
        Refused(DatasetFault.Damaged, () => IdxReader.DecodeImages([.. half, .. rest[..^1]], "x.gz"));
        Refused(DatasetFault.TooLarge, () => IdxReader.DecodeImages([.. half, .. rest], "x.gz", s_limits with { MaxDecodedBytes = 1000 }));

        // Two equal members look like one by length and checksum of the end.
        Refused(DatasetFault.ExtraBytes, () => IdxReader.DecodeImages([.. Gzip(plain), .. Gzip(plain)], "x.gz"));
    }

    [Fact]
    public void A_gzip_bomb_is_refused_by_the_limit_before_it_is_unpacked()
    {
        byte[] bomb = Gzip(new byte[8 << 20]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refused(DatasetFault.TooLarge,
            () => IdxReader.DecodeImages(bomb, "x.gz", s_limits with { MaxDecodedBytes = 1 << 20 }),
            "8388608", "1048576");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void A_file_over_the_limit_is_refused_before_it_is_read()
    {
        using var folder = new TempFolder();
        string path = folder.Put("x", IdxImages(2));
        Refused(DatasetFault.TooLarge, () => IdxReader.ReadImages(path, s_limits with { MaxFileBytes = 1583 }),
            "1584 bytes", "1583");
        Assert.Equal(2, IdxReader.ReadImages(path, s_limits with { MaxFileBytes = 1584 }).Count);
    }

    [Fact]
    public void A_missing_file_is_named_with_what_to_do()
    {
        using var folder = new TempFolder();
        folder.PutMnist();
        File.Delete(folder["t10k-labels-idx1-ubyte"]);
        Refused(DatasetFault.NotFound, () => Load(folder), folder.Path, "t10k-labels-idx1-ubyte is missing",
            "t10k-labels.idx1-ubyte.gz");
        Refused(DatasetFault.NotFound, () => IdxReader.ReadImages(folder["none"]), "does not exist");
    }

    [Fact]
    public void A_file_given_as_folder_and_a_folder_given_as_file_are_told()
    {
        using var folder = new TempFolder();
        folder.PutMnist();
        string file = folder["train-images-idx3-ubyte"];
        Refused(DatasetFault.WrongFormat,
            () => IdxReader.LoadFolder(file, KnownSets.Mnist),
            "is a file where a folder is needed");
        Refused(DatasetFault.WrongFormat, () => IdxReader.ReadImages(folder.Path),
            "is a folder where a file is needed");
        File.Delete(file);
        Directory.CreateDirectory(file);
        Refused(DatasetFault.WrongFormat, () => Load(folder), "is a folder where a file is needed");
    }

    [Fact]
    public void A_file_that_another_process_holds_is_told()
    {
        using var folder = new TempFolder();
        string path = folder.Put("x", IdxImages(1));
        using var held = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        var e = Refused(DatasetFault.Unreadable, () => IdxReader.ReadImages(path), path, "cannot be read");
        Assert.IsType<IOException>(e.InnerException);
    }

    [Fact]
    public void The_strict_check_of_the_runtime_is_on_in_this_test_host()
    {
        Assert.True(AppContext.TryGetSwitch("System.IO.Compression.UseStrictValidation", out bool strict) && strict);
        byte[] gzip = Gzip(IdxImages(2));
        using var stream = new GZipStream(new MemoryStream(gzip[..(gzip.Length / 2)]), CompressionMode.Decompress);
        Assert.Throws<InvalidDataException>(() => stream.CopyTo(Stream.Null));
    }

    private static byte[] EmptyGzip() => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private static DatasetPair Load(TempFolder folder) =>
        IdxReader.LoadFolder(folder.Path, KnownSets.Mnist);
}
