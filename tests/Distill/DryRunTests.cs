using InfMatch.Distill;
using InfMatch.Nn;
using InfMatch.Tensors;
using Xunit.Abstractions;

namespace InfMatch.Tests.Distill;

/// <summary>What is reckoned before a run beside what the run holds: never less, and at most a quarter more.</summary>
public sealed class DryRunTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    // Each moves the largest part of the memory to another place.
    [Theory]
    [InlineData(1, "")]
    [InlineData(2, "")]
    [InlineData(3, "--threads 3")]
    [InlineData(5, "")]
    [InlineData(2, "--ipc 8")]
    [InlineData(1, "--ipc 8")]
    [InlineData(2, "--ipc 1 20")]
    [InlineData(1, "--ipc 1 20")]
    [InlineData(1, "--factor 2")]
    [InlineData(2, "--factor 2 --label-start experts --image-start correct --ipc 3")]
    [InlineData(1, "--factor 2 --label-start experts --image-start correct --ipc 3")]
    [InlineData(2, "--width 32 --eval-width 4")]
    [InlineData(1, "--width 32 --eval-width 4")]
    [InlineData(2, "--width 4 --eval-width 48")]
    [InlineData(1, "--width 4 --eval-width 48")]
    [InlineData(1, "--width 4 --eval-width 48 --augment auto")]
    [InlineData(2, "--estimator trajectory-matching --match-augment auto")]
    [InlineData(1, "--estimator trajectory-matching --match-augment auto")]
    [InlineData(1, "--estimator trajectory-matching --width 32 --class-wise both")]
    [InlineData(2, "--estimator unrolled --dense-steps 9 --width 16")]
    [InlineData(1, "--estimator unrolled --dense-steps 9 --width 16")]
    [InlineData(2, "--estimator paper --width 16")]
    [InlineData(1, "--estimator paper --width 16")]
    [InlineData(2, "--estimator paper+first --width 16 --real-batch 0")]
    [InlineData(1, "--estimator paper+first --width 16 --real-batch 0")]
    [InlineData(2, "--class-wise on --start-last 8 --start-first 8 --iterations 30")]
    [InlineData(1, "--class-wise on --start-last 8 --start-first 8 --iterations 30")]
    [InlineData(2, "--model mlp --width 64 --eval-width 64")]
    [InlineData(1, "--model mlp --width 64 --eval-width 64")]
    [InlineData(1, "--model mlp --width 16 --eval-width 256 --protocol B --epochs 6 --repeats 3")]
    [InlineData(2, "--protocol B --epochs 6 --repeats 3 --eval-width 24 --best-every 2")]
    [InlineData(1, "--protocol B --epochs 6 --repeats 3 --eval-width 24 --best-every 2")]
    [InlineData(2, "--protocol B --epochs 6 --repeats 1 --eval-width 24")]
    [InlineData(1, "--protocol B --epochs 6 --repeats 1 --eval-width 24")]
    [InlineData(2, "--norm none --pooling max --width 16")]
    [InlineData(1, "--norm none --pooling max --width 16")]
    [InlineData(2, "--norm layer --width 16 --eval-width 16")]
    [InlineData(1, "--norm layer --width 16 --eval-width 16")]
    [InlineData(2, "--expert-augment auto --expert-cutmix 0.5 --width 24 --expert-batch 50")]
    [InlineData(1, "--expert-augment auto --expert-cutmix 0.5 --width 24 --expert-batch 50")]
    [InlineData(2, "--image-start noise --label-start hard --evaluate-every 0")]
    [InlineData(1, "--image-start noise --label-start hard --evaluate-every 0")]
    public void A_run_holds_what_was_reckoned(int threads, string options)
    {
        RunSettings settings = SettingsOf(options);
        long reckoned;
        using (PreparedData data = PreparedData.Load(CommandRun.TinyData(), new CpuBackend(threads)))
            reckoned = DryRun.OfRun(settings, data.Pair, data.Backend, trainsExperts: true);
        var backend = new CpuBackend(threads, memoryLimit: reckoned); // it suffices
        using RunFolder folder = RunFolder.Create(_root, "run", "{}");
        using var progress = new PlainProgress(_ => { }, TimeProvider.System, PlainProgress.DefaultInterval);
        Summary summary = new DistillationRun(
            new RunInputs(folder, settings, CommandRun.TinyData(), backend, progress, CancellationToken.None)).Execute();
        Assert.True(summary.Complete);
        // How much parallel pieces hold at the same time is up to the threads: their upper bound is a test of its own.
        Check(options, reckoned, backend.Memory.PeakInUse, isExact: backend.DegreeOfParallelism == 1);
    }

    [Theory]
    [InlineData(1, "--epochs 2")]
    [InlineData(2, "--epochs 2 --width 32")]
    [InlineData(2, "--expert-batch 7 --checkpoints 40 --width 16")]
    [InlineData(2, "--dense-steps 9 --model mlp --width 200")]
    public void Experts_hold_what_was_reckoned(int threads, string options)
    {
        RunSettings settings = SettingsOf(options);
        var backend = new CpuBackend(threads);
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), backend);
        long reckoned = DryRun.OfExperts(settings, data.Pair, data.Backend);
        using var progress = new PlainProgress(_ => { }, TimeProvider.System, PlainProgress.DefaultInterval);
        Network network = data.NetworkOf(settings, settings.Width);
        ExpertLibrary.Gather(settings, network, data, _root, progress, CancellationToken.None).Dispose();
        Check(options, reckoned, backend.Memory.PeakInUse, isExact: true);
    }

    // Two pieces that wait for each other hold their most at the same time, beside what a third has kept.
    [Fact]
    public void Work_side_by_side_is_reckoned_as_if_every_lane_held_its_most()
    {
        long Held(Backend backend, Barrier? barrier)
        {
            using var scope = TensorScope.Begin();
            scope.InParallel(backend, 2, i =>
            {
                Tensor kept = backend.Empty(new Shape(1000 * (i + 1)), DType.Float32);
                using (TensorScope.Begin())
                {
                    backend.Empty(new Shape(50_000), DType.Float32);
                    barrier?.SignalAndWait();
                    barrier?.SignalAndWait();
                }
                return [kept];
            });
            return backend.Memory.PeakInUse;
        }
        var cpu = new CpuBackend(2);
        using var barrier = new Barrier(2);
        Assert.Equal(Held(cpu, barrier), Held(new MemoryDryRun(cpu), null));
    }

    [Fact]
    public void A_rehearsal_holds_nothing_when_it_ends_and_refuses_what_has_gone_back()
    {
        var dryRun = new MemoryDryRun(new CpuBackend(1));
        Tensor gone;
        using (TensorScope.Begin())
        {
            gone = Tensor.Full(dryRun, DType.Float32, new Shape(100), 3);
            Assert.Equal(1, gone.ToArray<float>()[99]);
            Assert.Equal(1, dryRun.Memory.LiveBuffers);
        }
        Assert.Equal((0, 0L), (dryRun.Memory.LiveBuffers, dryRun.Memory.InUse));
        Assert.True(dryRun.Memory.PeakInUse >= 400);
        Assert.Throws<ObjectDisposedException>(() => gone.ToArray<float>());
    }

    private void Check(string options, long reckoned, long held, bool isExact)
    {
        output.WriteLine(FormattableString.Invariant($"{options}: {reckoned} reckoned, {held} held, {(double)reckoned / held:F3}"));
        Assert.InRange(reckoned, held, isExact ? held * 5 / 4 : long.MaxValue);
    }

    private static RunSettings SettingsOf(string options)
    {
        string[] more = options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string[] args = CommandRun.SmallRun();
        return Settings.Resolve(
            "standard", setting => Given(more, setting.Name) ?? Given(args, setting.Name), _ => null).Settings;
    }

    // The values behind an option: the words up to the next option.
    private static string? Given(string[] args, string option)
    {
        int at = Array.IndexOf(args, option);
        return at < 0
            ? null
            : string.Join(' ', args.Skip(at + 1).TakeWhile(a => !a.StartsWith("--", StringComparison.Ordinal)));
    }
}
