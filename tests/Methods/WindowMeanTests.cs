using System.Globalization;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

/// <summary>Updates that take the mean of several windows, on any number of ranks.</summary>
public sealed class WindowMeanTests
{
    private const int Windows = 4, Updates = 3;

    private static readonly RandomKey s_key = RandomKey.FromSeed(25);

    private static IEnumerable<string> Names =>
        Kinds.Of<DistillationMethod>().Where(method => method.Settings.Contains(WindowMean.Windows)).Select(method => method.Name);

    [Fact]
    public void The_methods_whose_updates_are_of_windows_have_the_setting() => Assert.Equal(
        ["datm", "influence", "mtt"], Names.Order(StringComparer.Ordinal), StringComparer.Ordinal);

    [Theory]
    [InlineData("influence", DType.Float32, "1 2 3 4")]
    [InlineData("influence", DType.Float64, "3")]
    [InlineData("mtt", DType.Float32, "3")]
    [InlineData("datm", DType.Float32, "2")]
    public void The_bits_do_not_depend_on_the_number_of_ranks(string method, DType dtype, string counts)
    {
        byte[] alone = Distilled(method, dtype, LockStep.Alone);
        foreach (int count in counts.Split(' ').Select(int.Parse))
        {
            (byte[]? State, Exception? Error)[] ranks = ThreadRanks.Run(count, own => Distilled(method, dtype, new LockStep(own)));
            Assert.All(ranks, rank => Assert.Null(rank.Error));
            Assert.All(ranks, rank => Assert.Equal(alone, rank.State));
        }
        Assert.NotEqual(alone, Distilled(method, dtype, LockStep.Alone, windows: 1));
    }

    [Fact]
    public void A_saved_state_goes_on_with_any_number_of_ranks()
    {
        byte[] whole = Distilled("influence", DType.Float32, LockStep.Alone);
        byte[] first = ThreadRanks.Run(2, own => Distilled("influence", DType.Float32, new LockStep(own), updates: 1))[0].Result!;
        foreach (int count in (int[])[1, 3])
        {
            (byte[]? State, Exception? Error)[] ranks =
                ThreadRanks.Run(count, own => Distilled("influence", DType.Float32, new LockStep(own), from: first));
            Assert.All(ranks, rank => Assert.Equal(whole, rank.State));
        }
    }

    [Fact]
    public void The_gradient_is_the_mean_of_the_gradients_of_the_windows()
    {
        using TinyProblem problem = Problem();
        using MethodSession one = Plan(1).Session(problem, s_key), mean = Plan(3).Session(problem, s_key);
        using var scope = TensorScope.Begin();
        MethodStep step = mean.Evaluate(problem.Start, 5, s_key);
        MethodStep[] each = [.. Enumerable.Range(0, 3).Select(g => one.Evaluate(problem.Start, 5, s_key.Split("shard").Split((ulong)g)))];
        Assert.Equal(each.Average(e => e.Loss), step.Loss, 1e-14);
        Assert.Equal(each.Average(e => e.NumberGradients["weight"]), step.NumberGradients["weight"], 1e-14);
        Assert.Equal(each.Average(e => e.Metrics[0].Value), step.Metrics.Single(m => m.Name == "cosine").Value, 1e-14);
        Assert.DoesNotContain(step.Metrics, metric => metric.Name is "expert" or "first" or "last");
        double[] expected = [.. Enumerable.Range(0, problem.Start.Images.Count).Select(i => each.Average(e => Numbers(e)[i]))];
        Assert.All(expected.Zip(Numbers(step)), pair => Assert.Equal(pair.First, pair.Second, 1e-14));
        Assert.NotEqual(Numbers(each[0]), Numbers(each[1]));
    }

