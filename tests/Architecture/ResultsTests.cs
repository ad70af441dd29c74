using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Benchmarks;
using InfMatch.Distill;
using InfMatch.Tensors;

namespace InfMatch.Tests.Architecture;

/// <summary>The measurements that documents show: their manifests, the tables made of them, and running them again.</summary>
public sealed class ResultsTests
{
    private const string Machines = """{ "A": { "processor": "a processor", "cores": 2, "dates": "2026-11-26" } }""";

    private const string Small =
        """
        {
          "title": "a title", "publishedIn": "a paper", "rankBy": "distilled", "rankWithin": ["ipc"],
          "columns": [
            { "key": "ipc", "heading": "ipc" },
            { "key": "softLabels", "heading": "soft", "path": "accuracy.randomRealSoftLabels" },
            { "key": "distilled", "heading": "distilled", "path": "accuracy.distilled", "boldOver": ["softLabels"] },
            { "key": "j", "heading": "J", "path": "objective", "digits": 3, "tolerance": 0.02 },
            { "key": "published", "heading": "published" },
            { "key": "source", "heading": "source" }
          ],
          "defaults": {
            "name": "defaults", "commit": "0123abc", "machine": "A", "date": "2026-11-26", "seed": 0, "factor": 1,
            "protocol": "A", "labels": { "ipc": "1" }, "commands": ["./infmatch distill --ipc 1 --data FOLDER"]
          },
          "entries": [
            {
              "name": "one", "row": "results[ipc=1]", "published": { "DC": 60 },
              "figures": {
                "softLabels": { "mean": 50, "std": 1, "n": 3 }, "distilled": { "mean": 60, "std": 2, "n": 3 },
                "j": { "mean": 0.5 }
              }
            },
            { "name": "worse", "figures": { "distilled": { "mean": 50.25, "std": 1, "n": 3, "digits": 2 } } },
            { "name": "ten", "labels": { "ipc": "10" }, "figures": { "distilled": { "mean": 70, "n": 1 } } }
          ]
        }
        """;

    private static readonly string s_folder = Path.Combine(Repository.Root, "docs", "results");

    public static TheoryData<string, string> Defects { get; } = new()
    {
        { "\"commit\": \"0123abc\"", "\"commit\": \"latest\"" },
        { "\"machine\": \"A\"", "\"machine\": \"B\"" },
        { "\"date\": \"2026-11-26\"", "\"date\": \"26 November\"" },
        { "\"seed\": 0, ", "" },
        { "\"factor\": 1,", "\"factor\": 0," },
        { "\"protocol\": \"A\", ", "" },
        { "\"./infmatch distill", "\"distill" },
        { "\"name\": \"worse\"", "\"name\": \"one\"" },
        { "\"mean\": 50.25, \"std\": 1, \"n\": 3", "\"mean\": 50.25, \"std\": 1" },
        { "\"mean\": 50.25, \"std\": 1, \"n\": 3", "\"mean\": 50.25, \"std\": 1, \"n\": 1" },
        { "\"mean\": 50.25,", "" },
        { "\"j\": { \"mean\": 0.5 }", "\"k\": { \"mean\": 0.5 }" },
        { "\"publishedIn\": \"a paper\", ", "" },
        { "\"title\": \"a title\"", "\"titel\": \"a title\"" },
        { "\"key\": \"j\"", "\"key\": \"ipc\"" },
        { "\"labels\": { \"ipc\": \"1\" }, ", "" },
        { "\"mean\": 0.5", "\"mean\": 0.5, \"mean\": 0.6" },
    };

    [Fact]
    public void Tables_of_documents_are_those_of_their_manifests()
    {
        ResultsFolder results = ResultsFolder.Read(s_folder);
        string[] files = [.. ResultsDocument.Files(Repository.Root)];
        Assert.All(files, file =>
        {
            string text = File.ReadAllText(file);
            Assert.True(
                text == ResultsDocument.Refresh(text, results),
                $"{Path.GetRelativePath(Repository.Root, file)} shows other figures than docs/results: run eng/results tables.");
        });
        Assert.True(files.Sum(file => ResultsDocument.Count(File.ReadAllText(file))) > 20);
    }

    [Fact]
    public void Every_manifest_is_shown_by_a_document()
    {
        string all = string.Concat(ResultsDocument.Files(Repository.Root).Select(File.ReadAllText));
        Assert.All(ResultsFolder.Read(s_folder).Manifests, m => Assert.Contains($"<!-- results {m.Name} ", all, StringComparison.Ordinal));
    }

    [Fact]
    public void Commands_of_manifests_are_ones_that_the_program_understands()
    {
        string[] commands =
        [
            .. ResultsFolder.Read(s_folder).Manifests.SelectMany(m => m.Entries).SelectMany(e => e.Commands!)
                .Where(c => c.StartsWith(ResultsRerun.Program, StringComparison.Ordinal)).Distinct(StringComparer.Ordinal),
        ];
        Assert.All(commands, command => Assert.Empty(ErrorsOf(command)));
        Assert.True(commands.Length > 30);
        Assert.NotEmpty(ErrorsOf("./infmatch distill --itertions 3"));
    }

