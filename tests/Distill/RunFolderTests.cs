using System.Text.Json.Nodes;
using InfMatch.Distill;
using InfMatch.Tensors.IO;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

public sealed class RunFolderTests : IDisposable
{
    private readonly string _root = Path.Combine(Path.GetTempPath(), $"infmatch-{Guid.NewGuid():N}");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    public RunFolderTests() => Directory.CreateDirectory(_root);

    [Fact]
    public void The_name_is_readable_and_sorts_by_time() => Assert.Equal(
        "2026-11-03_0905_fashion-mnist-small_ipc1-10_s42",
        RunFolder.NameOf(new DateTime(2026, 11, 3, 9, 5, 59), "fashion-mnist-small", "ipc1-10", 42));

    [Fact]
    public void Two_runs_in_one_minute_get_two_folders_and_latest_points_to_the_second()
    {
        using RunFolder first = RunFolder.Create(_root, "name", "{}"), second = RunFolder.Create(_root, "name", "{}");
        Assert.Equal(["name", "name_2"], [Path.GetFileName(first.Path), Path.GetFileName(second.Path)]);
        Assert.Equal(second.Path, Path.GetFullPath(RunFolder.Find(null, _root)));
        Assert.Equal(first.Path, Path.GetFullPath(RunFolder.Find("name", _root)));
    }

    [Fact]
    public void A_folder_in_use_is_locked_until_its_user_ends()
    {
        RunFolder user = RunFolder.Create(_root, "name", "{}");
        DistillException refused = Assert.Throws<DistillException>(() => RunFolder.Open(user.Path));
        Assert.Equal(ExitCode.FileSystem, refused.ExitCode);
        Assert.Contains("another process works in", refused.Message);
        user.Dispose();
        RunFolder.Open(user.Path).Dispose();
    }

