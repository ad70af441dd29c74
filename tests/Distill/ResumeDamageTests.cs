using System.Text.RegularExpressions;
using InfMatch.Distill;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.Influence;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

/// <summary>A run that was cut off is resumed with one file damaged: it is refused by the name of the file, or ends with the
/// same bits.</summary>
public sealed class ResumeDamageTests : IDisposable
{
    private readonly CommandRun _run = new() { CopyAt = "IPC 2: distilling: 5/6" };
    private readonly string[] _expected;

    public ResumeDamageTests()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRun("--zca", "0.1")));
        _expected = EndToEndTests.Hashes(_run.RunPath);
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_flipped_bit_in_any_file_is_refused_or_changes_nothing()
    {
        string[] files =
        [
            .. Directory.GetFiles(_run.CopiedRun, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal),
            .. Directory.GetFiles(Path.Combine(_run.Runs, "whitening")),
        ];
        string[] kinds =
        [
            "config.json", "environment.json", "metrics.jsonl", "summary.json", "expert-000.safetensors", "expert-001.safetensors",
            "ipc1.safetensors", "ipc2.safetensors",
        ];
        Assert.All(kinds, kind => Assert.Contains(files, f => Path.GetFileName(f) == kind));
        string whole = Path.Combine(_run.Folder, "whole");
        Directory.Move(_run.CopiedRun, whole);
        var refused = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string file in files.Where(f => !f.EndsWith(".png", StringComparison.Ordinal)))
        {
            bool isInRun = file.StartsWith(_run.CopiedRun, StringComparison.Ordinal);
            byte[] valid = File.ReadAllBytes(isInRun ? Path.Combine(whole, Path.GetRelativePath(_run.CopiedRun, file)) : file);
            foreach (int part in (int[])[1, 5, 9]) // tenths of the file: the header, the first data, the last
            {
                CommandRun.Copy(whole, _run.CopiedRun);
                byte[] flipped = [.. valid];
                flipped[valid.Length * part / 10] ^= 0x10;
                File.WriteAllBytes(file, flipped);
                int code = _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun);
                if (code == 0)
                    Assert.Equal(_expected, EndToEndTests.Hashes(_run.CopiedRun));
                else
                {
                    Assert.Contains(code, (int[])[(int)ExitCode.Usage, (int)ExitCode.Data]);
                    Assert.Contains(file, _run.Errors);
                    string kind = Path.GetRelativePath(_run.Folder, file);
                    refused[kind] = refused.GetValueOrDefault(kind) + 1;
                }
                if (!isInRun)
                    Assert.Contains($"{file}: ", _run.Errors); // said, and computed again
                Directory.Delete(_run.CopiedRun, recursive: true);
            }
        }
        string[] always = ["config.json", "summary.json", "metrics.jsonl", "checkpoints/ipc1.safetensors", "checkpoints/ipc2.safetensors"];
        Assert.All(always, name => Assert.True(refused.GetValueOrDefault($"copy/{name}") >= 2, name));
        Assert.All((string[])["000", "001"], n => Assert.True(refused.GetValueOrDefault($"copy/experts/expert-{n}.safetensors") >= 2, n));
    }

    // Recorded by an earlier version: no hash tells it, but the number itself does.
    [Fact]
    public void Parameters_that_are_no_numbers_name_the_file_and_not_a_rate()
    {
        string expert = ExpertLibrary.FileOf(Path.Combine(_run.CopiedRun, "experts"), 0);
        ArraySet set = Safetensors.Read(expert, ArrayFileLimits.Default with { AllowNonFinite = true });
        NamedArray theta = set["theta"];
        float[] values = theta.AsFloat32().ToArray();
        Array.Fill(values, float.NaN, theta.Dimensions[1] + 5, values.Length - theta.Dimensions[1] - 5);
        TrajectoryHashTests.WriteFirstFormat(expert, set, NamedArray.From("theta", theta.Dimensions, values));
        Assert.Equal((int)ExitCode.Data, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun));
        Assert.Matches($"{Regex.Escape(expert)}: checkpoint [0-9]+ holds NaN at parameter [0-9]+: its training diverged", _run.Errors);
        Assert.DoesNotContain("--lr-img", _run.Errors);
    }

    [Fact]
    public void A_finished_run_whose_set_is_damaged_or_another_does_not_pass_for_sound()
    {
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun));
        string one = Path.Combine(_run.CopiedRun, "synthetic", "ipc1.safetensors");
        byte[] right = File.ReadAllBytes(one), flipped = [.. right];
        flipped[^5] ^= 4;
        File.WriteAllBytes(one, flipped);
        Assert.Equal((int)ExitCode.Data, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun));
        Assert.Contains(one, _run.Errors);
        File.Copy(Path.Combine(_run.CopiedRun, "synthetic", "ipc2.safetensors"), one, overwrite: true);
        Assert.Equal((int)ExitCode.Data, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun));
        Assert.Contains("is not the set of this run", _run.Errors);
        File.WriteAllBytes(one, right);
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun));
    }

    [Fact]
    public void A_damaged_state_says_how_to_go_on()
    {
        string state = Path.Combine(_run.CopiedRun, "checkpoints", "ipc2.safetensors");
        byte[] bytes = File.ReadAllBytes(state);
        bytes[^9] ^= 1;
        File.WriteAllBytes(state, bytes);
        Assert.Equal((int)ExitCode.Data, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun));
        Assert.Contains(state, _run.Errors);
        Assert.Contains("Delete it to distil this set afresh. [IM3054]", _run.Errors);
        File.Delete(state);
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun));
    }

    [Theory]
    [InlineData("metrics.jsonl", "it is a link to")]
    [InlineData("experts/expert-000.safetensors", "a link that leads nowhere")]
    [InlineData("environment.json", "a link that leads nowhere")]
    public void A_link_that_leads_nowhere_is_told_as_one(string name, string told)
    {
        string path = Path.Combine(_run.CopiedRun, name), nowhere = Path.Combine(_run.CopiedRun, "nowhere");
        File.Delete(path);
        File.CreateSymbolicLink(path, nowhere);
        Assert.Equal((int)ExitCode.FileSystem, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun));
        Assert.Contains(path, _run.Errors);
        Assert.Contains(told, _run.Errors);
        Assert.False(File.Exists(nowhere));
    }

    // Sound and recorded with the same settings, but not what the state was reached with: here, on another machine.
    [Fact]
    public void A_state_goes_on_only_with_the_experts_it_was_reached_with()
    {
        string expert = ExpertLibrary.FileOf(Path.Combine(_run.CopiedRun, "experts"), 1);
        string state = Path.Combine(_run.CopiedRun, "checkpoints", "ipc2.safetensors");
        TrajectoryHashTests.WriteFirstFormat(
            expert, Safetensors.Read(expert, ArrayFileLimits.Default with { AllowNonFinite = true }));
        byte[] before = File.ReadAllBytes(state);
        Assert.Equal((int)ExitCode.Data, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun));
        Assert.Contains($"{state} was reached with other experts", _run.Errors);
        Assert.Contains("[IM3027]", _run.Errors);
        Assert.Equal(before, File.ReadAllBytes(state));
        File.Delete(state);
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun));
        Assert.Equal(_expected, EndToEndTests.Hashes(_run.CopiedRun));
    }

    // As all files of an earlier version are: without hashes. They are read, and each is said to have none.
    [Fact]
    public void A_run_of_an_earlier_version_goes_on_and_says_which_files_state_no_hash()
    {
        string copy = _run.CopiedRun;
        foreach (string name in (string[])["config.json", "environment.json", "summary.json"])
            SealedJsonTests.RemoveHash(Path.Combine(copy, name));
        string metrics = Path.Combine(copy, "metrics.jsonl");
        File.WriteAllLines(metrics, [.. MetricsFile.Read(metrics).Select(l => l.ToJsonString())]);
        foreach (string experts in Directory.GetFiles(Path.Combine(copy, "experts")))
        {
            TrajectoryHashTests.WriteFirstFormat(
                experts, Safetensors.Read(experts, ArrayFileLimits.Default with { AllowNonFinite = true }));
        }
        foreach (string state in Directory.GetFiles(Path.Combine(copy, "checkpoints")))
        {
            ArraySet set = Safetensors.Read(state);
            Safetensors.Write(state, set.Arrays, new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["config_hash"] = set.Metadata["config_hash"],
            });
        }
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "resume", copy));
        Assert.Equal(_expected, EndToEndTests.Hashes(copy));
        foreach (string file in (string[])
            ["config.json", "summary.json", "metrics.jsonl", "experts/expert-000.safetensors", "experts/expert-001.safetensors",
                "checkpoints/ipc2.safetensors"])
        {
            Assert.Contains(OlderFile.Note(Path.Combine(copy, file)), _run.Errors);
        }
        Assert.Equal(
            File.ReadAllLines(Path.Combine(_run.RunPath, "metrics.jsonl")), File.ReadAllLines(metrics), StringComparer.Ordinal);
    }

    [Fact]
    public void Data_and_experts_that_were_moved_are_named_and_nothing_else_of_the_configuration_changes()
    {
        string moved = Path.Combine(_run.Folder, "moved");
        Directory.Move(Path.Combine(_run.CopiedRun, "experts"), moved);
        byte[] config = File.ReadAllBytes(Path.Combine(_run.CopiedRun, "config.json"));
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun, "--experts-from", moved));
        Assert.Equal(_expected, EndToEndTests.Hashes(_run.CopiedRun));
        Assert.Empty(Directory.GetFiles(Path.Combine(_run.CopiedRun, "experts")));
        Assert.Equal(config, File.ReadAllBytes(Path.Combine(_run.CopiedRun, "config.json")));
    }

    [Fact]
    public void Lines_of_metrics_that_are_lost_moved_or_from_elsewhere_are_found()
    {
        string path = Path.Combine(_run.CopiedRun, "metrics.jsonl");
        string[] lines = File.ReadAllLines(path);
        var saved = new Dictionary<int, int> { [1] = 6, [2] = 4 };
        foreach (string[] damaged in (string[][])
            [lines[1..], [.. lines[..2], .. lines[3..]], [lines[1], lines[0], .. lines[2..]], [.. lines, lines[^1]], lines[..^3]])
        {
            File.WriteAllLines(path, damaged);
            DistillException e = Assert.Throws<DistillException>(() => MetricsFile.Open(path, saved, Assert.Fail));
            Assert.Equal((ExitCode.Data, "IM3028"), (e.ExitCode, e.Code));
            Assert.Contains(path, e.Message);
        }
        File.Delete(path);
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun));
        Assert.Equal(_expected, EndToEndTests.Hashes(_run.CopiedRun));
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "resume", _run.CopiedRun));
    }
}