    [Theory]
    [MemberData(nameof(Defects))]
    public void A_malformed_manifest_is_refused_by_its_name(string right, string wrong)
    {
        Assert.Contains(right, Small, StringComparison.Ordinal);
        var e = Assert.Throws<JsonException>(() => Folder(Small.Replace(right, wrong, StringComparison.Ordinal)));
        Assert.StartsWith("small.json: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_has_the_best_of_each_group_and_sets_in_bold_what_is_above_its_baseline()
    {
        const string Document = "before\n<!-- results small best -->\nold\n<!-- end -->\nafter\n";
        string made = ResultsDocument.Refresh(Document, Folder(Small));
        Assert.Equal(
            """
            before
            <!-- results small best -->
            | ipc | soft | distilled | J | published | source |
            |---|---|---|---|---|---|
            | 1 | 50.0 ± 1.0 | **60.0 ± 2.0** | 0.500 | DC 60.0 | A, 0123abc, 2026-11-26 |
            | 10 |  | 70.0 |  |  | A, 0123abc, 2026-11-26 |
            <!-- end -->
            after

            """,
            made);
        Assert.Contains("| 50.25 ± 1.00 |", ResultsDocument.Refresh(Document.Replace("best", "all"), Folder(Small)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_selection_shows_entries_of_other_manifests()
    {
        const string Selection =
            """{ "title": "both", "columns": [{ "key": "name", "heading": "entry" }, { "key": "distilled", "heading": "d" }], "from": ["small/ten"] }""";
        var results = new ResultsFolder(new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["machines"] = Machines, ["small"] = Small, ["both"] = Selection,
        });
        Assert.Contains(
            "| `small/ten` | 70.0 |",
            ResultsDocument.Refresh("<!-- results both all -->\n<!-- end -->\n", results), StringComparison.Ordinal);
    }

    [Fact]
    public void Commands_stand_below_the_entries_that_share_them()
    {
        string made = ResultsDocument.Refresh("<!-- results small commands -->\n<!-- end -->\n", Folder(Small));
        Assert.Contains(
            "- `one`, `worse`, `ten` (A; A, 0123abc, 2026-11-26)\n\n      ./infmatch distill --ipc 1 --data FOLDER\n",
            made, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(61.0, 0.505, "within within")]
    [InlineData(65.0, 0.505, "DIFFERS within")] // 2·√(2²/3 + 2²/3) = 3.27
    [InlineData(57.0, 0.52, "within DIFFERS")]
    public void A_rerun_compares_means_by_their_deviations(double distilled, double objective, string verdicts)
    {
        var asked = new List<string>();
        var rerun = new ResultsRerun(
            arguments =>
            {
                asked.Add(string.Join(' ', arguments));
                return Printed(distilled, objective);
            },
            "/data", "/work");
        ResultsFolder results = Folder(Small);
        IReadOnlyList<ResultsComparison> found = rerun.Compare(results.Manifest("small"), [results.Entry("small/one")]);
        Assert.Equal(verdicts, string.Join(' ', found.Skip(1).Select(c => c.IsWithin ? "within" : "DIFFERS")));
        Assert.Equal(["softLabels", "distilled", "j"], found.Select(c => c.Column.Key), StringComparer.Ordinal);
        Assert.False(found[0].IsWithin, "The program printed no soft labels.");
        Assert.Contains("| one | soft | 50.0 ± 1.0 | none |", ResultsRerun.Table(found), StringComparison.Ordinal);
        Assert.Equal([$"distill --ipc 1 --data /data --json --out {Path.Combine("/work", "1")}"], asked);
    }

    [Fact]
    public void A_rerun_without_the_data_says_what_to_name()
    {
        ResultsFolder results = Folder(Small);
        var e = Assert.Throws<ResultsException>(
            () => new ResultsRerun(_ => "", null, "/work").Compare(results.Manifest("small"), [results.Entry("small/one")]));
        Assert.Contains("INFMATCH_DATA", e.Message, StringComparison.Ordinal);
    }

    private static string[] ErrorsOf(string command)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..];
        string name = words is [var first, ..] && !first.StartsWith('-') ? first : "";
        var parser = new Command("infmatch");
        Kinds.Of<CommandDefinition>().Single(d => d.Name == name).Build(parser);
        return [.. parser.Parse(words[(name.Length > 0 ? 1 : 0)..]).Errors.Select(e => $"{command}: {e.Message}")];
    }

    private static ResultsFolder Folder(string small) => new(new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["machines"] = Machines, ["small"] = small,
    });

    private static string Printed(double distilled, double objective) => new JsonObject
    {
        ["results"] = new JsonArray(
            new JsonObject { ["ipc"] = 10 },
            new JsonObject
            {
                ["ipc"] = 1,
                ["objective"] = objective,
                ["accuracy"] = new JsonObject
                {
                    ["distilled"] = new JsonObject { ["mean"] = distilled, ["std"] = 2.0, ["runs"] = new JsonArray(1.0, 2.0, 3.0) },
                },
            }),
    }.ToJsonString();
}