    [Fact]
    public void A_window_above_the_threshold_has_no_part_in_the_gradient()
    {
        using TinyProblem problem = Problem();
        using MethodSession one = Plan(1).Session(problem, s_key);
        using var scope = TensorScope.Begin();
        MethodStep[] each = [.. Enumerable.Range(0, 4).Select(g => one.Evaluate(problem.Start, 5, s_key.Split("shard").Split((ulong)g)))];
        double[] losses = [.. each.Select(e => e.Loss).Order()];
        Assert.True(losses[1] < losses[2]);
        using MethodSession mean = (Plan(4) with { Threshold = (losses[1] + losses[2]) / 2 }).Session(problem, s_key);
        MethodStep step = mean.Evaluate(problem.Start, 5, s_key);
        Assert.False(step.Skip);
        Assert.Equal(losses.Average(), step.Loss, 1e-14);
        MethodStep[] kept = [.. each.Where(e => e.Loss <= losses[1])];
        double[] expected = [.. Enumerable.Range(0, problem.Start.Images.Count).Select(i => kept.Average(e => Numbers(e)[i]))];
        Assert.All(expected.Zip(Numbers(step)), pair => Assert.Equal(pair.First, pair.Second, 1e-14));
        using MethodSession none = (Plan(4) with { Threshold = losses[0] / 2 }).Session(problem, s_key);
        Assert.True(none.Evaluate(problem.Start, 5, s_key).Skip);
    }

    [Theory, InlineData("failure"), InlineData("stop"), InlineData("divergence")]
    public void What_ends_one_rank_ends_all_at_the_same_update(string how)
    {
        (int Iteration, Exception Error, byte[] State)[] ranks =
            [.. ThreadRanks.Run(3, own => Ended(own, how)).Select(rank => rank.Result)];
        Assert.Equal([2, 2, 2], ranks.Select(rank => rank.Iteration));
        Assert.All(ranks, rank => Assert.Equal(ranks[0].State, rank.State));
        for (int own = 0; own < 3; own++)
        {
            switch (how)
            {
                case "failure" when own == 1:
                    Assert.IsType<DeviceMemoryException>(ranks[own].Error);
                    break;
                case "failure":
                    OtherRankException failed = Assert.IsType<OtherRankException>(ranks[own].Error);
                    Assert.Equal((1, 5), (failed.Rank, failed.Code));
                    Assert.Contains("were asked for", failed.Message, StringComparison.Ordinal);
                    break;
                case "stop":
                    Assert.IsType<OperationCanceledException>(ranks[own].Error);
                    break;
                default:
                    NumericalException lost = Assert.IsType<NumericalException>(ranks[own].Error);
                    Assert.Contains("one of 4 windows", lost.Message, StringComparison.Ordinal);
                    break;
            }
        }
    }

    [Fact]
    public void A_rank_that_failed_does_not_wait_for_ever()
    {
        (int Result, Exception? Error)[] ranks = ThreadRanks.Run(2, own =>
        {
            if (own.Own == 0)
                new LockStep(own).End(5, "no more memory", isStopped: false, TimeSpan.FromMilliseconds(200));
            return 0;
        });
        Assert.IsType<TimeoutException>(ranks[0].Error);
    }

    [Theory, InlineData(BudgetUnit.Images), InlineData(BudgetUnit.Seconds)]
    public void A_budget_ends_all_ranks_after_the_same_update_and_counts_the_work_of_all(BudgetUnit unit)
    {
        double all = ThreadRanks.Run(1, own => Spent(own, null))[0].Result.Cost.In(unit);
        var budget = new DistillationBudget(unit, all / 2);
        (int Updates, DistillationCost Cost)[] ranks = [.. ThreadRanks.Run(2, own => Spent(own, budget)).Select(rank => rank.Result)];
        Assert.All(ranks, rank => Assert.Equal(ranks[0].Updates, rank.Updates));
        Assert.All(ranks, rank => Assert.Equal(ranks[0].Cost.In(unit), rank.Cost.In(unit)));
        if (unit == BudgetUnit.Images)
            Assert.Equal(ThreadRanks.Run(1, own => Spent(own, budget))[0].Result.Updates, ranks[0].Updates);
    }

    private static double[] Numbers(MethodStep step) => step.Gradient!.Images.ToArray<double>();

    private static TinyPlan Plan(int windows) => new() { Each = windows, Iterations = 12 };

    private static TinyProblem Problem(DType dtype = DType.Float64, Backend? backend = null) => new(
        CheckpointSchedule.Every(3), backend: backend, dtype: dtype, experts: 2,
        plan: new TrainingPlan(6, 4, 0.1, 0, 0, RateSchedule.Constant));

    private static (int Updates, DistillationCost Cost) Spent(IRanks own, DistillationBudget? budget)
    {
        var ranks = new LockStep(own);
        using TinyProblem problem = Problem(DType.Float32, new CpuBackend(1));
        using MethodSession session = (Plan(Windows) with { Ranks = ranks }).Session(problem, s_key);
        using Distiller distiller = (Plan(Windows) with { Budget = budget, Iterations = 4 }).Begin(session, problem.Start, s_key);
        using IDisposable shared = ranks.Share();
        while (!distiller.IsDone)
            distiller.Step();
        return (distiller.Iteration, distiller.Cost);
    }

