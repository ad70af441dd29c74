using System.Buffers.Binary;
using System.Diagnostics;
using InfMatch.Datasets;
using static InfMatch.Tests.Datasets.DatasetBytes;

namespace InfMatch.Tests.Datasets;

public sealed class ReaderFuzzTests
{
    private const int Mutations = 20_000;
    private const long MaxAllocated = 4 << 20;

    private static readonly byte[] s_bytes = [0, 1, 9, 10, 0x7F, 0x80, 0xFF];
    private static readonly uint[] s_words = [0, 1, 2, 28, 0x801, 0x803, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF];

    [Fact]
    public Task Mutated_idx_images_are_read_or_refused() => Fuzz(
        1, IdxImages(3, 4, 5), gzip: false, bytes =>
        {
            var images = IdxReader.DecodeImages(bytes, "x");
            Assert.Equal(images.Count * images.Height * images.Width, images.Pixels.Length);
        });

    [Fact]
    public Task Mutated_idx_labels_are_read_or_refused() => Fuzz(
        2, IdxLabels(25), gzip: false, bytes =>
        {
            var labels = IdxReader.DecodeLabels(bytes, "x", 10);
            Assert.True(labels.Length > 0 && labels.All(l => l < 10));
        });

    [Fact]
    public Task Mutated_gzip_images_are_read_or_refused() => Fuzz(
        3, IdxImages(3, 4, 5), gzip: true, bytes =>
        {
            var images = IdxReader.DecodeImages(bytes, "x");
            Assert.Equal(images.Count * images.Height * images.Width, images.Pixels.Length);
        });

    [Fact]
    public Task Mutated_gzip_labels_are_read_or_refused() => Fuzz(
        4, IdxLabels(25), gzip: true, bytes =>
        {
            var labels = IdxReader.DecodeLabels(bytes, "x", 10);
            Assert.True(labels.Length > 0 && labels.All(l => l < 10));
        });

    [Fact]
    public Task Mutated_cifar_batches_are_read_or_refused() => Fuzz(
        5, Cifar(2, 0), gzip: false, bytes =>
        {
            var set = CifarReader.Decode(bytes, "x", 2);
            Assert.Equal((2, 2 * 3072), (set.Count, set.Pixels.Length));
        });

    /// <summary>Only <see cref="DatasetException"/> may come out, each time within 1 s and 4 MiB.</summary>
    private static async Task Fuzz(ulong seed, byte[] original, bool gzip, Action<byte[]> read)
    {
        byte[] packed = gzip ? Gzip(original) : original;
        read(packed);
        int current = 0, accepted = 0, refused = 0;
        var work = Task.Run(() =>
        {
            for (int n = 0; n < Mutations; n++)
            {
                Volatile.Write(ref current, n);
                var rng = new TestNumbers((seed << 32) + (ulong)n);

                // Packing half of the inputs after the mutation brings the damage past the checksum to the reader.
                byte[] bytes = gzip && n % 2 == 0 ? Gzip(Mutate(original, rng)) : Mutate(packed, rng);
                long start = Stopwatch.GetTimestamp(), allocated = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    read(bytes);
                    accepted++;
                }
                catch (DatasetException)
                {
                    refused++;
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"mutation {n} of seed {seed} made the reader fail", e);
                }

                Assert.True(Stopwatch.GetElapsedTime(start).TotalSeconds < 1, $"mutation {n} took 1 s or more");
                Assert.True(
                    GC.GetAllocatedBytesForCurrentThread() - allocated < MaxAllocated,
                    $"mutation {n} made the reader allocate more than {MaxAllocated} bytes");
            }
        });
        try
        {
            await work.WaitAsync(TimeSpan.FromSeconds(120));
        }
        catch (TimeoutException)
        {
            Assert.Fail($"the reader hung at mutation {Volatile.Read(ref current)} of seed {seed}");
        }

        // Both ways must have been taken, or the mutations test nothing.
        Assert.InRange(accepted, Mutations / 100, Mutations);
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
