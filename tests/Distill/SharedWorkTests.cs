using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>Jobs that several processes share: a numbered part each, or whoever comes. The bits are those of one process.</summary>
public sealed class SharedWorkTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    private string Experts => Path.Combine(_run.Folder, "experts");

    private string[] Train(string folder, params string[] more) =>
    [
        "train", "--dataset", "tiny", "--width", "4", "--depth", "2", "--experts", "4", "--expert-epochs", "1", "--expert-batch", "16",
        "--checkpoints", "4", "--experts-from", folder, .. more,
    ];

    [Fact]
    public void Parts_of_experts_in_any_order_are_those_of_one_process()
    {
        string whole = Path.Combine(_run.Folder, "whole");
        Assert.Equal(0, _run.Run(Train(whole)));
        Directory.Delete(_run.Runs, recursive: true);
        Directory.CreateDirectory(Experts);
        // What a killed process leaves.
        File.WriteAllText(Path.Combine(Experts, "expert-001.safetensors.partial"), "half");
        File.WriteAllText(Path.Combine(Experts, "expert-001.safetensors.claim"), "");

        Assert.Equal(0, _run.Run(Train(Experts, "--part", "1/3", "--json")));
        JsonNode told = JsonNode.Parse(_run.Output)!;
        Assert.Equal(("1/3", 1, 4), (told["part"]!.GetValue<string>(), told["there"]!.GetValue<int>(), told["of"]!.GetValue<int>()));
        Assert.Equal(0, _run.Run(Train(Experts, "--part", "0/3")));
        Assert.Contains("Part 0/3 is done: 3 of 4 experts", _run.Output, StringComparison.Ordinal);
        Assert.Contains($"--experts-from {Experts} --out {_run.Runs}\n", _run.Output, StringComparison.Ordinal); // without --part
        Assert.Equal(["expert-000.safetensors", "expert-001.safetensors", "expert-003.safetensors"], Names(Experts), StringComparer.Ordinal);
        Assert.False(Directory.Exists(_run.Runs), "a part made a run folder");

        Assert.Equal(0, _run.Run(Train(Experts))); // gathers, and makes what is missing
        Assert.Equal(Contents(whole), Contents(Experts), StringComparer.Ordinal);
        Assert.True(File.Exists(Path.Combine(_run.RunPath, "config.json")));
    }

    // The second ended with "being used by another process".
    [Fact]
    public void Two_that_train_the_same_experts_at_once_share_them()
    {
        string whole = Path.Combine(_run.Folder, "whole");
        Assert.Equal(0, _run.Run(Train(whole)));
        CommandRun[] both = [new(), new()];
        int[] codes = new int[2];
        Parallel.For(0, 2, i => codes[i] = both[i].Run(Train(Experts, "--threads", "1")));
        Assert.True(codes is [0, 0], string.Join('\n', both.Select(r => r.Errors)));
        Assert.Equal(Contents(whole), Contents(Experts), StringComparer.Ordinal);
        Array.ForEach(both, r => r.Dispose());
    }

    [Fact]
    public void Parts_of_an_evaluation_give_the_accuracies_of_one_process()
    {
        string[] evaluate = EvaluateASet();
        Assert.Equal(0, _run.Run(evaluate));
        string whole = _run.EvaluationPath;
        string[] runs = Names(_run.Runs);
        string kept = EvaluatedFolder.PathIn(_run.Runs);
        Assert.False(Directory.Exists(kept));

        for (int i = 2; i >= 0; i--)
            Assert.Equal(0, _run.Run([.. evaluate, "--part", $"{i}/3"]));
        string[] files = Names(kept);
        Assert.Contains($"Part 0/3 is done: {files.Length} of {files.Length} networks", _run.Output, StringComparison.Ordinal);
        Assert.Equal(Summary.Read(Path.Combine(whole, "summary.json")).Results[0].Accuracy.All().Count(a => a.Column.IsTrained(ColumnCase.Largest)) * 3, files.Length);
        Assert.Equal(runs.Append(EvaluatedFolder.Name).Order(StringComparer.Ordinal), Names(_run.Runs), StringComparer.Ordinal); // no run, and latest as it was

        // One is damaged, one is of another name: both are made again, the others are not.
        DateTime[] written = [.. files.Select(f => File.GetLastWriteTimeUtc(Path.Combine(kept, f)))];
        string first = Path.Combine(kept, files[0]), second = Path.Combine(kept, files[1]), text = File.ReadAllText(first);
        File.WriteAllText(first, text.Replace("\"last\":", "\"last\":1", StringComparison.Ordinal));
        File.WriteAllText(second, text);
        Assert.Equal(0, _run.Run(evaluate));
        Assert.Contains($"{first} is damaged and is made again", _run.Errors, StringComparison.Ordinal);
        Assert.Contains($"{second} is damaged and is made again", _run.Errors, StringComparison.Ordinal);
        Assert.NotEqual(whole, _run.EvaluationPath, StringComparer.Ordinal);
        Assert.Equal(Results(whole), Results(_run.EvaluationPath));
        Assert.Equal(Counts(whole), Counts(_run.EvaluationPath));
        Assert.Equal(text, File.ReadAllText(first));
        Assert.Equal(written[2..], files[2..].Select(f => File.GetLastWriteTimeUtc(Path.Combine(kept, f))));

        // Another protocol is another evaluation; more networks of the same are not.
        Assert.Equal(0, _run.Run([.. Without(evaluate, "--repeats"), "--repeats", "1", "--part", "0/1"]));
        Assert.Equal(files.Length, Names(kept).Length);
        Assert.Equal(0, _run.Run([.. Without(evaluate, "--epochs"), "--epochs", "3", "--part", "0/4"]));
        Assert.True(Names(kept).Length > files.Length, _run.Output);
    }

    [Fact]
    public void Parts_of_a_benchmark_give_its_table()
    {
        string[] benchmark =
        [
            "benchmark", "--dataset", "tiny", "--ipc", "1", "--methods", "influence", "dm", "--seeds", "0", "--budget", "100images",
            "--width", "4", "--depth", "2", "--experts", "1", "--expert-epochs", "1", "--expert-batch", "16", "--checkpoints", "4",
            "--set", "influence:window=2", "--set", "influence:startFirst=2", "--set", "influence:startLast=3", "--lr-label", "0",
            "--set", "epochs=2", "--repeats", "2", "--eval-width", "4", "--augment", "none", "--match-augment", "none", "--probe-every", "0",
        ];
        Assert.Equal(0, _run.Run([.. benchmark, "--run", "whole"]));
        foreach (int i in (int[])[1, 0])
        {
            Assert.Equal(0, _run.Run([.. benchmark, "--run", "shared", "--part", $"{i}/2"]));
            Assert.Contains($"Part {i}/2 is done: {2 - i} of 2 cells", _run.Output, StringComparison.Ordinal);
            Assert.False(File.Exists(Path.Combine(_run.Runs, "shared", BenchmarkTable.FileName)));
        }
        Assert.Equal(0, _run.Run([.. benchmark, "--run", "shared"]));
        Assert.DoesNotContain("Cell 1 of", _run.Errors, StringComparison.Ordinal);
        string[] folders = [.. ((string[])["whole", "shared"]).Select(name => Path.Combine(_run.Runs, name))];
        BenchmarkTable[] tables = [.. folders.Select(BenchmarkTable.Read)];
        Assert.True(tables[1].Complete);
        Assert.Equal(tables[0].Rows.Select(Text), tables[1].Rows.Select(Text), StringComparer.Ordinal);
        Assert.Equal(tables[0].Baselines.Select(Text), tables[1].Baselines.Select(Text), StringComparer.Ordinal);
        Assert.False(File.Exists(Path.Combine(_run.Runs, "latest")), "a run with a name became the latest");
        Assert.Equal((int)ExitCode.Usage, _run.Run([.. benchmark, "--part", "0/2"]));
        Assert.Contains("expected --run beside it", _run.Errors, StringComparison.Ordinal);

        static string Text(BenchmarkRow row) => $"{row.Name} {JsonSerializer.Serialize(row.Accuracy, JsonText.Options)}";
    }

    [Fact]
    public void A_row_of_an_ablation_is_run_alone_and_the_rest_gathers()
    {
        string[] ablate = ["ablate", .. CommandRun.SmallRunWith("--ipc 1 --repeats 1 --epochs 2 --iterations 2")[1..], "--start-growth", "3"];
        Assert.Equal(0, _run.Run([.. ablate, "--run", "whole"]));
        Assert.Equal(0, _run.Run([.. ablate, "--run", "shared", "--row", "labels"]));
        Assert.Contains("1 of 5 rows", _run.Output, StringComparison.Ordinal);
        string shared = Path.Combine(_run.Runs, "shared");
        Assert.Empty(AblationSummary.Read(shared).Rows);
        Assert.Equal(["labels"], Names(Path.Combine(shared, "rows")), StringComparer.Ordinal);
        Assert.Equal(0, _run.Run([.. ablate, "--run", "shared"]));
        Assert.True(AblationSummary.Read(shared).Complete);
        Assert.Equal(Sets(Path.Combine(_run.Runs, "whole")), Sets(shared), StringComparer.Ordinal);
        Assert.Equal(0, _run.Run([.. ablate, "--run", "shared"]));
        Assert.Contains("is complete", _run.Output, StringComparison.Ordinal);

        Assert.Equal((int)ExitCode.Usage, _run.Run([.. ablate, "--row", "labels"]));
        Assert.Contains("--run beside it", _run.Errors, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, _run.Run([.. ablate, "--run", "shared", "--row", "label"]));
        Assert.Contains("did you mean labels?", _run.Errors, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, _run.Run([.. ablate, "--run", "shared", "--grid", "full"]));
        Assert.Contains("--grid is full, and was paper", _run.Errors, StringComparison.Ordinal);

        static string[] Sets(string folder) =>
            [.. AblationSummary.Read(folder).Rows.Select(r => $"{r.Row.Name} {r.Results[0].SetHash} {r.Results[0].Accuracy.Distilled!.Mean:R}")];
    }

    // Two that began at once, one of them with another setting, made rows of one table.
    [Fact]
    public void A_row_whose_ablation_another_began_meanwhile_is_of_its_settings_or_refused()
    {
        string[] ablate = ["ablate", .. CommandRun.SmallRunWith("--ipc 1 --repeats 1 --epochs 2 --iterations 2")[1..], "--start-growth", "3", "--run", "both"];
        bool isFirst = true;
        using StringWriter errors = new();
        int code = CommandTree.Run(
            [.. ablate, "--seed", "3", "--row", "labels", "--out", _run.Runs], new Terminal(TextWriter.Null, errors, isInteractive: false),
            Interruption.Silent(), (_, _) =>
            {
                if (isFirst)
                    Assert.Equal(0, _run.Run([.. ablate, "--row", "base"]));
                isFirst = false;
                return _run.Data;
            });
        Assert.Equal((int)ExitCode.Usage, code);
        Assert.Contains("both was begun with other settings: --seed is 3, and was 0", errors.ToString(), StringComparison.Ordinal);
        Assert.Equal(["base"], Names(Path.Combine(_run.Runs, "both", "rows")), StringComparer.Ordinal);
    }

    [Fact]
    public void A_damaged_expert_says_how_it_is_made_again()
    {
        Assert.Equal(0, _run.Run(Train(Experts)));
        string one = ExpertLibrary.FileOf(Experts, 1);
        byte[] whole = File.ReadAllBytes(one);
        File.WriteAllBytes(one, whole[..(whole.Length / 2)]);
        foreach (string[] more in (string[][])[["--part", "0/2"], []])
        {
            Assert.Equal((int)ExitCode.Data, _run.Run(Train(Experts, more)));
            Assert.Contains($"{one}: ", _run.Errors, StringComparison.Ordinal);
            Assert.Contains("Delete it: 'train' and 'distill' record it again. [IM3057]", _run.Errors, StringComparison.Ordinal);
        }
        File.Delete(one);
        Assert.Equal(0, _run.Run(Train(Experts, "--part", "1/2")));
        Assert.Equal(whole, File.ReadAllBytes(one));
    }

    [Fact]
    public void Parts_of_retrainings_give_the_numbers_of_one_process()
    {
        string[] validate =
        [
            "influence", "validate", "--dataset", "tiny", "--examples", "60", "--steps", "12", "--batch", "10", "--rate", "0.02", "--threads", "1",
            "--validation", "15", "--seeds", "2", "--leave-out", "4", "--displacements", "2", "--groups", "0", "--subsets", "2",
            "--test-points", "2", "--candidates", "0", "--estimators", "unrolled",
        ];
        string csv = Path.Combine(_run.Runs, InfluenceCommands.FolderName, "validation-tiny-logistic.csv");
        Assert.Equal(0, _run.Run(validate));
        string whole = File.ReadAllText(csv);
        Directory.Delete(_run.Runs, recursive: true);
        Assert.Equal(0, _run.Run([.. validate, "--part", "0/2"]));
        Assert.Matches(@"Part 0/2 is done: (\d+) of \d+ retrainings", _run.Output);
        Assert.DoesNotContain("stopped at", _run.Errors, StringComparison.Ordinal); // its stages end with its own share
        Assert.Equal(0, _run.Run([.. validate, "--part", "1/2"]));
        Assert.Matches(@"Part 1/2 is done: (\d+) of \1 retrainings", _run.Output);
        Assert.False(File.Exists(csv));
        string[] files = Directory.GetFiles(_run.Runs, "*.safetensors", SearchOption.AllDirectories);
        DateTime[] written = [.. files.Select(File.GetLastWriteTimeUtc)];
        Assert.Equal(0, _run.Run(validate));
        Assert.Equal(Measured(whole), Measured(File.ReadAllText(csv)));
        Assert.Equal(written, files.Select(File.GetLastWriteTimeUtc));

        // All columns but the seconds, which are the last.
        static string Measured(string csv) => string.Join('\n', csv.Split('\n').Select(l => l[..Math.Max(0, l.LastIndexOf(','))]));
    }

    [Theory]
    [InlineData("2/2")]
    [InlineData("1")]
    [InlineData("a/b")]
    [InlineData("-1/4")]
    public void A_part_that_is_none_is_refused(string part)
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run(Train(Experts, $"--part={part}")));
        Assert.Contains($"--part is \"{part}\"; expected I/N with I from 0 to N - 1", _run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_needs_a_place_that_all_share()
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run([.. Without(Train(Experts), "--experts-from"), "--part", "0/2"]));
        Assert.Contains("expected --experts-from beside it", _run.Errors, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, _run.Run(Train(Experts, "--part", "0/2", "--run", "mine")));
        Assert.Contains("nothing beside --part 0/2", _run.Errors, StringComparison.Ordinal);
    }

    private string[] EvaluateASet()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRunWith("--ipc 2")));
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        return ["evaluate", set, "--epochs", "2", "--repeats", "3", "--eval-width", "4", "--augment", "none"];
    }

    private static string[] Without(string[] words, string option)
    {
        int at = Array.IndexOf(words, option);
        return [.. words[..at], .. words[(at + 2)..]];
    }

    private static string[] Names(string folder) =>
        [.. Directory.GetFileSystemEntries(folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    private static string[] Contents(string folder) =>
    [
        .. Directory.GetFiles(folder).Order(StringComparer.Ordinal)
            .Select(f => $"{Path.GetFileName(f)} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f)))}"),
    ];

    private static string Results(string folder) =>
        JsonSerializer.Serialize(Summary.Read(Path.Combine(folder, "summary.json")).Results, JsonText.Options);

    // Without the check of each line, which follows from the order of the lines.
    private static string Counts(string folder) => string.Join(
        '\n',
        File.ReadAllLines(Path.Combine(folder, EvaluatedNetworksFile.FileName))
            .Select(l => l[..l.IndexOf("\"check\"", StringComparison.Ordinal)]).Order(StringComparer.Ordinal));
}
