using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Nn;
using InfMatch.Tensors;
using Xunit.Abstractions;

namespace InfMatch.Tests.Distill;

/// <summary>What is planned beside what a run then does.</summary>
public sealed partial class PlanTests(ITestOutputHelper output) : IDisposable
{
    private const double Tolerance = 1.25;

    private readonly string _root = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    // Every tensor that is made takes a microsecond and nothing else any time: a run is as long on every machine.
    [Theory]
    [InlineData("")]
    [InlineData("--evaluate-every 0 --ipc 2")]
    [InlineData("--experts 5 --expert-epochs 7 --expert-batch 9")]
    [InlineData("--iterations 25 --evaluate-every 0 --probe-every 4")]
    [InlineData("--estimator trajectory-matching --iterations 30")]
    [InlineData("--estimator unrolled --dense-steps 9 --iterations 15 --evaluate-every 0")]
    [InlineData("--class-wise on --real-batch 4 --iterations 15 --evaluate-every 0 --estimator paper+first")]
    [InlineData("--method dm --iterations 40")]
    [InlineData("--protocol B --epochs 6 --repeats 3 --best-every 2")]
    [InlineData("--repeats 7 --epochs 30 --eval-width 6")]
    [InlineData("--factor 2 --ipc 1 3 --image-start correct --label-start experts")]
    public void A_run_takes_as_long_as_was_planned(string options)
    {
        var backend = new ReferenceBackend();
        var clock = new TensorClock(backend);
        RunSettings settings = SettingsOf(options);
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), backend);
        RunPlan plan = PlanOf(settings, data, clock);
        Dictionary<string, double> took = Run(settings, data, clock);
        foreach ((string stage, double seconds) in took)
        {
            double planned = plan.Stages.Where(s => s.Stage.Name == stage).Sum(s => s.Seconds);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{stage}: {planned} planned, {seconds} taken"));
            Assert.InRange(planned, seconds / Tolerance, seconds * Tolerance);
        }
        Assert.All(plan.Stages, s => Assert.True(s.IsMeasured));
    }

    // Both on one thread within one minute, and in its own processor time. Other work on the machine still takes caches and memory
    // from the one or the other: what is wrong by more than it each time is wrong.
    [SkippableFact]
    public void A_run_takes_the_time_that_was_measured()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "The clock of a thread is asked of Linux.");
        var clock = new ThreadClock();
        RunSettings settings = Presets.Demo with
        {
            Ipc = [1, 5], Width = 16, EvalWidth = 16, Iterations = 40, Experts = 1, ExpertEpochs = 1, Epochs = 60, Repeats = 1,
            EvaluateEvery = 20, EvaluateEpochs = 20, ProbeEvery = 20,
        };
        using PreparedData data = PreparedData.Load(DatasetCatalog.Load("fashion-mnist-small", null), new CpuBackend(1));
        const int Attempts = 8;
        var ratios = new List<double>();
        while (ratios.Count < Attempts && !ratios.Exists(r => r is > 1 / Tolerance and < Tolerance))
        {
            RunPlan plan = PlanOf(settings, data, clock);
            Dictionary<string, double> took = Run(settings, data, clock, $"run-{ratios.Count}");
            foreach ((string stage, double seconds) in took)
            {
                double planned = plan.Stages.Where(s => s.Stage.Name == stage).Sum(s => s.Seconds);
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{stage}: {planned:F3} planned, {seconds:F3} taken"));
            }
            ratios.Add(plan.Seconds / took.Values.Sum());
        }
        Assert.InRange(ratios[^1], 1 / Tolerance, Tolerance);
    }

    // What is too long to be tried follows from what it computes; here that is every step.
    [Fact]
    public void A_step_that_is_too_long_is_estimated_and_said_to_be()
    {
        var backend = new ReferenceBackend();
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), backend);
        RunSettings settings = SettingsOf("--iterations 10 --evaluate-every 0");
        long before = backend.MemoryRequests;
        RunPlan plan = PlanOf(settings, data, new TensorClock(backend), new ProbeBudget(0, 0));
        long asked = backend.MemoryRequests - before;
        Assert.Contains(plan.Stages, s => !s.IsMeasured);
        Assert.Contains("not all measured", plan.ToString(), StringComparison.Ordinal);
        Assert.True(plan.Seconds > 0 && double.IsFinite(plan.Seconds));
        double all = plan.Seconds * 1e6;
        Assert.True(asked < all, $"{asked} tensors were made for a run of about {all}");
    }

    // Of those that somebody still holds: what is only waiting for the collector does not count. A thread that has just ended its
    // work may hold some for a moment, so the number has to be the same several times.
    private static int LiveBuffers(Backend backend)
    {
        for (int last = -1, equal = 0; ;)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            int now = backend.Memory.LiveBuffers;
            equal = now == last ? equal + 1 : 0;
            if (equal == 3)
                return now;
            last = now;
            Thread.Sleep(20);
        }
    }

    [Fact]
    public void What_is_measured_changes_no_bit_of_the_run()
    {
        var backend = new CpuBackend(2);
        RunSettings settings = SettingsOf("--estimator paper --class-wise both");
        string[] Hashes(bool isPlanned)
        {
            using PreparedData data = PreparedData.Load(CommandRun.TinyData(), backend);
            int before = LiveBuffers(backend);
            if (isPlanned)
                PlanOf(settings, data, TimeProvider.System);
            Assert.Equal(before, LiveBuffers(backend));
            string name = isPlanned ? "planned" : "alone";
            Run(settings, data, TimeProvider.System, name);
            return
            [
                .. Summary.Read(Path.Combine(_root, name, RunFolder.SummaryName)).Results
                    .Select(r => $"{r.SetHash} {r.Accuracy.Distilled} {r.Accuracy.RandomReal} {r.Accuracy.RandomRealSoftLabels}"),
            ];
        }
        Assert.Equal(Hashes(isPlanned: false), Hashes(isPlanned: true));
    }

    [Fact]
    public void Plan_tells_every_stage_and_leaves_nothing_behind()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(["plan", .. CommandRun.SmallRun()]));
        Assert.Matches("experts .* 2 × 10 steps of 16 images \\(convnet-d2-w4\\)", run.Output);
        Assert.Matches("distil .* ipc2 .* 6 updates of 6 images", run.Output);
        Assert.Matches("evaluate .* ipc2 .* 8 networks × 4 epochs of 6 images", run.Output);
        Assert.Contains("in all", run.Output, StringComparison.Ordinal);
        Assert.Matches("Memory: .* of cpu at most. Disk: .* MiB", run.Output);
        Assert.False(Directory.Exists(run.Runs));
    }

    [Fact]
    public void A_plan_trains_on_tiles_of_sets_and_on_whole_real_images()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(["plan", .. CommandRun.SmallRun("--factor", "2")]));
        Assert.Matches("evaluate .* ipc2 .* 4 networks × 4 epochs of 24 images \\(convnet-d2-w4\\), 4 of 6 images", run.Output);
    }

    [Fact]
    public void A_plan_is_refused_as_the_run_would_be()
    {
        using var run = new CommandRun();
        Assert.Equal((int)ExitCode.Usage, run.Run(["plan", .. CommandRun.SmallRunWith("--factor 3")]));
        Assert.Contains("--factor", run.Errors, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, run.Run(["plan", .. CommandRun.SmallRunWith("--window 90")]));
        Assert.Contains("--window", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plan_as_json_adds_up()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(["plan", .. CommandRun.SmallRun("--json")]));
        using JsonDocument plan = JsonDocument.Parse(run.Output);
        JsonElement root = plan.RootElement;
        JsonElement[] stages = [.. root.GetProperty("stages").EnumerateArray()];
        Assert.Equal(
            ["data -", "experts -", "distil ipc1", "evaluate ipc1", "distil ipc2", "evaluate ipc2"],
            stages.Select(s => $"{s.GetProperty("stage").GetString()} {s.GetProperty("set").GetString() ?? "-"}"), StringComparer.Ordinal);
        // Each number is rounded to thousandths.
        Assert.Equal(
            root.GetProperty("seconds").GetDouble(), stages.Sum(s => s.GetProperty("seconds").GetDouble()), 0.001 * stages.Length);
        Assert.True(root.GetProperty("memoryBytes").GetInt64() > 0);
        Assert.True(root.GetProperty("diskBytes").GetInt64() > 0);
    }

    [Fact]
    public void A_run_says_its_plan_first_and_a_resumed_one_what_is_left()
    {
        using var run = new CommandRun { InterruptAt = "IPC 1: distilled: done" };
        Assert.Equal((int)ExitCode.Interrupted, run.Run(CommandRun.SmallRun()));
        Assert.Matches("Plan: (about|less than) .*: 2 experts .*, 2 sets .*, 16 networks .*MiB of memory, .*MiB of disk", run.Errors);
        run.InterruptAt = null;
        Assert.Equal(0, run.Run("plan", "resume"));
        Assert.DoesNotContain("experts", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("distil │ ipc1", run.Output, StringComparison.Ordinal);
        Assert.Matches("evaluate .* ipc1", run.Output);
        Assert.Matches("distil .* ipc2", run.Output);
        Assert.Equal(0, run.Run("resume"));
        Assert.Matches("Plan: (about|less than) .*: 1 set .*, 16 networks", run.Errors);
        Assert.Equal(0, run.Run("plan", "resume"));
        Assert.Contains("nothing is left", run.Output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Experts_and_an_evaluation_are_planned_too()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(CommandRun.SmallRun()));
        string set = Path.Combine(run.RunPath, "synthetic", "ipc2.safetensors");
        Assert.Equal(0, run.Run("plan", "evaluate", set, "--epochs", "5", "--repeats", "3", "--eval-width", "4"));
        Assert.Matches("evaluate .* ipc2 .* 12 networks × 5 epochs of 6 images \\(convnet-d2-w4\\)", run.Output);
        Assert.Equal(0, run.Run("evaluate", set, "--epochs", "5", "--repeats", "3", "--eval-width", "4"));
        Assert.Matches("Plan: (about|less than) .*: 12 networks", run.Errors);
        Assert.Equal(0, run.Run("plan", "train", "--dataset", "tiny", "--experts", "3", "--expert-epochs", "2", "--width", "4", "--depth", "2"));
        Assert.Matches("experts .* 3 × 4 steps of 64 images", run.Output);
        Assert.DoesNotContain("evaluate", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_ablation_is_planned_with_all_its_rows()
    {
        using var run = new CommandRun();
        string[] args = ["ablate", .. CommandRun.SmallRunWith("--ipc 1 --start-growth 3").Skip(1)];
        Assert.Equal(0, run.Run(["plan", .. args]));
        int rows = AblationGrid.Of(AblationGrid.Names[0]).Length;
        Assert.Matches($"distil .* ipc1 .* {rows} × 6 updates of 3 images", run.Output);
        // Three of the rows have hard labels, and so no second column of their sets.
        Assert.Matches($"evaluate .* ipc1 .* {2 * (rows + 2 + 2)} networks", run.Output);
        Assert.False(Directory.Exists(run.Runs));
    }

    [Fact]
    public void A_whitening_that_is_not_kept_yet_is_planned_and_not_made()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(["plan", .. CommandRun.SmallRun("--zca", "0.1")]));
        Assert.Matches("data .* ZCA whitening of 72 images", run.Output);
        Assert.False(Directory.Exists(run.Runs));
    }

    [Theory]
    [InlineData(9, 2, "2 2 2 2 1", true)]
    [InlineData(3, 4, "3", true)]
    [InlineData(6, 4, "4 1 1", true)]
    [InlineData(2, 1, "1 1", true)]
    [InlineData(6, 4, "4 2", false)]
    [InlineData(2, 4, "2", false)]
    [InlineData(2, 1, "1 1", false)]
    public void Networks_are_trained_in_these_rounds(int networks, int degree, string rounds, bool isProcessor)
    {
        Backend backend = isProcessor ? new CpuBackend(1) : new GpuBackend(GpuBackend.Simulator);
        using IDisposable? opened = backend as IDisposable;
        var made = new List<int>();
        for (int left = networks; left > 0; left -= made[^1])
            made.Add(SetEvaluator.NextRound(left, degree, backend));
        Assert.Equal(rounds, string.Join(' ', made));
    }

    [Fact]
    public void The_steps_of_a_root_are_those_that_are_taken()
    {
        var backend = new CpuBackend(1);
        Tensor a = Tensor.From<double>(backend, [4, 0, 0, 0.01], new Shape(2, 2));
        int steps = 0;
        MatrixRoots.Of(a, 0.01, () => steps++);
        Assert.Equal(steps, MatrixRoots.Steps(0.01, a.Norm()));
    }

    private static RunPlan PlanOf(RunSettings settings, PreparedData data, TimeProvider clock, ProbeBudget? budget = null)
    {
        var planner = new RunPlanner(settings, data);
        planner.Experts(null);
        Network evaluated = data.NetworkOf(settings, settings.EvalWidth);
        foreach (int ipc in settings.Ipc)
        {
            planner.Distil(ipc, evaluated, 0);
            planner.Evaluate(
                evaluated, ipc, NetworksLeft.Of(ResultColumn.Trained(ColumnCase.OfRun(settings)), _ => settings.Repeats), settings.Experts);
        }
        return planner.Time(new Requirements(0, 0), budget ?? ProbeBudget.Plan, clock, CancellationToken.None);
    }

    // Seconds of each stage by the clock.
    private Dictionary<string, double> Run(RunSettings settings, PreparedData data, TimeProvider clock, string name = "run")
    {
        using RunFolder folder = RunFolder.Create(_root, name, "{}");
        using var view = new StageTimes(clock);
        new DistillationRun(
            new RunInputs(folder, settings, data.Pair, data.Backend, view, CancellationToken.None) { Prepared = data }).Execute();
        return view.Seconds;
    }

    private static RunSettings SettingsOf(string options)
    {
        string[] args = CommandRun.SmallRunWith("");
        string[] more = options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        bool isOther = options.Contains("--method", StringComparison.Ordinal);
        return Settings.Resolve(
            "standard", setting => Given(more, setting.Name) ?? (isOther && setting is OptionOfMethods ? null : Given(args, setting.Name)), _ => null).Settings;
    }

    private static string? Given(string[] args, string option)
    {
        int at = Array.IndexOf(args, option);
        return at < 0
            ? null
            : string.Join(' ', args.Skip(at + 1).TakeWhile(a => !a.StartsWith("--", StringComparison.Ordinal)));
    }

    // What a stage of the run is called in the plan. Between two of them a set is started, drawn and written.
    private sealed class StageTimes(TimeProvider clock) : IProgressView
    {
        private long _last = clock.GetTimestamp();

        public Dictionary<string, double> Seconds { get; } = new(StringComparer.Ordinal);

        public IProgressStage Begin(string name, long total, long imagesPerUnit = 0, long done = 0) => new Stage(this, name);

        public void Note(string line)
        {
        }

        public void Dispose()
        {
        }

        // What has passed since the last end belongs to the stage that ends now.
        private void End(string name)
        {
            string stage = name.StartsWith("Experts", StringComparison.Ordinal) ? PlannedStage.Experts
                : name.EndsWith("distilling", StringComparison.Ordinal) ? PlannedStage.Distil
                : PlannedStage.Evaluate;
            long now = clock.GetTimestamp();
            Seconds[stage] = Seconds.GetValueOrDefault(stage) + (now - _last) / (double)clock.TimestampFrequency;
            _last = now;
        }

        private sealed class Stage(StageTimes view, string name) : IProgressStage
        {
            public void Report(long done, string? detail = null)
            {
            }

            public void Dispose() => view.End(name);
        }
    }

    private sealed class TensorClock(HostBackend backend) : TimeProvider
    {
        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => backend.MemoryRequests;
    }

    private sealed partial class ThreadClock : TimeProvider
    {
        private const int ThreadTime = 3; // CLOCK_THREAD_CPUTIME_ID

        public override long TimestampFrequency => 1_000_000_000;

        public override long GetTimestamp()
        {
            Assert.Equal(0, NativeMethods.clock_gettime(ThreadTime, out Moment now));
            return now.Seconds * TimestampFrequency + now.Nanoseconds;
        }

        [StructLayout(LayoutKind.Sequential)]
        private struct Moment
        {
            public long Seconds;
            public long Nanoseconds;
        }

        private static partial class NativeMethods
        {
            [LibraryImport("libc")]
            internal static partial int clock_gettime(int clock, out Moment now);
        }
    }
}
