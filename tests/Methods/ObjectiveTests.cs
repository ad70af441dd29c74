using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

public sealed class ObjectiveTests
{
    private static readonly Window s_window = new(0, 0, 4);

    [Theory]
    [InlineData("first-order")]
    [InlineData("trajectory-matching")]
    [InlineData("unrolled")]
    [InlineData("paper")]
    [InlineData("paper+first")]
    public void The_closed_form_mass_is_the_best_one(string name)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: new CpuBackend(1));
        var estimator = new BoundEstimator(name, problem.Context);
        Assert.Equal(name, estimator.Name);
        var loss = new ImageLoss(problem.Network, Augmentation.None, default);
        // Images of D move θ as D does: their weight is positive.
        var s = new SyntheticSet(problem.Data.Images, problem.Data.Labels.Times(4), 0.7);
        var closed = estimator.Objective(WeightRule.ClosedForm);
        var held = estimator.Objective(WeightRule.Fixed);
        ObjectiveValue best = closed.Evaluate(s_window, s, loss, gradient: false);
        Assert.Null(best.Gradient);
        Assert.InRange(best.Cosine, 0.1, 1);
        Assert.Equal(1 - best.Cosine * best.Cosine, best.Relative, 1e-12);
        Assert.Equal(0, best.WeightGradient, 1e-12);
        ObjectiveValue same = held.Evaluate(s_window, s with { Weight = best.Weight }, loss, gradient: false);
        Assert.Equal(best.Relative, same.Relative, 1e-14);
        foreach (double factor in (double[])[0.9, 1.1])
        {
            ObjectiveValue worse = held.Evaluate(s_window, s with { Weight = factor * best.Weight }, loss, gradient: false);
            Assert.True(worse.Relative > best.Relative);
            Assert.Equal(factor > 1, worse.WeightGradient > 0);
        }
        Assert.Equal(1, held.Evaluate(s_window, s with { Weight = 0 }, loss, gradient: false).Relative, 1e-14);
    }

    [Fact]
    public void The_objective_is_the_squared_distance_of_the_two_sides_over_that_of_the_real_one()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: new CpuBackend(1));
        var estimator = new BoundEstimator(new FirstOrderEstimator(), problem.Context);
        var loss = new ImageLoss(problem.Network, Augmentation.None, default);
        double[] real = estimator.Real(s_window).ToArray<double>();
        double[] synthetic = estimator.Synthetic(s_window, problem.Start, loss).ToArray<double>();
        double expected = synthetic.Zip(real, (a, d) => (0.7 * a - d) * (0.7 * a - d)).Sum() / real.Sum(d => d * d);
        ObjectiveValue value = estimator.Objective(WeightRule.Fixed)
            .Evaluate(s_window, problem.Start, loss, gradient: false);
        Assert.Equal(expected, value.Relative, 1e-12);
        Assert.Equal(0.7, value.Weight);
    }

    [Theory]
    [InlineData("first-order")]
    [InlineData("trajectory-matching")]
    [InlineData("unrolled")]
    [InlineData("paper")]
    [InlineData("paper+first")]
    public void Class_by_class_the_objective_is_the_mean_of_that_of_each_class(string name)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: new CpuBackend(1));
        var estimator = new BoundEstimator(name, problem.Context);
        var loss = new ImageLoss(problem.Network, Augmentation.None, default);
        double expected = 0;
        for (int c = 0; c < 3; c++)
        {
            double[] real = estimator.Real(s_window, c).ToArray<double>();
            double[] own = estimator.Synthetic(s_window, problem.Start.Rows(c, 1), loss).ToArray<double>();
            expected += own.Zip(real, (a, d) => (0.7 * a - d) * (0.7 * a - d)).Sum() / real.Sum(d => d * d) / 3;
        }
        var objective = estimator.Objective(WeightRule.Fixed, ClassWise.On);
        Assert.Equal(expected, objective.Evaluate(s_window, problem.Start, loss, gradient: false).Relative, 1e-12);
        double whole = estimator.Objective(WeightRule.Fixed)
            .Evaluate(s_window, problem.Start, loss, gradient: false).Relative;
        Assert.Equal((expected + whole) / 2, estimator.Objective(WeightRule.Fixed, ClassWise.Both)
            .Evaluate(s_window, problem.Start, loss, gradient: false).Relative, 1e-12);
        SyntheticSet uneven = problem.Start.Rows(0, 2);
        Assert.Contains(
            "A set of 2 images cannot be matched class by class with 3 classes",
            Assert.Throws<ShapeException>(() => objective.Evaluate(s_window, uneven, loss)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_class_sides_of_a_first_order_estimate_add_up_to_the_whole_one()
    {
        // A full batch a step: then the recorded displacement is the sum over all of D, and D is a third of each class.
        using var problem = new TinyProblem(
            CheckpointSchedule.Every(6), backend: new CpuBackend(1),
            plan: new TrainingPlan(6, 12, 0.1, 0, 0, RateSchedule.Constant));
        var estimator = new BoundEstimator(new FirstOrderEstimator(), problem.Context);
        double[] whole = estimator.Real(s_window).ToArray<double>();
        double[][] displacements = [.. Enumerable.Range(0, 3).Select(c => estimator.Real(s_window, c).ToArray<double>())];
        double scale = whole.Max(Math.Abs);
        // The trajectory stores float32.
        Assert.All(Enumerable.Range(0, whole.Length), i =>
            Assert.Equal(whole[i], displacements.Sum(displacement => displacement[i]) / 3, 1e-6 * Math.Max(scale, 1)));
        Assert.True(scale > 1e-3, "a displacement of nothing proves nothing");
    }

    [Fact]
    public void Trajectory_matching_is_where_training_on_S_from_the_beginning_of_the_window_ends()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: new CpuBackend(1));
        var loss = new ImageLoss(problem.Network, Augmentation.None, default);
        Tensor start = problem.Context.Theta(s_window, s_window.First);
        // Every step is a checkpoint, so S takes four steps of the expert's rate.
        var plan = new TrainingPlan(4, problem.Start.Count, problem.Plan.Rate, 0, 0, RateSchedule.Constant);
        Tensor end = new Trainer(problem.Network, problem.Start.AsTrainingSet(), plan, RandomKey.FromSeed(1)).Run(start);
        Tensor displacement = new BoundEstimator(new TrajectoryMatchingEstimator(), problem.Context)
            .Synthetic(s_window, problem.Start, loss);
        Tensor linear = new BoundEstimator(new FirstOrderEstimator(), problem.Context).Synthetic(s_window, problem.Start, loss);
        double[] expected = end.Minus(start).ToArray<double>(), found = displacement.ToArray<double>();
        Assert.All(Enumerable.Range(0, expected.Length), i => Assert.Equal(expected[i], found[i], 1e-12));
        Assert.True(linear.Minus(displacement).Norm() > 1e-3 * displacement.Norm(), "a sum along D's path would pass, too");
    }

    [Fact]
    public void A_training_on_S_has_a_rate_of_its_own_and_draws_its_augmentation_for_every_step()
    {
        const double Rate = 0.03;
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: new CpuBackend(1));
        var augmentation = new Augmentation(AugmentationOps.Geometric);
        RandomKey key = RandomKey.FromSeed(5);
        Tensor start = problem.Context.Theta(s_window, s_window.First), expected = start;
        LabelledImages set = problem.Start.AsTrainingSet();
        for (int t = s_window.First; t < s_window.Last; t++)
        {
            Variable images = augmentation.Apply(Variable.Constant(set.Images), key.Split((ulong)t), siamese: false);
            Tensor gradient = Differential.GradientAt(
                theta => problem.Network.Loss(theta, images, Variable.Constant(set.Labels)), expected);
            expected = TensorAlgebra.Axpy(-Rate, gradient, expected);
        }

        using var estimator = new BoundEstimator(new TrajectoryMatchingEstimator(), problem.Context with { SyntheticRate = Rate });
        Tensor caused = estimator.Synthetic(
            s_window, problem.Start, new ImageLoss(problem.Network, augmentation, key, siamese: false));

        double[] found = caused.ToArray<double>(), displacement = expected.Minus(start).ToArray<double>();
        Assert.All(Enumerable.Range(0, found.Length), i => Assert.Equal(displacement[i], found[i], 1e-12));
        Assert.True(caused.Norm() > 1e-3, "a displacement of nothing proves nothing");
    }

    // J and its derivative walk S's path once: the second walk would ask for as many θ again.
    [Fact]
    public void One_evaluation_trains_on_S_once()
    {
        var backend = new CpuBackend(1);
        using var all = TensorScope.Begin(); // a buffer of nobody's would go when the collector comes, between two counts
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: backend);
        using var estimator = new BoundEstimator(new TrajectoryMatchingEstimator(), problem.Context);
        var loss = new ImageLoss(problem.Network, Augmentation.None, default);
        Tensor displacement = estimator.Synthetic(s_window, problem.Start, loss);
        SyntheticGradient alone = estimator.Pullback(s_window, problem.Start, loss, displacement);
        int trained, pulledBack, both, live = backend.Memory.LiveBuffers;
        using (TensorScope.Begin())
        using (var open = new OpenWindow(problem.Context, s_window))
        {
            long before = Requests();
            Displacement once = new TrajectoryMatchingEstimator().Synthetic(open, problem.Start, loss);
            trained = (int)(Requests() - before);
            before = Requests();
            SyntheticGradient after = once.Pullback(once.Value);
            pulledBack = (int)(Requests() - before);
            Assert.Equal(alone.Images.ToArray<double>(), after.Images.ToArray<double>());
        }
        Assert.Equal(live, backend.Memory.LiveBuffers);
        using (TensorScope.Begin())
        {
            long before = Requests();
            estimator.Pullback(s_window, problem.Start, loss, displacement);
            both = (int)(Requests() - before);
        }
        // A pullback by itself has to train first.
        Assert.True(trained > 50 && both >= trained + pulledBack, $"{trained} and {pulledBack} requests, {both} together");

        long Requests() => backend.MemoryRequests;
    }

    [Fact]
    public void An_unknown_estimator_is_refused_with_the_known_ones()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Sparse(1), backend: new CpuBackend(1));
        Assert.StartsWith(
            "Unknown estimator 'hessian'. Known: first-order, paper, paper+first, trajectory-matching, unrolled.",
            Assert.Throws<ArgumentException>(() => InfluenceEstimator.Of("hessian")).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("first-order")]
    [InlineData("trajectory-matching")]
    [InlineData("unrolled")]
    [InlineData("paper")]
    [InlineData("paper+first")]
    public void No_more_real_sides_are_kept_than_allowed_and_the_memory_of_the_others_returns(string name)
    {
        var backend = new CpuBackend(1);
        using var scope = TensorScope.Begin(); // nothing is left to the collector
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: backend);
        using var estimator = new BoundEstimator(InfluenceEstimator.Of(name), problem.Context, capacity: 2);
        int live = backend.Memory.LiveBuffers;
        double[][] displacements = new double[5][];
        using (TensorScope.Begin())
        {
            for (int round = 0; round < 3; round++)
            for (int start = 0; start < 5; start++)
            {
                double[] displacement = estimator.Real(new Window(0, start, start + 2)).ToArray<double>();
                Assert.Equal(displacements[start] ??= displacement, displacement);
            }
            var window = new Window(0, 4, 6);
            Assert.Same(estimator.Real(window), estimator.Real(window));
        }
        Assert.Equal(live + 2, backend.Memory.LiveBuffers);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    public void A_cache_without_room_for_the_side_in_use_is_refused(int capacity)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Sparse(1), backend: new CpuBackend(1));
        Assert.Contains(
            "give 1 or more",
            Assert.Throws<ArgumentOutOfRangeException>(
                () => new BoundEstimator(new FirstOrderEstimator(), problem.Context, capacity)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("first-order")]
    [InlineData("unrolled")]
    [InlineData("paper")]
    [InlineData("paper+first")]
    public void Memory_does_not_grow_with_the_length_of_the_window(string name)
    {
        long Peak(int length)
        {
            var backend = new CpuBackend(1);
            using var scope = TensorScope.Begin();
            using var problem = new TinyProblem(
                CheckpointSchedule.Every(24), mode: SecondDerivatives.FiniteDifference, backend: backend,
                plan: new TrainingPlan(24, 12, 0.01, 0, 0, RateSchedule.Constant));
            var estimator = new BoundEstimator(name, problem.Context);
            var loss = new ImageLoss(problem.Network, Augmentation.None, default);
            var window = new Window(0, 0, length);
            using (TensorScope.Begin())
            {
                Tensor real = estimator.Real(window);
                int live = backend.Memory.LiveBuffers;
                estimator.Synthetic(window, problem.Start, loss);
                Assert.Equal(live + 1, backend.Memory.LiveBuffers);
                estimator.Pullback(window, problem.Start, loss, real);
                Assert.Equal(live + 3, backend.Memory.LiveBuffers);
            }
            return backend.Memory.Peak;
        }
        Assert.Equal(Peak(4), Peak(24));
    }
}
