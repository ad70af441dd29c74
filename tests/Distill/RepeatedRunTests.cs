using System.Text.RegularExpressions;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

/// <summary>The command that a page names makes the same set, wherever the run's settings came from.</summary>
public sealed partial class RepeatedRunTests : IDisposable
{
    private static readonly string[] s_small =
    [
        "--dataset", "tiny", "--width", "4", "--depth", "2", "--experts", "1", "--expert-epochs", "1", "--expert-batch", "16",
        "--checkpoints", "4", "--repeats", "2", "--eval-width", "4", "--augment", "none", "--match-augment", "none", "--probe-every", "0",
    ];

    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void The_page_of_a_benchmarks_cell_names_the_run_that_makes_its_set()
    {
        Assert.Equal(0, _run.Run(
        [
            "benchmark", "--methods", "dm", "--ipc", "1", "--seeds", "3", "--expert-seed", "2", "--set", "epochs=3", "--budget", "300images",
            .. s_small,
        ]));
        string cell = Path.Combine(_run.RunPath, "cells", "dm-ipc1-s3");
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "report", cell));
        string[] words = Command(cell);
        Assert.DoesNotContain("--iterations", words, StringComparer.Ordinal); // what the budget pays for
        RequireSameSet(cell, words);
    }

    [Fact]
    public void The_page_of_a_method_with_the_values_of_a_preset_names_that_preset()
    {
        Assert.Equal(0, _run.Run(
        [
            "distill", "--method", "dm", "--preset", "standard", "--ipc", "1", "--iterations", "3", "--lr-img", "1", "--epochs", "3", .. s_small,
        ]));
        string[] words = Command(_run.RunPath);
        Assert.Contains("--preset standard", string.Join(' ', words), StringComparison.Ordinal);
        RequireSameSet(_run.RunPath, words);
    }

    [Fact]
    public void The_page_of_a_row_of_an_ablation_names_the_run_that_makes_its_set()
    {
        Assert.Equal(0, _run.Run(
            ["ablate", .. CommandRun.SmallRunWith("--ipc 1 --iterations 3 --evaluate-every 0 --start-growth 2")[1..]]));
        string row = Path.Combine(_run.RunPath, "rows", "base");
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "report", row));
        RequireSameSet(row, Command(row));
    }

    [Theory]
    [InlineData("standard", false)]
    [InlineData("paper", false)]
    [InlineData("best", false)]
    [InlineData("standard", true)]
    public void The_options_of_every_cell_give_its_settings_again(string preset, bool hasOwnExperts)
    {
        var grid = new GridSettings(new GridInput(
            preset,
            s => s.Property switch { "Dataset" => "cifar-10", "Ipc" => "10", "Budget" => "20min", "Width" => "32", _ => null },
            _ => null, null, ["mtt:labelStart=hard"], _ => true)
        {
            HasOwnExperts = hasOwnExperts,
        });
        foreach (string method in Kinds.Names<DistillationMethod>())
        {
            ResolvedSettings cell = grid.Of(method, 10, 3, 2);
            RepeatedOptions? options = RepeatedOptions.Of(cell);
            Assert.NotNull(options);
            RunSettings again = Settings.Resolve(
                options.Preset, s => options.Settings.Contains(s) ? s.Show(cell.Settings) : null, _ => null).Settings;
            foreach (Setting setting in Settings.All.Where(s => s.IsOf(cell.Settings) && s.Property is not "ExpertsFrom"))
                Assert.Equal((setting.Name, setting.Show(cell.Settings)), (setting.Name, setting.Show(again)));
        }
    }

    [Fact]
    public void What_nobody_gave_is_not_repeated()
    {
        ResolvedSettings plain = Settings.Resolve(null, s => s.Property == "Seed" ? "4" : null, _ => null);
        Assert.Equal((null, "--seed"), (RepeatedOptions.Of(plain)!.Preset, Assert.Single(RepeatedOptions.Of(plain)!.Settings).Name));
        ResolvedSettings best = Settings.Resolve("best", s => s.Property == "Dataset" ? "cifar-10" : null, _ => null);
        Assert.Equal(("best", "--dataset"), (RepeatedOptions.Of(best)!.Preset, Assert.Single(RepeatedOptions.Of(best)!.Settings).Name));
    }

    private void RequireSameSet(string folder, string[] words)
    {
        string again = Path.Combine(_run.Folder, "again");
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), [.. Without("--out", words), "--out", again]));
        Assert.Equal(EndToEndTests.Hashes(folder), EndToEndTests.Hashes(Assert.Single(Directory.GetDirectories(again, "*ipc1*"))));
    }

    private static string[] Without(string option, string[] words)
    {
        int at = Array.IndexOf(words, option);
        return at < 0 ? words : [.. words[..at], .. words[(at + 2)..]];
    }

    private static string[] Command(string folder)
    {
        Match named = Named().Match(File.ReadAllText(Path.Combine(folder, "report.html")));
        Assert.True(named.Success, "The page names no 'distill'.");
        return named.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    [GeneratedRegex("<code>[^<]*? (distill [^<]*)</code>")]
    private static partial Regex Named();
}
