using System.Buffers.Binary;
using InfMatch.Datasets;
using InfMatch.Tests.IO;
using static InfMatch.Tests.Datasets.DatasetBytes;
using static InfMatch.Tests.Datasets.ImageBytes;

namespace InfMatch.Tests.Datasets;

public sealed class ReaderFuzzTests
{
    private const int Mutations = 20_000;
    private const long MaxAllocated = 4 << 20;

    private static readonly byte[] s_bytes = [0, 1, 9, 10, 0x7F, 0x80, 0xFF];
    private static readonly uint[] s_words = [0, 1, 2, 28, 0x801, 0x803, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF];

    [Fact]
    public Task Mutated_idx_images_are_read_or_refused() => Fuzz(
        1, IdxImages(3, 4, 5), null, bytes =>
        {
            var images = IdxReader.DecodeImages(bytes, "x");
            Assert.Equal(images.Count * images.Height * images.Width, images.Pixels.Length);
        });

    [Fact]
    public Task Mutated_idx_labels_are_read_or_refused() => Fuzz(
        2, IdxLabels(25), null, bytes =>
        {
            var labels = IdxReader.DecodeLabels(bytes, "x", 10);
            Assert.True(labels.Length > 0 && labels.All(l => l < 10));
        });

    [Fact]
    public Task Mutated_gzip_images_are_read_or_refused() => Fuzz(
        3, IdxImages(3, 4, 5), Gzip, bytes =>
        {
            var images = IdxReader.DecodeImages(bytes, "x");
            Assert.Equal(images.Count * images.Height * images.Width, images.Pixels.Length);
        });

    [Fact]
    public Task Mutated_gzip_labels_are_read_or_refused() => Fuzz(
        4, IdxLabels(25), Gzip, bytes =>
        {
            var labels = IdxReader.DecodeLabels(bytes, "x", 10);
            Assert.True(labels.Length > 0 && labels.All(l => l < 10));
        });

    [Fact]
    public Task Mutated_cifar_batches_are_read_or_refused() => Fuzz(
        5, Cifar(2, 0), null, bytes =>
        {
            var set = CifarReader.Decode(bytes, "x", KnownSets.Cifar10, 2);
            Assert.Equal((2, 2 * 3072), (set.Count, set.Pixels.Length));
        });

    [Fact]
    public Task Mutated_cifar_100_files_are_read_or_refused() => Fuzz(
        6, Cifar100(2), null, bytes =>
        {
            var set = Cifar100Reader.Decode(bytes, "x", KnownSets.Cifar100, 2);
            Assert.Equal((2, 2 * 3072), (set.Count, set.Pixels.Length));
        });

    [Fact]
    public Task Mutated_matlab_files_are_read_or_refused() => Fuzz(
        7, Svhn(1, compressed: false), null, bytes => Assert.Equal(3072, SvhnReader.Decode(bytes, "x", KnownSets.Svhn).Pixels.Length));

    [Fact]
    public Task Mutated_packed_matlab_variables_are_read_or_refused() => Fuzz(
        8, Variable("y", [4, 1], 9, 2, [1, 2, 3, 10]), y => Mat(Packed(y), Packed(Variable("z", [1, 1], 9, 2, [1]))),
        bytes => Assert.All(MatFile.Decode(bytes, "x", DecodeLimits.Default), a => Assert.NotEmpty(a.Data)));

    [Fact]
    public Task Mutated_pngs_are_read_or_refused() => Fuzz(
        9, Png(5, 4, 3, 4, new byte[12], ("PLTE", [1, 2, 3, 4, 5, 6]), ("tEXt", new byte[60])), WithCrcs, DecodeImage);

    [Fact]
    public Task Mutated_rows_of_a_png_are_read_or_refused() => Fuzz(
        10, new byte[10 * 31], rows => PngOf(("IHDR", Header(10, 10, 2, 8)), ("IDAT", Zlib(rows)), ("IEND", [])), DecodeImage);

