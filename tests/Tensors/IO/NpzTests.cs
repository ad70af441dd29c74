using System.Buffers.Binary;
using System.IO.Compression;
using CsCheck;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.IO;

public class NpzTests
{
    [Theory]
    [InlineData(NpzCompression.Stored)]
    [InlineData(NpzCompression.Deflated)]
    public void Any_set_of_arrays_survives_a_round_trip(NpzCompression compression)
    {
        ArrayGen.Sets.Sample(arrays =>
        {
            using MemoryStream stream = new();
            Npz.Write(stream, arrays, compression);
            stream.Position = 0;
            ArraySet set = Npz.Read(stream);
            Assert.Equal(arrays.Select(a => a.Name), set.Arrays.Select(a => a.Name), StringComparer.Ordinal);
            foreach (NamedArray array in arrays)
                ArrayGen.AssertEqual(array, set[array.Name]);
        }, iter: 150, threads: 1);
    }

    [Fact]
    public void Equal_content_gives_equal_bytes_in_a_file()
    {
        using TemporaryFolder folder = new();
        NamedArray[] arrays = [NamedArray.From("images", [2], new[] { 1f, 2f })];
        Npz.Write(folder.At("a.npz"), arrays);
        Npz.Write(folder.At("b.npz"), arrays);
        Assert.Equal(["a.npz", "b.npz"], folder.Names);
        Assert.Equal(File.ReadAllBytes(folder.At("a.npz")), File.ReadAllBytes(folder.At("b.npz")));
        Assert.Equal([1f, 2f], Npz.Read(folder.At("a.npz"))["images"].AsFloat32().ToArray());
    }

    [Fact]
    public void Arrays_that_look_like_a_bomb_are_stored_so_that_they_can_be_read()
    {
        using MemoryStream stream = new();
        Npz.Write(stream, [NamedArray.From("zeros", [30_000_000], new byte[30_000_000])]);
        Assert.InRange(stream.Length, 30_000_000, 30_001_000);
        stream.Position = 0;
        Assert.Equal(30_000_000, Npz.Read(stream)["zeros"].Count);

        using MemoryStream half = new();
        byte[] mixed = new byte[1_000_000];
        InfMatch.Tensors.RandomKey key = InfMatch.Tensors.RandomKey.FromSeed(1);
        for (int i = 0; i < 100_000; i++)
            mixed[i] = (byte)key.Below(256, i);
        Npz.Write(half, [NamedArray.From("mixed", [1_000_000], mixed)]);
        Assert.InRange(half.Length, 100_000, 150_000);
    }

