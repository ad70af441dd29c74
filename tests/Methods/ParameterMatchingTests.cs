using System.Globalization;
using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

/// <summary>mtt and datm: steps on S from an expert's checkpoint against where the expert went.</summary>
public sealed class ParameterMatchingTests
{
    private const int Steps = 3;

    private static readonly RandomKey s_key = RandomKey.FromSeed(83);

    private static readonly Augmentation s_augmentation = new(AugmentationOps.Photographs);

    [Theory]
    [InlineData("mtt", 1)]
    [InlineData("mtt", 2)]
    [InlineData("datm", 1)]
    public void The_loss_is_the_distance_to_the_experts_end_relative_to_its_way(string method, int factor)
    {
        using TinyProblem problem = Problem(experts: 2);
        using MethodSession session = Begin(problem, method);
        SyntheticSet s = WithRate(problem.Start with { Factor = factor }, 0.3);
        for (int iteration = 0; iteration < 4; iteration++)
        {
            RandomKey key = s_key.Split((ulong)iteration);
            MethodStep found = session.Evaluate(s, iteration, key);
            (int expert, int first, int last) = (Of(found, "expert"), Of(found, "first"), Of(found, "last"));
            double[] Theta(int t) => problem.Experts[expert].Trajectory.Theta(t, problem.Backend, DType.Float64).ToArray<double>();
            (double[] theta, double[] start, double[] target) = (Theta(first), Theta(first), Theta(last));
            for (int t = 0; t < Steps; t++)
            {
                ParameterLoss loss = at => problem.Network.Loss(
                    at,
                    s_augmentation.Apply(
                        Variable.Constant(s.Images).EnlargeTiles(factor), key.Split("augmentation").Split((ulong)t), siamese: false),
                    Variable.Constant(s.LabelLogits).Softmax().ForEachTile(factor));
                double[] g = Differential.GradientAt(
                    loss, Tensor.From<double>(problem.Backend, theta, new Shape(theta.Length))).ToArray<double>();
                for (int i = 0; i < theta.Length; i++)
                    theta[i] -= 0.3 * g[i];
            }
            double expected = Squared(theta, target) / Squared(start, target);
            Assert.Equal(2, last - first);
            Assert.Equal(expected, found.Loss, 1e-10 * expected);
            Assert.Equal(0.3, found.Metrics.Single(m => m.Name == "rate").Value);
        }
    }

    [Fact]
    public void Steps_of_no_length_score_1()
    {
        using TinyProblem problem = Problem();
        using MethodSession session = Begin(problem, "mtt");
        Assert.Equal(1, session.Evaluate(WithRate(problem.Start, 0), 0, s_key).Loss);
        Assert.Equal(1, session.Probe(WithRate(problem.Start, 0), s_key));
    }

    [Theory]
    [InlineData("mtt", 0)]
    [InlineData("datm", 2)]
    public void The_gradient_agrees_with_numeric_differentiation_in_images_labels_and_the_rate(string method, int batch)
    {
        using TinyProblem problem = Problem();
        using MethodSession session = Begin(problem, method, batch: batch);
        SyntheticSet s = WithRate(problem.Start, 0.3);
        double At(SyntheticSet set)
        {
            using var scope = TensorScope.Begin();
            return session.Evaluate(set, 0, s_key).Loss;
        }
        Tensor Moved(Tensor like, double[] numbers) => Tensor.From<double>(problem.Backend, numbers, like.Shape);
        MethodStep found = session.Evaluate(s, 0, s_key);
        ObjectiveGradientTests.Check(
            found.Gradient!.Images.ToArray<double>(), s.Images.ToArray<double>(), v => At(s with { Images = Moved(s.Images, v) }),
            30, 1e-6);
        ObjectiveGradientTests.Check(
            found.Gradient!.LabelLogits.ToArray<double>(), s.LabelLogits.ToArray<double>(),
            v => At(s with { LabelLogits = Moved(s.LabelLogits, v) }), 9, 1e-6);
        ObjectiveGradientTests.Check([found.NumberGradients["rate"]], [0.3], v => At(WithRate(s, v[0])), 1, 1e-6);
    }

