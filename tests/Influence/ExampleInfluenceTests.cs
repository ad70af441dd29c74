using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.Methods;

namespace InfMatch.Tests.Influence;

/// <summary>Estimates of what examples do, against training again.</summary>
public sealed class ExampleInfluenceTests
{
    private static readonly CpuBackend s_backend = new(1);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.9, 0.05)]
    public void On_a_quadratic_the_unrolled_displacement_is_that_of_training_again(double momentum, double decay)
    {
        // Another label changes a squared error by what is linear in θ: then the first order is all there is.
        using var problem = FullBatch(new LinearRegression(new Shape(1, 6, 6), 3), momentum, decay, steps: 20);
        LabelledImages z = problem.Data.Rows([3]);
        var relabelled = new LabelledImages(z.Images, LabelledImages.OneHot(s_backend, DType.Float64, [1], 3));
        Intervention leave = Intervention.LeaveOut(12, 3);
        Intervention swap = leave with { Added = relabelled, AddedWeight = 1.0 / 12 };

        double[] actual = Retrained(problem, swap), found = Predicted(problem, "unrolled", swap);

        double error = Agreement.RelativeError(found, actual);
        Assert.True(error < 1e-10, $"relative error {error:G3}");
        double removal = Agreement.RelativeError(Predicted(problem, "unrolled", leave), Retrained(problem, leave));
        Assert.True(removal > 1e-3, $"leaving out bends the quadratic, too: {removal:G3}");
    }

    [Theory]
    [InlineData(0, 0, 4, "constant")]
    [InlineData(0.9, 0.05, 4, "constant")]
    [InlineData(0.9, 0.05, 5, "cosine")]
    public void On_a_quadratic_the_unrolled_displacement_is_the_derivative_in_the_weight(
        double momentum, double decay, int batch, string schedule)
    {
        using var problem = new TinyProblem(
            CheckpointSchedule.Every(6), network: new LinearRegression(new Shape(1, 6, 6), 3), backend: s_backend,
            plan: new TrainingPlan(2, batch, 0.02, momentum, decay, Kinds.Find<RateSchedule>(schedule)!));
        // With batches of five the last one of an epoch has two examples; one of those is evaluated.
        int z = problem.Experts[0].Replay.IndicesAt(2)[0];
        double[] found = Predicted(problem, "unrolled", Reweighted(1, z));
        // Four central differences, extrapolated to a step of zero; what is left is of the eighth order.
        double[][] table = [.. new[] { 0.4, 0.2, 0.1, 0.05 }.Select(Slope)];
        for (int order = 1; order < table.Length; order++)
        {
            double factor = Math.Pow(4, order);
            for (int i = 0; i < table.Length - order; i++)
                table[i] = [.. table[i + 1].Zip(table[i], (fine, coarse) => (factor * fine - coarse) / (factor - 1))];
        }
        double error = Agreement.RelativeError(found, table[0]);
        Assert.True(error < 1e-10, $"relative error {error:G3}");

        double[] Slope(double s) => [.. Retrained(problem, Reweighted(s, z))
            .Zip(Retrained(problem, Reweighted(-s, z)), (up, down) => (up - down) / (2 * s))];
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.9, 0.05)]
    public void On_a_smooth_network_the_unrolled_error_falls_with_the_square_of_the_share_left_out(
        double momentum, double decay)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), momentum, decay, backend: s_backend,
            rate: 0.1);
        double[] errors = [.. new[] { 1.0, 0.5, 0.25, 0.125 }.Select(share =>
        {
            Intervention part = Reweighted(-share);
            return Distance(Predicted(problem, "unrolled", part), Retrained(problem, part));
        })];
        for (int i = 1; i < errors.Length; i++)
            Assert.True(errors[i - 1] / errors[i] is > 3.4 and < 4.6, string.Join(", ", errors));
    }

    [Fact]
    public void On_a_network_with_kinks_the_unrolled_displacement_is_the_derivative_while_none_is_crossed()
    {
        using var problem = new TinyProblem(
            CheckpointSchedule.Every(6), 0.9, backend: s_backend, rate: 0.3,
            network: new Mlp(new Shape(1, 6, 6), 3, [32, 16]));
        double[] errors = [.. new[] { 1e-6, 1e-5, 1 }.Select(share =>
        {
            Intervention part = Intervention.TakeAway(12, share, 3);
            return Agreement.RelativeError(Predicted(problem, "unrolled", part), Retrained(problem, part));
        })];
        string found = string.Join(", ", errors);
        Assert.True(errors[0] < 1e-4 && errors[1] / errors[0] is > 5 and < 20, found);
        // With all of its weight kinks are crossed, and what they do is not of the order of the share.
        Assert.True(errors[2] > 0.2, found);
    }

    [Fact]
    public void On_more_data_the_unrolled_error_falls_with_the_square_of_the_share_of_the_examples()
    {
        // The same twelve images once, twice, four times: one of them is 1/12, 1/24, 1/48 of D.
        double[] errors = [.. new[] { 1, 2, 4 }.Select(times =>
        {
            using var problem = FullBatch(Smooth, 0.5, 0.01, steps: 8);
            int[] rows = [.. Enumerable.Range(0, 12 * times).Select(i => i % 12)];
            LabelledImages data = problem.Data.Rows(rows);
            using Expert expert = Expert.Record(
            new ExpertTraining(problem.Network, data, problem.Plan with { BatchSize = rows.Length },
                CheckpointSchedule.Every(8), RandomKey.FromSeed(5)),
            Path.Combine(problem.Folder, "more.safetensors"));
            Intervention leave = Intervention.LeaveOut(rows.Length, 0);
            var folder = new RetrainingCache(expert, Path.Combine(problem.Folder, "more"), [8]);
            var context = new ExampleContext(expert, new SecondOrderProducts(SecondDerivatives.Exact), 8);
            Tensor actual = folder.Theta(folder.Run([leave])[0], 0).Minus(context.Theta(8));
            return new UnrolledInfluence(context, curvature: true).Displacement(leave).Minus(actual).Norm();
        })];
        for (int i = 1; i < errors.Length; i++)
            Assert.True(errors[i - 1] / errors[i] is > 3.2 and < 4.8, string.Join(", ", errors));
    }

    [Theory]
    [InlineData("first-order", 1e-9)]
    [InlineData("unrolled", 1e-9)]
    [InlineData("paper", 1e-6)]
    [InlineData("paper-plain", 1e-6)]
    [InlineData("paper+first", 1e-6)]
    [InlineData("paper+first-plain", 1e-6)]
    [InlineData("koh-liang-cg", 1e-5)]
    public void Scores_are_the_adjoint_of_displacements(string name, double tolerance)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), 0.9, 0.05, backend: s_backend);
        ExampleInfluence influence = ExampleInfluences.Create(name, Context(problem, 6), damping: 1);
        double[] change = new double[12];
        RandomKey.FromSeed(1).Normal(change);
        var intervention = new Intervention { Weights = [.. change.Select(c => 1 + c)] };
        double[] direction = new double[problem.Network.Layout.Count];
        RandomKey.FromSeed(2).Normal(direction);
        Tensor u = Tensor.From<double>(s_backend, direction, new Shape(direction.Length));

        double forward = influence.Displacement(intervention).Dot(u);
        double[] scores = influence.Scores(theta => theta.Dot(Variable.Constant(u)));
        double backward = scores.Zip(change, (s, c) => s * c).Sum();

        double scale = Math.Sqrt(scores.Sum(s => s * s) * change.Sum(c => c * c));
        Assert.True(scale > 1e-6, "scores of zero prove nothing");
        Assert.True(Math.Abs(forward - backward) < tolerance * scale,
            $"{forward:R} and {backward:R}, scale {scale:G3}");
        Assert.Equal(name, influence.Name);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.9)]
    public void Without_curvature_an_example_does_what_its_steps_do_with_the_weight_that_momentum_leaves(double momentum)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), momentum, backend: s_backend);
        Intervention leave = Intervention.LeaveOut(12, 2);
        Tensor sum = problem.Context.Theta(new Window(0, 0, 6), 0).ZerosLike();
        LabelledImages z = problem.Data.Rows([2]);
        for (int t = 0; t < 6; t++)
        {
            if (!problem.Experts[0].Replay.IndicesAt(t).Contains(2))
                continue;
            double coefficient = Enumerable.Range(t, 6 - t).Sum(k => 0.1 * Math.Pow(momentum, k - t)) / 4;
            Tensor g = Differential.GradientAt(
                p => problem.Network.Loss(p, Variable.Constant(z.Images), Variable.Constant(z.Labels)),
                problem.Context.Theta(new Window(0, 0, 6), t));
            sum = TensorAlgebra.Axpy(coefficient, g, sum);
        }
        double error = Agreement.RelativeError(Predicted(problem, "first-order", leave), sum.ToArray<double>());
        Assert.True(error < 1e-12, $"{error:G3}");
    }

    [Fact]
    public void An_added_set_moves_the_unrolled_displacement_as_the_estimator_of_sets_says()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), 0.9, 0.01, backend: s_backend);
        LabelledImages set = problem.Start.AsTrainingSet();
        Intervention add = Intervention.Add(12, set, 0.5);
        Tensor displacement = new BoundEstimator("unrolled", problem.Context).Synthetic(
            new Window(0, 0, 6), problem.Start, new ImageLoss(problem.Network, Augmentation.None, default));
        double error = Agreement.RelativeError(
            Predicted(problem, "unrolled", add), displacement.Times(0.5).ToArray<double>());
        Assert.True(error < 1e-12, $"{error:G3}");
    }

    [Fact]
    public void The_two_solvers_of_the_inverse_agree_with_each_other_and_with_the_equation()
    {
        using var problem = FullBatch(new Mlp(new Shape(1, 6, 6), 3, []), 0, 0, steps: 20);
        ExampleContext context = Context(problem, 20);
        Tensor theta = context.Theta(20), v = Differential.GradientAt(context.LossOfData, theta);
        var exact = new KohLiangInfluence(context, InverseSolver.ConjugateGradients) { Damping = 1, Iterations = 200 };
        var lissa = new KohLiangInfluence(context, InverseSolver.Lissa) { Damping = 1, Depth = 2000 };
        Tensor x = exact.Solve(theta, v), y = lissa.Solve(theta, v);
        Tensor back = x.Plus(Differential.Hvp(context.LossOfData, theta, x));
        Assert.True(back.Minus(v).Norm() < 1e-5 * v.Norm());
        // LiSSA multiplies by random batches of twelve drawn with repetition: it is right in the mean.
        Assert.True(y.Minus(x).Norm() < 0.3 * x.Norm(), $"{y.Minus(x).Norm() / x.Norm():G3}");
        Assert.True(exact.ImageGradients > 0 && lissa.ImageGradients > exact.ImageGradients);
    }

    [Fact]
    public void TracIn_is_the_sum_of_products_of_gradients_along_the_path()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: s_backend);
        ExampleContext context = Context(problem, 6) with { Checkpoints = 3 };
        LabelledImages test = problem.Data.Rows([5]);
        Variable Measure(Variable p) =>
            problem.Network.Loss(p, Variable.Constant(test.Images), Variable.Constant(test.Labels));
        double[] scores = new TracInInfluence(context).Scores(Measure);
        LabelledImages z = problem.Data.Rows([7]);
        double expected = 0;
        foreach (int t in (int[])[0, 2, 4])
        {
            Tensor theta = context.Theta(t);
            Tensor g = Differential.GradientAt(
                p => problem.Network.Loss(p, Variable.Constant(z.Images), Variable.Constant(z.Labels)), theta);
            expected -= 0.2 * g.Dot(Differential.GradientAt(Measure, theta)) / 12;
        }
        Assert.Equal(expected, scores[7], 1e-12);
        Assert.Throws<NotSupportedException>(() => new TracInInfluence(context).Displacement(Reweighted(1)));
    }

    [Theory]
    [InlineData("first-order")]
    [InlineData("unrolled")]
    public void Cost_is_linear_in_the_number_of_steps_and_memory_is_constant(string name)
    {
        (double Cost, long Requests, long Peak) At(int steps)
        {
            var backend = new CpuBackend(1);
            using var problem = new TinyProblem(
                CheckpointSchedule.Every(steps), backend: backend,
                plan: new TrainingPlan(steps / 3, 4, 0.02, 0.9, 0, RateSchedule.Constant));
            ExampleInfluence influence = ExampleInfluences.Create(name, Context(problem, steps));
            using var scope = TensorScope.Begin();
            long before = backend.MemoryRequests;
            influence.Scores(p => problem.Context.RealLoss(problem.Network, p));
            return (influence.ImageGradients, backend.MemoryRequests - before, backend.Memory.Peak);
        }
        (double Cost, long Requests, long Peak) one = At(30), two = At(60), four = At(120);
        Assert.Equal(2 * one.Cost, two.Cost, 1e-9);
        Assert.Equal(4 * one.Cost, four.Cost, 1e-9);
        // What was really done, and not only what was counted: every result of an operation asks for memory once.
        Assert.Equal(2 * (two.Requests - one.Requests), four.Requests - two.Requests);
        Assert.InRange(two.Requests, 1.9 * one.Requests, 2.1 * one.Requests);
        // The writer of checkpoints is a thread of its own: what waits for it differs by a vector or two.
        Assert.InRange(two.Peak, 0.95 * one.Peak, 1.05 * one.Peak);
        Assert.InRange(four.Peak, 0.95 * one.Peak, 1.05 * one.Peak);
    }

    [Theory]
    [InlineData("paper", "convnet", 2)]
    [InlineData("paper", "convnet", 8)]
    [InlineData("paper", "logistic", 8)]
    [InlineData("paper", "mlp", 8)]
    [InlineData("paper", "quadratic", 8)]
    [InlineData("paper", "quadratic", 20)]
    [InlineData("paper+first", "convnet", 2)]
    [InlineData("paper+first", "convnet", 8)]
    [InlineData("paper+first", "quadratic", 20)]
    public void The_error_of_the_published_form_stays_below_its_bound(string name, string model, int steps)
    {
        // |Ĩ − I| ≤ 2T³ℓ(T+1)η g + (|Z|/|D|)T² g, with ℓ and g the largest curvature and gradient along the path.
        const double rate = 0.05;
        var image = new Shape(1, 6, 6);
        Network network = model switch
        {
            "logistic" => new Mlp(image, 3, []),
            "mlp" => new Mlp(image, 3, [8], Activation.Softplus),
            "quadratic" => new LinearRegression(image, 3),
            _ => Smooth,
        };
        using var problem = FullBatch(network, 0, 0, steps, rate);
        ExampleContext context = Context(problem, steps) with { Checkpoints = steps };
        (double g, double l) = (0, 0);
        for (int t = 0; t <= steps; t++)
        {
            Tensor theta = context.Theta(t);
            for (int i = 0; i < 12; i++)
            {
                LabelledImages z = problem.Data.Rows([i]);
                Variable Loss(Variable p) =>
                    problem.Network.Loss(p, Variable.Constant(z.Images), Variable.Constant(z.Labels));
                Tensor gradient = Differential.GradientAt(Loss, theta);
                g = Math.Max(g, gradient.Norm());
                l = Math.Max(l, Differential.Hvp(Loss, theta, gradient).Norm() / gradient.Norm());
            }
        }
        Intervention leave = Intervention.LeaveOut(12, 3);
        Tensor found = ExampleInfluences.Create(name, context).Displacement(leave);
        double error = Distance(found.ToArray<double>(), Retrained(problem, leave));
        double bound = 2 * Math.Pow(steps, 3) * l * (steps + 1) * rate * g + steps * steps * g / 12;
        Assert.True(error < bound && error > 0 && found.Norm() > 0, $"error {error:G3}, bound {bound:G3}");
    }

    private static Network Smooth => new ConvNet(new Shape(1, 6, 6), 3, width: 2, depth: 1, Activation.Softplus);

    private static TinyProblem FullBatch(Network network, double momentum, double decay, int steps,
        double rate = 0.02) =>
        new(CheckpointSchedule.Every(steps), network: network, backend: s_backend,
            plan: new TrainingPlan(steps, 12, rate, momentum, decay, RateSchedule.Constant));

    private static ExampleContext Context(TinyProblem problem, int last) =>
        new(problem.Experts[0], problem.Context.Products, last);

    private static Intervention Reweighted(double change, int example = 3)
    {
        double[] weights = [.. Enumerable.Repeat(1.0, 12)];
        weights[example] += change;
        return new Intervention { Weights = weights };
    }

    private static double[] Predicted(TinyProblem problem, string name, Intervention intervention) =>
        ExampleInfluences.Create(name,
            Context(problem, problem.Plan.Steps(12))).Displacement(intervention).ToArray<double>();

    private static double[] Retrained(TinyProblem problem, Intervention intervention)
    {
        int steps = problem.Plan.Steps(12);
        var folder = new RetrainingCache(problem.Experts[0], Path.Combine(problem.Folder, "again"), [steps]);
        Tensor theta = folder.Theta(folder.Run([intervention])[0], 0);
        return theta.Minus(Context(problem, steps).Theta(steps)).ToArray<double>();
    }

    private static double Distance(double[] a, double[] b) => Math.Sqrt(a.Zip(b, (x, y) => (x - y) * (x - y)).Sum());
}