    [Fact]
    public void A_decompression_bomb_is_refused_before_memory_is_taken()
    {
        byte[] bomb = Zip(("a.npy", NpyBytes(new byte[50_000_000])));
        Assert.InRange(bomb.Length, 0, 100_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("decompression bomb", Refusal(bomb), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.Equal(50_000_000, Read(bomb, new ArrayFileLimits { MaxExpansionRatio = 2000 })["a"].Count);
    }

    [Fact]
    public void A_wrong_checksum_is_refused_even_in_a_stored_entry()
    {
        using MemoryStream stream = new();
        Npz.Write(stream, [NamedArray.From("a", [4], new byte[] { 1, 2, 3, 4 })], NpzCompression.Stored);
        byte[] file = stream.ToArray();
        int at = file.AsSpan().IndexOf(new byte[] { 1, 2, 3, 4 });
        file[at] = 9;
        Assert.Contains("CRC-32", Refusal(file), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../a.npy", "'..' part")]
    [InlineData("x/../a.npy", "'..' part")]
    [InlineData("/a.npy", "rooted")]
    [InlineData("C:a.npy", "drive")]
    [InlineData("x\\a.npy", "backslash")]
    [InlineData("x//a.npy", "empty")]
    [InlineData("a.txt", "only .npy files")]
    [InlineData("folder/", "only .npy files")]
    [InlineData(".npy", "the name is empty")]
    public void Names_that_leave_the_folder_are_refused(string name, string reason) =>
        Assert.Contains(reason, Refusal(Zip((name, NpyBytes([1])))), StringComparison.Ordinal);

    [Fact]
    public void Duplicate_names_are_refused()
    {
        byte[] file = Zip(("a.npy", NpyBytes([1])), ("a.npy", NpyBytes([2])));
        Assert.Contains("occurs twice", Refusal(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Entries_are_counted_and_sizes_summed_before_reading()
    {
        byte[] file = Zip([.. Enumerable.Range(0, 1025).Select(k => ($"{k}.npy", NpyBytes([1])))]);
        Assert.Contains("1025 entries, the limit is 1024", Refusal(file), StringComparison.Ordinal);
        byte[] two = Zip(("a.npy", NpyBytes([1])), ("b.npy", NpyBytes([1])));
        NpyException e = Assert.Throws<NpyException>(() => Read(two, new ArrayFileLimits { MaxDataBytes = 200 }));
        Assert.Contains("declare 258 bytes", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(128)]
    [InlineData(1000)]
    public void A_lying_declared_size_is_refused(int declared)
    {
        byte[] file = Zip(("a.npy", NpyBytes([1, 2, 3, 4])));
        int directory = file.AsSpan().IndexOf("PK\u0001\u0002"u8);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(directory + 24), declared);
        Refusal(file);
    }

    [Fact]
    public void Truncated_archives_and_other_files_are_refused()
    {
        byte[] file = Zip(("a.npy", NpyBytes([1, 2, 3, 4])));
        Assert.All(Enumerable.Range(0, file.Length), n => Refusal(file[..n]));
        Refusal("not a zip file at all, but long enough to be one"u8.ToArray());
        Assert.Contains("entry 'a.npy'", Refusal(Zip(("a.npy", new byte[200]))), StringComparison.Ordinal);
        Assert.Contains("entry 'a.npy'", Refusal(Zip(("a.npy", []))), StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_are_not_finite_need_permission()
    {
        using MemoryStream stream = new();
        Npz.Write(stream, [NamedArray.From("x", [2], new[] { 1, float.NaN })]);
        byte[] file = stream.ToArray();
        Assert.Contains("entry 'x.npy': NaN or an infinity at element 1", Refusal(file), StringComparison.Ordinal);
        Assert.True(float.IsNaN(Read(file, new ArrayFileLimits { AllowNonFinite = true })["x"].AsFloat32()[1]));
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("/x")]
    [InlineData("a\\b")]
    [InlineData("a/")]
    public void Names_that_the_reader_would_refuse_are_not_written(string name) =>
        Assert.Throws<ArgumentException>(
            () => Npz.Write(new MemoryStream(), [NamedArray.From(name, [1], new byte[] { 1 })]));

    [Fact]
    public void Sets_that_the_reader_would_refuse_are_not_written()
    {
        NamedArray a = NamedArray.From("a", [1], new byte[] { 1 });
        Assert.Throws<ArgumentException>(() => Npz.Write(new MemoryStream(), [a, a]));
        Assert.Throws<ArgumentException>(() => Npz.Write(new MemoryStream(), Enumerable.Repeat(a, 1025)));
    }

    private static string Refusal(byte[] file) => Assert.Throws<NpyException>(() => Read(file)).Message;

    private static ArraySet Read(byte[] file, ArrayFileLimits? limits = null)
    {
        using MemoryStream stream = new(file);
        return Npz.Read(stream, limits);
    }

    private static byte[] NpyBytes(byte[] data)
    {
        using MemoryStream stream = new();
        Npy.Write(stream, NamedArray.From("x", [data.Length], data));
        return stream.ToArray();
    }

    private static byte[] Zip(params (string Name, byte[] Content)[] entries)
    {
        using MemoryStream stream = new();
        using (ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in entries)
            {
                using Stream entry = archive.CreateEntry(name).Open();
                entry.Write(content);
            }
        }

        return stream.ToArray();
    }
}
