using System.Text.Json;
using InfMatch.Distill;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Distill;

/// <summary>An evaluation that is interrupted goes on with the same bits, and trains no network twice.</summary>
public sealed class EvaluationTests : IDisposable
{
    private const int Repeats = 5;

    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("IPC 2: distilled: done", "1")]
    [InlineData("IPC 2: distilled: done", "2")]
    [InlineData("Folder:", "2")]
    public void Interrupted_and_resumed_it_is_as_if_nothing_had_happened(string at, string threads)
    {
        string[] evaluator = [.. EvaluateASet(), "--threads", threads];
        Assert.Equal(0, _run.Run(evaluator));
        string whole = _run.EvaluationPath;
        _run.InterruptAt = at;
        Assert.Equal((int)ExitCode.Interrupted, _run.Run(evaluator));
        _run.InterruptAt = null;
        string cut = _run.EvaluationPath;
        Assert.NotEqual(whole, cut, StringComparer.Ordinal);
        Assert.EndsWith($"resume {cut}\nevaluate: interrupted.\n", _run.Errors.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        string[] known = Lines(cut);
        Assert.Contains($"{known.Length} of {4 * Repeats} networks are evaluated and kept.", _run.Errors, StringComparison.Ordinal);
        Assert.InRange(known.Length, at == "Folder:" ? 0 : Repeats, 4 * Repeats - 1);
        Assert.False(Summary.Read(Path.Combine(cut, "summary.json")).Complete);

        Assert.Equal(0, _run.Run("resume"));
        string[] all = Lines(cut);
        Assert.Equal(known, all.Take(known.Length), StringComparer.Ordinal); // none of them was trained again
        Assert.Equal(4 * Repeats, all.Length);
        Assert.Equal(4 * Repeats, all.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(Accuracies(whole), Accuracies(cut));
        Assert.True(Summary.Read(Path.Combine(cut, "summary.json")).Complete);

        // What is complete is told again and not evaluated again.
        Assert.Equal(0, _run.Run("resume", cut, "--json"));
        Assert.Equal(all, Lines(cut));
        Assert.Equal(Accuracies(whole), AccuraciesOf(JsonSerializer.Deserialize<Summary>(_run.Output, JsonText.Options)!));
    }

    // What a power cut leaves: some lines, the last one cut off.
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(14)]
    public void It_goes_on_from_every_line(int lines)
    {
        Assert.Equal(0, _run.Run(EvaluateASet()));
        string folder = _run.EvaluationPath, expected = Accuracies(folder), file = Path.Combine(folder, EvaluatedNetworksFile.FileName);
        string[] all = Lines(folder);
        File.WriteAllText(file, string.Concat(all.Take(lines).Select(l => l + "\n")) + all[lines][..^9]);
        File.Delete(Path.Combine(folder, "summary.json"));
        Assert.Equal(0, _run.Run("resume", folder));
        Assert.Equal(all.Take(lines), Lines(folder).Take(lines), StringComparer.Ordinal);
        Assert.Equal(Networks(all), Networks(Lines(folder)), StringComparer.Ordinal);
        Assert.Equal(expected, Accuracies(folder));

        // The order is that in which threads finish, and a line's check follows from those before it.
        static IEnumerable<string> Networks(string[] lines) =>
            lines.Select(l => l[..l.IndexOf(",\"check\"", StringComparison.Ordinal)]).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void Random_real_images_alone_are_resumed_too()
    {
        string[] evaluator =
        [
            "evaluate", "--dataset", "tiny", "--ipc", "1", "3", "--depth", "2", "--eval-width", "4", "--epochs", "3", "--repeats", "3",
            "--models", "convnet,mlp",
        ];
        Assert.Equal(0, _run.Run(evaluator));
        string whole = _run.EvaluationPath;
        _run.InterruptAt = "IPC 1: random real (mlp";
        Assert.Equal((int)ExitCode.Interrupted, _run.Run([.. evaluator, "--json"]));
        Assert.False(JsonSerializer.Deserialize<Summary>(_run.Output, JsonText.Options)!.Complete);
        _run.InterruptAt = null;
        string cut = _run.EvaluationPath;
        Assert.Equal(0, _run.Run("resume"));
        Assert.Equal(Accuracies(whole), Accuracies(cut));
        Assert.Equal(2 * 2 * 3, Lines(cut).Length);
    }

    [Fact]
    public void A_changed_line_another_set_and_a_damaged_record_are_refused()
    {
        Assert.Equal(0, _run.Run(EvaluateASet()));
        string folder = _run.EvaluationPath, file = Path.Combine(folder, EvaluatedNetworksFile.FileName);
        string text = File.ReadAllText(file), record = Path.Combine(folder, EvaluationRecord.FileName);
        string old = File.ReadAllText(record);
        foreach (string changed in (string[])
        [
            text.Replace("\"last\":", "\"last\":1", StringComparison.Ordinal),
            text.Replace("\"number\":1", "\"number\":7", StringComparison.Ordinal),
            text.Replace("\"set\":\"random real\"", "\"set\":\"distilled\"", StringComparison.Ordinal), "[]\n" + text, "{}\n" + text,
            "null\n" + text,
        ])
        {
            Assert.NotEqual(text, changed, StringComparer.Ordinal);
            File.WriteAllText(file, changed);
            Refused("[IM3052]");
        }
        File.WriteAllText(file, text);
        Assert.Equal(0, _run.Run("resume", folder));

        foreach (string damaged in (string[])["", "null", "[]", "{}", old[..^20], old.Replace("\"models\": []", "\"models\": null", StringComparison.Ordinal)])
        {
            File.WriteAllText(record, damaged);
            Refused("[IM3051]");
        }
        File.WriteAllText(record, old);
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        File.Copy(Path.Combine(_run.RunPath, "synthetic", "ipc1.safetensors"), set, overwrite: true);
        Refused("[IM3029]");
        File.Delete(set);
        Refused("[IM3021]");

        void Refused(string code)
        {
            Assert.Equal((int)ExitCode.Data, _run.Run("resume", folder));
            Assert.Contains(code, _run.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("random real:", _run.Errors, StringComparison.Ordinal);
        }
    }

    // The experts are ConvNets: beside an mlp their accuracy would be another network's.
    [Fact]
    public void The_column_of_the_whole_set_is_of_the_same_architecture_or_empty()
    {
        Assert.Equal(0, _run.Run([.. EvaluateASet(), "--models", "convnet,mlp", "--json"]));
        Summary summary = JsonSerializer.Deserialize<Summary>(_run.Output, JsonText.Options)!;
        Assert.NotNull(summary.Results[0].Accuracy.Whole);
        Assert.Null(summary.Results[1].Accuracy.Whole);
        Assert.NotNull(summary.Results[1].Accuracy.RandomRealSoftLabels);
        Assert.Equal(0, _run.Run("resume", _run.EvaluationPath));
        Assert.Matches(@"mlp-64-128-128-3 .*│ +- │\r?\n", _run.Output);
    }

    [Fact]
    public void One_network_has_no_deviation_and_is_one()
    {
        string[] evaluator = EvaluateASet();
        evaluator[Array.IndexOf(evaluator, "--repeats") + 1] = "1";
        Assert.Equal(0, _run.Run(evaluator));
        Assert.Contains("last epoch, 1 network.", _run.Output, StringComparison.Ordinal);
        Assert.Contains("\nProtocol A: ", _run.Output, StringComparison.Ordinal);
        Assert.Matches(@"│ +2 │ +\d+\.\d │ +\d+\.\d │ +\d+\.\d │ +\d+\.\d ± \d+\.\d │", _run.Output);
        Assert.Equal("31.2", Accuracy.Of([31.2]).Shown);
        Assert.Equal("31.2 ± 0.0", Accuracy.Of([31.2]).ToString()); // as files hold it
    }

    [Fact]
    public void A_file_of_an_earlier_version_that_says_1_networks_is_read()
    {
        string[] args = CommandRun.SmallRun();
        args[Array.IndexOf(args, "--repeats") + 1] = "1";
        Assert.Equal(0, _run.Run(args));
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(set);
        Assert.EndsWith(", 1 network", texts["protocol"], StringComparison.Ordinal);
        foreach ((string ending, bool isRead) in ((string, bool)[])[("s", true), ("x", false)])
        {
            var changed = new Dictionary<string, string>(texts, StringComparer.Ordinal) { ["protocol"] = texts["protocol"] + ending };
            ArtifactSample.Rehash(arrays, changed);
            Safetensors.Write(set, arrays.Values, changed);
            Assert.Equal(isRead ? 0 : (int)ExitCode.Data, _run.RunAsGiven(Interruption.Silent(), "verify", set, "--quick"));
        }
    }

    // Makes a set and returns the command that evaluates it.
    private string[] EvaluateASet()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRun()));
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        return ["evaluate", set, "--epochs", "5", "--repeats", $"{Repeats}", "--eval-width", "4", "--augment", "none"];
    }

    private static string[] Lines(string folder)
    {
        string file = Path.Combine(folder, EvaluatedNetworksFile.FileName);
        return File.Exists(file) ? File.ReadAllLines(file) : [];
    }

    private static string Accuracies(string folder) => AccuraciesOf(Summary.Read(Path.Combine(folder, "summary.json")));

    private static string AccuraciesOf(Summary summary) => JsonSerializer.Serialize(summary.Results, JsonText.Options);
}
