using System.Diagnostics;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.IO;

/// <summary>Damages valid files in 20,000 seeded ways: a reader may only succeed or throw what it documents.</summary>
public class ReaderMutationTests
{
    private const int Mutations = 20_000;
    private const long MaxBytes = 64L << 20;

    private static readonly NamedArray[] s_arrays =
    [
        ArrayGen.Make("images", ArrayElement.Float32, [2, 3, 4], 1),
        ArrayGen.Make("labels", ArrayElement.Int64, [2], 2),
        ArrayGen.Make("soft", ArrayElement.Float64, [2, 2], 3),
        ArrayGen.Make("raw", ArrayElement.UInt8, [5], 4),
    ];

    private static readonly Dictionary<string, string> s_metadata = new(StringComparer.Ordinal) { ["seed"] = "0" };

    [Fact]
    public void Safetensors_survives_mutations() => Attack(
        Bytes(stream => Safetensors.Write(stream, s_arrays, s_metadata)),
        stream => Safetensors.Read(stream), typeof(SafetensorsException), seed: 11);

    [Fact]
    public void Npy_survives_mutations() => Attack(
        Bytes(stream => Npy.Write(stream, s_arrays[0])),
        stream => Npy.Read(stream, "x"), typeof(NpyException), seed: 12);

    [Theory]
    [InlineData(NpzCompression.Stored)]
    [InlineData(NpzCompression.Deflated)]
    public void Npz_survives_mutations(NpzCompression compression) => Attack(
        Bytes(stream => Npz.Write(stream, s_arrays, compression)),
        stream => Npz.Read(stream), typeof(NpyException), seed: 13);

    private static void Attack(byte[] valid, Action<Stream> read, Type documented, ulong seed)
    {
        RandomKey key = RandomKey.FromSeed(seed);
        int refused = 0;
        for (ulong n = 0; n < Mutations; n++)
        {
            byte[] file = Mutate(valid, key.Split(n));
            (Exception? e, TimeSpan took, long bytes) = Watch(file, read);

            // A busy machine may steal a second once; a slow reader is slow again.
            if (took >= TimeSpan.FromSeconds(1))
                (e, took, bytes) = Watch(file, read);

            Assert.True(e is null || e.GetType() == documented, $"mutation {n} of seed {seed}: {e}");
            Assert.True(took < TimeSpan.FromSeconds(1), $"mutation {n} of seed {seed} took {took}");
            Assert.True(bytes < MaxBytes, $"mutation {n} of seed {seed} took {bytes} bytes");
            refused += e is null ? 0 : 1;
        }

        // An attack that is never or always noticed would test nothing.
        Assert.InRange(refused, Mutations / 4, Mutations - 1);
    }

    private static (Exception? Error, TimeSpan Took, long Bytes) Watch(byte[] file, Action<Stream> read)
    {
        using MemoryStream stream = new(file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long clock = Stopwatch.GetTimestamp();
        Exception? e = Record.Exception(() => read(stream));
        return (e, Stopwatch.GetElapsedTime(clock), GC.GetAllocatedBytesForCurrentThread() - before);
    }

    // One to four changes: flip a bit, set a byte, set a 32-bit field to an extreme, cut, insert, repeat a piece.
    private static byte[] Mutate(byte[] valid, RandomKey key)
    {
        List<byte> file = [.. valid];
        int draw = 0;
        int Next(int bound) => key.Below(bound, draw++);
        int changes = 1 + Next(4);
        for (int k = 0; k < changes; k++)
        {
            int at = Next(file.Count);
            switch (Next(6))
            {
                case 0:
                    file[at] ^= (byte)(1 << Next(8));
                    break;
                case 1:
                    file[at] = (byte)Next(256);
                    break;
                case 2:
                    int[] extremes = [0, 1, -1, int.MaxValue, int.MinValue, 65535];
                    byte[] extreme = BitConverter.GetBytes(extremes[Next(6)]);
                    for (int b = 0; b < 4 && at + b < file.Count; b++)
                        file[at + b] = extreme[b];
                    break;
                case 3:
                    file.RemoveRange(at, Math.Min(file.Count - at - (at == 0 ? 1 : 0), 1 + Next(16)));
                    break;
                case 4:
                    file.Insert(at, (byte)"{}[](),:'\"0919 \0\xff"[Next(17)]);
                    break;
                default:
                    file.InsertRange(at, file.GetRange(at, Math.Min(file.Count - at, 1 + Next(64))));
                    break;
            }
        }

        return [.. file];
    }

    private static byte[] Bytes(Action<Stream> write)
    {
        using MemoryStream stream = new();
        write(stream);
        return stream.ToArray();
    }
}
