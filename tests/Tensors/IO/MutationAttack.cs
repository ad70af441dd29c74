using System.Diagnostics;
using System.Globalization;
using InfMatch.Tensors;

namespace InfMatch.Tests.IO;

/// <summary>Seeded mutations against a reader: it succeeds or throws what it documents, in less than a second and 64 MiB each. There
/// are 5,000 of each, or as many as the variable INFMATCH_MUTATIONS says; the first ones are the same.</summary>
internal static class MutationAttack
{
    /// <summary>So many where each is a file on the disk, which takes ten times as long.</summary>
    public static int OnDisk => s_mutations / 4;

    private static readonly int s_mutations =
        int.Parse(Environment.GetEnvironmentVariable("INFMATCH_MUTATIONS") ?? "5000", CultureInfo.InvariantCulture);

    private const long MaxBytes = 64L << 20;

    /// <summary>Mutates valid bytes and reads each result.</summary>
    public static void Run(byte[] valid, Action<Stream> read, ulong seed, params Type[] documented) =>
        Run(valid, read, seed, s_mutations, documented);

    /// <summary>Mutates valid bytes so many times and reads each result.</summary>
    public static void Run(byte[] valid, Action<Stream> read, ulong seed, int mutations, params Type[] documented)
    {
        RandomKey key = RandomKey.FromSeed(seed);
        // The first file is the valid one: a reader that refuses all would pass any attack.
        Run(n => n == 0 ? valid : Mutate(valid, key.Split(n)), read, seed, mutations, documented);
    }

    /// <summary>Reads what a function makes of the numbers of the mutations.</summary>
    public static void Run(Func<ulong, byte[]> mutated, Action<Stream> read, ulong seed, params Type[] documented) =>
        Run(mutated, read, seed, s_mutations, documented);

    private static void Run(Func<ulong, byte[]> mutated, Action<Stream> read, ulong seed, int mutations, Type[] documented)
    {
        int refused = 0;
        for (ulong n = 0; n < (ulong)mutations; n++)
        {
            byte[] file = mutated(n);
            (Exception? e, TimeSpan took, long bytes) = Watch(() =>
            {
                using MemoryStream stream = new(file);
                read(stream);
            });
            Assert.True(e is null || documented.Contains(e.GetType()), $"mutation {n} of seed {seed}: {e}");
            Assert.True(took < TimeSpan.FromSeconds(1), $"mutation {n} of seed {seed} took {took}");
            Assert.True(bytes < MaxBytes, $"mutation {n} of seed {seed} took {bytes} bytes");
            refused += e is null ? 0 : 1;
        }

        // An attack that is never or always noticed would test nothing.
        Assert.InRange(refused, mutations / 4, mutations - 1);
    }

    /// <summary>Flips one bit in every byte, or in every so many, in turn: the reader refuses the file by what it documents, with the name of the
    /// file in the message, or finds exactly what it finds in the right one.</summary>
    /// <returns>How many of the files it refused.</returns>
    public static int Flips(byte[] valid, string path, Func<string, string> content, ulong seed, params Type[] documented) =>
        Flips(valid, path, content, seed, every: 1, documented);

    /// <inheritdoc cref="Flips(byte[], string, Func{string, string}, ulong, Type[])"/>
    public static int Flips(
        byte[] valid, string path, Func<string, string> content, ulong seed, int every, params Type[] documented)
    {
        RandomKey key = RandomKey.FromSeed(seed);
        File.WriteAllBytes(path, valid);
        string right = content(path);
        int refused = 0;
        for (int at = 0; at < valid.Length; at += every)
        {
            int bit = key.Below(8, at);
            byte[] flipped = [.. valid];
            flipped[at] ^= (byte)(1 << bit);
            File.WriteAllBytes(path, flipped);
            string found = "";
            Exception? e = Record.Exception(() => found = content(path));
            if (e is null)
            {
                Assert.True(right == found, $"bit {bit} of byte {at} of {valid.Length} changes what is read, unnoticed");
                continue;
            }
            Assert.True(documented.Contains(e.GetType()), $"bit {bit} of byte {at}: {e}");
            Assert.True(e.Message.Contains(path, StringComparison.Ordinal), $"bit {bit} of byte {at}: {e.Message}");
            refused++;
        }
        File.WriteAllBytes(path, valid);
        return refused;
    }

    /// <summary>What reading throws, and the time and memory that it takes. A reading of a second is done again: a busy
    /// machine may steal a second once; a slow reader is slow again.</summary>
    public static (Exception? Error, TimeSpan Took, long Bytes) Watch(Action read)
    {
        var first = WatchOnce(read);
        return first.Took < TimeSpan.FromSeconds(1) ? first : WatchOnce(read);
    }

    private static (Exception? Error, TimeSpan Took, long Bytes) WatchOnce(Action read)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        long clock = Stopwatch.GetTimestamp();
        Exception? e = Record.Exception(read);
        return (e, Stopwatch.GetElapsedTime(clock), GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>One to four changes: flip a bit, set a byte, set a 32-bit field to an extreme, cut, insert, repeat a
    /// piece.</summary>
    public static byte[] Mutate(byte[] valid, RandomKey key)
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
}
