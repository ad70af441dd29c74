using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

public sealed class DistillerTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(77);

    private static readonly TinyPlan s_plan = new();

    [Theory]
    [InlineData(WeightRule.ClosedForm, "first-order", SecondDerivatives.FiniteDifference)]
    [InlineData(WeightRule.Learned, "first-order", SecondDerivatives.FiniteDifference)]
    [InlineData(WeightRule.Fixed, "unrolled", SecondDerivatives.FiniteDifference)]
    [InlineData(WeightRule.Learned, "paper+first", SecondDerivatives.FiniteDifference)]
    [InlineData(WeightRule.ClosedForm, "unrolled", SecondDerivatives.Exact)]
    public void Saved_anywhere_and_continued_is_the_uninterrupted_run_to_the_bit(
        WeightRule rule, string estimator, SecondDerivatives mode)
    {
        TinyPlan plan = s_plan with
        {
            WeightRule = rule, Schedule = new CosineSchedule(), Iterations = 8,
            Threshold = rule == WeightRule.Fixed ? 1 : 1e9,
            Augmentation = new Augmentation(AugmentationOps.Photographs),
        };
        using var problem = Problem(DType.Float32, mode: mode);
        using Distiller whole = Make(problem, plan, estimator);
        var states = new List<byte[]> { State(whole) };
        for (int i = 0; i < plan.Iterations; i++)
        {
            whole.Step();
            states.Add(State(whole));
        }
        Assert.NotEqual(states[0], states[^1]);
        for (int at = 0; at < plan.Iterations; at += 3)
        {
            // Another problem from the same seed: nothing but the saved state goes over.
            using var again = Problem(DType.Float32, mode: mode);
            using Distiller resumed = Make(again, plan, estimator);
            resumed.Step();
            resumed.Restore(Safetensors.Read(new MemoryStream(states[at])));
            Assert.Equal(at, resumed.Iteration);
            Assert.Equal(states[at], State(resumed));
            for (int i = at; i < plan.Iterations; i++)
                resumed.Step();
            Assert.Equal(states[^1], State(resumed));
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits_with_any_number_of_threads_and_another_seed_others()
    {
        byte[] Run(int threads, RandomKey key)
        {
            using var problem = Problem(DType.Float32, new CpuBackend(threads));
            TinyPlan plan = s_plan with { Augmentation = new Augmentation(AugmentationOps.Photographs) };
            using Distiller distiller = Make(problem, plan, "first-order", key);
            for (int i = 0; i < 6; i++)
                distiller.Step();
            return State(distiller);
        }
        byte[] one = Run(1, s_key);
        Assert.Equal(one, Run(1, s_key));
        Assert.Equal(one, Run(2, s_key));
        Assert.Equal(one, Run(3, s_key));
        Assert.NotEqual(one, Run(1, s_key.Split(1)));
    }

    [Theory]
    [InlineData("first-order", WeightRule.ClosedForm)]
    [InlineData("first-order", WeightRule.Learned)]
    [InlineData("unrolled", WeightRule.ClosedForm)]
    [InlineData("paper+first", WeightRule.ClosedForm)]
    public void The_objective_falls(string estimator, WeightRule rule)
    {
        using var problem = Problem(DType.Float64);
        using Distiller distiller = Make(problem, s_plan with { WeightRule = rule, Images = s_plan.Images with { Momentum = 0.9 } }, estimator);
        InfluenceObjective objective = new BoundEstimator(estimator, problem.Context).Objective(rule);
        var loss = new ImageLoss(problem.Network, Augmentation.None, default);
        double MeanObjective() => problem.Experts.Select((_, e) => objective.Evaluate(
            new Window(e, 0, s_plan.Windows.Length), distiller.Set, loss, gradient: false)
            .Relative).Average();
        double before = MeanObjective();
        for (int i = 0; i < 30; i++)
            Assert.False(distiller.Step().Skipped);
        double after = MeanObjective();
        Assert.True(after < 0.8 * before, $"{before:G4} before, {after:G4} after");
    }

    [Fact]
    public void A_step_follows_the_gradient_with_momentum_and_the_rates_of_the_schedule()
    {
        using var problem = Problem(DType.Float64);
        TinyPlan plan = s_plan with
        {
            Iterations = 4, Schedule = new StepSchedule(), WeightRule = WeightRule.Learned,
            WeightRate = 0.3,
        };
        using Distiller distiller = Make(problem, plan);
        double[] images = problem.Start.Images.ToArray<double>(), logits = problem.Start.LabelLogits.ToArray<double>();
        double[] imageVelocity = new double[images.Length], labelVelocity = new double[logits.Length];
        double weight = problem.Start.Weight;
        for (int t = 0; t < 4; t++)
        {
            ObjectiveValue value;
            using (TensorScope.Begin())
            {
                DistillationStep step = distiller.Step();
                Assert.Equal(t, step.Iteration);
                value = Evaluate(problem, TinyPlan.WindowOf(step), images, logits, weight);
                Assert.Equal(value.Relative, step.Loss, 1e-10);
                double factor = t < 2 ? 1 : 0.1;
                Move(images, imageVelocity, value.Gradient!.Images.ToArray<double>(), factor * 2, 0.5);
                Move(logits, labelVelocity, value.Gradient!.LabelLogits.ToArray<double>(), factor * 0.5, 0.9);
                weight *= Math.Exp(-factor * 0.3 * value.WeightGradient * weight);
            }
            Close(images, distiller.Set.Images);
            Close(logits, distiller.Set.LabelLogits);
            Assert.Equal(weight, distiller.Set.Weight, 1e-10);
        }
    }

    [Fact]
    public void Skipped_steps_leave_everything_as_it_is_and_are_counted()
    {
        using var problem = Problem(DType.Float64);
        TinyPlan plan = s_plan with { WeightRule = WeightRule.Fixed, Threshold = 1 };
        using Distiller distiller = plan.Begin(problem, s_key, problem.Start with { Weight = 50 });
        double[] images = distiller.Set.Images.ToArray<double>(), logits = distiller.Set.LabelLogits.ToArray<double>();
        for (int i = 1; i <= 5; i++)
        {
            DistillationStep step = distiller.Step();
            Assert.True(step.Skipped && step.Loss > 1);
            Assert.Equal((i, i), (distiller.Iteration, distiller.Skipped));
        }
        Assert.Equal(images, distiller.Set.Images.ToArray<double>());
        Assert.Equal(logits, distiller.Set.LabelLogits.ToArray<double>());
        Assert.Equal(50, distiller.Set.Weight);
        ArraySet state = Safetensors.Read(new MemoryStream(State(distiller)));
        Assert.Equal([5, 5], state["progress"].AsInt32().ToArray());
        Assert.All(state["images.velocity"].AsFloat64().ToArray(), v => Assert.Equal(0, v));
    }

    [Theory]
    [InlineData(1, 5, 40)]
    [InlineData(2, 4, 20)]
    [InlineData(5, 5, 0)]
    [InlineData(3, 90, 60)]
    public void Windows_stay_in_their_range_which_grows_to_its_end(int current, int maximum, int end)
    {
        using var problem = Problem(DType.Float32, experts: 2);
        TinyPlan plan = s_plan with { Windows = new WindowPlan(2, 0, current, maximum, end), Threshold = 1e-30 };
        using Distiller distiller = Make(problem, plan);
        var seen = new HashSet<(int, int)>();
        for (int i = 0; i < 120; i++)
        {
            Window window = TinyPlan.WindowOf(distiller.Step());
            double grown = end == 0 ? 1 : Math.Min(1, (double)i / end);
            int last = Math.Min(4, current + (int)((maximum - current) * grown) - 1);
            Assert.InRange(window.First, 0, last);
            Assert.Equal(2, window.Length);
            Assert.InRange(window.Last, 2, 6);
            seen.Add((window.Expert, window.First));
        }
        int starts = Math.Min(5, maximum);
        Assert.Equal(2 * starts, seen.Count);
    }

    [Theory]
    [InlineData(0, 1, 5, 40)]
    [InlineData(1, 2, 4, 20)]
    [InlineData(2, 3, 90, 60)]
    public void A_window_is_drawn_from_where_one_may_begin(int minimum, int current, int maximum, int end)
    {
        var plan = new WindowPlan(2, minimum, current, maximum, end);
        int[] steps = [0, 1, 2, 3, 4, 5, 6];
        int[] starts = WindowStarts.Of(plan, new FirstOrderEstimator().Windows, steps, "a trajectory");
        Assert.Equal(Enumerable.Range(minimum, Math.Min(5, maximum) - minimum), starts);
        var seen = new HashSet<int>();
        for (int i = 0; i < 200; i++)
        {
            Window window = plan.Draw([starts], i, s_key.Split((ulong)i));
            double grown = Math.Min(1, (double)i / end);
            Assert.InRange(window.First, minimum, Math.Min(4, current + (int)((maximum - current) * grown) - 1));
            seen.Add(window.First);
        }
        Assert.Equal(starts, seen.Order());
    }

    [Theory]
    [InlineData(-1, 2)]
    [InlineData(5, 2)]
    [InlineData(0, 7)]
    [InlineData(0, 0)]
    [InlineData(0, -1)]
    public void Windows_that_do_not_fit_are_refused(int minimum, int length)
    {
        TrajectoryException e = Assert.Throws<TrajectoryException>(() => WindowStarts.Of(
            new WindowPlan(length, minimum, 2, 4, 10), new FirstOrderEstimator().Windows, [0, 1, 2, 3, 4, 5, 6], "expert 0"));
        string expected = length < 1 ? $"The estimator first-order is zero on windows of {length} checkpoints"
            : minimum < 0 ? $"A window cannot begin at checkpoint {minimum}"
            : $"No window of {length} checkpoints from checkpoint {minimum} on lies in the 7 checkpoints of expert 0";
        Assert.StartsWith(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_window_that_no_expert_has_is_refused_before_the_first_update()
    {
        using var problem = Problem(DType.Float32);
        Assert.StartsWith(
            "No window of 7 checkpoints from checkpoint 0 on lies in the 7 checkpoints of expert 0",
            Assert.Throws<TrajectoryException>(
                () => Make(problem, s_plan with { Windows = new WindowPlan(7, 0, 2, 4, 10) })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void NaN_in_S_stops_the_step_and_leaves_the_state_as_it_was()
    {
        var backend = new CpuBackend(1);
        using var scope = TensorScope.Begin();
        using var problem = Problem(DType.Float64, backend);
        double[] pixels = problem.Start.Images.ToArray<double>();
        pixels[7] = double.NaN;
        SyntheticSet start = problem.Start with
        {
            Images = Tensor.From<double>(backend, pixels, problem.Start.Images.Shape),
        };
        using Distiller distiller = s_plan.Begin(problem, s_key, start);
        byte[] before = State(distiller);
        NumericalException e = Assert.Throws<NumericalException>(() => distiller.Step());
        Assert.Equal(0, e.Step);
        Assert.Contains("the objective J (first-order, expert 0, checkpoints ", e.Message, StringComparison.Ordinal);
        Assert.EndsWith(
            "became NaN. Lower --lr-img (now 2) or --lr-label (now 0.5).", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, State(distiller));
        int live = backend.Memory.LiveBuffers;
        Assert.Throws<NumericalException>(() => distiller.Step());
        Assert.Equal(live, backend.Memory.LiveBuffers);
    }

    // Finite, and so far out that float32 and the norms of a network hide that nothing is left of the images.
    [Theory]
    [InlineData(1e9, 0, "the root mean square of the synthetic images, in deviations of the data, became ",
        "Beyond 1000 it means nothing. Lower --lr-img (now 1000000000).")]
    [InlineData(1, 1e12, "the root mean square of the label logits became ", "Beyond 10000 it means nothing. Lower --lr-label (now ")]
    public void A_set_that_is_finite_but_beyond_all_bounds_stops_the_step_and_leaves_the_state_as_it_was(
        double imageRate, double labelRate, string start, string advice)
    {
        using var problem = Problem(DType.Float64);
        using Distiller distiller = Rates(imageRate, labelRate).Begin(problem, s_key);
        byte[] before = State(distiller);
        NumericalException e = Assert.Throws<NumericalException>(() => distiller.Step());
        Assert.StartsWith("Step 0: " + start, e.Message, StringComparison.Ordinal);
        Assert.Contains(advice, e.Message, StringComparison.Ordinal);
        Assert.Equal(before, State(distiller));
    }

    [Theory]
    [InlineData(1e300, 1, 0, 0.7, "the synthetic set became ∞. Lower --lr-img (now 1E+300)")]
    [InlineData(1, 1e300, 0, 0.7, "the synthetic set became ∞. Lower --lr-img (now 1) or --lr-label (now 1E+300).")]
    [InlineData(1, 1, 1e300, 0.7, "the weight of the synthetic set became 0. Lower its rate (now 1E+300), or --lr-img (now 1) or --lr-label (now 1).")]
    [InlineData(1, 1, 1e300, 1e-6, "the weight of the synthetic set became ∞. Lower its rate (now 1E+300), or --lr-img (now 1) or --lr-label (now 1).")]
    public void Absurd_rates_stop_the_step_and_leave_the_state_as_it_was(
        double imageRate, double labelRate, double weightRate, double weight, string message)
    {
        using var problem = Problem(DType.Float64);
        TinyPlan plan = Rates(imageRate, labelRate) with { WeightRule = WeightRule.Learned, WeightRate = weightRate };
        using Distiller distiller = plan.Begin(problem, s_key, problem.Start with { Weight = weight });
        byte[] before = State(distiller);
        NumericalException e = Assert.Throws<NumericalException>(() => distiller.Step());
        Assert.StartsWith(
            "Step 0: " + message.Replace("∞", $"{double.PositiveInfinity}", StringComparison.Ordinal), e.Message,
            StringComparison.Ordinal);
        Assert.Equal(before, State(distiller));
    }

    [Fact]
    public void A_state_of_another_set_or_without_a_part_is_refused_and_nothing_changes()
    {
        using var problem = Problem(DType.Float64);
        using Distiller distiller = Make(problem, s_plan);
        distiller.Step();
        byte[] before = State(distiller);
        NamedArray[] arrays = [.. distiller.Save()];
        ArraySet With(IEnumerable<NamedArray> changed) => Safetensors.Read(new MemoryStream(Bytes(changed)));
        Assert.Equal(
            "The saved array 'images' has the shape [1, 1, 6, 6], this run needs [3, 1, 6, 6].",
            Assert.Throws<ShapeException>(() => distiller.Restore(With(arrays.Select(
                a => a.Name == "images" ? NamedArray.From("images", [1, 1, 6, 6], new double[36]) : a)))).Message);
        const string Younger = "spent.images"; // states of earlier versions do not have it
        foreach (string name in arrays.Select(a => a.Name).Where(name => name != Younger))
        {
            Assert.Throws<KeyNotFoundException>(() => distiller.Restore(With(arrays.Where(a => a.Name != name))));
            Assert.Equal(before, State(distiller));
        }
        distiller.Step();
    }

    [Fact]
    public void Fifty_steps_take_no_more_memory_than_the_first_ones()
    {
        var backend = new CpuBackend(1);
        using var scope = TensorScope.Begin();
        using var problem = Problem(DType.Float32, backend);
        TinyPlan plan = s_plan with
        {
            Augmentation = new Augmentation(AugmentationOps.Photographs), Windows = new WindowPlan(2, 0, 2, 4, 0),
        };
        int live = backend.Memory.LiveBuffers;
        using (Distiller distiller = Make(problem, plan))
        {
            for (int i = 0; i < 40; i++)
                distiller.Step();
            MemoryReport early = backend.Memory;
            for (int i = 0; i < 50; i++)
                distiller.Step();
            MemoryReport late = backend.Memory;
            Assert.Equal((early.LiveBuffers, early.InUse, early.Peak), (late.LiveBuffers, late.InUse, late.Peak));
            Assert.Equal(live + 4 + 4, late.LiveBuffers); // S, its momenta, and the displacements of D of four windows
        }
        Assert.Equal(live + 4, backend.Memory.LiveBuffers);
    }

    [Fact]
    public void Soft_labels_of_a_training_set_are_the_softmax_of_the_logits()
    {
        using var problem = Problem(DType.Float64);
        double[] logits = problem.Start.LabelLogits.ToArray<double>();
        LabelledImages set = problem.Start.AsTrainingSet();
        double[] labels = set.Labels.ToArray<double>();
        Assert.Equal(3, problem.Start.Count);
        for (int i = 0; i < 9; i++)
        {
            double total = Enumerable.Range(i / 3 * 3, 3).Sum(k => Math.Exp(logits[k]));
            Assert.Equal(Math.Exp(logits[i]) / total, labels[i], 1e-14);
        }
        Assert.Same(problem.Start.Images, set.Images);
    }

    private static TinyProblem Problem(
        DType dtype, Backend? backend = null, int experts = 1,
        SecondDerivatives mode = SecondDerivatives.FiniteDifference) =>
        new(
            CheckpointSchedule.Every(6), mode: mode, backend: backend ?? new CpuBackend(1), dtype: dtype,
            experts: experts);

    private static Distiller Make(
        TinyProblem problem, TinyPlan plan, string estimator = "first-order", RandomKey? key = null) =>
        (plan with { Estimator = estimator }).Begin(problem, key ?? s_key);

    private static TinyPlan Rates(double images, double labels) => s_plan with
    {
        Images = s_plan.Images with { Rate = images }, Labels = s_plan.Labels with { Rate = labels },
    };

    private static ObjectiveValue Evaluate(
        TinyProblem problem, Window window, double[] images, double[] logits, double weight)
    {
        var set = new SyntheticSet(
            Tensor.From<double>(problem.Backend, images, problem.Start.Images.Shape),
            Tensor.From<double>(problem.Backend, logits, problem.Start.LabelLogits.Shape), weight);
        var loss = new ImageLoss(problem.Network, Augmentation.None, default);
        return new BoundEstimator(new FirstOrderEstimator(), problem.Context).Objective(WeightRule.Learned)
            .Evaluate(window, set, loss);
    }

    private static void Move(double[] value, double[] velocity, double[] gradient, double rate, double momentum)
    {
        for (int i = 0; i < value.Length; i++)
        {
            velocity[i] = momentum * velocity[i] + gradient[i];
            value[i] -= rate * velocity[i];
        }
    }

    private static void Close(double[] expected, Tensor found) =>
        Assert.All(expected.Zip(found.ToArray<double>()), pair => Assert.Equal(pair.First, pair.Second, 1e-8));

    private static byte[] State(Distiller distiller) => Bytes(distiller.Save());

    private static byte[] Bytes(IEnumerable<NamedArray> arrays)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, arrays);
        return stream.ToArray();
    }
}
