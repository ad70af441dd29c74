using InfMatch.Datasets;
using static InfMatch.Tests.Datasets.DatasetBytes;
using static InfMatch.Tests.Datasets.ImageBytes;

namespace InfMatch.Tests.Datasets;

public sealed class JpegTests
{
    // Values by T.81, and where it leaves them open by libjpeg-turbo 2.1.5 (djpeg -pnm).
    private static readonly FlatJpeg s_colour = new(20, 12, (1, 1), (1, 1), (1, 1));
    private static readonly FlatJpeg s_finer = new(37, 35, (2, 2), (1, 1), (1, 1));
    private static readonly int[][] s_apart = [[0], [1], [2]];

    public static TheoryData<string> Kinds() => [.. Files().Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_sound_file_gives_its_values(string kind)
    {
        FlatJpeg file = Files()[kind];
        Assert.Equal(file.Pixels(), Decode(file.Bytes()));
    }

    [Fact]
    public void Colours_are_told_by_jfif_then_adobe_then_identifiers()
    {
        FlatJpeg file = s_colour with { Value = (c, _, _) => c == 0 ? 90 : c == 1 ? 60 : 200 };
        byte[] red = [.. "RGB"u8, 4];

        // R = 90 + 1.402·72, G = 90 + 0.34414·68 − 0.71414·72, B = 90 − 1.772·68
        byte[] mixed = [191, 62, 0], plain = [90, 60, 200];
        void Is(byte[] first, FlatJpeg of) => Assert.Equal(first, Decode(of.Bytes())[..3]);
        Is(mixed, file);
        Is(mixed, file with { Ids = [0, 1, 2, 3] });
        Is(mixed, file with { Before = FlatJpeg.Jfif() });
        Is(mixed, file with { Before = FlatJpeg.Adobe(1) });
        Is(mixed, file with { Before = FlatJpeg.Adobe(2) });
        Is(plain, file with { Before = FlatJpeg.Adobe(0) });
        Is(plain, file with { Ids = red });
        Is(mixed, file with { Before = [.. FlatJpeg.Jfif(), .. FlatJpeg.Adobe(0)] });
        Is(mixed, file with { Before = [.. FlatJpeg.Adobe(0), .. FlatJpeg.Jfif()] });
        Is(mixed, file with { Before = FlatJpeg.Jfif(), Ids = red });
        Is(mixed, file with { Before = FlatJpeg.Adobe(1), Ids = red });

        // What is called so and is shorter is not it.
        Is(plain, file with { Before = [.. FlatJpeg.Segment(0xE0, [.. "JFIF\0"u8, 1, 1]), .. FlatJpeg.Adobe(0)] });
        Is(mixed, file with { Before = FlatJpeg.Segment(0xEE, [.. "Adobe"u8, 0, 100, 0, 0]) });

        // A colour that is told when the first scan has begun comes too late.
        byte[] bytes = (file with { Scans = s_apart }).Bytes();
        int second = bytes.AsSpan().LastIndexOf((byte[])[0xFF, 0xDA]);
        Assert.Equal(mixed, Decode([.. bytes[..second], .. FlatJpeg.Adobe(0), .. bytes[second..]])[..3]);
    }

    public static TheoryData<string, byte[], DatasetFault, string> Unsound()
    {
        byte[] good = s_colour.Bytes(), apart = (s_colour with { Scans = s_apart }).Bytes();
        byte[] restarted = (s_colour with { Interval = 1 }).Bytes(), slow = (s_finer with { Marker = 0xC2 }).Bytes();
        int scan = good.AsSpan().IndexOf((byte[])[0xFF, 0xDA]), data = scan + 2 + 12;
        byte[] Without(byte[] file, byte marker)
        {
            int at = file.AsSpan().IndexOf((byte[])[0xFF, marker]);
            return [.. file[..at], .. file[(at + 2 + (file[at + 2] << 8) + file[at + 3])..]];
        }

        byte[] WithoutScan(byte[] file, int number)
        {
            int[] scans = [.. Enumerable.Range(0, file.Length - 1).Where(i => file[i] == 0xFF && file[i + 1] == 0xDA), file.Length - 2];
            return [.. file[..scans[number]], .. file[scans[number + 1]..]];
        }

        byte[] cut = [.. good[..(data + ((good.Length - data) / 2))], 0xFF, 0xD9];
        int restart = restarted.AsSpan().IndexOf((byte[])[0xFF, 0xD0]);
        return new()
        {
            { "brightness alone", WithoutScan(WithoutScan(apart, 2), 1), DatasetFault.Truncated, "component 2 of 3 has no scan" },
            { "no last colour", WithoutScan(apart, 2), DatasetFault.Truncated, "component 3 of 3 has no scan" },
            { "no brightness", WithoutScan(apart, 0), DatasetFault.Truncated, "component 1 of 3 has no scan" },
            { "a scan twice", [.. apart[..^2], .. apart[apart.AsSpan().LastIndexOf((byte[])[0xFF, 0xDA])..]], DatasetFault.Damaged,
                "two scans" },
            { "no bands", WithoutScan(slow, 1), DatasetFault.Truncated, "coefficient 1 of component 1 has no scan" },
            { "no means", WithoutScan(slow, 0), DatasetFault.Damaged, "before that of its means" },
            { "no quantisation", Without(good, 0xDB), DatasetFault.Damaged, "table of quantisation 0 is used and not given" },
            { "other quantisation", With(good, good.AsSpan().IndexOf((byte[])[0xFF, 0xDB]) + 4, 1), DatasetFault.Damaged,
                "table of quantisation 0 is used and not given" },
            { "progressive without tables", (s_colour with { Marker = 0xC2, HasTables = false }).Bytes(), DatasetFault.Damaged,
                "Huffman table 0 is used and not given" },
            { "table 2", With(good, scan + 6, 0x20), DatasetFault.Damaged, "Huffman table 2 is used and not given" },
            { "table 9", With(good, scan + 6, 0x90), DatasetFault.Damaged, "Huffman table 9 is used and not given" },
            { "a code of ones", With(good, good.AsSpan().IndexOf((byte[])[0xFF, 0xC4, 0, 31, 1]) + 5, 2), DatasetFault.Damaged, "Huffman" },
            { "cut", cut, DatasetFault.Truncated, "ends before the image does" },
            { "cut to nothing", [.. good[..data], 0xFF, 0xD9], DatasetFault.Truncated, "" },
            { "more data", [.. good[..^2], 0x12, 0x34, 0xFF, 0xD9], DatasetFault.Damaged, "goes on behind its last block" },
            { "a restart that nobody announced", [.. good[..(data + 4)], 0xFF, 0xD0, .. good[(data + 4)..]], DatasetFault.Truncated, "" },
            { "restarts out of order", With(restarted, restart + 1, 0xD3), DatasetFault.Damaged, "out of order" },
            { "no restart", [.. restarted[..restart], .. restarted[(restart + 2)..]], DatasetFault.Damaged, "" },
            { "another component", With(good, scan + 5, 77), DatasetFault.Damaged, "component 77" },
            { "a component twice", With(good, scan + 7, 1), DatasetFault.Damaged, "component 1" },
            { "a scan of four", With(good, scan + 4, 4), DatasetFault.Damaged, "wrong length" },
            { "two components", new FlatJpeg(8, 8, (1, 1), (1, 1)) { Scans = [[0, 1]] }.Bytes(), DatasetFault.WrongFormat,
                "two components" },
            { "four components", new FlatJpeg(8, 8, (1, 1), (1, 1), (1, 1), (1, 1)) { Scans = [[0, 1, 2, 3]] }.Bytes(),
                DatasetFault.WrongFormat, "CMYK" },
            { "height told behind", [.. (s_colour with { Height = 0 }).Bytes()[..^2], .. FlatJpeg.Segment(0xDC, 0, 12), 0xFF, 0xD9],
                DatasetFault.WrongFormat, "DNL" },
            { "JPEG-LS", With(good, good.AsSpan().IndexOf((byte[])[0xFF, 0xC0]) + 1, 0xF7), DatasetFault.WrongFormat, "not supported" },
            { "a brightness that no image has", (s_colour with { Step = 255, Value = (_, _, _) => 4000 }).Bytes(), DatasetFault.Damaged,
                "coefficients that no image has" },
        };
    }

    [Theory]
    [MemberData(nameof(Unsound))]
    public void An_unsound_file_is_refused(string what, byte[] file, DatasetFault fault, string fragment)
    {
        var e = Assert.Throws<DatasetException>(() => Decode(file));
        Assert.True(e.Fault == fault && e.Message.Contains(fragment, StringComparison.Ordinal), $"{what}: {e.Message}");
    }

    [Fact]
    public void A_scan_cut_at_any_byte_is_refused()
    {
        foreach (byte[] file in (byte[][])
            [s_finer.Bytes(), (s_finer with { Marker = 0xC2 }).Bytes(), (s_finer with { Interval = 2 }).Bytes(), BaselineJpeg, ProgressiveJpeg])
        {
            for (int end = file.AsSpan().IndexOf((byte[])[0xFF, 0xDA]) + 2; end < file.Length - 2; end++)
                Assert.Throws<DatasetException>(() => Decode([.. file[..end], 0xFF, 0xD9]));
        }
    }

    [Fact]
    public void What_is_no_part_of_the_image_changes_nothing()
    {
        byte[] file = s_finer.Bytes(), pixels = s_finer.Pixels();
        int scan = file.AsSpan().IndexOf((byte[])[0xFF, 0xDA]);

        // A picture within a picture, as cameras put it; a comment; bytes that fill; a height that DNL tells again.
        byte[] thumbnail = FlatJpeg.Segment(0xE1, [.. "Exif\0\0"u8, .. s_colour.Bytes()]);
        Assert.Equal(pixels, Decode([.. file[..2], .. thumbnail, .. FlatJpeg.Segment(0xFE, 0xFF, 0xD9), .. file[2..]]));
        Assert.Equal(pixels, Decode([.. file[..scan], 0xFF, 0xFF, .. file[scan..^2], 0xFF, 0xFF, 0xFF, .. file[^2..]]));
        Assert.Equal(pixels, Decode([.. file[..^2], 0, 0, 0, .. file[^2..]]));
        Assert.Equal(pixels, Decode([.. file[..^2], .. FlatJpeg.Segment(0xDC, 0, 35), .. file[^2..]]));

        // A sequential scan has no band, whatever stands there.
        Assert.Equal(pixels, Decode(With(With(file, scan + 11, 5), scan + 13, 0x21)));

        // A restart marker behind the last block is one too many, and common.
        byte[] restarted = (s_finer with { Interval = 3 }).Bytes();
        Assert.Equal(pixels, Decode([.. restarted[..^2], 0xFF, 0xD2, .. restarted[^2..]]));
    }

    private static Dictionary<string, FlatJpeg> Files()
    {
        FlatJpeg grey = new(21, 19, (1, 1)) { Scans = [[0]] };
        var files = new Dictionary<string, FlatJpeg>(StringComparer.Ordinal)
        {
            ["grey"] = grey,
            ["grey, 2×2"] = new(21, 19, (2, 2)) { Scans = [[0]] },
            ["grey, progressive"] = grey with { Marker = 0xC2 },
            ["one pixel"] = new(1, 1, (1, 1)) { Scans = [[0]] },
            ["4:4:4"] = s_colour,
            ["4:2:0"] = s_finer,
            ["extended sequential"] = s_finer with { Marker = 0xC1 },
            ["progressive"] = s_finer with { Marker = 0xC2 },
            ["4:2:2"] = new(37, 35, (2, 1), (1, 1), (1, 1)),
            ["4:4:0"] = new(37, 35, (1, 2), (1, 1), (1, 1)),
            ["4:1:1"] = new(70, 9, (4, 1), (1, 1), (1, 1)),
            ["3×1"] = new(70, 9, (3, 1), (1, 1), (1, 1)),
            ["4×4"] = new(70, 70, (4, 4), (1, 1), (1, 1)),
            ["2×2 of all"] = new(37, 35, (2, 2), (2, 2), (2, 2)),
            ["finer colour"] = new(37, 35, (1, 1), (2, 2), (1, 1)) { Value = (c, _, _) => c == 0 ? 77 : 128 },
            ["a scan each"] = s_finer with { Scans = s_apart },
            ["a scan each, progressive"] = s_finer with { Scans = s_apart, Marker = 0xC2 },
            ["colour before brightness"] = s_finer with { Scans = [[1, 2], [0]] },
            ["a scan each, restarts"] = s_finer with { Scans = s_apart, Interval = 2 },
            ["restarts"] = s_finer with { Interval = 1 },
            ["restarts that divide"] = s_finer with { Interval = 3 },
            ["restarts, progressive"] = s_finer with { Interval = 2, Marker = 0xC2 },
            ["a long restart"] = s_finer with { Interval = 500 },
            ["wide steps"] = s_finer with { Step = 1024, Value = (c, x, y) => c == 0 ? 128 * ((x + y) % 2) : 128 },
            ["no Huffman tables"] = s_finer with { HasTables = false },
            ["one identifier for all"] = s_finer with { Ids = [0, 0, 0, 0] },
            ["quantisation anew for each scan"] = s_finer with { Scans = s_apart, SharesSlot = true },
            ["quantisation anew, progressive"] = s_finer with { Scans = s_apart, SharesSlot = true, Marker = 0xC2 },
        };
        return files;
    }
}