    [Fact]
    public void Updates_bring_the_steps_to_the_experts_end_and_continue_from_a_saved_state()
    {
        using TinyProblem problem = Problem(), again = Problem();
        TinyPlan plan = new()
        {
            Images = new PartPlan(new SgdOptimiser(), 1, 0.5), Labels = new PartPlan(new SgdOptimiser(), 0.5, 0.9), Iterations = 40,
        };
        using MethodSession session = Begin(problem, "datm", ("LrRate", "0.0001")), other = Begin(again, "datm", ("LrRate", "0.0001"));
        using Distiller distiller = plan.Begin(session, problem.Start, s_key);
        Assert.Equal(0.1, distiller.Set.Rate);
        double before = distiller.Probe();
        byte[] half = [];
        for (int i = 0; i < 40; i++)
        {
            if (i == 15)
                half = State(distiller);
            distiller.Step();
        }
        double after = distiller.Probe();
        Assert.True(after < 0.9 * before, $"{before} to {after}");
        Assert.NotEqual(0.1, distiller.Set.Rate);
        ArraySet saved = Safetensors.Read(new MemoryStream(half));
        Assert.NotEqual(0, saved["rate.velocity"].AsFloat64()[0]);
        using Distiller resumed = plan.Begin(other, again.Start, s_key);
        Assert.Equal(
            resumed.Layout().Select(a => a.Name).Order(StringComparer.Ordinal),
            saved.Arrays.Select(a => a.Name).Where(a => resumed.Layout().Any(l => l.Name == a)).Order(StringComparer.Ordinal));
        resumed.Restore(saved);
        while (resumed.Iteration < 40)
            resumed.Step();
        Assert.Equal(State(distiller), State(resumed));
    }

    [Fact]
    public void Above_the_threshold_nothing_moves_and_velocities_stay()
    {
        using TinyProblem problem = Problem();
        using MethodSession free = Begin(problem, "datm"), strict = Begin(problem, "datm", ("Threshold", "1e-9"));
        using Distiller distiller = new TinyPlan().Begin(free, problem.Start, s_key);
        distiller.Step();
        using Distiller skipping = new TinyPlan().Begin(strict, problem.Start, s_key);
        skipping.Restore(Safetensors.Read(new MemoryStream(State(distiller))));
        Assert.True(skipping.Step().Skipped);
        ArraySet one = Safetensors.Read(new MemoryStream(State(distiller))), other = Safetensors.Read(new MemoryStream(State(skipping)));
        foreach (string name in (string[])
            ["images", "images.velocity", "label_logits", "label_logits.velocity", "rate", "rate.velocity"])
            Assert.Equal(one[name].AsFloat64().ToArray(), other[name].AsFloat64().ToArray());
    }

    // The authors of datm update where J is at most the threshold, so neither ∞ nor NaN is more than a skipped update.
    [Fact]
    public void A_walk_that_overflows_is_a_skipped_update_of_datm_and_the_run_goes_on()
    {
        using TinyProblem problem = Problem();
        using MethodSession session = Begin(problem, "datm", ("Threshold", "3"));
        TinyPlan plan = new() { Schedule = new PlateauSchedule() };
        using Distiller distiller = plan.Begin(session, problem.Start, s_key);
        distiller.Step();
        byte[] before = State(distiller);
        distiller.Restore(WithRate(before, 1e300));
        Assert.False(double.IsFinite(distiller.Probe()));
        DistillationStep step = distiller.Step();
        Assert.Equal((3, true, 1), (step.Loss, step.Skipped, distiller.Skipped));
        ArraySet one = WithRate(before, 1e300), other = Safetensors.Read(new MemoryStream(State(distiller)));
        foreach (string name in (string[])["images", "images.velocity", "label_logits", "label_logits.velocity", "rate", "rate.velocity"])
            Assert.Equal(one[name].AsFloat64().ToArray(), other[name].AsFloat64().ToArray());
        Assert.All(other["schedule"].AsFloat64().ToArray(), v => Assert.True(double.IsFinite(v)));
        distiller.Restore(WithRate(State(distiller), 0.1));
        step = distiller.Step();
        Assert.Equal((2, false, 1), (step.Iteration, step.Skipped, distiller.Skipped));
        Assert.InRange(step.Loss, 0, 2.9);
    }