    [Fact]
    public Task Mutated_baseline_jpegs_are_read_or_refused() => Fuzz(11, BaselineJpeg, null, DecodeImage);

    [Fact]
    public Task Mutated_progressive_jpegs_are_read_or_refused() => Fuzz(12, ProgressiveJpeg, null, DecodeImage);

    [Fact]
    public Task Mutated_grey_jpegs_are_read_or_refused() => Fuzz(13, GreyJpeg, null, DecodeImage);

    // Damage in what the scans hold alone: headers and tables stay as they are.
    [Theory]
    [InlineData(16, 0xC0, 0)]
    [InlineData(17, 0xC0, 2)]
    [InlineData(18, 0xC2, 0)]
    public Task Mutated_data_of_a_jpeg_is_read_or_refused(ulong seed, byte marker, int interval)
    {
        byte[] file = new FlatJpeg(37, 35, (2, 2), (1, 1), (1, 1)) { Marker = marker, Interval = interval }.Bytes();
        int data = file.AsSpan().IndexOf((byte[])[0xFF, 0xDA]);
        return Fuzz(seed, file[data..], scans => [.. file[..data], .. scans], DecodeImage, leastAccepted: 1);
    }

    [Fact]
    public Task Mutated_data_of_a_progressive_jpeg_is_read_or_refused()
    {
        int data = ProgressiveJpeg.AsSpan().IndexOf((byte[])[0xFF, 0xDA]);
        return Fuzz(19, ProgressiveJpeg[data..], scans => [.. ProgressiveJpeg[..data], .. scans], DecodeImage, leastAccepted: 1);
    }

    [Fact]
    public Task Mutated_gzip_members_are_read_or_refused() => Fuzz(
        20, [.. Gzip(IdxLabels(25)[..9]), .. Gzip(IdxLabels(25)[9..]), 0, 0], null, bytes =>
        {
            var labels = IdxReader.DecodeLabels(bytes, "x", 10);
            Assert.True(labels.Length > 0 && labels.All(l => l < 10));
        });

    [Fact]
    public Task Mutated_annotations_are_read_or_refused() => Fuzz(
        14, "val_0.JPEG\tn01\t0\t0\t1\t1\nval_1.JPEG\tn02\t0\t0\t1\t1\r\n"u8.ToArray(), null, bytes => Assert.All(
            TinyImageNetReader.Annotated(bytes, "x"), a => Assert.True(a.Name.Length > 0 && a.Id.Length > 0)));

    [Fact]
    public async Task Mutated_decoded_images_are_never_taken_for_others()
    {
        var listing = new ImageListing("x", "x", ["a"], new ListedImage[2], new ListedImage[1]);
        var images = new DecodedImages(3, 4, [.. Enumerable.Range(0, 72).Select(i => (byte)i)], new byte[36]);
        byte[] key = new byte[32];
        using var written = new MemoryStream();
        DecodedCache.Write(written, key, listing, images);
        byte[] good = written.ToArray();
        await Fuzz(
            15, good, null, bytes =>
            {
                using var stream = new MemoryStream(bytes);
                (DecodedImages? read, string reason) = DecodedCache.Read(stream, bytes.Length, key, 2, 1, new LoadOptions());
                if (read is null)
                    throw new DatasetException(DatasetFault.Damaged, "x", reason);
                Assert.Equal((3, 4), (read.Height, read.Width));
                Assert.Equal(images.Train, read.Train);
                Assert.Equal(images.Test, read.Test);
            },
            leastAccepted: 1);
    }

    // Guard and decoder. The decoder's own memory is not the collector's, so it is held by what the guard lets through:
    // at most three bytes a pixel in the result, three in planes and six in coefficients.
    private static void DecodeImage(byte[] bytes)
    {
        CheckedImage image = ImageFile.Check(bytes, "x", DecodeLimits.Default);
        Assert.InRange(12L * (image.Height + 32) * (image.Width + 32), 1, 64 << 20);
        Assert.NotEmpty(Decode(bytes));
    }

