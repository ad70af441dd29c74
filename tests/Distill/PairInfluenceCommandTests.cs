using System.Globalization;
using System.Text.Json;
using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>'influence pairs' on the set that is built in.</summary>
public sealed class PairInfluenceCommandTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Scores_by_both_roles_rank_what_less_of_a_pair_does()
    {
        string[] args =
        [
            "influence", "pairs", "--examples", "60", "--steps", "40", "--batch", "30", "--queries", "40", "--head-size", "8", "--rate", "0.05",
            "--retrain", "30", "--share", "0.1", "--threads", "1", "--out", _run.Runs, "--json",
        ];
        Assert.True(_run.RunAsGiven(Interruption.Silent(), args) == 0, _run.Errors);
        JsonElement found = JsonDocument.Parse(_run.Output).RootElement;
        Assert.True(found.GetProperty("lossAfter").GetDouble() < found.GetProperty("lossBefore").GetDouble());
        double rank = found.GetProperty("rankCorrelation").GetDouble();
        Assert.True(rank > 0.9, $"rank correlation {rank}");
        Assert.True(rank > found.GetProperty("rankCorrelationOfPositiveRole").GetDouble());
        string file = found.GetProperty("file").GetString()!;
        string[] lines = File.ReadAllLines(file);
        Assert.Equal((61, "image,caption,as_positive,as_negative,whole,retrained"), (lines.Length, lines[0]));
        Assert.Equal(30, lines.Count(l => !l.EndsWith(',')) - 1);
        foreach (string line in lines[1..])
        {
            double[] cells = [.. line.Split(',')[^4..^1].Select(c => double.Parse(c, CultureInfo.InvariantCulture))];
            Assert.Equal(cells[2], cells[0] + cells[1], 1e-6 * Math.Abs(cells[0]) + 1e-12);
        }
        Assert.Equal([file], Directory.GetFileSystemEntries(Path.GetDirectoryName(file)!), StringComparer.Ordinal);

        // The same seed gives the same file, and the bits do not depend on the number of threads.
        args[Array.IndexOf(args, "--threads") + 1] = "2";
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), args));
        Assert.Equal(lines, File.ReadAllLines(file), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("--dataset fashion-mnist-small", "--dataset is \"fashion-mnist-small\"; expected a set of image-text pairs")]
    [InlineData("--examples 9999", "--examples is \"9999\"; expected at most the 5000 training images")]
    [InlineData("--share 1.5", "--share is \"1.5\"; expected a number above 0 and at most 1")]
    [InlineData("--queries 301", "--queries is \"301\"; expected at most the 300 evaluated images")]
    [InlineData("--examples 20 --retrain 21", "--retrain is \"21\"; expected at most the 20 pairs that are scored")]
    public void What_cannot_be_scored_is_refused(string options, string told)
    {
        Assert.Equal(2, _run.RunAsGiven(Interruption.Silent(), ["influence", "pairs", "--out", _run.Runs, .. options.Split(' ')]));
        Assert.Contains(told, _run.Errors, StringComparison.Ordinal);
    }
}