    [Fact]
    public void A_walk_that_overflows_ends_a_run_of_mtt_and_its_state_is_as_before()
    {
        using TinyProblem problem = Problem();
        using MethodSession session = Begin(problem, "mtt");
        using Distiller distiller = new TinyPlan().Begin(session, WithRate(problem.Start, 1e300), s_key);
        byte[] before = State(distiller);
        Assert.Contains(
            "the objective J (mtt", Assert.Throws<NumericalException>(() => distiller.Step()).Message, StringComparison.Ordinal);
        Assert.Equal(before, State(distiller));
    }

    [Fact]
    public void A_rate_that_falls_below_0_ends_the_run_and_says_what_to_lower()
    {
        using TinyProblem problem = Problem();
        using MethodSession session = Begin(problem, "mtt", ("LrRate", "1000"), ("SyntheticRate", "50"));
        var still = new PartPlan(new SgdOptimiser(), 0, 0);
        using Distiller distiller = new TinyPlan { Images = still, Labels = still }.Begin(session, problem.Start, s_key);
        byte[] before = State(distiller);
        NumericalException e = Assert.Throws<NumericalException>(() => distiller.Step());
        Assert.Contains("the rate of the synthetic set", e.Message, StringComparison.Ordinal);
        Assert.Contains("Lower --lr-rate (now 1000).", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, State(distiller));
    }

    [Fact]
    public void A_rate_that_S_brings_along_goes_on()
    {
        using TinyProblem problem = Problem();
        using MethodSession session = Begin(problem, "mtt");
        using Distiller distiller = new TinyPlan().Begin(session, WithRate(problem.Start, 0.025), s_key);
        Assert.Equal(0.025, distiller.Set.Rate);
    }