    [Fact]
    public void Many_that_take_a_name_at_once_get_one_each()
    {
        const int many = 24;
        var folders = new RunFolder[many];
        using var start = new Barrier(many);
        Thread[] threads = [.. Enumerable.Range(0, many).Select(i => new Thread(() =>
        {
            start.SignalAndWait();
            folders[i] = RunFolder.Create(_root, "name", $"{i}");
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.Equal(
            ["name", .. Enumerable.Range(2, many - 1).Select(i => $"name_{i}")],
            folders.Select(f => Path.GetFileName(f.Path)).OrderBy(n => n.Length).ThenBy(n => n, StringComparer.Ordinal),
            StringComparer.Ordinal);
        for (int i = 0; i < many; i++)
            Assert.Equal($"{i}", File.ReadAllText(folders[i].Config));
        Assert.Contains(RunFolder.Find(null, _root), folders.Select(f => f.Path), StringComparer.Ordinal);
        Array.ForEach(folders, f => f.Dispose());
        Assert.Equal(many + 1, Directory.GetFileSystemEntries(_root).Length); // and latest
    }

    [Fact]
    public void Whatever_call_fails_no_run_is_without_its_configuration_and_latest_names_one()
    {
        RunFolder.Create(_root, "old", "{}").Dispose();
        for (int n = 1; ; n++)
        {
            var files = new FaultyFiles(n);
            Exception? failure = Record.Exception(() => RunFolder.Create(_root, "new", "{}", "{}", files).Dispose());
            string[] runs = [.. Directory.GetDirectories(_root).Select(d => Path.GetFileName(d))];
            Assert.All(runs, r => Assert.True(File.Exists(Path.Combine(_root, r, "config.json")), $"call {n}: {r}"));
            Assert.All(runs, r => Assert.False(File.Exists(Path.Combine(_root, r, "run.lock")), $"call {n}: {r}"));
            Assert.Contains(Path.GetFileName(RunFolder.Find(null, _root)), runs, StringComparer.Ordinal);
            if (!files.Failed)
            {
                Assert.Null(failure);
                Assert.True(n > 12, $"only {n - 1} calls");
                break;
            }
            Assert.Equal(ExitCode.FileSystem, Assert.IsType<DistillException>(failure).ExitCode);
        }
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("empty")]
    [InlineData("2026-11-03_0905_a.x7.partial")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData(null)]
    public void Without_a_run_that_latest_names_the_newest_one_is_found(string? latest)
    {
        foreach (string name in (string[])["2026-11-03_0905_a", "2026-11-03_0905_b", "2026-11-02_2300_c", "whitening", "empty"])
            Directory.CreateDirectory(Path.Combine(_root, name));
        Directory.CreateDirectory(Path.Combine(_root, "2026-11-03_0905_a.x7.partial"));
        File.WriteAllText(Path.Combine(_root, "2026-11-03_0905_a.x7.partial", "config.json"), "{}");
        Assert.Throws<DistillException>(() => RunFolder.Find(null, _root));
        int age = 3;
        foreach (string name in (string[])["2026-11-03_0905_a", "2026-11-03_0905_b", "2026-11-02_2300_c"])
        {
            string config = Path.Combine(_root, name, "config.json");
            File.WriteAllText(config, "{}");
            File.SetLastWriteTimeUtc(config, new DateTime(2026, 11, 3, 8, 5, 10 - age--, DateTimeKind.Utc));
        }
        if (latest is not null)
            File.WriteAllText(Path.Combine(_root, "latest"), latest + "\n");
        Assert.Equal("2026-11-03_0905_b", Path.GetFileName(RunFolder.Find(null, _root)));
        File.WriteAllText(Path.Combine(_root, "latest"), "2026-11-02_2300_c\n");
        Assert.Equal("2026-11-02_2300_c", Path.GetFileName(RunFolder.Find(null, _root)));
    }

    [Theory]
    [InlineData("synthetic")]
    [InlineData("images")]
    [InlineData("experts")]
    [InlineData("checkpoints")]
    [InlineData("run.lock")]
    [InlineData("rows")]
    [InlineData("rows/one")]
    [InlineData("rows/one/checkpoints")]
    public void A_link_in_a_run_folder_is_refused_by_its_name(string inside)
    {
        string target = Path.Combine(_root, "elsewhere"), path;
        using (RunFolder folder = RunFolder.Create(_root, "name", "{}"))
        {
            folder.Row("one").Dispose();
            path = folder.Path;
        }
        Directory.CreateDirectory(target);
        string link = Path.Combine(path, inside);
        if (Directory.Exists(link))
            Directory.Delete(link, recursive: true);
        if (inside == "run.lock")
            File.CreateSymbolicLink(link, Path.Combine(target, "file"));
        else
            Directory.CreateSymbolicLink(link, target);
        DistillException e = Assert.Throws<DistillException>(() =>
        {
            using RunFolder folder = RunFolder.Open(path);
            folder.Row("one").Dispose();
        });
        Assert.Equal(ExitCode.FileSystem, e.ExitCode);
        Assert.Contains(link, e.Message);
        Assert.Contains("link to", e.Message);
        Assert.Empty(Directory.GetFileSystemEntries(target));
    }

    [Fact]
    public void Metrics_are_not_appended_through_a_link()
    {
        string target = Path.Combine(_root, "precious"), link = Path.Combine(_root, "metrics.jsonl");
        File.WriteAllText(target, "");
        File.CreateSymbolicLink(link, target);
        FileWriteException e = Assert.Throws<FileWriteException>(
            () => MetricsFile.Open(link, new Dictionary<int, int>(), Assert.Fail));
        Assert.Contains(link, e.Message);
        Assert.Equal("", File.ReadAllText(target));
    }

    // What somebody links to is theirs to place: a disk with room for all runs, or one run under a second name.
    [Fact]
    public void A_linked_root_and_a_linked_run_folder_are_used_as_they_are()
    {
        string disk = Path.Combine(_root, "disk"), runs = Path.Combine(_root, "runs"), second = Path.Combine(_root, "second");
        Directory.CreateDirectory(disk);
        Directory.CreateSymbolicLink(runs, disk);
        using (RunFolder folder = RunFolder.Create(runs, "name", "{}"))
            Directory.CreateSymbolicLink(second, folder.Path);
        Assert.True(File.Exists(Path.Combine(disk, "name", "config.json")));
        using RunFolder again = RunFolder.Open(second);
        Assert.Equal("{}", File.ReadAllText(again.Config));
        Assert.Equal("name", Path.GetFileName(RunFolder.Find(null, runs)));
    }

    [Fact]
    public void Every_setting_stands_in_the_configuration_with_its_origin()
    {
        ResolvedSettings resolved = Settings.Resolve(
            "demo",
            setting => setting.Name == "--ipc" ? "3, 5" : setting.Name == "--lr-img" ? "7.5" : null,
            variable => variable == "INFMATCH_DEVICE" ? "cpu" : null);
        JsonObject settings = JsonNode.Parse(ConfigFile.Write("distill", resolved))!["settings"]!.AsObject();
        Assert.Equal(
            Settings.All.Where(s => s.IsOf(resolved.Settings)).Select(s => s.Key).Order(StringComparer.Ordinal),
            settings.Select(s => s.Key).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Equal("command line (--lr-img)", settings["lrImg"]!["origin"]!.GetValue<string>());
        Assert.Equal(7.5, settings["lrImg"]!["value"]!.GetValue<double>());
        Assert.Equal("environment (INFMATCH_DEVICE)", settings["device"]!["origin"]!.GetValue<string>());
        Assert.Equal("preset demo", settings["width"]!["origin"]!.GetValue<string>());

        string path = Path.Combine(_root, "config.json");
        ConfigFile.Save(path, "distill", resolved);
        (string command, ResolvedSettings read) = ConfigFile.Read(path);
        Assert.Equal("distill", command);
        Assert.Equal([3, 5], read.Settings.Ipc.ToArray());
        Assert.Equal(ConfigFile.Write("distill", resolved), ConfigFile.Write("distill", read));
        Assert.Equal(ConfigFile.Hash(resolved.Settings), ConfigFile.Hash(read.Settings));
    }

    [Fact]
    public void A_configuration_from_before_a_setting_is_read_and_can_be_written_again()
    {
        ResolvedSettings now = Settings.Resolve("trajectory", _ => null, _ => null);
        Assert.Equal(Presets.Of("trajectory"), now.Settings with { Ipc = Presets.Of("trajectory").Ipc });
        Assert.Equal("0.02", now.Settings.Text("SyntheticRate"));
        string path = Path.Combine(_root, "config.json");
        ConfigFile.Save(path, "distill", now);
        Assert.Equal("0.02", ConfigFile.Read(path).Resolved.Settings.Text("SyntheticRate"));

        SealedJsonTests.RemoveHash(path);
        JsonNode older = JsonNode.Parse(File.ReadAllText(path))!;
        Assert.True(older["settings"]!.AsObject().Remove("syntheticRate"));
        File.WriteAllText(path, older.ToJsonString());
        (string command, ResolvedSettings read) = ConfigFile.Read(path);
        Assert.Equal("0", read.Settings.Text("SyntheticRate"));
        Assert.Equal("not in the file", read.Origins["SyntheticRate"]);
        JsonNode again = JsonNode.Parse(ConfigFile.Write(command, read))!["settings"]!["syntheticRate"]!;
        Assert.Equal(0, again["value"]!.GetValue<double>());
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    [InlineData("{\"command\":\"distill\",\"settings\":{\"width\":{\"value\":3,\"origin\":\"x\"}}}")]
    [InlineData("{\"command\":\"distill\",\"settings\":{\"wdith\":{\"value\":3,\"origin\":\"x\"}}}")]
    public void A_configuration_that_is_none_is_refused(string text)
    {
        string path = Path.Combine(_root, "config.json");
        File.WriteAllText(path, text);
        Assert.Equal(ExitCode.Usage, Assert.Throws<DistillException>(() => ConfigFile.Read(path)).ExitCode);
    }

    [Fact]
    public void The_command_line_goes_before_the_environment_and_data_is_not_used_for_the_built_in_set()
    {
        ResolvedSettings given = Settings.Resolve(
            "standard", s => s.Name == "--device" ? "reference" : null,
            v => v == "INFMATCH_DEVICE" ? "cpu" : "/somewhere");
        Assert.Equal("reference", given.Settings.Device);
        Assert.Null(given.Settings.Data);
        Assert.StartsWith("not used", given.Origins["Data"]);
        ResolvedSettings other = Settings.Resolve(
            "standard", s => s.Name == "--dataset" ? "mnist" : null, v => v == "INFMATCH_DATA" ? "/somewhere" : null);
        Assert.Equal("/somewhere", other.Settings.Data);
    }

    [Fact]
    public void A_disk_or_a_memory_that_is_too_small_is_told_before_the_work()
    {
        var need = new Requirements(DiskBytes: 3L << 30, MemoryBytes: 2L << 30);
        DistillException disk = Assert.Throws<DistillException>(() => need.Check(1L << 30, 4L << 30, "runs", "cuda:0"));
        Assert.Equal(ExitCode.FileSystem, disk.ExitCode);
        Assert.Contains("3.0 GiB", disk.Message);
        DistillException memory = Assert.Throws<DistillException>(() => need.Check(4L << 30, 1L << 30, "runs", "cuda:0"));
        Assert.Equal(ExitCode.Memory, memory.ExitCode);
        Assert.Contains("2.0 GiB of the memory of cuda:0, 1.0 GiB can be had", memory.Message);
        need.Check(4L << 30, 4L << 30, "runs", "cuda:0");
    }

    [Fact]
    public void The_standard_deviation_is_of_a_sample()
    {
        Accuracy accuracy = Accuracy.Of([50, 52, 57]);
        Assert.Equal(53, accuracy.Mean);
        Assert.Equal(Math.Sqrt((9 + 1 + 16) / 2.0), accuracy.Std, 12);
        Assert.Equal("53.0 ± 3.6", accuracy.ToString());
        Assert.Equal(0, Accuracy.Of([50]).Std);
    }
}
