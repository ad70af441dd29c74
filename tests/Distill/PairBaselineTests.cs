using System.Text.Json;
using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>Rows of real pairs that a run takes from the table of another.</summary>
public sealed class PairBaselineTests : IDisposable
{
    private static readonly string[] s_ofTable =
    [
        "--dataset", "pairs-demo", "--expert-epochs", "1", "--head-size", "16", "--epochs", "10", "--repeats", "2", "--full-epochs", "1",
    ];

    private readonly CommandRun _run = new();

    private string Table => Path.Combine(_run.Folder, "runs", "table");

    public void Dispose() => _run.Dispose();

    private void MakeTable() => Assert.Equal(0, _run.Run(["evaluate", .. s_ofTable, "--pairs", "10", "20", "--run", "table"]));

    private static RetrievalSummary SummaryIn(string run) => RetrievalSummary.Read(Path.Combine(run, RetrievalSummary.FileName));

    private static string Text(RetrievalSummary summary) => JsonSerializer.Serialize(summary.Results.Select(r => (r.Pairs, r.Verdict, r.SetHash, r.Rows)));

    // The value of an option, in the place of one that is there.
    private static string[] With(string[] args, string option, string value) => Array.IndexOf(args, option) is >= 0 and var at
        ? [.. args[..(at + 1)], value, .. args[(at + 2)..]]
        : [.. args, option, value];

    [Fact]
    public void A_run_has_the_bits_of_one_that_measures_all_and_measures_its_set_alone()
    {
        MakeTable();
        using var whole = new CommandRun();
        Assert.Equal(0, whole.Run(PairRunTests.SmallRun()));
        Assert.Equal(0, _run.Run(PairRunTests.SmallRun("--baselines-from", Table)));
        Assert.Equal(Text(SummaryIn(whole.RunPath)), Text(SummaryIn(_run.RunPath)));
        Assert.Contains("Rows of real pairs and of all data are those of", _run.Errors);
        Assert.DoesNotContain("herding: done", _run.Errors);
        Assert.Contains("herding: done", whole.Errors);
        Assert.Equal(0, _run.Run(["plan", .. PairRunTests.SmallRun("--baselines-from", Table)]));
        Assert.Contains("1 rows of 2 networks", _run.Output);
    }

    [Fact]
    public void A_learned_rate_is_that_of_the_set_and_a_number_of_pairs_that_is_not_there_is_measured()
    {
        Assert.Equal(0, _run.Run(["evaluate", .. s_ofTable, "--eval-rate", "0.05", "--pairs", "20", "--run", "table"]));
        Assert.Equal(0, _run.Run(
        [
            "distill", .. s_ofTable, "--method", "mtt", "--eval-rate", "learned", "--lr-rate", "1e-6", "--iterations", "6", "--experts", "2",
            "--checkpoints", "4", "--window", "2", "--pairs", "10", "20", "--baselines-from", Table,
        ]));
        RetrievalSummary table = SummaryIn(Table), run = SummaryIn(_run.RunPath);
        Assert.All(run.Results, result => Assert.Equal(
            ["random", "forgetting", "herding", "k-center", "k-means", "distilled", "full data"], result.Rows.Select(r => r.Name),
            StringComparer.Ordinal));
        foreach (RetrievalRow row in table.Results[0].Rows)
            Assert.Equal(row.Runs, run.Results.Single(r => r.Pairs == 20).Row(row.Name)!.Runs);
        Assert.Contains("10 pairs: herding: done", _run.Errors);
        Assert.DoesNotContain("20 pairs: herding: done", _run.Errors);
    }

    [Theory]
    [InlineData("--epochs is 10, and here 11", "--epochs", "11")]
    [InlineData("--seed is 0, and here 3", "--seed", "3")]
    [InlineData("--expert-rate is", "--expert-rate", "0.07")]
    [InlineData("it began on other test images", "--split", "test")]
    public void A_table_of_something_else_is_refused_before_there_is_a_folder(string expected, string option, string value)
    {
        MakeTable();
        string[] before = Directory.GetDirectories(Path.Combine(_run.Folder, "runs"));
        foreach (string[] command in (string[][])[
            [.. With(PairRunTests.SmallRun(), option, value), "--baselines-from", Table],
            ["evaluate", .. With(s_ofTable, option, value), "--pairs", "10", "--baselines-from", Table]])
        {
            Assert.Equal((int)ExitCode.Usage, _run.Run(command));
            Assert.Contains("--baselines-from is", _run.Errors);
            Assert.Contains(expected, _run.Errors);
        }
        Assert.Equal(before, Directory.GetDirectories(Path.Combine(_run.Folder, "runs")));
    }

    [Fact]
    public void A_folder_without_a_table_is_refused_and_a_damaged_table_too()
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run(PairRunTests.SmallRun("--baselines-from", _run.Folder)));
        Assert.Contains("it has no config.json", _run.Errors);
        MakeTable();
        string file = Path.Combine(Table, RetrievalSummary.FileName);
        File.WriteAllText(file, File.ReadAllText(file).Replace("herding", "hording", StringComparison.Ordinal));
        Assert.Equal((int)ExitCode.Data, _run.Run(PairRunTests.SmallRun("--baselines-from", Table)));
        Assert.Contains(RetrievalSummary.FileName, _run.Errors);
    }

    [Fact]
    public void A_set_is_evaluated_beside_the_rows_of_a_table()
    {
        MakeTable();
        Assert.Equal(0, _run.Run(PairRunTests.SmallRun("--baselines-from", Table)));
        RetrievalSummary made = SummaryIn(_run.RunPath);
        string set = Path.Combine(_run.RunPath, "synthetic", "pairs20.safetensors");
        Assert.Equal(0, _run.Run("evaluate", set, "--baselines-from", Table));
        Assert.Equal(
            JsonSerializer.Serialize(made.Results[0].Rows), JsonSerializer.Serialize(SummaryIn(_run.EvaluationPath).Results[0].Rows));
        Assert.DoesNotContain("herding: done", _run.Errors);
    }
}