    // Sets every CRC right as far as the chunks can be walked, which brings the damage past them.
    private static byte[] WithCrcs(byte[] png)
    {
        byte[] result = [.. png];
        for (long at = 8; at + 12 <= result.Length;)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(result.AsSpan((int)at));
            if (at + 12 + length > result.Length)
                break;
            BinaryPrimitives.WriteUInt32BigEndian(
                result.AsSpan((int)(at + 8 + length)), Crc(result[(int)(at + 4)..(int)(at + 8 + length)]));
            at += 12 + length;
        }

        return result;
    }

    /// <summary>Only <see cref="DatasetException"/> may come out, each time within 1 s and 4 MiB.</summary>
    private static async Task Fuzz(
        ulong seed, byte[] original, Func<byte[], byte[]>? pack, Action<byte[]> read, int leastAccepted = Mutations / 100)
    {
        byte[] packed = pack?.Invoke(original) ?? original;
        read(packed);
        int current = 0, accepted = 0, refused = 0;
        var work = Task.Run(() =>
        {
            for (int n = 0; n < Mutations; n++)
            {
                Volatile.Write(ref current, n);
                var rng = new TestNumbers((seed << 32) + (ulong)n);

                // Packing half of the inputs after the mutation brings the damage past the checksum to the reader.
                byte[] bytes = pack is not null && n % 2 == 0 ? pack(Mutate(original, rng)) : Mutate(packed, rng);
                (Exception? e, TimeSpan took, long allocated) = MutationAttack.Watch(() => read(bytes));
                if (e is not (null or DatasetException))
                    throw new InvalidOperationException($"mutation {n} of seed {seed} made the reader fail", e);
                _ = e is null ? accepted++ : refused++;
                Assert.True(took.TotalSeconds < 1, $"mutation {n} took 1 s or more");
                Assert.True(
                    allocated < MaxAllocated, $"mutation {n} made the reader allocate more than {MaxAllocated} bytes");
            }
        });

        // A slow machine gets on with the mutations; a reader that hangs does not.
        for (int before = -1; !work.IsCompleted; before = Volatile.Read(ref current))
        {
            await Task.WhenAny(work, Task.Delay(TimeSpan.FromSeconds(60)));
            Assert.True(
                work.IsCompleted || Volatile.Read(ref current) > before,
                $"the reader hung at mutation {Volatile.Read(ref current)} of seed {seed}");
        }

        await work;

        // Both ways must have been taken, or the mutations test nothing.
        Assert.InRange(accepted, leastAccepted, Mutations);
        Assert.InRange(refused, Mutations / 10, Mutations);
    }

    private static byte[] Mutate(byte[] original, TestNumbers rng)
    {
        byte[] bytes = [.. original];
        for (int k = rng.Below(3); k >= 0; k--)
        {
            int at = bytes.Length == 0 ? 0 : rng.Below(Math.Min(bytes.Length, rng.Below(2) == 0 ? 24 : bytes.Length));
            switch (rng.Below(7))
            {
                case 0 when bytes.Length > 0:
                    bytes[at] ^= (byte)(1 << rng.Below(8));
                    break;
                case 1 when bytes.Length > 0:
                    bytes[at] = s_bytes[rng.Below(s_bytes.Length)];
                    break;
                case 2 when bytes.Length >= at + 4:
                    BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(at), s_words[rng.Below(s_words.Length)]);
                    break;
                case 3:
                    bytes = bytes[..at];
                    break;
                case 4:
                    bytes = [.. bytes, .. new byte[1 + rng.Below(40)]];
                    break;
                case 5:
                    bytes = [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + 1 + rng.Below(8))..]];
                    break;
                default:
                    bytes = [.. bytes[..at], .. BitConverter.GetBytes(rng.Word()), .. bytes[at..]];
                    break;
            }
        }

        return bytes;
    }
}
