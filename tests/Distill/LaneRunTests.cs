using InfMatch.Distill;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.Tensors;

namespace InfMatch.Tests.Distill;

/// <summary>Experts and networks that are trained at the same time on a device, each on a stream of its own.</summary>
public sealed class LaneRunTests : IDisposable
{
    private static readonly RunSettings s_settings = Presets.Of("first-order") with
    {
        Depth = 1, Width = 4, EvalWidth = 4, Epochs = 6, Repeats = 5, BestEvery = 3, Augment = "digits", Experts = 3,
        ExpertEpochs = 2,
    };

    private readonly string _root = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [SkippableTheory]
    [InlineData("opencl:0", 2)]
    [InlineData("cuda:0", 2)]
    [InlineData("cuda:0", 4)]
    public void Experts_and_evaluations_have_the_bits_of_one_after_the_other(string device, int lanes)
    {
        TestDevice.SkipWithout(device);
        (byte[][] experts, Accuracy accuracy) = Run(device, 1);
        (byte[][] together, Accuracy sideBySide) = Run(device, lanes);
        for (int k = 0; k < experts.Length; k++)
            Assert.Equal(experts[k], together[k]);
        Assert.NotEqual(experts[0], experts[1]);
        Assert.Equal(accuracy.Runs, sideBySide.Runs);
        Assert.Equal(accuracy.Best!.Runs, sideBySide.Best!.Runs);
    }

    private (byte[][] Experts, Accuracy Accuracy) Run(string device, int lanes)
    {
        string folder = Path.Combine(_root, $"{lanes}");
        using var backend = new GpuBackend(device, lanes: lanes);
        using var all = TensorScope.Begin();
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), backend);
        using var progress = new PlainProgress(_ => { }, TimeProvider.System, PlainProgress.DefaultInterval);
        Network network = data.NetworkOf(s_settings, s_settings.Width);
        Assert.Equal(Math.Min(lanes, s_settings.Experts), AtOnce(data, network));
        ExpertLibrary.Gather(s_settings, network, data, folder, progress, CancellationToken.None).Dispose();
        var evaluator = new SetEvaluator(network, s_settings, data, RandomKey.FromSeed(1), CancellationToken.None);
        Accuracy accuracy = evaluator.Evaluate(r => data.Train.Rows([.. Enumerable.Range(r, 6)]), s_settings.Repeats);
        return ([.. Enumerable.Range(0, s_settings.Experts).Select(k => File.ReadAllBytes(ExpertLibrary.FileOf(folder, k)))], accuracy);
    }

    private static int AtOnce(PreparedData data, Network network) => ExpertLibrary.AtOnce(
        s_settings.Experts, network, PlanFactory.ExpertPlan(s_settings, data.Pair.Name), data);

    [Fact]
    public void Memory_is_reckoned_for_all_that_train_at_the_same_time()
    {
        (long experts, long run, long evaluation) one = Reckoned(1), two = Reckoned(2);
        Assert.InRange((double)two.experts / one.experts, 1.2, 2);
        Assert.InRange((double)two.evaluation / one.evaluation, 1.2, 2);
        Assert.InRange((double)two.run / one.run, 1.2, 2);
    }

    private static (long Experts, long Run, long Evaluation) Reckoned(int lanes)
    {
        using var backend = new GpuBackend(GpuBackend.Simulator, lanes: lanes);
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), new CpuBackend(1));
        Network network = data.NetworkOf(s_settings, s_settings.Width);
        Assert.Equal(1, AtOnce(data, network)); // all threads of a processor work on one expert
        return (
            DryRun.OfExperts(s_settings, data.Pair, backend), DryRun.OfRun(s_settings, data.Pair, backend, trainsExperts: true),
            DryRun.OfEvaluation(s_settings, data.Pair, backend, [network], [(10, 1)], 1));
    }

    [Fact]
    public void A_run_that_has_no_room_for_several_is_told_how_to_take_one()
    {
        const int Limit = 1 << 20;
        using GpuBackend one = new(GpuBackend.Simulator, Limit), two = new(GpuBackend.Simulator, Limit, lanes: 2);
        string Message(Backend backend) =>
            Assert.Throws<DistillException>(() => new Requirements(0, 2 * Limit).Check(_root, backend)).Message;
        Assert.Contains("Lower --threads (1 takes least), --real-batch", Message(two), StringComparison.Ordinal);
        Assert.DoesNotContain("--threads", Message(one), StringComparison.Ordinal);
    }

    // What two pieces hold when both are at their most.
    [Fact]
    public void Pieces_on_lanes_hold_what_was_reckoned()
    {
        using var gpu = new GpuBackend(GpuBackend.Simulator, lanes: 2);
        Assert.Equal(2, gpu.DegreeOfParallelism);
        static void Hold(Backend backend, Barrier? barrier)
        {
            using var scope = TensorScope.Begin();
            scope.InParallel(backend, 2, i =>
            {
                Tensor kept = backend.Empty(new Shape(1000 * (i + 1)), DType.Float32);
                using (TensorScope.Begin())
                {
                    backend.Empty(new Shape(50_000), DType.Float32);
                    Assert.True(barrier?.SignalAndWait(TimeSpan.FromSeconds(60)) ?? true);
                    Assert.True(barrier?.SignalAndWait(TimeSpan.FromSeconds(60)) ?? true);
                }
                return [kept];
            });
        }
        using var barrier = new Barrier(2);
        var dryRun = new MemoryDryRun(gpu);
        gpu.WatchPeak();
        Hold(gpu, barrier);
        Hold(dryRun, null);
        Assert.Equal(gpu.Memory.WatchedPeak, dryRun.Memory.PeakInUse);
        Assert.True(dryRun.Memory.PeakInUse > 2 * sizeof(float) * 50_000);
    }
}
