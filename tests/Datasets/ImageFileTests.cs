using InfMatch.Datasets;
using InfMatch.Tests.IO;
using static InfMatch.Tests.Datasets.DatasetBytes;
using static InfMatch.Tests.Datasets.ImageBytes;

namespace InfMatch.Tests.Datasets;

public sealed class ImageFileTests
{
    [Fact]
    public void Png_of_every_colour_type_becomes_rgb()
    {
        Assert.Equal([10, 20, 30, 40, 50, 60], Decode(Png(2, 1, 2, 8, [10, 20, 30, 40, 50, 60])));
        Assert.Equal([7, 7, 7, 9, 9, 9], Decode(Png(2, 1, 0, 8, [7, 9])));
        Assert.Equal([7, 7, 7], Decode(Png(1, 1, 4, 8, [7, 100])));
        Assert.Equal([1, 2, 3], Decode(Png(1, 1, 6, 8, [1, 2, 3, 0])));
        Assert.Equal([1, 2, 3], Decode(Png(1, 1, 2, 16, [1, 250, 2, 250, 3, 250])));
        Assert.Equal([4, 5, 6, 1, 2, 3], Decode(Png(2, 1, 3, 8, [1, 0], ("PLTE", [1, 2, 3, 4, 5, 6]))));
        Assert.Equal([255, 255, 255, 0, 0, 0], Decode(Png(2, 1, 0, 1, [0x80])));
    }

