using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using InfMatch.Datasets;
using static InfMatch.Tests.Datasets.DatasetBytes;

namespace InfMatch.Tests.Datasets;

public sealed class DownloadTests
{
    private static readonly byte[] s_file = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * i >> 3))];

    // No test waits for it: a machine that stands still for a second must not look like a server that does.
    private static readonly TimeSpan s_patience = TimeSpan.FromHours(1);

    public enum Known
    {
        Md5,
        Length,
        Nothing,
    }

    [Theory]
    [InlineData(Behaviour.Good, Known.Md5)]
    [InlineData(Behaviour.Good, Known.Nothing)]
    [InlineData(Behaviour.SaysNoLength, Known.Md5)]
    [InlineData(Behaviour.SaysNoLength, Known.Length)]
    [InlineData(Behaviour.Redirects, Known.Md5)]
    public void A_file_comes_whole(Behaviour behaviour, Known known)
    {
        using var folder = new TempFolder();
        using var publisher = Publish(behaviour);
        Get(publisher, folder, known);
        Whole(folder);
    }

    [Theory]
    [InlineData(Behaviour.CutInTheMiddle)]
    [InlineData(Behaviour.ResetInTheMiddle)]
    [InlineData(Behaviour.PromisesMore)]
    public void A_file_that_breaks_off_goes_on_where_it_was(Behaviour behaviour)
    {
        // Another length than the known one is refused before a byte is taken.
        foreach (Known known in Enum.GetValues<Known>())
        {
            if (behaviour == Behaviour.PromisesMore && known == Known.Length)
                continue;
            using var folder = new TempFolder();
            using var publisher = Publish(behaviour, Behaviour.Good);
            Get(publisher, folder, known);
            Whole(folder);
            Assert.Equal(2, publisher.Ranges.Count);
            Assert.StartsWith("bytes=", publisher.Ranges[1], StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(Known.Md5)]
    [InlineData(Known.Length)]
    [InlineData(Known.Nothing)]
    public void A_file_that_stops_coming_goes_on_where_it_was(Known known)
    {
        using var folder = new TempFolder();
        using var publisher = Publish(Behaviour.SilentInTheMiddle, Behaviour.Good);
        var clock = new ManualClock();

        // Each part takes more than half of what patience allows, which is no reason to give up. Where the server falls
        // silent it stays so: time may pass before the next read is under way, or after.
        void Heard(string name, long done, long whole)
        {
            if (done == s_file.Length / 2)
                _ = Task.Delay(50).ContinueWith(_ => clock.Pass(s_patience), TaskScheduler.Default);
            else
                clock.Pass(0.6 * s_patience);
        }

        using var download = new DatasetDownload(Options() with { Clock = clock, Progress = Heard }, useProxy: false);
        download.Get(Of(publisher, known), folder.Path);
        Whole(folder);
        Assert.Equal(["-", "bytes=150000-"], publisher.Ranges.ToArray());
    }

    [Fact]
    public void A_server_that_does_not_answer_is_asked_again()
    {
        using var folder = new TempFolder();
        var clock = new ManualClock();
        using var publisher = Publish(Behaviour.Silent, Behaviour.Silent, Behaviour.Good);
        publisher.KeepsSilent = () => clock.Pass(s_patience);
        using var download = new DatasetDownload(Options() with { Clock = clock }, useProxy: false);
        download.Get(Of(publisher, Known.Md5), folder.Path);
        Whole(folder);
        Assert.Equal(3, publisher.Ranges.Count);
    }

    [Theory]
    [InlineData(Behaviour.CutBeforeTheHead)]
    [InlineData(Behaviour.Broken)]
    public void A_server_that_fails_first_is_asked_again(Behaviour behaviour)
    {
        using var folder = new TempFolder();
        using var publisher = Publish(behaviour, behaviour, Behaviour.Good);
        Get(publisher, folder, Known.Md5);
        Whole(folder);
    }

    [Fact]
    public void What_is_there_stays_after_the_last_attempt_and_a_later_call_resumes()
    {
        using var folder = new TempFolder();
        using (var publisher = Publish(Behaviour.CutInTheMiddle, Behaviour.CutBeforeTheHead))
        {
            Refused(
                DatasetFault.NotReached, () => Get(publisher, folder, Known.Md5), "150000 bytes are kept",
                "goes on from there");
            Assert.False(File.Exists(folder["file"]));
            Assert.Equal(s_file[..150_000], File.ReadAllBytes(folder["file.partial"]));
        }

        using var good = Publish(Behaviour.Good);
        Get(good, folder, Known.Md5);
        Whole(folder);
        Assert.Equal(["bytes=150000-"], good.Ranges.ToArray());
    }

    [Theory]
    [InlineData(Behaviour.IgnoresRange)]
    [InlineData(Behaviour.NewVersion)]
    public void A_server_that_sends_all_of_it_again_begins_the_file_again(Behaviour second)
    {
        foreach (Known known in Enum.GetValues<Known>())
        {
            using var folder = new TempFolder();
            using var publisher = Publish(Behaviour.CutInTheMiddle, second);
            Get(publisher, folder, known);
            Whole(folder);
        }
    }

    [Fact]
    public void Another_part_than_was_asked_for_is_not_taken()
    {
        using var folder = new TempFolder();
        using var publisher = Publish(Behaviour.CutInTheMiddle, Behaviour.OtherRange, Behaviour.Good);
        Get(publisher, folder, Known.Nothing);
        Whole(folder);
        Assert.Equal(["-", "bytes=150000-", "-"], publisher.Ranges.ToArray());
    }

    [Fact]
    public void Parts_of_two_files_are_noticed_by_the_sum_and_deleted()
    {
        using var folder = new TempFolder();
        using var publisher = Publish(Behaviour.Good);
        folder.Put("file.partial", new byte[1000]);
        Refused(DatasetFault.Damaged, () => Get(publisher, folder, Known.Md5), "MD5", "deleted");
        Assert.Empty(Directory.GetFiles(folder.Path));
        Get(publisher, folder, Known.Md5);
        Whole(folder);
    }

    [Theory]
    [InlineData("file.partial")]
    [InlineData("file.partial.tag")]
    public void A_link_in_the_place_of_a_partial_file_is_refused(string name)
    {
        using TempFolder folder = new(), elsewhere = new();
        using var publisher = Publish(Behaviour.Good);
        string target = elsewhere.Put("precious", [1, 2, 3]);
        File.CreateSymbolicLink(folder[name], target);
        IOException e = Assert.Throws<IOException>(() => Get(publisher, folder, Known.Md5));
        Assert.Contains(folder[name], e.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(target));
        File.Delete(folder[name]);
        Get(publisher, folder, Known.Md5);
        Whole(folder);
    }

    [Fact]
    public void A_partial_file_that_is_whole_already_only_gets_its_name()
    {
        using var folder = new TempFolder();
        using var publisher = Publish(Behaviour.Good);
        folder.Put("file.partial", s_file);
        Get(publisher, folder, Known.Md5);
        Whole(folder);
        folder.Put("file.partial", [.. s_file, 1]);
        File.Delete(folder["file"]);
        Get(publisher, folder, Known.Md5);
        Whole(folder);
    }

    [Theory]
    [InlineData(Behaviour.WrongBytes, Known.Md5, DatasetFault.Damaged, "MD5")]
    [InlineData(Behaviour.PromisesMore, Known.Length, DatasetFault.Damaged, "another length")]
    [InlineData(Behaviour.PromisesLess, Known.Length, DatasetFault.Damaged, "another length")]
    [InlineData(Behaviour.PromisesLess, Known.Md5, DatasetFault.Damaged, "MD5")]
    [InlineData(Behaviour.NotFound, Known.Md5, DatasetFault.NotReached, "404")]
    [InlineData(Behaviour.RedirectsForEver, Known.Md5, DatasetFault.NotReached, "302")]
    [InlineData(Behaviour.Endless, Known.Md5, DatasetFault.Damaged, "sends more")]
    [InlineData(Behaviour.Endless, Known.Length, DatasetFault.Damaged, "sends more")]
    [InlineData(Behaviour.Broken, Known.Md5, DatasetFault.NotReached, "500")]
    public void What_is_not_the_file_leaves_nothing(Behaviour behaviour, Known known, DatasetFault fault,
        string fragment)
    {
        using var folder = new TempFolder();
        using (var publisher = Publish(behaviour))
        {
            var e = Refused(fault, () => Get(publisher, folder, known));
            Assert.Contains(fragment, e.Message, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFiles(folder.Path));
        }

        using var good = Publish(Behaviour.Good);
        Get(good, folder, known);
        Whole(folder);
    }

    [Fact]
    public void A_mirror_serves_where_the_publisher_does_not()
    {
        using var folder = new TempFolder();
        using LocalPublisher bad = Publish(Behaviour.NotFound), wrong = Publish(Behaviour.WrongBytes),
            good = Publish(Behaviour.Good);
        var notes = new List<string>();
        using var download = new DatasetDownload(Options(notes.Add), useProxy: false);
        download.Get(
            new DownloadSource("", [new PublishedFile("file",
                [.. new[] { bad, wrong, good }.Select(p => new Uri(p.Site, "file"))],
                Md5(s_file))]),
            folder.Path);
        Whole(folder);
        Assert.Contains(notes, n => n.Contains("404", StringComparison.Ordinal));
        Assert.Contains(notes, n => n.Contains("MD5", StringComparison.Ordinal));
    }

    [Fact]
    public void An_archive_that_somebody_put_there_is_checked_and_needs_no_network()
    {
        using var folder = new TempFolder();
        byte[] good = Pack(".zip", ("set/a.bin", [1]), ("set/b.bin", [3]));
        var publication = new DownloadSource(
            "set", [new PublishedFile("set.zip", [new Uri("http://127.0.0.1:9/none")], Md5(good))],
            new ArchiveContents(n => n is "set/a.bin" or "set/b.bin", "set", 2, 1000, ["set/a.bin", "set/b.bin"]));
        var notes = new List<string>();
        using var download = new DatasetDownload(Options(notes.Add), useProxy: false);
        string path = folder.Put("set.zip", [.. good, 0]);
        Refused(DatasetFault.Damaged, () => download.Get(publication, folder.Path), path, "MD5", "Remove it");
        Assert.True(File.Exists(path));
        Assert.False(Directory.Exists(folder["set"]));
        File.WriteAllBytes(path, good);
        Assert.Equal(folder["set"], download.Get(publication, folder.Path));
        Assert.Equal([3], File.ReadAllBytes(folder["set/b.bin"]));
        Assert.False(File.Exists(path));

        // A folder with something in it is not touched, and that is said.
        Assert.DoesNotContain(notes, n => n.Contains("left as it is", StringComparison.Ordinal));
        Assert.Equal(folder["set"], download.Get(publication, folder.Path));
        Assert.Contains(notes, n => n.StartsWith($"{folder["set"]} is there already and left as it is", StringComparison.Ordinal));
    }

    [Fact]
    public void A_download_that_is_stopped_keeps_its_part()
    {
        using var folder = new TempFolder();
        using var publisher = Publish(Behaviour.SilentInTheMiddle);
        using var stop = new CancellationTokenSource();
        using var download = new DatasetDownload(
            Options() with { Cancel = stop.Token, Progress = (_, _, _) => stop.Cancel() },
            useProxy: false);
        Assert.ThrowsAny<OperationCanceledException>(() => download.Get(Of(publisher, Known.Md5), folder.Path));
        Assert.False(File.Exists(folder["file"]));
        Assert.True(File.Exists(folder["file.partial"]));
    }

    [Theory]
    [InlineData(".tar.gz")]
    [InlineData(".zip")]
    public void An_archive_gives_its_expected_members_and_nothing_else(string kind)
    {
        using var folder = new TempFolder();
        Unpack(folder, kind, Pack(kind, ("set/a.bin", [1, 2]), ("set/b.bin", [3]), ("set/x.sh", [4]), ("../out", [5]),
            ("set/../../out", [5]),
            ("/out", [5])));
        Assert.Equal([1, 2], File.ReadAllBytes(folder["set/a.bin"]));
        Assert.Equal(2, Directory.GetFiles(folder["set"]).Length);
        Assert.Equal(["set"], Directory.GetFileSystemEntries(folder.Path).Select(p => Path.GetFileName(p)!).ToArray());
    }

    [Theory]
    [InlineData(".tar.gz")]
    [InlineData(".zip")]
    public void A_bad_archive_is_refused_and_leaves_no_folder(string kind)
    {
        void Bad(byte[] archive, DatasetFault fault, string fragment)
        {
            using var folder = new TempFolder();
            Refused(fault, () => Unpack(folder, kind, archive), fragment);
            Assert.False(Directory.Exists(folder["set"]));
            Unpack(folder, kind, Pack(kind, ("set/a.bin", [1]), ("set/b.bin", [3])));
            Assert.Equal([1], File.ReadAllBytes(folder["set/a.bin"]));
        }

        byte[] good = Pack(kind, ("set/a.bin", RandomNumberGenerator.GetBytes(900)), ("set/b.bin", [3]));
        Bad(Pack(kind, ("set/a.bin", [1])), DatasetFault.NotFound, "set/b.bin is not in the archive");
        Bad(Pack(kind, ("set/a.bin", [1]), ("set/a.bin", [1])), DatasetFault.Duplicate, "twice");
        Bad(Pack(kind, ("set/a.bin", new byte[1001]), ("set/b.bin", [3])), DatasetFault.TooLarge, "over the limit");
        Bad(good[..(good.Length / 2)], DatasetFault.Damaged, "damaged");
        Bad(With(good, 200, (byte)(good[200] ^ 0x40)), DatasetFault.Damaged, "damaged");
        Bad(Pack(kind, ("link:set/a.bin", []), ("set/b.bin", [3])), DatasetFault.WrongFormat, "link");
    }

    [Fact]
    public void What_is_published_is_written_down_whole()
    {
        Dataset[] published = [.. DatasetCatalog.All.Where(d => d is { IsBuiltIn: false, IsAnyFolder: false })];
        Assert.True(published.Length >= 6);
        Assert.All(published, d => Assert.All(d.Source!.Files, f => Assert.Matches("^[0-9a-f]{32}$", f.Md5)));
        Func<string, bool> tiny = DatasetCatalog.Of("tiny-imagenet").Source!.Archive!.Wanted;
        foreach (string good in (string[])["wnids.txt", "words.txt", "val/val_annotations.txt", "val/images/val_0.JPEG",
            "train/n01443537/images/n01443537_499.JPEG"])
            Assert.True(tiny($"tiny-imagenet-200/{good}"), good);
        foreach (string bad in (string[])["test/images/test_0.JPEG", "train/n01443537/n01443537_boxes.txt",
            "train/n01443537/images/n01443538_1.JPEG", "val/images/../../x", "wnids.txt\n",
            "train/n01443537/images/n01443537_1.JPEG/x"])
            Assert.False(tiny($"tiny-imagenet-200/{bad}"), bad);
    }

    internal static byte[] Pack(string kind, params (string Name, byte[] Data)[] members)
    {
        using var result = new MemoryStream();
        if (kind == ".zip")
        {
            using (var zip = new ZipArchive(result, ZipArchiveMode.Create, leaveOpen: true))
            {
                foreach ((string name, byte[] data) in members)
                {
                    bool link = name.StartsWith("link:", StringComparison.Ordinal);
                    ZipArchiveEntry entry = zip.CreateEntry(link ? name[5..] : name, CompressionLevel.Fastest);
                    entry.ExternalAttributes = (link ? 0xA1FF : 0x81A4) << 16;
                    using Stream stream = entry.Open();
                    stream.Write(data);
                }
            }

            return result.ToArray();
        }

        using (var gzip = new GZipStream(result, CompressionLevel.Fastest, leaveOpen: true))
        using (var tar = new TarWriter(gzip))
        {
            foreach ((string name, byte[] data) in members)
            {
                bool link = name.StartsWith("link:", StringComparison.Ordinal);
                tar.WriteEntry(link
                    ? new UstarTarEntry(TarEntryType.SymbolicLink, name[5..]) { LinkName = "/etc/hostname" }
                    : new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(data) });
            }
        }

        return result.ToArray();
    }

    internal static string Md5(byte[] bytes) =>
#pragma warning disable CA5351 // The publishers' sum.
        Convert.ToHexStringLower(MD5.HashData(bytes));
#pragma warning restore CA5351

    internal static DownloadOptions Options(Action<string>? note = null) => new()
    {
        Attempts = 3, Pause = TimeSpan.FromMilliseconds(5), Patience = s_patience, MaxBytes = 1 << 20, Note = note,
    };

    private static LocalPublisher Publish(params Behaviour[] behaviours) =>
        new(new Dictionary<string, byte[]>(StringComparer.Ordinal) { ["file"] = s_file }, behaviours);

    private static DownloadSource Of(LocalPublisher publisher, Known known) => new(
        "", [new PublishedFile("file", [new Uri(publisher.Site, "file")], known == Known.Md5 ? Md5(s_file) : null,
            known == Known.Length ? s_file.Length : null)]);

    private static void Get(LocalPublisher publisher, TempFolder folder, Known known)
    {
        using var download = new DatasetDownload(Options(), useProxy: false);
        download.Get(Of(publisher, known), folder.Path);
    }

    private static void Whole(TempFolder folder)
    {
        Assert.Equal(s_file, File.ReadAllBytes(folder["file"]));
        Assert.Equal(["file"], Directory.GetFiles(folder.Path).Select(p => Path.GetFileName(p)!).ToArray());
    }

    private static void Unpack(TempFolder folder, string kind, byte[] archive)
    {
        using var outside = new TempFolder();
        string[] names = ["set/a.bin", "set/b.bin"];
        new ArchiveUnpacking(
            outside.Put("archive" + kind, archive), folder["set"],
            new ArchiveContents(n => names.Contains(n, StringComparer.Ordinal), "set", 2, 1000, [.. names]), null,
            default).Run();
    }
}
