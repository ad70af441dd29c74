using InfMatch.Distill;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

public sealed class NetworkJudgeTests
{
    private static readonly RunSettings s_settings = Presets.Demo with
    {
        Depth = 1, EvalWidth = 4, Epochs = 12, Repeats = 5, BestEvery = 3, Augment = "digits",
    };

    // One thread trains one network after the other; two and four train them side by side, the last one alone.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Networks_side_by_side_are_those_of_one_thread_and_every_epoch_is_reported(int threads)
    {
        (Accuracy alone, List<long> inTurn) = Judge(new CpuBackend(1));
        (Accuracy sideBySide, List<long> reports) = Judge(new CpuBackend(threads));
        Assert.Equal(alone.Runs, sideBySide.Runs);
        Assert.Equal(alone.Best!.Runs, sideBySide.Best!.Runs);
        Assert.True(alone.Runs.Distinct().Count() > 1, "networks that are all equal prove nothing");
        long all = (long)s_settings.Epochs * s_settings.Repeats;
        Assert.Equal(all, reports[^1]);
        Assert.Equal(inTurn.Count, reports.Count);
        Assert.Equal(reports.Order(), reports);
    }

    [Fact]
    public void A_loss_that_is_not_finite_comes_to_the_caller_and_no_memory_is_lost()
    {
        var backend = new CpuBackend(2);
        using var all = TensorScope.Begin(); // a buffer of nobody's would go when the collector comes, between two counts
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), backend);
        Network network = Translation.NetworkOf(s_settings, data, s_settings.EvalWidth);
        var judge = new NetworkJudge(
            network, s_settings with { EvalRate = 1e30 }, data, RandomKey.FromSeed(1), CancellationToken.None);
        int before = backend.Memory.LiveBuffers;
        Assert.Throws<NumericalException>(() => judge.Judge(_ => data.Train, 2));
        Assert.Equal(before, backend.Memory.LiveBuffers);
    }

    [Fact]
    public void Steps_that_fill_the_threads_by_themselves_are_taken_in_turn()
    {
        var backend = new CpuBackend(2);
        Network small = Architectures.Create("convnet", new Shape(1, 28, 28), 10, width: 32);
        Network large = Architectures.Create("convnet", new Shape(3, 32, 32), 10, width: 128);
        Assert.Equal(2, NetworkJudge.Lanes(small, 100, backend));
        Assert.Equal(1, NetworkJudge.Lanes(large, 256, backend));
        Assert.Equal(1, NetworkJudge.Lanes(small, 100, new ReferenceBackend()));
    }

    private static (Accuracy Found, List<long> Reports) Judge(CpuBackend backend)
    {
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), backend);
        Network network = Translation.NetworkOf(s_settings, data, s_settings.EvalWidth);
        var judge = new NetworkJudge(network, s_settings, data, RandomKey.FromSeed(1), CancellationToken.None);
        var stage = new Reports();
        return (judge.Judge(r => data.Train.Rows([.. Enumerable.Range(r, 6)]), s_settings.Repeats, stage), stage.Done);
    }

    private sealed class Reports : IProgressStage
    {
        public List<long> Done { get; } = [];

        public void Report(long done, string? detail = null) => Done.Add(done);

        public void Dispose()
        {
        }
    }
}