    [Fact]
    public void An_interlaced_png_is_read()
    {
        // Eight by eight, one byte a pixel: pass after pass, each row with its filter.
        byte[] image = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];
        var stream = new List<byte>();
        foreach ((int y, int x, int dy, int dx) in ((int, int, int, int)[])
            [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)])
        {
            for (int row = y; row < 8; row += dy)
            {
                stream.Add(0);
                for (int column = x; column < 8; column += dx)
                    stream.Add(image[(8 * row) + column]);
            }
        }

        byte[] png = PngOf(("IHDR", Header(8, 8, 0, 8, interlace: 1)), ("IDAT", Zlib([.. stream])), ("IEND", []));
        Assert.Equal(image.SelectMany(p => (byte[])[p, p, p]), Decode(png));
    }

    [Fact]
    public void Data_in_several_chunks_is_one()
    {
        byte[] data = Zlib([0, 1, 2, 3, 4, 5, 6]);
        Assert.Equal(
            [1, 2, 3, 4, 5, 6],
            Decode(PngOf(("IHDR", Header(2, 1, 2, 8)), ("IDAT", data[..3]), ("IDAT", data[3..]), ("IEND", []))));
    }

    // libpng 1.6 decodes all of these, most with a warning.
    [Fact]
    public void What_changes_no_colour_of_a_png_is_passed_over()
    {
        byte[] rows = [0, 1, 2, 3, 4, 5, 6], data = Zlib(rows), colours = [1, 2, 3, 4, 5, 6];
        (string, byte[]) head = ("IHDR", Header(2, 1, 2, 8)), end = ("IEND", []), idat = ("IDAT", data);
        byte[] good = PngOf(head, idat, end);
        foreach (byte[] file in (byte[][])
        [
            PngOf(head, ("IDAT", []), idat, end), PngOf(head, idat, ("IDAT", []), end),
            PngOf(head, ("IDAT", data[..1]), ("IDAT", []), ("IDAT", data[1..]), end),
            [.. good, 0], [.. good, .. new byte[100]], [.. good, .. good],
            PngOf(head, ("IDAT", [.. data, .. new byte[9]]), end), PngOf(head, ("IDAT", [.. data, 1, 2, 3]), end),
            PngOf(head, ("IDAT", Zlib([.. rows, .. new byte[9]])), end),
            PngOf(head, ("IDAT", data[..3]), ("IDAT", [.. data[3..], 7]), ("IDAT", [7, 7]), end),
            PngOf(head, ("tRNS", [1]), idat, end), PngOf(head, ("PLTE", [1, 2]), idat, end), PngOf(head, idat, ("IEND", [1])),
            PngOf(head, ("bKGD", []), idat, ("tRNS", [1]), end),
        ])
        {
            Assert.Equal(colours, Decode(file));
        }

        (string, byte[]) indexed = ("IHDR", Header(2, 1, 3, 8)), palette = ("PLTE", [1, 2, 3, 4, 5, 6]), pixels = ("IDAT", Zlib([0, 0, 1]));
        Assert.Equal(colours, Decode(PngOf(indexed, palette, ("tRNS", new byte[9]), pixels, end)));
        Assert.Equal(colours, Decode(PngOf(indexed, ("tRNS", [5]), palette, pixels, end)));
        Assert.Equal([7, 7, 7, 8, 8, 8], Decode(PngOf(("IHDR", Header(2, 1, 0, 8)), palette, ("IDAT", Zlib([0, 7, 8])), end)));

        // A number beyond the palette is black, and one longer than its numbers is cut.
        Assert.Equal([1, 2, 3, 0, 0, 0], Decode(PngOf(indexed, ("PLTE", [1, 2, 3]), pixels, end)));
        Assert.Equal(colours, Decode(PngOf(("IHDR", Header(2, 1, 3, 1)), ("PLTE", [.. colours, 9, 9, 9]), ("IDAT", Zlib([0, 0x40])), end)));
    }

    public static TheoryData<string, byte[], DatasetFault, string> BadPngs()
    {
        byte[] good = PlainPng(2, 2, 1, 2, 3), data = Zlib(new byte[14]);
        (string, byte[]) head = ("IHDR", Header(2, 2, 2, 8)), end = ("IEND", []), idat = ("IDAT", data);
        return new()
        {
            { "cut in a chunk", good[..^6], DatasetFault.Truncated, "inside a chunk" },
            { "CRC of IHDR", With(good, 29, 0), DatasetFault.Damaged, "IHDR is wrong" },
            { "CRC of IEND", With(good, good.Length - 1, 0), DatasetFault.Damaged, "IEND is wrong" },
            { "CRC of IDAT", With(good, 42, (byte)(good[42] ^ 1)), DatasetFault.Damaged, "IDAT is wrong" },
            { "no IHDR", PngOf(idat, end), DatasetFault.Damaged, "not IHDR" },
            { "two IHDR", PngOf(head, head, idat, end), DatasetFault.Damaged, "second IHDR" },
            { "no data", PngOf(head, end), DatasetFault.Damaged, "no image data" },
            { "data apart", PngOf(head, ("IDAT", data[..4]), ("tEXt", [1]), ("IDAT", data[4..]), end),
                DatasetFault.Damaged, "one piece" },
            { "no IEND", PngOf(head, idat), DatasetFault.Truncated, "inside a chunk" },
            { "no palette", PngOf(("IHDR", Header(2, 2, 3, 8)), idat, end), DatasetFault.Damaged,
                "palette is missing" },
            { "late palette", PngOf(head, idat, ("PLTE", new byte[3]), end), DatasetFault.Damaged, "palette" },
            { "unknown critical", PngOf(head, ("CgBI", new byte[4]), idat, end), DatasetFault.WrongFormat,
                "critical chunk CgBI" },
            { "colour type 5", PngOf(("IHDR", Header(2, 2, 5, 8)), idat, end), DatasetFault.Damaged, "colour type 5" },
            { "7 bits", PngOf(("IHDR", Header(2, 2, 2, 7)), idat, end), DatasetFault.Damaged, "7 bits" },
            { "width 0", PngOf(("IHDR", Header(0, 2, 2, 8)), idat, end), DatasetFault.BadHeader, "zero" },
            { "height 0", PngOf(("IHDR", Header(2, 0, 2, 8)), idat, end), DatasetFault.BadHeader, "zero" },
            { "width 2³¹", PngOf(("IHDR", Header(int.MinValue, 2, 2, 8)), idat, end), DatasetFault.TooLarge,
                "at most 4096" },
            { "width 12,000", PngOf(("IHDR", Header(12_000, 12_000, 2, 8)), idat, end), DatasetFault.TooLarge,
                "at most 4096" },
            { "too many bytes", PngOf(("IHDR", Header(4096, 4096, 6, 16)), idat, end), DatasetFault.TooLarge,
                "decoded image" },
            { "large and little data", PngOf(("IHDR", Header(4000, 4000, 2, 8)), idat, end), DatasetFault.Damaged,
                "too short" },
            { "data too short", PngOf(head, ("IDAT", Zlib(new byte[13])), end), DatasetFault.Damaged, "too early" },
            { "data far too long", PngOf(head, ("IDAT", Zlib(new byte[15 + (64 << 10)])), end), DatasetFault.Damaged, "longer" },
            { "data too long, Adler-32", PngOf(head, ("IDAT", [.. data[..^1], 77, 0, 0]), end), DatasetFault.Damaged, "" },
            { "data cut", PngOf(head, ("IDAT", data[..^5]), end), DatasetFault.Damaged, "" },
            { "Adler-32", PngOf(head, ("IDAT", With(data, data.Length - 1, 77)), end), DatasetFault.Damaged, "Adler" },
            { "filter 5", PngOf(head, ("IDAT", Zlib(With(new byte[14], 7, 5))), end), DatasetFault.Damaged, "filter" },
            { "text", "hello, this is text"u8.ToArray(), DatasetFault.WrongFormat, "no image" },
            { "BMP", "BM123456789012345678"u8.ToArray(), DatasetFault.WrongFormat, "BMP" },
            { "GIF", "GIF89a12345678901234"u8.ToArray(), DatasetFault.WrongFormat, "GIF" },
        };
    }

    [Theory]
    [MemberData(nameof(BadPngs))]
    public void A_bad_png_is_refused_without_memory(string what, byte[] file, DatasetFault fault, string fragment)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<DatasetException>(() => Decode(file));
        Assert.True(e.Fault == fault && e.Message.Contains(fragment, StringComparison.Ordinal), $"{what}: {e.Message}");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void A_bomb_of_140_kilobytes_is_refused_by_its_header()
    {
        byte[] bomb = PngOf(("IHDR", Header(12_000, 12_000, 0, 8)), ("IDAT", Zlib(new byte[40 << 20])), ("IEND", []));
        Refused(DatasetFault.TooLarge, () => Decode(bomb), "12000×12000");
    }

    [Fact]
    public void Jpegs_decode_to_what_was_drawn()
    {
        foreach (byte[] file in (byte[][])[BaselineJpeg, ProgressiveJpeg])
        {
            byte[] pixels = Decode(file);
            double error = 0;
            for (int i = 0; i < 16 * 12; i++)
            {
                error += Math.Abs(pixels[3 * i] - (i % 16 * 16)) + Math.Abs(pixels[(3 * i) + 1] - (i / 16 * 20))
                    + Math.Abs(pixels[(3 * i) + 2] - 128);
            }

            Assert.InRange(error / (3 * 16 * 12), 0, 12);
        }

        byte[] grey = Decode(GreyJpeg);
        for (int i = 0; i < 64; i++)
        {
            Assert.True(grey[3 * i] == grey[(3 * i) + 1] && grey[3 * i] == grey[(3 * i) + 2]);
            Assert.InRange(grey[3 * i], (i % 8 * 16) + (i / 8 * 8) - 12, (i % 8 * 16) + (i / 8 * 8) + 12);
        }
    }

    [Fact]
    public void What_stands_behind_the_end_of_a_jpeg_is_not_its_image()
    {
        foreach (byte[] behind in (byte[][])[[1], [0xFF, 0xD9], ProgressiveJpeg, new byte[1000]])
            Assert.Equal(Decode(BaselineJpeg), Decode([.. BaselineJpeg, .. behind]));
    }

    public static TheoryData<string, byte[], DatasetFault, string> BadJpegs()
    {
        byte[] good = BaselineJpeg;
        int frame = good.AsSpan().IndexOf((byte[])[0xFF, 0xC0]), scan = good.AsSpan().IndexOf((byte[])[0xFF, 0xDA]);
        byte[] cmyk = [.. good[..frame], 0xFF, 0xC0, 0, 20, 8, 0, 12, 0, 16, 4, 1, 17, 0, 2, 17, 0, 3, 17, 0, 4, 17, 0,
            .. good[scan..]];
        byte[] large = With(With(good, frame + 5, 15), frame + 7, 15);
        byte[] aScan = good[scan..^2];
        return new()
        {
            { "seven bytes", [0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 0x4A], DatasetFault.Truncated, "end marker" },
            { "seven bytes, ended", [0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 0x4A, 0xFF, 0xD9], DatasetFault.Damaged,
                "beyond the end" },
            { "no end", good[..^2], DatasetFault.Truncated, "end marker" },
            { "no end but in what stands behind", [.. good[..^2], 0xFF, 0xE1, 0, 4, 0xFF, 0xD9, 1, 2],
                DatasetFault.Damaged, "marker" },
            { "no scan", [.. good[..scan], 0xFF, 0xD9], DatasetFault.Damaged, "no image" },
            { "no frame", [.. good[..frame], .. good[scan..]], DatasetFault.Damaged, "before the frame" },
            { "two frames", [.. good[..scan], .. good[frame..]], DatasetFault.Damaged, "second frame" },
            { "arithmetic", With(good, frame + 1, 0xC9), DatasetFault.WrongFormat, "not supported" },
            { "lossless", With(good, frame + 1, 0xC3), DatasetFault.WrongFormat, "not supported" },
            { "12 bits", With(good, frame + 4, 12), DatasetFault.WrongFormat, "12 bits" },
            { "CMYK", cmyk, DatasetFault.WrongFormat, "CMYK" },
            { "two components", With(good, frame + 9, 2), DatasetFault.Damaged, "" },
            { "height 0", With(With(good, frame + 5, 0), frame + 6, 0), DatasetFault.BadHeader, "zero" },
            { "height 32,000", With(good, frame + 5, 125), DatasetFault.TooLarge, "at most 4096" },
            { "3,852×3,856 and little data", large, DatasetFault.Truncated, "too little data" },
            { "sampling 0", With(good, frame + 11, 0x20), DatasetFault.Damaged, "sampling" },
            { "sampling 3 beside 2", With(good, frame + 14, 0x31), DatasetFault.WrongFormat, "sampling" },
            { "thousand scans", [.. good[..scan], .. Enumerable.Repeat(aScan, 1000).SelectMany(s => s), 0xFF, 0xD9],
                DatasetFault.Damaged, "scans" },
        };
    }

    [Theory]
    [MemberData(nameof(BadJpegs))]
    public void A_bad_jpeg_is_refused_at_once(string what, byte[] file, DatasetFault fault, string fragment)
    {
        (Exception? error, TimeSpan took, long bytes) = MutationAttack.Watch(() => Decode(file));
        var e = Assert.IsType<DatasetException>(error);
        Assert.True(e.Fault == fault && e.Message.Contains(fragment, StringComparison.Ordinal), $"{what}: {e.Message}");
        Assert.InRange(bytes, 0, 1 << 20);
        Assert.True(took.TotalSeconds < 1);
    }

    [Fact]
    public void A_large_file_of_an_image_is_refused_unread()
    {
        using var folder = new TempFolder();
        string path = folder.Put("a.png", PlainPng(9, 9, 1, 2, 3));
        Refused(
            DatasetFault.TooLarge, () => ImageFile.Read(path, DecodeLimits.Default with { MaxImageFileBytes = 20 }),
            path,
            "at most 20");
    }

    [Fact]
    public void Resampling_to_the_own_size_keeps_every_byte()
    {
        byte[] image = [.. Enumerable.Range(0, 5 * 5 * 3).Select(i => (byte)(i * 3))], planes = new byte[75],
            resized = new byte[75];
        Resampling.ToPlanes(image, planes);
        Resampling.ToSquare(image, 5, 5, 5, resized);
        Assert.Equal(planes, resized);
        Assert.Equal(image[3 * 7], planes[7]);
        Assert.Equal(image[(3 * 7) + 2], planes[50 + 7]);
    }

    [Fact]
    public void Shrinking_averages_over_areas_of_the_centred_square()
    {
        // Of two rows of six pixels the square is columns 2 and 3.
        byte[] row = [9, 9, 9, 9, 9, 9, 10, 0, 0, 20, 0, 0, 9, 9, 9, 9, 9, 9];
        byte[] result = new byte[3];
        Resampling.ToSquare([.. row, .. row], 2, 6, 1, result);
        Assert.Equal([15, 0, 0], result);

        // Three pixels to two: each result is one pixel and half of the middle one.
        byte[] three = [0, 0, 0, 90, 0, 0, 255, 0, 0], two = new byte[12];
        Resampling.ToSquare([.. three, .. three, .. three], 3, 3, 2, two);
        Assert.Equal([30, 200, 30, 200], two[..4]);
    }

    [Fact]
    public void Growing_interpolates_between_centres()
    {
        byte[] row = [0, 0, 0, 100, 0, 0], four = new byte[48];
        Resampling.ToSquare([.. row, .. row], 2, 2, 4, four);
        Assert.Equal([0, 25, 75, 100], four[..4]);
        Assert.Equal([0, 25, 75, 100], four[12..16]);
        byte[] one = new byte[27];
        Resampling.ToSquare([5, 6, 7], 1, 1, 3, one);
        Assert.Equal(Enumerable.Repeat((byte)6, 9), one[9..18]);
    }
}
