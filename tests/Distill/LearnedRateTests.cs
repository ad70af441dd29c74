using System.Globalization;
using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>--eval-rate learned: networks train on a set at the rate that was learned with it.</summary>
public sealed class LearnedRateTests
{
    [Fact]
    public void A_set_is_evaluated_at_the_rate_that_its_file_has_and_real_images_at_the_protocols()
    {
        using CommandRun run = new();
        Assert.Equal(0, run.Run(Small("--eval-rate", "learned")));
        Assert.Contains("the set at the rate learned with it", run.Output, StringComparison.Ordinal);
        string set = Path.Combine(run.RunPath, "synthetic", "ipc1.safetensors");
        SyntheticArtifact artifact = SyntheticArtifact.Read(set);
        double rate = artifact.Numbers["rate"];
        Assert.NotEqual(0.2, rate);
        Assert.Equal(rate, artifact.Rate);
        Assert.True(artifact.Settings!.RateIsLearned);
        RunSettings read = ConfigFile.Read(Path.Combine(run.RunPath, "config.json")).Resolved.Settings;
        Assert.True(read.RateIsLearned);
        Assert.NotEqual(ConfigFile.Hash(read), ConfigFile.Hash(read with { EvalRate = 0.01 }), StringComparer.Ordinal);
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), "verify", set));
        Assert.Contains("The claim holds.", run.Output, StringComparison.Ordinal);

        AccuracySet learned = Evaluate(run, set, LearnedRate.Word);
        AccuracySet number = Evaluate(run, set, rate.ToString("R", CultureInfo.InvariantCulture)), plain = Evaluate(run, set, "0.01");
        Assert.Equal(number.Distilled!.Runs, learned.Distilled!.Runs);
        Assert.Equal(plain.RandomReal!.Runs, learned.RandomReal!.Runs);
    }

    [Fact]
    public void What_learns_no_rate_cannot_be_evaluated_at_one()
    {
        using CommandRun run = new();
        Assert.Equal((int)ExitCode.Usage, run.Run(CommandRun.SmallRun("--eval-rate", "learned")));
        Assert.Contains("which learns no rate; datm, mtt do", run.Errors, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, run.Run("evaluate", "--dataset", "tiny", "--ipc", "1", "--eval-rate", "learned"));
        Assert.Contains("no rate was learned with real images", run.Errors, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, run.Run(CommandRun.SmallRun("--eval-rate", "lernt")));
        Assert.Contains("learned or a number above 0", run.Errors, StringComparison.Ordinal);
    }

    private static AccuracySet Evaluate(CommandRun run, string set, string rate)
    {
        string[] before = Directory.GetDirectories(run.Runs);
        Assert.Equal(
            0, run.Run("evaluate", set, "--epochs", "4", "--repeats", "2", "--eval-width", "4", "--augment", "none", "--eval-rate", rate));
        string made = Directory.GetDirectories(run.Runs).Except(before, StringComparer.Ordinal).Single();
        return Summary.Read(Path.Combine(made, "summary.json")).Results.Single().Accuracy;
    }

    private static string[] Small(params string[] more) =>
    [
        "distill", "--preset", "demo", "--method", "datm", "--dataset", "tiny", "--ipc", "1", "--iterations", "6", "--width", "4",
        "--depth", "2", "--experts", "1", "--expert-epochs", "3", "--expert-batch", "16", "--checkpoints", "1", "--window", "1",
        "--start-first", "1", "--start-last", "2", "--synthetic-steps", "2", "--synthetic-rate", "0.2", "--lr-rate", "0.0001",
        "--threshold", "100", "--lr-img", "1", "--lr-label", "1", "--epochs", "4", "--repeats", "2", "--eval-width", "4",
        "--augment", "none", .. more,
    ];
}
