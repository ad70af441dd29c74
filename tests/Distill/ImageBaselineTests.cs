using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>Columns of random real images that a run takes from another one.</summary>
public sealed class ImageBaselineTests : IDisposable
{
    private const string Measures = "IPC 1: random real";

    // The run whose columns are taken, one that takes them, and one that measures all itself.
    private readonly CommandRun _table = new(), _taking = new(), _alone = new();

    public ImageBaselineTests() => Assert.Equal(0, _table.Run(CommandRun.SmallRun()));

    public void Dispose()
    {
        _table.Dispose();
        _taking.Dispose();
        _alone.Dispose();
    }

    private string[] Taking(string options, params string[] more) =>
        [.. CommandRun.SmallRunWith(options), "--baselines-from", _table.RunPath, .. more];

    private static Summary Of(string folder) => Summary.Read(Path.Combine(folder, RunFolder.SummaryName));

    private string Experts => Path.Combine(_table.RunPath, "experts");

    [Fact]
    public void A_run_with_the_same_experts_takes_both_columns_and_has_the_bits_of_one_that_measures_them()
    {
        Assert.Equal(0, _taking.Run(Taking("--iterations 4", "--experts-from", Experts)));
        Assert.DoesNotContain(Measures, _taking.Errors, StringComparison.Ordinal);
        Assert.Contains("Columns of random real images are those of", _taking.Errors, StringComparison.Ordinal);
        Assert.Equal(0, _alone.Run([.. CommandRun.SmallRunWith("--iterations 4"), "--experts-from", Experts]));
        Assert.Contains(Measures, _alone.Errors, StringComparison.Ordinal);
        RequireSame(Of(_alone.RunPath), Of(_taking.RunPath));
        Assert.Equal(0, _taking.Run("plan", "resume"));
        Assert.Contains("nothing is left", _taking.Output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_run_with_other_experts_measures_what_these_label()
    {
        Assert.Equal(0, _taking.Run(Taking("--expert-epochs 1")));
        Assert.DoesNotContain($"{Measures}:", _taking.Errors, StringComparison.Ordinal);
        Assert.Contains($"{Measures} + soft labels", _taking.Errors, StringComparison.Ordinal);
        Assert.Equal(0, _alone.Run(CommandRun.SmallRunWith("--expert-epochs 1")));
        RequireSame(Of(_alone.RunPath), Of(_taking.RunPath));
    }

    [Fact]
    public void A_plan_counts_the_networks_that_are_left()
    {
        Assert.Equal(0, _taking.Run(["plan", .. CommandRun.SmallRun("--experts-from", Experts)]));
        Assert.Matches("evaluate .* ipc1 .* 8 networks", _taking.Output);
        Assert.Equal(0, _taking.Run(["plan", .. Taking("--iterations 6", "--experts-from", Experts)]));
        Assert.Matches("evaluate .* ipc1 .* 4 networks", _taking.Output);
        Assert.Equal(0, _taking.Run(["plan", .. Taking("--expert-epochs 1")]));
        Assert.Matches("evaluate .* ipc1 .* 6 networks", _taking.Output);
    }

    [Fact]
    public void An_evaluation_takes_them_too_and_goes_on_with_them()
    {
        string set = Path.Combine(_table.RunPath, "synthetic", "ipc2.safetensors");
        string[] evaluate = ["evaluate", set, "--epochs", "4", "--repeats", "2", "--eval-width", "4", "--augment", "none"];
        Assert.Equal(0, _alone.Run(evaluate));
        Summary all = Of(_alone.EvaluationPath);
        _taking.InterruptAt = "IPC 2: distilled: done";
        Assert.Equal((int)ExitCode.Interrupted, _taking.Run([.. evaluate, "--baselines-from", _table.RunPath]));
        Assert.Contains("of 4 networks are evaluated and kept", _taking.Errors, StringComparison.Ordinal);
        _taking.InterruptAt = null;
        Assert.Equal(0, _taking.Run("resume"));
        Assert.DoesNotContain("random real:", _taking.Errors, StringComparison.Ordinal);
        RequireSame(all, Of(_taking.EvaluationPath));
        Assert.Equal((int)ExitCode.Usage, _taking.Run([.. evaluate, "--models", "mlp", "--baselines-from", _table.RunPath]));
        Assert.Contains("nothing beside --models", _taking.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void An_ablation_takes_them_for_all_its_rows()
    {
        string[] ablation = ["ablate", .. Taking("--ipc 1", "--experts-from", Experts, "--grid", AblationGrid.Names[0]).Skip(1)];
        Assert.Equal(0, _taking.Run(["plan", .. ablation]));
        // The sets of all rows, and two of them again with hard labels; three have those anyway.
        Assert.Matches($"evaluate .* ipc1 .* {2 * (AblationGrid.Of(AblationGrid.Names[0]).Length + 2)} networks", _taking.Output);
        Assert.Equal(0, _taking.Run(ablation));
        Assert.DoesNotContain("random real:", _taking.Errors, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, _taking.Run([.. ablation, "--seed", "1"]));
    }

    [Theory]
    [InlineData("--epochs 5", "there --epochs is 4, and here 5")]
    [InlineData("--seed 1", "there --seed is 0, and here 1")]
    [InlineData("--depth 1", "there --depth is 2, and here 1")]
    [InlineData("--repeats 3", "there --repeats is 2, and here 3")]
    public void What_another_evaluation_has_measured_is_refused_before_anything_is_made(string options, string says)
    {
        Assert.Equal((int)ExitCode.Usage, _taking.Run(Taking(options)));
        Assert.Contains(says, _taking.Errors.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_taking.Runs) && Directory.EnumerateDirectories(_taking.Runs).Any());
    }

    [Fact]
    public void Other_data_a_folder_that_is_no_run_and_a_damaged_file_are_refused()
    {
        Assert.Equal((int)ExitCode.Usage, _taking.Run([.. CommandRun.SmallRun(), "--baselines-from", _taking.Folder]));
        Assert.Contains("it has no config.json", _taking.Errors, StringComparison.Ordinal);
        using var other = new CommandRun { Data = CommandRun.TinyData(["up", "right", "top"]) };
        Assert.Equal((int)ExitCode.Usage, other.Run(Taking("--iterations 4")));
        Assert.Contains("3 classes are others", other.Errors.ReplaceLineEndings(" "), StringComparison.Ordinal);
        string summary = Path.Combine(_table.RunPath, RunFolder.SummaryName);
        File.WriteAllText(summary, File.ReadAllText(summary).Replace("\"mean\": ", "\"mean\": 1", StringComparison.Ordinal));
        Assert.Equal((int)ExitCode.Data, _taking.Run(Taking("--iterations 4")));
    }

    private static void RequireSame(Summary expected, Summary found)
    {
        Assert.True(found.Complete);
        Assert.Equal(expected.Results.Count, found.Results.Count);
        foreach ((IpcResult one, IpcResult other) in expected.Results.Zip(found.Results))
        {
            Assert.Equal(one.SetHash, other.SetHash);
            Assert.Equal(
                one.Accuracy.All().Select(a => $"{a.Column.Name} {string.Join(' ', a.Accuracy.Runs)}"),
                other.Accuracy.All().Select(a => $"{a.Column.Name} {string.Join(' ', a.Accuracy.Runs)}"), StringComparer.Ordinal);
        }
    }
}
