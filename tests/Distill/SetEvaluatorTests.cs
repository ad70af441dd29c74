using InfMatch.Distill;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

public sealed class SetEvaluatorTests
{
    private static readonly RunSettings s_settings = Presets.Of("first-order") with
    {
        Depth = 1, EvalWidth = 4, Epochs = 12, Repeats = 5, BestEvery = 3, Augment = "digits",
    };

    // One thread trains one network after the other; two and four train them in parallel, the last one alone.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Networks_side_by_side_are_those_of_one_thread_and_every_epoch_is_reported(int threads)
    {
        (Accuracy alone, List<long> inTurn) = Evaluate(new CpuBackend(1));
        (Accuracy sideBySide, List<long> reports) = Evaluate(new CpuBackend(threads));
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
        Network network = data.NetworkOf(s_settings, s_settings.EvalWidth);
        var evaluator = new SetEvaluator(
            network, s_settings with { EvalRate = 1e30 }, data, RandomKey.FromSeed(1), CancellationToken.None);
        int before = backend.Memory.LiveBuffers;
        Assert.Throws<NumericalException>(() => evaluator.Evaluate(_ => data.Train, 2));
        Assert.Equal(before, backend.Memory.LiveBuffers);
    }

    // Of five networks each: with two and four threads one round holds networks of two sets. Of one: of all three.
    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 5)]
    [InlineData(4, 5)]
    [InlineData(4, 1)]
    [InlineData(4, 2)]
    public void Sets_that_run_in_parallel_are_evaluated_as_each_by_itself(int threads, int repeats)
    {
        var backend = new CpuBackend(threads);
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), backend);
        Network network = data.NetworkOf(s_settings, s_settings.EvalWidth);
        var evaluator = new SetEvaluator(network, s_settings, data, RandomKey.FromSeed(1), CancellationToken.None);
        Func<int, LabelledImages>[] sets =
        [
            r => data.Train.Rows([.. Enumerable.Range(r, 6)]),
            r => data.Train.Rows([.. Enumerable.Range(0, 9).Select(i => i * data.Classes)]), // of the first class only
            r => data.Train.Rows([.. Enumerable.Range(0, 6).Select(i => i / 2 * data.Classes + i % 2)]), // of two
        ];
        Accuracy[] alone = [.. sets.Select(set => evaluator.Evaluate(set, repeats))];
        var view = new Stages();
        var told = new List<(int Set, Accuracy Accuracy)>();
        Accuracy[] together = evaluator.Evaluate(
            [.. sets.Select((set, i) => new EvaluatedSet($"set {i}", set, a => told.Add((i, a))))], repeats, view);
        Assert.Equal(alone.Select(a => a.Runs), together.Select(a => a.Runs));
        Assert.Equal(alone.Select(a => a.Best!.Runs), together.Select(a => a.Best!.Runs));
        Assert.True(
            alone.Select(a => string.Join(' ', a.Runs)).Distinct(StringComparer.Ordinal).Count() == 3,
            "sets that are evaluated equally prove nothing");
        Assert.Equal([0, 1, 2], told.Select(t => t.Set));
        Assert.Equal(together.Select(a => a.Mean), told.Select(t => t.Accuracy.Mean));
        long all = (long)s_settings.Epochs * repeats;
        Assert.Equal("set 0, set 1, set 2", string.Join(", ", view.All.Select(s => s.Name)));
        Assert.All(view.All, s => Assert.Equal(all, s.Stage.Done[^1]));
        Assert.All(view.All, s => Assert.Equal(1, s.Stage.Ends));
    }

    // Three networks, two at a time: the last one of the good set would train beside the first one of the bad set, which
    // cannot be made, or whose numbers run away at once.
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    public void A_set_that_can_be_evaluated_is_told_although_the_next_one_fails(int threads, bool diverges)
    {
        var backend = new CpuBackend(threads);
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), backend);
        Network network = data.NetworkOf(s_settings, s_settings.EvalWidth);
        var evaluator = new SetEvaluator(network, s_settings, data, RandomKey.FromSeed(1), CancellationToken.None);
        var view = new Stages();
        var told = new List<(string Name, Accuracy Accuracy)>();
        LabelledImages Good(int r) => data.Train.Rows([.. Enumerable.Range(r, 6)]);
        LabelledImages Bad(int r)
        {
            if (!diverges)
                throw new IOException("gone");
            LabelledImages images = data.Train.Rows([0, 1]);
            return new LabelledImages(images.Images.Times(double.NaN), images.Labels);
        }
        EvaluatedSet Set(string name, Func<int, LabelledImages> make) => new(name, make, a => told.Add((name, a)));
        Exception error = Assert.ThrowsAny<Exception>(() => evaluator.Evaluate([Set("good", Good), Set("bad", Bad)], 3, view));
        Assert.IsType(diverges ? typeof(NumericalException) : typeof(IOException), error);
        (string name, Accuracy accuracy) = Assert.Single(told);
        Assert.Equal("good", name);
        Assert.Equal(evaluator.Evaluate(Good, 3).Runs, accuracy.Runs);
        Assert.All(view.All, s => Assert.Equal(1, s.Stage.Ends));
    }

    [Fact]
    public void Steps_that_fill_the_threads_by_themselves_are_taken_in_turn()
    {
        var backend = new CpuBackend(2);
        Network small = Architectures.Create("convnet", new Shape(1, 28, 28), 10, new NetworkOptions { Width = 32 });
        Network large = Architectures.Create("convnet", new Shape(3, 32, 32), 10);
        Assert.Equal(2, SetEvaluator.DegreeOfParallelism(small, 100, backend));
        Assert.Equal(1, SetEvaluator.DegreeOfParallelism(large, 256, backend));
        Assert.Equal(1, SetEvaluator.DegreeOfParallelism(small, 100, new ReferenceBackend()));
    }

    private static (Accuracy Found, List<long> Reports) Evaluate(CpuBackend backend)
    {
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), backend);
        Network network = data.NetworkOf(s_settings, s_settings.EvalWidth);
        var evaluator = new SetEvaluator(network, s_settings, data, RandomKey.FromSeed(1), CancellationToken.None);
        var stage = new Reports();
        return (evaluator.Evaluate(r => data.Train.Rows([.. Enumerable.Range(r, 6)]), s_settings.Repeats, stage), stage.Done);
    }

    private sealed class Reports : IProgressStage
    {
        public List<long> Done { get; } = [];

        public int Ends { get; private set; }

        public void Report(long done, string? detail = null) => Done.Add(done);

        public void Dispose() => Ends++;
    }

    private sealed class Stages : IProgressView
    {
        public List<(string Name, Reports Stage)> All { get; } = [];

        public IProgressStage Begin(string name, long total, long imagesPerUnit = 0, long done = 0)
        {
            var stage = new Reports();
            All.Add((name, stage));
            return stage;
        }

        public void Note(string line)
        {
        }

        public void Dispose()
        {
        }
    }
}
