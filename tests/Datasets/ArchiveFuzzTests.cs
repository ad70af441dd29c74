using InfMatch.Datasets;

namespace InfMatch.Tests.Datasets;

public sealed class ArchiveFuzzTests
{
    // Each unpacking writes files, so there are fewer mutations than for readers of bytes.
    private const int Mutations = 1000;

    [Theory]
    [InlineData(".tar.gz", 1)]
    [InlineData(".zip", 2)]
    public void Mutated_archives_are_unpacked_or_refused_and_write_nothing_elsewhere(string kind, ulong seed)
    {
        byte[] good = DownloadTests.Pack(kind, ("set/a.bin", [1, 2, 3]), ("set/b.bin", new byte[50]));
        string[] names = ["set/a.bin", "set/b.bin"];
        var contents = new ArchiveContents(n => names.Contains(n, StringComparer.Ordinal), "set", 2, 1000, [.. names]);
        int refused = 0;
        using var folder = new TempFolder();
        for (int n = 0; n < Mutations; n++)
        {
            var rng = new TestNumbers((seed << 32) + (ulong)n);
            byte[] bytes = [.. good];
            for (int k = rng.Below(3); k >= 0; k--)
                bytes[rng.Below(bytes.Length)] ^= (byte)(1 << rng.Below(8));
            if (n % 5 == 0)
                bytes = bytes[..rng.Below(bytes.Length)];
            string archive = folder.Put("in/archive" + kind, bytes);
            try
            {
                new ArchiveUnpacking(archive, folder["out/set"], contents, null, default).Run();
                Assert.Equal(2, Directory.GetFiles(folder["out/set"]).Length);
                Directory.Delete(folder["out/set"], recursive: true);
            }
            catch (DatasetException)
            {
                refused++;
                Assert.False(Directory.Exists(folder["out/set"]), $"mutation {n}");
            }

            Assert.Equal(2, Directory.GetFileSystemEntries(folder.Path).Length);
        }

        Assert.InRange(refused, Mutations / 5, Mutations);
    }
}