    [Fact]
    public void Walks_begin_in_a_range_that_moves_from_early_to_late()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), plan: new TrainingPlan(6, 4, 0.1, 0, 0, RateSchedule.Constant));
        using MethodSession session = Begin(
            problem, "datm", ("StartMin", "1"), ("StartFirst", "3"), ("StartLast", "6"), ("StartGrowth", "10"), ("SyntheticSteps", "1"));
        SyntheticSet s = WithRate(problem.Start, 0.1);
        int[] At(int iteration) =>
            [.. Enumerable.Range(0, 60).Select(i => Of(session.Evaluate(s, iteration, s_key.Split((ulong)i)), "first")).Distinct().Order()];
        Assert.Equal([1, 2], At(0));
        Assert.Equal([1, 2, 3], At(5));
        Assert.Equal([1, 2, 3, 4, 5], At(10));
    }

    [Theory]
    [InlineData("StartFirst", "2", "StartMin", "2", "StartFirst")]
    [InlineData("StartLast", "3", "StartFirst", "4", "StartLast")]
    public void Ranges_that_hold_nothing_are_refused(string one, string value, string other, string its, string named)
    {
        var method = new DifficultyAlignedMatching();
        MethodValues values = Values(method, (one, value), (other, its));
        Assert.Equal(named, Assert.Throws<SettingException>(() => method.Check(values, new ExpertPlan(1, 0))).Setting);
    }

    [Fact]
    public void Experts_without_such_a_window_are_refused()
    {
        var method = new TrajectoryMatching();
        method.CheckTrajectory(Values(method, ("Window", "2")), [0, 10, 20], "expert 0");
        Assert.Contains(
            "Lower --window", Assert.Throws<TrajectoryException>(
                () => method.CheckTrajectory(Values(method, ("Window", "3")), [0, 10, 20], "expert 0")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_do_not_change_the_bits_in_float32()
    {
        float[] On(int threads)
        {
            using var problem = new TinyProblem(
                CheckpointSchedule.Every(6), mode: SecondDerivatives.FiniteDifference, backend: new CpuBackend(threads),
                dtype: DType.Float32);
            using MethodSession session = Begin(problem, "mtt", batch: 2);
            MethodStep found = session.Evaluate(WithRate(problem.Start, 0.3), 0, s_key);
            return [.. found.Gradient!.Images.ToArray<float>(), (float)found.NumberGradients["rate"]];
        }
        Assert.Equal(On(1), On(4));
    }

    [Fact]
    public void An_update_leaves_nothing_but_its_gradient()
    {
        var backend = new CpuBackend(1);
        using var all = TensorScope.Begin();
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: backend);
        using MethodSession session = Begin(problem, "mtt");
        SyntheticSet s = WithRate(problem.Start, 0.3);
        int live = backend.Memory.LiveBuffers;
        using (TensorScope.Begin())
            session.Evaluate(s, 0, s_key);
        Assert.Equal(live, backend.Memory.LiveBuffers);
    }

    [Theory]
    [InlineData("mtt", "cifar-10", 1, "SyntheticSteps", "50")]
    [InlineData("mtt", "cifar-10", 50, "LrImg", "1000")]
    [InlineData("mtt", "cifar-100", 50, "BatchSyn", "125")]
    [InlineData("datm", "cifar-10", 1, "Threshold", "1.1")]
    [InlineData("datm", "cifar-10", 10, "StartLast", "20")]
    [InlineData("datm", "fashion-mnist", 50, "LrLabel", "2")]
    public void Published_settings_are_those_of_the_authors(string method, string dataset, int ipc, string property, string text)
    {
        DistillationMethod found = Kinds.Find<DistillationMethod>(method)!;
        IReadOnlyList<(string Property, string Text)> all = found.Published(new PublishedCase(dataset, ipc));
        Assert.Equal(text, all.Single(p => p.Property == property).Text);
    }

    private static int Of(MethodStep step, string metric) => (int)step.Metrics.Single(m => m.Name == metric).Value;

    private static double Squared(double[] a, double[] b) => a.Zip(b, (x, y) => (x - y) * (x - y)).Sum();

    private static SyntheticSet WithRate(SyntheticSet s, double rate) =>
        s with { Numbers = s.Numbers.SetItem(SyntheticSet.RateNumber, rate) };

    private static ArraySet WithRate(byte[] state, double rate)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, [.. Safetensors.Read(new MemoryStream(state)).Arrays.Select(
            array => array.Name == "rate" ? NamedArray.From("rate", [1], (double[])[rate]) : array)]);
        stream.Position = 0;
        return Safetensors.Read(stream);
    }

    private static MethodValues Values(DistillationMethod method, params (string Name, string Text)[] values) => values.Aggregate(
        MethodValues.Standard, (all, v) => all.With(method.Settings.Single(s => s.Name == v.Name), v.Text));

    private static MethodSession Begin(TinyProblem problem, string name, params (string Name, string Text)[] values) =>
        Begin(problem, name, 0, values);

    private static MethodSession Begin(TinyProblem problem, string name, int batch, params (string Name, string Text)[] values)
    {
        DistillationMethod method = Kinds.Find<DistillationMethod>(name)!;
        (string, string)[] own = name == "datm" ? [("StartFirst", "2"), ("Threshold", "1e9")] : [];
        return method.Begin(new MethodContext
        {
            Network = problem.Network, Real = problem, Experts = problem.Experts, Key = s_key, Augmentation = s_augmentation,
            Values = Values(
                method,
                [
                    ("SyntheticSteps", Steps.ToString(CultureInfo.InvariantCulture)), ("StartLast", "3"), ("SyntheticRate", "0.1"),
                    .. own, .. values,
                ]),
            Products = problem.Context.Products, BatchSyn = batch,
        });
    }

    private static TinyProblem Problem(int experts = 1) => new(CheckpointSchedule.Every(6), experts: experts);

    private static byte[] State(Distiller distiller)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, distiller.Save());
        return stream.ToArray();
    }
}