    private static (int Iteration, Exception Error, byte[] State) Ended(IRanks own, string how)
    {
        using var cancel = new CancellationTokenSource();
        var ranks = new LockStep(own, cancel.Token);
        using TinyProblem problem = Problem();
        using MethodSession session = Session("influence", problem, ranks, how == "stop" ? Windows : 1);
        var failing = new Failing(session, how, own.Own == 1, cancel);
        using MethodSession mean = how == "stop" ? failing : new WindowMean(failing, Windows, ranks);
        using Distiller distiller = new TinyPlan().Begin(mean, problem.Start, s_key);
        using IDisposable shared = ranks.Share();
        try
        {
            while (!distiller.IsDone)
                distiller.Step();
            throw new InvalidOperationException("Nothing ended the distillation.");
        }
        catch (Exception e)
        {
            if (!ranks.HasEnded && e is DeviceMemoryException)
                Assert.Throws<OtherRankException>(() => ranks.End(5, e.Message, isStopped: false, TimeSpan.FromSeconds(60)));
            return (distiller.Iteration, e, Bytes(distiller.Save()));
        }
    }

    private static byte[] Distilled(
        string method, DType dtype, LockStep ranks, int windows = Windows, int updates = Updates, byte[]? from = null)
    {
        using TinyProblem problem = Problem(dtype, new CpuBackend(1));
        using MethodSession session = Session(method, problem, ranks, windows);
        SyntheticSet start = problem.Start;
        foreach (string number in session.Numbers.Keys.Where(n => !start.Numbers.ContainsKey(n)))
            start = start with { Numbers = start.Numbers.Add(number, 0.1) };
        using Distiller distiller = new TinyPlan { Images = new PartPlan(new SgdOptimiser(), 0.01, 0.5) }.Begin(session, start, s_key);
        if (from is not null)
            distiller.Restore(Safetensors.Read(new MemoryStream(from)));
        using IDisposable shared = ranks.Share();
        while (distiller.Iteration < updates)
            distiller.Step();
        return Bytes(distiller.Save());
    }

    private static MethodSession Session(string name, TinyProblem problem, LockStep ranks, int windows)
    {
        DistillationMethod method = Kinds.Find<DistillationMethod>(name)!;
        MethodValues values = MethodValues.Standard.With(WindowMean.Windows, windows.ToString(CultureInfo.InvariantCulture));
        foreach (MethodSetting setting in method.Settings)
        {
            values = setting.Name switch
            {
                "StartFirst" or "SyntheticSteps" => values.With(setting, "2"),
                "StartLast" => values.With(setting, "3"),
                "StartMin" or "StartGrowth" => values.With(setting, "0"),
                "Threshold" => values.With(setting, "1E9"),
                _ => values,
            };
        }
        return method.Begin(new MethodContext
        {
            Network = problem.Network, Real = problem, Experts = problem.Experts, Values = values, Key = s_key, Ranks = ranks,
            Augmentation = new Augmentation(AugmentationOps.Photographs),
            Products = new SecondOrderProducts(SecondDerivatives.FiniteDifference),
        });
    }

    private static byte[] Bytes(IReadOnlyList<NamedArray> arrays)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, arrays);
        return stream.ToArray();
    }

    // In the third update of one rank something goes wrong.
    private sealed class Failing(MethodSession inner, string how, bool isHere, CancellationTokenSource cancel) : MethodSession
    {
        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
        {
            if (iteration < 2 || !isHere)
                return inner.Evaluate(s, iteration, key);
            switch (how)
            {
                case "failure":
                    throw new DeviceMemoryException("cpu", new MemoryShortage(2, 1, 0, 1, 2));
                case "stop":
                    cancel.Cancel();
                    return inner.Evaluate(s, iteration, key);
                default:
                    return inner.Evaluate(s, iteration, key) with { Loss = double.NaN };
            }
        }

        public override void Remember(System.Collections.Immutable.ImmutableArray<double> memo) => inner.Remember(memo);

        public override IReadOnlyList<NamedArray> Save() => inner.Save();
    }
}
