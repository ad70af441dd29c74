using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

/// <summary>What the methods with a step for each class have in common, on NCFM and on the released influence matching.</summary>
public sealed class ClassStepTests
{
    private const int Classes = 3, Steps = 2 * Classes;

    internal static readonly RandomKey Key = RandomKey.FromSeed(83);

    internal static readonly Augmentation Augmented =
        Augmentation.Sequential(AugmentationOps.Color | AugmentationOps.Crop | AugmentationOps.Cutout);

    [Theory]
    [InlineData("ncfm", 1)]
    [InlineData("ncfm", 2)]
    [InlineData("infmatch-released", 1)]
    [InlineData("infmatch-released", 2)]
    public void The_gradient_of_each_step_agrees_with_numeric_differentiation_and_other_classes_have_none(string name, int factor)
    {
        using TinyProblem problem = Problem();
        using MethodSession method = Begin(problem, name);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6) with { Factor = factor };
        Commit(method, s, 0);
        for (int step = 0; step < Steps; step++)
        {
            double[] found = method.Evaluate(s, step, Key.Split((ulong)step)).Gradient!.Images.ToArray<double>();
            int each = found.Length / Classes, label = step % Classes;
            Assert.All(Enumerable.Range(0, found.Length).Where(i => i / each != label), i => Assert.Equal(0, found[i]));
            ObjectiveGradientTests.Check(
                found, s.Images.ToArray<double>(), x => LossAt(method, s, x, step, Key.Split((ulong)step)), 70, 1e-6);
        }
    }

    [Theory]
    [InlineData("ncfm")]
    [InlineData("infmatch-released")]
    public void One_step_of_all_classes_has_the_gradient_of_the_whole_loss_and_the_loss_of_the_steps_in_turn(string name)
    {
        using TinyProblem problem = Problem();
        using MethodSession together = Begin(problem, name, (ClassStepSession.ClassSteps, "off"), (ClassStepSession.Calibration, "0.7"));
        using MethodSession inTurn = Begin(problem, name, (ClassStepSession.Calibration, "0.7"));
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        MethodStep found = together.Evaluate(s, 0, Key), first = inTurn.Evaluate(s, 0, Key);
        Assert.Equal(found.Loss, first.Loss, 1e-12 * found.Loss);
        Assert.Equal(3 * (found.Metrics[0].Value + 0.7 * found.Metrics[1].Value), found.Loss, 1e-12 * found.Loss);
        Assert.Null(found.Commit);
        ObjectiveGradientTests.Check(
            found.Gradient!.Images.ToArray<double>(), s.Images.ToArray<double>(), x => LossAt(together, s, x, 0, Key), 70, 1e-6);
        Assert.All(found.Gradient.LabelLogits.ToArray<double>(), v => Assert.Equal(0, v));
    }

    [Theory]
    [InlineData("ncfm")]
    [InlineData("infmatch-released")]
    public void The_steps_of_an_iteration_share_networks_and_the_next_one_draws_others(string name)
    {
        using TinyProblem problem = Problem();
        using MethodSession method = Begin(problem, name);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        string Drawn(int iteration) => string.Join(
            ' ', method.Evaluate(s, iteration, Key.Split((ulong)iteration)).Metrics.Skip(2).Select(metric => metric.Value));
        string[] drawn = [.. Enumerable.Range(0, 8 * Steps).Select(Drawn)];
        Assert.All(drawn.Chunk(Steps), of => Assert.Single(of.Distinct(StringComparer.Ordinal)));
        Assert.True(drawn.Distinct(StringComparer.Ordinal).Count() > 2, string.Join(", ", drawn.Distinct(StringComparer.Ordinal)));
    }

    // AdamW keeps moving what it has moved, as in the authors' code, where S is one tensor.
    [Fact]
    public void The_step_of_a_class_moves_another_by_momentum_alone()
    {
        using TinyProblem problem = Problem();
        using MethodSession method = Begin(problem, "ncfm");
        using Distiller distiller = Plan(new AdamWOptimiser()).Begin(method, SyntheticBatchTests.SetOf(problem, 6), Key);
        double[] start = distiller.Set.Images.ToArray<double>();
        distiller.Step();
        double[] one = distiller.Set.Images.ToArray<double>();
        int each = one.Length / Classes;
        Assert.NotEqual(start[..each], one[..each]);
        Assert.Equal(start[each..], one[each..]);
        distiller.Step();
        double[] two = distiller.Set.Images.ToArray<double>();
        Assert.NotEqual(one[..each], two[..each]);
        Assert.NotEqual(one[each..(2 * each)], two[each..(2 * each)]);
        Assert.Equal(one[(2 * each)..], two[(2 * each)..]);
    }

    [Theory]
    [InlineData("ncfm", "on")]
    [InlineData("ncfm", "off")]
    [InlineData("infmatch-released", "on")]
    [InlineData("infmatch-released", "off")]
    public void The_loss_falls_and_a_saved_state_continues_to_the_bit(string name, string steps)
    {
        const int updates = 60, half = 31;
        using TinyProblem problem = Problem(), again = Problem();
        (MethodSetting, string)[] settings = [(ClassStepSession.ClassSteps, steps), (ClassStepSession.RealBatch, "0")];
        using MethodSession method = Begin(problem, name, Augmentation.None, settings);
        using MethodSession other = Begin(again, name, Augmentation.None, settings);
        using Distiller distiller = Plan(new AdamWOptimiser()).Begin(method, SyntheticBatchTests.SetOf(problem, 6), Key);
        double before = distiller.Probe();
        byte[] saved = [];
        for (int i = 0; i < updates; i++)
        {
            if (i == half)
                saved = State(distiller);
            distiller.Step();
        }
        double after = distiller.Probe();
        Assert.True(after < 0.95 * before, $"{before} to {after}");
        using Distiller resumed = Plan(new AdamWOptimiser()).Begin(other, SyntheticBatchTests.SetOf(again, 6), Key);
        resumed.Restore(Safetensors.Read(new MemoryStream(saved)));
        while (resumed.Iteration < updates)
            resumed.Step();
        Assert.Equal(State(distiller), State(resumed));
    }

    [Theory]
    [InlineData("ncfm")]
    [InlineData("infmatch-released")]
    public void Without_calibration_an_iteration_is_a_step_for_each_class(string name)
    {
        using TinyProblem problem = Problem();
        using MethodSession method = Begin(problem, name, (ClassStepSession.Calibration, "0"));
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        Commit(method, s, 0);
        MethodStep fourth = method.Evaluate(s, Classes, Key);
        Assert.Equal(0, fourth.Metrics[1].Value);
        Assert.True(fourth.Gradient!.Images.ToArray<double>()[0] != 0, "the fourth step must be of the first class again");
        Assert.All(method.TraitsOf(Classes, Key), trait => Assert.StartsWith("matching", trait, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ncfm")]
    [InlineData("infmatch-released")]
    public void What_cannot_work_is_refused(string name)
    {
        using TinyProblem problem = Problem();
        DistillationMethod kind = Kinds.Find<DistillationMethod>(name)!;
        using MethodSession method = Begin(problem, name);
        Assert.Equal(
            "A set of 4 images has not equally many of each of 3 classes.",
            Assert.Throws<ShapeException>(() => method.Evaluate(SyntheticBatchTests.SetOf(problem, 4), 0, Key)).Message);
        Assert.StartsWith(
            "There are no experts",
            Assert.Throws<TrajectoryException>(() => kind.Begin(ContextOf(problem, Augmented) with { Experts = [] })).Message,
            StringComparison.Ordinal);
        Assert.StartsWith(
            "The first checkpoint of it is of step 5, expected 0",
            Assert.Throws<TrajectoryException>(() => kind.CheckTrajectory(MethodValues.Standard, [5, 10, 20, 30], "it")).Message,
            StringComparison.Ordinal);
        Assert.StartsWith(
            "0 checkpoints lie behind the initial parameters of it",
            Assert.Throws<TrajectoryException>(() => kind.CheckTrajectory(MethodValues.Standard, [0], "it")).Message,
            StringComparison.Ordinal);
        kind.CheckTrajectory(MethodValues.Standard, [0, 1, 2, 3], "it");
        var state = new MemoryStream();
        Safetensors.Write(state, [NamedArray.From("class_losses", [2], (double[])[1, 2])]);
        ArraySet saved = Safetensors.Read(new MemoryStream(state.ToArray()));
        ShapeException e = Assert.Throws<ShapeException>(() => method.Restore(saved));
        Assert.Contains("this run has 6 steps", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ncfm", 1)] // the frequencies of the iteration
    [InlineData("infmatch-released", 0)]
    public void An_update_leaves_nothing_but_what_the_next_one_needs(string name, int kept)
    {
        var backend = new CpuBackend(1);
        using var all = TensorScope.Begin(); // a buffer of nobody's would go when the collector comes, between two counts
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: backend);
        using MethodSession method = Begin(problem, name);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        Commit(method, s, 0);
        int live = backend.Memory.LiveBuffers;
        for (int step = 1; step < Steps; step++)
        {
            using var own = TensorScope.Begin();
            method.Evaluate(s, step, Key);
        }
        Assert.Equal(live, backend.Memory.LiveBuffers);
        method.ForgetCaches();
        Assert.Equal(live - kept, backend.Memory.LiveBuffers);
    }

    [Fact]
    public void Real_images_in_parts_have_the_same_mean()
    {
        using TinyProblem problem = Problem();
        MethodContext context = ContextOf(problem, Augmented);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        double[] MeanOf(int atOnce)
        {
            double[] mean = [];
            new ClassMeans(context, realBatch: 0, atOnce).Match(
                s, 1, Key, images => images.Flatten().MeanRow(),
                (real, synthetic) =>
                {
                    mean = real.Value.ToArray<double>();
                    return synthetic.Sum();
                });
            return mean;
        }
        double[] whole = MeanOf(0);
        foreach (int atOnce in (int[])[1, 3, 4])
            Assert.All(whole.Zip(MeanOf(atOnce)), pair => Assert.Equal(pair.First, pair.Second, 1e-14));
    }

    [Fact]
    public void Published_settings_count_an_update_for_each_step_of_a_class()
    {
        string Of(string method, string dataset, string property) => Kinds.Find<DistillationMethod>(method)!
            .Published(new PublishedCase(dataset, 10)).Single(setting => setting.Property == property).Text;
        Assert.Equal("400000", Of("ncfm", "cifar-10", "Iterations"));
        Assert.Equal("4000000", Of("ncfm", "cifar-100", "Iterations"));
        Assert.Equal("4000000", Of("infmatch-released", "cifar-10", "Iterations"));
        Assert.Equal("10000000", Of("infmatch-released", "tiny-imagenet", "Iterations"));
        Assert.Equal("0.005", Of("ncfm", "cifar-10", "LrImg"));
        Assert.Equal("0.0001", Of("ncfm", "cifar-10", "WeightDecay"));
        Assert.Equal("0.0029", Of("ncfm", "fashion-mnist", "LrImg"));
    }

    internal static MethodSession Begin(TinyProblem problem, string name, params (MethodSetting, string)[] settings) =>
        Begin(problem, name, Augmented, settings);

    internal static MethodSession Begin(
        TinyProblem problem, string name, Augmentation augmentation, params (MethodSetting, string)[] settings)
    {
        MethodValues values = MethodValues.Standard.With(ClassStepSession.RealBatch, "3")
            .With(CharacteristicFunctionMatching.Frequencies, "24").With(ReleasedInfluenceMatching.Probes, "40");
        foreach ((MethodSetting setting, string text) in settings)
            values = values.With(setting, text);
        return Kinds.Find<DistillationMethod>(name)!.Begin(ContextOf(problem, augmentation) with { Values = values });
    }

    internal static TinyProblem Problem() => new(CheckpointSchedule.Every(6), experts: 2);

    private static MethodContext ContextOf(TinyProblem problem, Augmentation augmentation) => new()
    {
        Network = problem.Network, Real = problem, Experts = problem.Experts, Values = MethodValues.Standard, Key = Key,
        Augmentation = augmentation,
    };

    private static TinyPlan Plan(SetOptimiser optimiser) =>
        new() { Images = new PartPlan(optimiser, 0.05, 0), Labels = new PartPlan(new SgdOptimiser(), 0, 0), Iterations = 60 };

    private static void Commit(MethodSession method, SyntheticSet s, int iteration)
    {
        using var scope = TensorScope.Begin();
        method.Evaluate(s, iteration, Key).Commit!(scope);
    }

    private static double LossAt(MethodSession method, SyntheticSet s, double[] images, int iteration, RandomKey key)
    {
        using var scope = TensorScope.Begin();
        Tensor moved = Tensor.From<double>(s.Images.Backend, images, s.Images.Shape);
        return method.Evaluate(s with { Images = moved }, iteration, key).Loss;
    }

    private static byte[] State(Distiller distiller)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, distiller.Save());
        return stream.ToArray();
    }
}
