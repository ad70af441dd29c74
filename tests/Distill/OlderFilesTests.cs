using System.Text.Json.Nodes;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Distill;

/// <summary>What earlier versions wrote with other words is read as what it was.</summary>
public sealed class OlderFilesTests : IDisposable
{
    private readonly CommandRun _run = new();

    [Fact]
    public void A_run_of_an_earlier_version_goes_on_to_the_same_bits()
    {
        string[] args = [.. CommandRun.SmallRun(), "--estimator", "trajectory-matching", "--class-wise", "both"];
        Assert.Equal(0, _run.Run(args));
        string whole = Hash();
        string config = Path.Combine(_run.RunPath, "config.json");
        string state = Directory.GetFiles(_run.RunPath, "*ipc2*.safetensors", SearchOption.AllDirectories)
            .Single(file => !file.Contains("synthetic", StringComparison.Ordinal));

        // The files as they were: other keys and words, and no hash where there was none.
        JsonNode older = JsonNode.Parse(File.ReadAllText(config))!;
        JsonObject settings = older["settings"]!.AsObject();
        foreach ((string now, string then, string word) in (IEnumerable<(string, string, string)>)
            [("estimator", "estimator", "retrained"), ("classWise", "partition", "both"), ("weight", "mass", "closed-form")])
        {
            JsonNode entry = settings[now]!.DeepClone();
            settings.Remove(now);
            entry["value"] = word;
            settings[then] = entry;
        }
        foreach (string younger in (string[])["method", "optimiser", "weightDecay", "clamp", "clipGradient", "batchSyn", "startFrom"])
            Assert.True(settings.Remove(younger));
        File.WriteAllText(config, older.ToJsonString());
        SealedJsonTests.RemoveHash(config);
        ArraySet arrays = Safetensors.Read(state);
        var names = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["images.velocity"] = "image_velocity", ["label_logits.velocity"] = "label_velocity", ["weight"] = "mass",
        };
        Safetensors.Write(
            state, [.. arrays.Renamed(names).Arrays],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["config_hash"] = arrays.Metadata["config_hash"] });
        File.Delete(Path.Combine(_run.RunPath, "summary.json"));
        Directory.Delete(Path.Combine(_run.RunPath, "synthetic"), recursive: true);
        Directory.CreateDirectory(Path.Combine(_run.RunPath, "synthetic"));

        Assert.Equal(0, _run.Run("resume", _run.RunPath));
        Assert.Equal(whole, Hash());
    }

    [Fact]
    public void Older_words_on_the_command_line_mean_todays()
    {
        Assert.Equal(0, _run.Run([.. CommandRun.SmallRun(), "--estimator", "retrained", "--partition", "classes", "--mass=fixed"]));
        JsonObject settings = JsonNode.Parse(File.ReadAllText(Path.Combine(_run.RunPath, "config.json")))!["settings"]!.AsObject();
        Assert.Equal("trajectory-matching", settings["estimator"]!["value"]!.GetValue<string>());
        Assert.Equal("on", settings["classWise"]!["value"]!.GetValue<string>());
        Assert.Equal("fixed", settings["weight"]!["value"]!.GetValue<string>());
        Assert.True(Presets.Has("retrained"));
        Assert.DoesNotContain("retrained", Presets.Names, StringComparer.Ordinal);
    }

    // Of the presets as 85fe740 hashed them: a set or state that was saved then belongs to the same settings now. The
    // demonstration evaluated nothing on the way then.
    [Theory]
    [InlineData("first-order", "86d92f15bc783073")]
    public void The_hash_of_settings_is_that_of_earlier_versions(string preset, string hash) =>
        Assert.Equal(hash, ConfigFile.Hash(Presets.Of(preset) with { EvaluateEvery = 0 }));

    [Fact]
    public void A_younger_setting_changes_the_hash_only_where_it_is_not_as_it_was()
    {
        RunSettings first = Presets.Of("first-order");
        Assert.Equal(ConfigFile.Hash(first), ConfigFile.Hash(first.With("Optimiser", "sgd").With("SyntheticRate", "0")));
        Assert.NotEqual(ConfigFile.Hash(first), ConfigFile.Hash(first.With("Optimiser", "adam")), StringComparer.Ordinal);
        Assert.NotEqual(ConfigFile.Hash(first), ConfigFile.Hash(first.With("SyntheticRate", "0.1")), StringComparer.Ordinal);
        Assert.Equal(ConfigFile.Hash(first), ConfigFile.Hash(first.With("Windows", "1")));
        Assert.NotEqual(ConfigFile.Hash(first), ConfigFile.Hash(first.With("Windows", "4")), StringComparer.Ordinal);
        Assert.NotEqual(ConfigFile.Hash(first), ConfigFile.Hash(first.With("ClassWise", "both")), StringComparer.Ordinal);
    }

    private string Hash() =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(_run.RunPath, "summary.json")))!["results"]![0]!["setHash"]!.GetValue<string>();

    public void Dispose() => _run.Dispose();
}
