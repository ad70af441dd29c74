using System.Text.Json;
using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>--run: a run under a name that a person gave is begun once and then gone on with.</summary>
public sealed class RunNameTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    private string Mine => Path.Combine(_run.Runs, "mine");

    [Fact]
    public void The_same_command_begins_a_run_goes_on_with_it_and_then_says_that_it_is_complete()
    {
        using CommandRun whole = new();
        string[] command = CommandRun.SmallRunWith("--ipc 2");
        Assert.Equal(0, whole.Run(command));
        string[] named = [.. command, "--run", "mine"];
        _run.InterruptAt = "IPC 2: distilling: done";
        Assert.Equal((int)ExitCode.Interrupted, _run.Run(named));
        _run.InterruptAt = null;
        Assert.Equal(0, _run.Run(named));
        Assert.Equal(HashOf(whole.RunPath), HashOf(Mine));
        Assert.Equal(["mine"], Directory.GetFileSystemEntries(_run.Runs).Select(p => Path.GetFileName(p)), StringComparer.Ordinal); // and no latest
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(Mine, "summary.json"));
        Assert.Equal(0, _run.Run([.. CommandRun.SmallRunWith("--ipc 2 --save-every 3 --threads 1"), "--run", "mine", "--json"])); // which decide no numbers
        Assert.Equal(HashOf(Mine), JsonDocument.Parse(_run.Output).RootElement.GetProperty("results")[0].GetProperty("setHash").GetString());
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(Mine, "summary.json")));
        Assert.Equal(0, _run.Run(named));
        Assert.Contains($"{Mine} is complete: nothing is left to do.", _run.Output, StringComparison.Ordinal);

        Assert.Equal((int)ExitCode.Usage, _run.Run([.. CommandRun.SmallRunWith("--ipc 2 --iterations 7 --seed 3"), "--run", "mine"]));
        Assert.Contains("--iterations is 7, and was 6", _run.Errors, StringComparison.Ordinal);
        Assert.Contains("--seed is 3, and was 0", _run.Errors, StringComparison.Ordinal);
        Assert.Contains("[IM2060]", _run.Errors, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, _run.Run(
            "train", "--dataset", "tiny", "--width", "4", "--depth", "2", "--experts", "1", "--expert-epochs", "1", "--run", "mine"));
        Assert.Contains("the command is train, and was distill", _run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void An_evaluation_and_experts_have_names_too()
    {
        string[] train = ["train", "--dataset", "tiny", "--width", "4", "--depth", "2", "--experts", "1", "--expert-epochs", "1", "--run", "of-experts"];
        Assert.Equal(0, _run.Run(train));
        Assert.Equal(0, _run.Run(train));
        Assert.Contains("is complete", _run.Output, StringComparison.Ordinal);
        string[] evaluate =
        [
            "evaluate", "--dataset", "tiny", "--ipc", "1", "--epochs", "2", "--repeats", "3", "--eval-width", "4", "--depth", "2", "--augment", "none", "--run", "mine",
        ];
        Assert.Equal(0, _run.Run(evaluate));
        // As if it had been killed after the second network.
        string file = Path.Combine(Mine, EvaluatedNetworksFile.FileName), summary = File.ReadAllText(Path.Combine(Mine, "summary.json"));
        string[] lines = File.ReadAllLines(file);
        File.WriteAllText(file, string.Concat(lines[..2].Select(l => l + "\n")));
        File.Delete(Path.Combine(Mine, "summary.json"));
        Assert.Equal(0, _run.Run(evaluate));
        Assert.Equal(lines, File.ReadAllLines(file));
        Assert.Equal(Accuracies(summary), Accuracies(File.ReadAllText(Path.Combine(Mine, "summary.json"))));
        Assert.Equal(0, _run.Run(evaluate));
        Assert.Contains("is complete", _run.Output, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, _run.Run([.. evaluate, "--models", "mlp"]));
        Assert.Contains("--models is mlp, and was ", _run.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_run.Runs, "latest")));

        static string Accuracies(string summary) => JsonDocument.Parse(summary).RootElement.GetProperty("results").GetRawText();
    }

    [Fact]
    public void An_evaluation_of_pairs_goes_on_under_its_name_and_leaves_where_it_began()
    {
        string[] evaluate =
            ["evaluate", "--dataset", "pairs-demo", "--pairs", "5", "--epochs", "4", "--repeats", "1", "--full-epochs", "1", "--run", "mine"];
        Assert.Equal(0, _run.Run(evaluate));
        string environment = Path.Combine(Mine, "environment.json"), retrieval = Path.Combine(Mine, RetrievalSummary.FileName);
        RetrievalSummary whole = RetrievalSummary.Read(retrieval);
        // As if it had been killed before its last row, on another machine.
        File.Copy(Path.Combine(Mine, "config.json"), environment, overwrite: true);
        string began = File.ReadAllText(environment);
        (whole with { Complete = false, Results = [whole.Results[0] with { Rows = [.. whole.Results[0].Rows.SkipLast(1)], Complete = false }] }).Save(retrieval);
        Assert.Equal(0, _run.Run(evaluate));
        Assert.Equal(began, File.ReadAllText(environment));
        Assert.Equal(JsonSerializer.Serialize(whole.Results[0].Rows), JsonSerializer.Serialize(RetrievalSummary.Read(retrieval).Results[0].Rows));
    }

    [Theory]
    [InlineData("")]
    [InlineData("latest")]
    [InlineData("evaluated")]
    [InlineData("..")]
    [InlineData("-x")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("x.partial")]
    public void A_name_that_is_none_is_refused(string name)
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run(CommandRun.SmallRun($"--run={name}")));
        Assert.False(Directory.Exists(_run.Runs));
    }

    [Fact]
    public void Of_many_that_begin_a_name_one_makes_it()
    {
        const int many = 16;
        var made = new RunFolder?[many];
        Parallel.For(0, many, new ParallelOptions { MaxDegreeOfParallelism = many }, i => made[i] = RunFolder.TryCreate(_run.Runs, "name", $"{i}"));
        int winner = Array.FindIndex(made, m => m is not null);
        Assert.Single(made, m => m is not null);
        Assert.Equal($"{winner}", File.ReadAllText(made[winner]!.Config));
        Assert.Single(Directory.GetFileSystemEntries(_run.Runs));
        Assert.Throws<DistillException>(() => RunFolder.Open(made[winner]!.Path));
        RunFolder.Join(made[winner]!.Path).Dispose(); // beside it
        Assert.Throws<DistillException>(() => RunFolder.Open(made[winner]!.Path)); // whose lock is still there
        made[winner]!.Dispose();
    }

    private static string HashOf(string folder) => Summary.Read(Path.Combine(folder, "summary.json")).Results[0].SetHash!;
}
