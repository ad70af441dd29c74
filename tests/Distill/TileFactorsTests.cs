using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

public sealed class TileFactorsTests : IDisposable
{
    private readonly CommandRun _run = new();

    [Fact]
    public void Each_set_of_a_run_has_the_factor_of_its_place()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRun("--factor", "2", "1")));
        string[] sets = [.. ((int[])[1, 2]).Select(ipc => Path.Combine(_run.RunPath, "synthetic", $"ipc{ipc}.safetensors"))];
        string config = Path.Combine(_run.RunPath, "config.json");
        Assert.Equal((IEnumerable<int>)[2, 1], ConfigFile.Read(config).Resolved.Settings.Factor!.Numbers);
        Assert.Equal([2, 1], sets.Select(set => SyntheticArtifact.Read(set).Factor));
        Assert.Equal(["2", "1"], sets.Select(set => SyntheticArtifact.Read(set).Metadata["factor"]), StringComparer.Ordinal);
        foreach (string set in sets)
            Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "verify", set));
        // The file of the run stands for the same run.
        Assert.Equal(0, _run.Run("plan", "distill", "--config", config));
    }

    [Fact]
    public void As_many_numbers_as_sets_or_one_are_accepted()
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run(CommandRun.SmallRun("--factor", "1", "2", "4")));
        Assert.Contains("--factor is \"1 2 4\"; expected one number, or one for each of --ipc (1 2)", _run.Errors);
        Assert.Equal(4, Given("4").FactorOf(1));
        Assert.Equal((1, 4), (Given("1,4").FactorOf(1), Given("1,4").FactorOf(10)));
        Assert.Equal(ConfigFile.Hash(Given("2")), ConfigFile.Hash(Given("2 2")));
        Assert.Equal(ConfigFile.Hash(Given("1")), ConfigFile.Hash(Given("1 1")));
        Assert.NotEqual(ConfigFile.Hash(Given("1 2")), ConfigFile.Hash(Given("2 1")), StringComparer.Ordinal);
    }

    [Fact]
    public void A_cell_of_a_benchmark_has_the_factor_of_its_images_per_class()
    {
        Assert.Equal(0, _run.Run(
            "benchmark", "--dataset", "tiny", "--preset", "first-order", "--methods", "dm", "--ipc", "1", "2", "--factor", "2", "1",
            "--seeds", "0", "--width", "4", "--eval-width", "4", "--depth", "2", "--experts", "1", "--expert-epochs", "1", "--iterations", "2",
            "--epochs", "2", "--repeats", "1", "--window", "1", "--start-first", "1", "--start-last", "1"));
        Assert.Equal(
            [(1, 2), (2, 1)], BenchmarkTable.Read(_run.RunPath).Rows.Select(row => (row.Ipc, row.Factor)));
    }

    [Fact]
    public void A_preset_gives_each_set_its_own_factor()
    {
        Assert.Equal("1 2", $"{Settings.Resolve("demo", s => s.Property == "Ipc" ? "5 1" : null, _ => null).Settings.Factor}");
        Assert.Null(Settings.Resolve("demo", s => s.Property == "Ipc" ? "5 10" : null, _ => null).Settings.Factor);
        Assert.Null(Settings.Resolve("standard", s => s.Property == "Ipc" ? "1" : null, _ => null).Settings.Factor);
    }

    private static RunSettings Given(string factor) => Settings.Resolve(
        "standard", s => s.Property switch { "Factor" => factor, "Ipc" => "1 10", _ => null }, _ => null).Settings;

    public void Dispose() => _run.Dispose();
}
