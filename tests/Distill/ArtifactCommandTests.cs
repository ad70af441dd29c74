using System.Text.Json;
using InfMatch.Distill;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Distill;

public sealed class ArtifactCommandTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("--zca 0.1")]
    [InlineData("--factor 2")]
    [InlineData("--protocol B --cutmix 0.5 --best-every 2")]
    public void A_claim_holds_bit_by_bit_on_the_machine_of_the_run_with_any_number_of_threads(string more)
    {
        string[] extra = more.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(0, _run.Run(CommandRun.SmallRun(["--threads", "1", .. extra])));
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        Assert.Equal(0, Run("verify", set, "--threads", "2", "--json"));
        JsonElement found = JsonDocument.Parse(_run.Output).RootElement;
        Assert.True(found.GetProperty("holds").GetBoolean());
        Assert.True(found.GetProperty("sameBits").GetBoolean());
        Assert.Equal(3 + 1 + 1 + (more.Contains("best", StringComparison.Ordinal) ? 1 : 0), found.GetProperty("checks").GetArrayLength());
        Assert.DoesNotContain("✓", _run.Errors);
        Assert.Equal(0, Run("verify", set));
        Assert.Contains("The claim holds.", _run.Output);
        Accuracy claimed = Summary.Read(Path.Combine(_run.RunPath, "summary.json")).Results[1].Accuracy.Distilled!;
        SyntheticArtifact artifact = SyntheticArtifact.Read(set);
        Assert.Equal(claimed.Runs, artifact.Claim!.Accuracy.Runs);
        Assert.Equal(2, artifact.Metadata["experts_sha256"].Split(' ').Distinct(StringComparer.Ordinal).Count());
        Assert.NotEqual(artifact.Metadata["set_sha256"], artifact.Metadata["start_sha256"], StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("--protocol B --cutmix 0.5 --best-every 2")]
    public void The_first_networks_of_a_claim_can_be_held_to_it_alone(string more)
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRunWith($"--repeats 3 {more}")));
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        double[] claimed = [.. SyntheticArtifact.Read(set).Claim!.Accuracy.Runs];
        Assert.Equal(3, claimed.Length);
        foreach (int few in (int[])[1, 2])
        {
            Assert.Equal(0, Run("verify", set, "--networks", $"{few}", "--json"));
            JsonElement found = JsonDocument.Parse(_run.Output).RootElement;
            Assert.True(found.GetProperty("sameBits").GetBoolean());
            Assert.Equal(claimed[..few], found.GetProperty("measured").GetProperty("runs").EnumerateArray().Select(v => v.GetDouble()));
        }
        Assert.Equal(0, Run("verify", set, "--networks", "2"));
        Assert.Contains("(2 of 3 networks)", _run.Output, StringComparison.Ordinal);
        Assert.Contains("The claim holds for the first 2 of its 3 networks.", _run.Output, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, Run("verify", set, "--networks", "4"));
        Assert.Contains("--networks is \"4\"; expected at most the 3 of the claim", _run.Errors, StringComparison.Ordinal);

        // The second network is better than claimed: the first alone does not show it.
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(set);
        Claimed(texts, [claimed[0], claimed[1] - 10, claimed[2]]);
        ArtifactSample.Rehash(arrays, texts);
        string lie = Path.Combine(_run.Folder, "lie.safetensors");
        Safetensors.Write(lie, arrays.Values, texts);
        Assert.Equal(0, Run("verify", lie, "--networks", "1"));
        Assert.Equal((int)ExitCode.Data, Run("verify", lie, "--networks", "2"));
    }

    [Fact]
    public void A_lie_about_the_accuracy_is_found_out_on_any_machine()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRun()));
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(set);
        double[] runs = SyntheticArtifact.Read(set).Claim!.Accuracy.Runs.Select(r => r > 50 ? r - 40 : r + 40).ToArray();
        Claimed(texts, runs);
        ArtifactSample.Rehash(arrays, texts);
        string lie = Path.Combine(_run.Folder, "lie.safetensors");
        Safetensors.Write(lie, arrays.Values, texts);
        Assert.Equal((int)ExitCode.Data, Run("verify", lie, "--json"));
        Assert.Contains("on this processor and build every network must be the same [IM3043]", _run.Errors);
        Assert.False(JsonDocument.Parse(_run.Output).RootElement.GetProperty("holds").GetBoolean());

        texts["claimed_on"] = "another machine";
        ArtifactSample.Rehash(arrays, texts);
        Safetensors.Write(lie, arrays.Values, texts);
        Assert.Equal((int)ExitCode.Data, Run("verify", lie));
        Assert.Contains("beyond", _run.Errors);
        Assert.Equal(0, Run("verify", lie, "--quick"));

        // The same claim on another machine: bits may differ, the means agree.
        (arrays, texts) = ArtifactSample.Parts(set);
        texts["claimed_on"] = "another machine";
        ArtifactSample.Rehash(arrays, texts);
        Safetensors.Write(lie, arrays.Values, texts);
        Assert.Equal(0, Run("verify", lie, "--device", "reference", "--json"));
        Assert.True(JsonDocument.Parse(_run.Output).RootElement.GetProperty("holds").GetBoolean());
    }

    [Fact]
    public void A_set_in_its_run_folder_is_held_to_the_settings_and_experts_there()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRun()));
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        string expert = ExpertLibrary.FileOf(Path.Combine(_run.RunPath, "experts"), 1), config = Path.Combine(_run.RunPath, "config.json");
        Assert.Equal(0, Run("verify", set));
        Assert.Contains("origin: settings and experts of the run folder are those of the file", _run.Output);

        byte[] right = File.ReadAllBytes(expert), text = File.ReadAllBytes(config);
        byte[] flipped = [.. right];
        flipped[SafetensorsHeader.Read(expert)["theta"].Offset + 7] ^= 1;
        File.WriteAllBytes(expert, flipped);
        RefusedFor($"{expert}: the parameters of checkpoint 0 do not have the hash");
        File.WriteAllBytes(expert, File.ReadAllBytes(ExpertLibrary.FileOf(Path.Combine(_run.RunPath, "experts"), 0)));
        RefusedFor($"{expert} is not the recording that the set was learned from");
        File.WriteAllBytes(expert, right);
        ConfigFile.Save(config, "distill", ConfigFile.Read(config).Resolved with
        {
            Settings = ConfigFile.Read(config).Resolved.Settings with { LrImg = 3 },
        });
        RefusedFor($"{config} has other settings than the set was made with");
        File.WriteAllBytes(config, [.. text[..^3], (byte)'!']);
        RefusedFor($"{config} is no configuration of this version");
        File.WriteAllBytes(config, text);
        File.Delete(expert); // to save room
        Assert.Equal(0, Run("verify", set));

        void RefusedFor(string reason)
        {
            Assert.Equal((int)ExitCode.Data, Run("verify", set, "--json"));
            Assert.Contains(reason, _run.Errors);
            Assert.Contains("[IM3050]", _run.Errors);
            Assert.Equal(JsonValueKind.Null, JsonDocument.Parse(_run.Output).RootElement.GetProperty("holds").ValueKind);
        }
    }

    [Fact]
    public void The_folder_of_data_that_the_sets_run_read_is_taken_where_none_is_named()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRun("--data", _run.Folder)));
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors"), note = $"Data: {ShownPath.Of(_run.Folder)}, which the set's run read.";
        foreach (string[] command in (string[][])[["verify", set], ["picture", set], ["evaluate", set, "--epochs", "1", "--repeats", "1", "--eval-width", "4"]])
        {
            bool hasOut = command[0] == "evaluate";
            Assert.True(0 == (hasOut ? _run.Run(command) : Run(command)), _run.Errors);
            Assert.Contains(note, _run.Errors);
            string[] named = [.. command, "--data", _run.Folder];
            Assert.True(0 == (hasOut ? _run.Run(named) : Run([.. named, .. (string[])(command[0] == "picture" ? ["--out", Path.Combine(_run.Folder, "other.png")] : [])])), _run.Errors);
            Assert.DoesNotContain(note, _run.Errors);
        }
    }

    [Fact]
    public void Other_data_than_the_claims_are_noticed_before_anything_is_trained()
    {
        string set = ArtifactSample.Write(_run.Folder);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(set);
        texts["test_sha256"] = new string('0', 64);
        ArtifactSample.Rehash(arrays, texts);
        Safetensors.Write(set, arrays.Values, texts);
        Assert.Equal((int)ExitCode.Data, Run("verify", set, "--json"));
        Assert.Contains("test images: tiny here is not the one of the file", _run.Errors);
        Assert.Contains("the claim was not tested", _run.Errors);
        Assert.Contains("[IM3046]", _run.Errors);
        Assert.Equal(JsonValueKind.Null, JsonDocument.Parse(_run.Output).RootElement.GetProperty("holds").ValueKind);
        Assert.DoesNotContain("verifying", _run.Errors);
        string folder = Path.Combine(_run.Folder, "exported");
        Assert.Equal((int)ExitCode.Data, Run("export", set, "--to", "npz", "--test-images", "--out", folder));
        Assert.Contains("[IM3046]", _run.Errors);
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void A_damaged_file_an_older_one_and_one_without_a_claim_are_told_plainly()
    {
        string set = ArtifactSample.Write(_run.Folder);
        byte[] bytes = File.ReadAllBytes(set);
        bytes[^1] ^= 1;
        File.WriteAllBytes(set, bytes);
        Assert.Equal((int)ExitCode.Data, Run("verify", set, "--quick", "--json"));
        Assert.False(JsonDocument.Parse(_run.Output).RootElement.GetProperty("passed").GetBoolean());
        Assert.Contains("[IM3041]", _run.Errors);

        ArtifactSample.Write(_run.Folder);
        ArtifactSample.MakeFirstFormat(set);
        Assert.Equal(0, Run("verify", set, "--quick"));
        Assert.Contains("it lacks the configuration", _run.Errors);
        Assert.Equal((int)ExitCode.Data, Run("verify", set));
        Assert.Contains("[IM3044]", _run.Errors);
        Assert.Equal(
            0, _run.Run("evaluate", set, "--epochs", "1", "--repeats", "1", "--eval-width", "4", "--augment", "none"));
        Assert.Contains("it lacks the configuration", _run.Errors);
        Assert.Equal(0, Run("export", set, "--to", "npz", "--out", Path.Combine(_run.Folder, "old")));
        Assert.Equal(0.01, ExportedSet.Read(Path.Combine(_run.Folder, "old")).Metadata.GetProperty("lr").GetDouble());

        ArtifactSample.Write(_run.Folder);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(set);
        texts["claimed_accuracy"] = "not measured";
        ArtifactSample.Rehash(arrays, texts);
        Safetensors.Write(set, arrays.Values, texts);
        Assert.Equal((int)ExitCode.Data, Run("verify", set));
        Assert.Contains("[IM3045]", _run.Errors);
        Assert.Equal((int)ExitCode.Data, Run("verify", Path.Combine(_run.Folder, "none.safetensors")));
        Assert.Contains("[IM3021]", _run.Errors);
    }

    [Fact]
    public void Export_measures_what_pixels_cost_and_overwrites_nothing()
    {
        string set = ArtifactSample.Write(_run.Folder), folder = Path.Combine(_run.Folder, "set-imagefolder");
        Assert.Equal(0, Run("export", set, "--to", "imagefolder", "--measure", "--json"));
        JsonElement told = JsonDocument.Parse(_run.Output).RootElement;
        Assert.Equal(2, told.GetProperty("pixels").GetProperty("runs").GetArrayLength());
        Assert.True(told.GetProperty("pixelLoss").GetProperty("clipped").GetDouble() >= 0);
        Assert.Contains("with these pixels", File.ReadAllText(Path.Combine(folder, "README.md")));
        Assert.Equal(0, Run("export", set, "--to", "png"));
        Assert.Contains("Lossy: 8-bit pixels lose", _run.Output);
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(folder, "README.md"));
        Assert.Equal((int)ExitCode.FileSystem, Run("export", set, "--to", "imagefolder"));
        Assert.Contains("exists already and is not overwritten", _run.Errors);
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(folder, "README.md")));
        Assert.Equal((int)ExitCode.Usage, Run("export", set, "--to", "npzz"));
        Assert.Contains("did you mean npz?", _run.Errors);
        Assert.Equal((int)ExitCode.Usage, Run("export", set));
        string exported = Path.Combine(_run.Folder, "copy");
        Assert.Equal(0, Run("export", set, "--to", "safetensors", "--out", exported));
        Assert.Equal(0, Run("verify", Path.Combine(exported, "set.safetensors"), "--quick"));
    }

    [Fact]
    public void A_best_epoch_that_lies_is_found_out()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRun("--threads", "1", "--best-every", "1")));
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(set);
        texts[SyntheticSetFile.BestKey] = "99.9 ± 0.0";
        ArtifactSample.Rehash(arrays, texts);
        Safetensors.Write(set, arrays.Values, texts);
        Assert.Equal((int)ExitCode.Data, Run("verify", set));
        Assert.Contains("best epochs: claimed 99.9 ± 0.0 %, found", _run.Errors);
        Assert.Contains("every network the same", _run.Output);
    }

    [Fact]
    public void Test_images_stand_beside_the_set_and_a_text_stands_in_for_no_number()
    {
        string set = ArtifactSample.Write(_run.Folder), folder = Path.Combine(_run.Folder, "exported");
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(set);
        texts["lr"] = "100";
        ArtifactSample.Rehash(arrays, texts);
        Safetensors.Write(set, arrays.Values, texts);
        Assert.Equal(0, Run("export", set, "--to", "png", "--test-images", "--out", folder));
        Assert.Equal(0.01, ExportedSet.Read(folder).Metadata.GetProperty("lr").GetDouble());
        ArraySet test = Npz.Read(Path.Combine(folder, "test.npz"));
        Assert.Equal(CommandRun.TinyData().Test.Pixels, test["images"].AsUInt8());
        Assert.Equal([30, 1, 8, 8], test["images"].Dimensions);
        Assert.Equal(CommandRun.TinyData().Test.Labels, test["labels"].AsUInt8());
        Assert.Contains("- `test.npz`", File.ReadAllText(Path.Combine(folder, "README.md")));
        Assert.Equal((int)ExitCode.Usage, Run("export", set, "--to", "png", "--out", ""));
        Assert.Contains("--out is empty", _run.Errors);
    }

    // Symmetric, with a diagonal above 0, but no whitening: the file can be kept as it is, but not be shown.
    [Fact]
    public void A_whitening_that_cannot_be_undone_is_told_and_the_advice_can_be_followed()
    {
        string set = ArtifactSample.Write(_run.Folder, zca: 0.1);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(set);
        int d = arrays["zca_mean"].Count;
        float[] matrix = new float[d * d];
        Array.Fill(matrix, 2f);
        for (int i = 0; i < d; i++)
            matrix[i * (d + 1)] = 1;
        arrays["zca_matrix"] = NamedArray.From("zca_matrix", [d, d], matrix);
        ArtifactSample.Rehash(arrays, texts);
        Safetensors.Write(set, arrays.Values, texts);
        Assert.Equal((int)ExitCode.Data, Run("export", set, "--to", "npz", "--out", Path.Combine(_run.Folder, "npz")));
        Assert.Contains("not positive definite (pivot 1 is -3), so the images cannot be shown as pixels. Export to safetensors", _run.Errors);
        Assert.Equal(0, Run("export", set, "--to", "safetensors", "--out", Path.Combine(_run.Folder, "kept")));
    }

    private int Run(params string[] args) => _run.RunAsGiven(Interruption.Silent(), args);

    private static void Claimed(Dictionary<string, string> texts, double[] runs)
    {
        Accuracy accuracy = Accuracy.Of(runs);
        texts["claimed_accuracy"] = accuracy.ToString();
        texts["claimed_mean"] = ArtifactSample.Text(accuracy.Mean);
        texts["claimed_std"] = ArtifactSample.Text(accuracy.Std);
        texts["claimed_runs"] = string.Join(' ', runs.Select(ArtifactSample.Text));
    }
}
