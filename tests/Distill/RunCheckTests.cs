using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Influence;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

/// <summary>What can be known is known before a folder is made and before anything is trained, and what is refused never becomes
/// the latest run.</summary>
public sealed class RunCheckTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    public static TheoryData<string, string, int> Refused() => new()
    {
        { "--factor 3", "--factor is \"3\"; expected a number that divides the images' 8 rows and 8 columns", 2 },
        { "--factor 2 --ipc 7", "class 0 (left) has too few images: got 24, expected 28", 3 },
        { "--ipc 25", "class 0 (left) has too few images: got 24, expected 25", 3 },
        { "--window 20", "No window of 20 checkpoints from checkpoint 0 on lies in the 9 checkpoints of an expert", 2 },
        { "--expert-steps 1", "No window of 2 checkpoints from checkpoint 0 on lies in the 2 checkpoints of an expert, which trains 1 steps", 2 },
        { "--checkpoints 0", "No window of 2 checkpoints from checkpoint 0 on lies in the 2 checkpoints", 2 },
        { "--estimator paper --window 1", "The estimator paper is zero on windows of 1 checkpoints", 2 },
        { "--estimator paper+first --window 1", "The estimator paper+first is zero on windows of 1 checkpoints", 2 },
        { "--estimator unrolled --dense-steps 40 --window 30", "No window of 30 consecutive steps", 2 },
        { "--estimator unrolled --window 3 --dense-steps 2", "--dense-steps is \"2\"; expected at least --window (3)", 2 },
        { "--depth 5", "Lower --depth", 2 },
        { "--model vgg11", "vgg11: images [1, 8, 8] leave 0×0 positions", 2 },
        { "--device cpu --memory-limit 1MiB --width 64", "[IM5002]", 5 },
        { "--device cpu --memory-limit 1MiB --eval-width 256", "[IM5002]", 5 },
        { "--experts 1000 --width 4096 --checkpoints 1000 --expert-epochs 10000 --device cpu", "[IM7003]", 7 },
    };

    [Theory, MemberData(nameof(Refused))]
    public void A_run_that_cannot_succeed_is_refused_before_its_folder_and_its_experts(string options, string message, int code)
    {
        foreach (string command in (string[])["distill", "ablate"])
        {
            string[] args = command == "distill" ? CommandRun.SmallRunWith(options) : ["ablate", .. CommandRun.SmallRunWith(options)[1..], "--start-growth", "3"];
            Assert.Equal(code, _run.Run(args));
            Assert.Contains(message, _run.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("Experts", _run.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("folder:", _run.Errors, StringComparison.OrdinalIgnoreCase);
            Assert.Empty(_run.Output);
            Assert.Empty(Entries());
        }
    }

    [Theory]
    [InlineData("trajectory")]
    [InlineData("retrained")] // its older name
    public void The_preset_trajectory_on_a_small_set_is_refused_before_any_training(string preset)
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run("distill", "--preset", preset, "--dataset", "tiny"));
        Assert.Contains(
            "No window of 20 checkpoints from checkpoint 0 on lies in the 5 checkpoints of an expert, which trains 4 steps on 72 images",
            _run.Errors, StringComparison.Ordinal);
        Assert.Contains("Lower --window", _run.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Experts", _run.Errors, StringComparison.Ordinal);
        Assert.Empty(Entries());
    }

    [Theory]
    [InlineData("train --depth 5")]
    [InlineData("train --model alexnet")]
    [InlineData("evaluate --ipc 25 --depth 2")]
    [InlineData("evaluate --models convnet,vgg11 --depth 2")]
    [InlineData("evaluate --models convnet,convent --depth 2")]
    [InlineData("evaluate --experts-from nowhere --depth 2")]
    [InlineData("evaluate --depth 2 --device cpu --memory-limit 1MiB")]
    public void Other_commands_too_leave_nothing_where_they_are_refused(string command)
    {
        Assert.NotEqual(0, _run.Run([.. command.Split(' '), "--dataset", "tiny"]));
        Assert.DoesNotContain("bug", _run.Errors, StringComparison.Ordinal);
        Assert.Empty(Entries());
    }

    [Fact]
    public void Experts_that_do_not_fit_are_refused_before_the_folder_and_a_refused_run_is_not_the_latest()
    {
        _run.InterruptAt = "IPC 1: distilling: done";
        Assert.Equal((int)ExitCode.Interrupted, _run.Run(CommandRun.SmallRun()));
        _run.InterruptAt = null;
        string run = _run.RunPath, experts = Path.Combine(run, "experts");
        string[] before = Entries();
        Assert.Equal((int)ExitCode.Usage, _run.Run(CommandRun.SmallRun("--experts-from", experts, "--expert-rate", "0.5")));
        Assert.Contains("rate = 0.05, but 0.5 is asked for", _run.Errors, StringComparison.Ordinal);
        Assert.Equal(
            (int)ExitCode.Usage,
            _run.Run(["ablate", .. CommandRun.SmallRun("--experts-from", experts, "--seed", "5")[1..], "--start-growth", "3"]));
        Assert.Equal((int)ExitCode.Usage, _run.Run(["train", "--dataset", "tiny", "--experts-from", experts]));
        Assert.Equal((int)ExitCode.Usage, _run.Run(CommandRun.SmallRun("--factor", "3")));
        File.WriteAllText(Path.Combine(_run.Folder, "file"), "");
        Assert.Equal(
            (int)ExitCode.FileSystem,
            _run.Run(CommandRun.SmallRun("--experts-from", Path.Combine(_run.Folder, "file", "experts"))));
        Assert.Contains("--experts-from", _run.Errors, StringComparison.Ordinal);
        Assert.Equal(before, Entries());
        Assert.Equal(0, _run.Run("resume"));
        Assert.True(Summary.Read(Path.Combine(run, "summary.json")).Complete);
    }

    [Fact]
    public void An_interrupted_training_of_experts_is_resumed_as_one()
    {
        string[] train =
        [
            "train", "--dataset", "tiny", "--width", "4", "--depth", "2", "--experts", "2", "--expert-epochs", "400",
            "--expert-batch", "16", "--checkpoints", "4",
        ];
        using CommandRun whole = new(), cut = new() { InterruptAt = "Device:" };
        Assert.Equal(0, whole.Run(train));
        Assert.Equal((int)ExitCode.Interrupted, cut.Run(train));
        Assert.Contains("resume", cut.Errors, StringComparison.Ordinal);
        cut.InterruptAt = null;
        Assert.Equal(0, cut.Run("resume"));
        Assert.DoesNotContain("distilling", cut.Errors, StringComparison.Ordinal);
        Assert.Equal(
            File.ReadAllBytes(ExpertLibrary.FileOf(Path.Combine(whole.RunPath, "experts"), 1)),
            File.ReadAllBytes(ExpertLibrary.FileOf(Path.Combine(cut.RunPath, "experts"), 1)));
    }

    private string[] Entries() =>
        Directory.Exists(_run.Runs) ? [.. Directory.GetFileSystemEntries(_run.Runs).Order(StringComparer.Ordinal)] : [];

    private sealed class ScopedData : IDisposable
    {
        public PreparedData Data { get; } = PreparedData.Load(CommandRun.TinyData(), new CpuBackend(1));

        public void Dispose() => Data.Dispose();
    }
}
