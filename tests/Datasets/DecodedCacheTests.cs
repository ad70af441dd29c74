using InfMatch.Datasets;
using InfMatch.Tensors.IO;
using static InfMatch.Tests.Datasets.ImageBytes;

namespace InfMatch.Tests.Datasets;

public sealed class DecodedCacheTests
{
    [Fact]
    public void A_second_loading_reads_no_image()
    {
        using TempFolder folder = ImageFolderTests.TwoClasses(), cache = new();
        (DatasetPair first, _) = Load(folder, cache);
        string path = Assert.Single(Directory.GetFiles(cache.Path));

        // Other bytes of the same length and time: only a reader of the cache gives the old pixels.
        string image = folder["a/1.png"];
        DateTime written = File.GetLastWriteTimeUtc(image);
        byte[] other = PlainPng(2, 2, 1, 2, 3);
        File.WriteAllBytes(image, new byte[new FileInfo(image).Length]);
        File.SetLastWriteTimeUtc(image, written);
        (DatasetPair second, List<string> notes) = Load(folder, cache);
        Assert.Equal(first.Train.ContentHash(), second.Train.ContentHash());
        Assert.Equal(first.Test.ContentHash(), second.Test.ContentHash());
        Assert.Equal(first.Standardisation, second.Standardisation);
        Assert.DoesNotContain(notes, n => n.Contains("kept", StringComparison.Ordinal));

        // A changed time makes it again, in the place of the old file.
        File.WriteAllBytes(image, other);
        File.SetLastWriteTimeUtc(image, written.AddSeconds(2));
        (_, notes) = Load(folder, cache);
        Assert.Contains(notes, n => n.Contains("have changed", StringComparison.Ordinal));
        Assert.Equal(path, Assert.Single(Directory.GetFiles(cache.Path)));
    }

    [Fact]
    public void Another_size_is_another_file()
    {
        using TempFolder folder = ImageFolderTests.TwoClasses(), cache = new();
        Load(folder, cache);
        (DatasetPair pair, _) = Load(folder, cache, 4);
        Assert.Equal((4, 2), (pair.Train.Height, Directory.GetFiles(cache.Path).Length));
        Assert.Equal(4, Load(folder, cache, 4).Pair.Train.Height);
    }

    [Fact]
    public void Every_byte_that_is_changed_or_missing_is_noticed_and_made_good()
    {
        using TempFolder folder = ImageFolderTests.TwoClasses(), cache = new();
        string hash = Load(folder, cache).Pair.Train.ContentHash();
        string path = Assert.Single(Directory.GetFiles(cache.Path));
        byte[] good = File.ReadAllBytes(path);
        for (int i = 0; i < good.Length; i++)
            Damaged(DatasetBytes.With(good, i, (byte)(good[i] ^ 0x10)));
        Damaged(good[..^1]);
        Damaged([.. good, 0]);
        Damaged([]);

        void Damaged(byte[] bytes)
        {
            File.WriteAllBytes(path, bytes);
            (DatasetPair pair, List<string> notes) = Load(folder, cache);
            Assert.Equal(hash, pair.Train.ContentHash());
            Assert.Contains(notes, n => n.Contains("made again", StringComparison.Ordinal));
            Assert.Equal(good, File.ReadAllBytes(path));
        }
    }

    [Fact]
    public void A_cache_that_cannot_be_written_does_not_stop_the_loading()
    {
        using TempFolder folder = ImageFolderTests.TwoClasses(), place = new();
        string file = place.Put("file", [1]);
        var notes = new List<string>();
        DatasetPair pair = ImageFolderReader.LoadFolder(folder.Path, new LoadOptions
        {
            Cache = new DecodedCache(Path.Combine(file, "below"), (p, w) => AtomicFile.Write(p, w)), Note = notes.Add,
        });
        Assert.Equal(4, pair.Train.Count + pair.Test.Count);
        Assert.Contains(notes, n => n.Contains("could not be kept", StringComparison.Ordinal));
    }

    [Fact]
    public void A_refused_set_leaves_nothing_in_the_cache()
    {
        using TempFolder folder = ImageFolderTests.TwoClasses(), cache = new();
        folder.Put("b/9.png", [1, 2, 3]);
        Assert.Throws<DatasetException>(() => Load(folder, cache));
        Assert.Empty(Directory.GetFiles(cache.Path));
    }

    [Fact]
    public void The_folder_follows_the_environment()
    {
        static string? Folder(params (string, string)[] variables) => DecodedCache.DefaultFolder(
            name => variables.FirstOrDefault(v => v.Item1 == name).Item2);
        string root = Path.GetTempPath();
        Assert.Equal("x", Folder(("INFMATCH_CACHE", "x"), ("XDG_CACHE_HOME", root), ("HOME", root)));
        Assert.Null(Folder());
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal(Path.Combine(root, "infmatch"), Folder(("XDG_CACHE_HOME", root), ("HOME", "/h")));
            Assert.Equal("/h/.cache/infmatch", Folder(("XDG_CACHE_HOME", "relative"), ("HOME", "/h")));
        }
    }

    private static (DatasetPair Pair, List<string> Notes) Load(TempFolder folder, TempFolder cache, int? size = null)
    {
        var notes = new List<string>();
        return (ImageFolderReader.LoadFolder(folder.Path, new LoadOptions
        {
            ImageSize = size, Cache = new DecodedCache(cache.Path, (p, w) => AtomicFile.Write(p, w)), Note = notes.Add,
        }), notes);
    }
}
