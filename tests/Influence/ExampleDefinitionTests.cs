using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.Methods;

namespace InfMatch.Tests.Influence;

/// <summary>Estimates of what examples do, against what defines them: signs, factors and divisors that an estimate may have
/// wrong and still agree with its own adjoint.</summary>
public sealed class ExampleDefinitionTests
{
    private const int Steps = 6;

    private static readonly CpuBackend s_backend = new(1);

    [Theory]
    [InlineData("paper", 0)]
    [InlineData("paper", 0.9)]
    [InlineData("paper+first", 0)]
    [InlineData("paper+first", 0.9)]
    public void The_published_form_of_an_added_set_is_that_of_the_estimator_of_sets(string name, double momentum)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(Steps), momentum, backend: s_backend);
        Tensor displacement = new BoundEstimator(name, problem.Context).Synthetic(
            new Window(0, 0, Steps), problem.Start, new ImageLoss(problem.Network, Augmentation.None, default));
        Intervention add = Intervention.Add(12, problem.Start.AsTrainingSet(), 0.5);
        double error = Agreement.RelativeError(
            Predicted(problem, name, add), displacement.Times(0.5).ToArray<double>());
        Assert.True(error < 1e-10, $"{error:G3}");
    }

    [Fact]
    public void The_plain_rate_of_the_published_form_leaves_out_what_momentum_makes_of_a_step()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(Steps), 0.75, backend: s_backend);
        Intervention leave = Intervention.LeaveOut(12, 3);
        double[] cross = Predicted(problem, "paper", leave), both = Predicted(problem, "paper+first", leave);
        double[] plain = Predicted(problem, "paper-plain", leave), bothPlain = Predicted(
            problem, "paper+first-plain", leave);
        // 1/(1 − μ) is 4: to the second power in the cross terms, to the first in the first-order term.
        Assert.True(Agreement.RelativeError(plain, [.. cross.Select(x => x / 16)]) < 1e-12);
        double[] first = [.. both.Zip(cross, (b, c) => (b - c) / 4)];
        Assert.True(Agreement.RelativeError([.. bothPlain.Zip(plain, (b, c) => b - c)], first) < 1e-10);
    }

    [Fact]
    public void What_the_published_form_gets_wrong_of_an_example_left_out_falls_with_the_rate_as_its_order_says()
    {
        double[] rates = [0.08, 0.04, 0.02];
        double[][] errors = [.. new[] { "paper", "paper+first" }.Select(name => rates.Select(rate =>
        {
            using TinyProblem problem = FullBatch(Smooth, rate, Steps);
            Intervention leave = Intervention.LeaveOut(12, 3);
            return Agreement.RelativeError(Predicted(problem, name, leave), Predicted(problem, "unrolled", leave));
        }).ToArray())];
        string found = string.Join("; ", errors.Select(e => string.Join(", ", e)));
        for (int i = 1; i < rates.Length; i++)
        {
            Assert.True(errors[1][i - 1] / errors[1][i] is > 3.2 and < 4.8, found);
            // Alone the cross terms are of the next order, in another direction: an error of 1, that of no estimate, is
            // all that they ever come to.
            Assert.True(errors[0][i] > 1 && (errors[0][i - 1] - 1) / (errors[0][i] - 1) is > 1.7 and < 3.5, found);
        }
    }

    [Fact]
    public void At_the_minimum_of_a_quadratic_Koh_and_Liang_say_where_training_again_ends()
    {
        const double decay = 0.5;
        using var problem = new TinyProblem(
            CheckpointSchedule.Every(400), network: new LinearRegression(new Shape(1, 6, 6), 3), backend: s_backend,
            plan: new TrainingPlan(400, 12, 0.1, 0, decay, RateSchedule.Constant));
        Intervention part = Intervention.TakeAway(12, 1e-3, 3);
        double[] actual = Retrained(problem, part, 400);
        var estimate = new KohLiangInfluence(Context(problem, 400), InverseSolver.ConjugateGradients)
        {
            Damping = 1e-12, Iterations = 200,
        };
        double error = Agreement.RelativeError(estimate.Displacement(part).ToArray<double>(), actual);
        Assert.True(error < 1e-3, $"{error:G3}");
    }

    [Fact]
    public void LiSSA_is_the_inverse_where_every_batch_is_all_of_D()
    {
        using TinyProblem problem = FullBatch(new Mlp(new Shape(1, 6, 6), 3, []), 0.02, Steps);
        using Expert expert = Record(problem, [.. Enumerable.Repeat(3, 12)], "same");
        var context = new ExampleContext(expert, new SecondOrderProducts(SecondDerivatives.Exact), Steps);
        Tensor theta = context.Theta(Steps), v = problem.Experts[0].Trajectory.Theta(0, s_backend, DType.Float64);
        Tensor exact = new KohLiangInfluence(context, InverseSolver.ConjugateGradients) { Damping = 0.5 }.Solve(theta, v);
        Tensor found = new KohLiangInfluence(context, InverseSolver.Lissa) { Damping = 0.5, Depth = 3000 }.Solve(theta, v);
        Assert.True(found.Minus(exact).Norm() < 1e-5 * exact.Norm(), $"{found.Minus(exact).Norm() / exact.Norm():G3}");
    }

    [Fact]
    public void Examples_that_do_not_fit_in_one_pass_count_as_much_as_the_others()
    {
        using TinyProblem problem = FullBatch(new Mlp(new Shape(1, 6, 6), 3, []), 0.02, Steps);
        int[] rows = [.. Enumerable.Range(0, 1300).Select(i => i * 7 % 12)];
        using Expert expert = Record(problem, rows, "many");
        var context = new ExampleContext(expert, new SecondOrderProducts(SecondDerivatives.Exact), Steps) { Checkpoints = 2 };
        ParameterLoss measure = theta => theta.Dot(theta);
        double[] scores = new TracInInfluence(context).Scores(measure);
        // The weights of all examples together are the weight of D's mean loss.
        double expected = 0;
        foreach (int t in (int[])[0, 3])
        {
            Tensor theta = context.Theta(t);
            expected -= 0.06 * Differential.GradientAt(context.LossOfData, theta).Dot(theta.Times(2));
        }
        Assert.Equal(expected, scores.Sum(), 1e-10 * Math.Abs(expected));
        Assert.Equal(scores[5], scores[5 + 1200], 1e-12 * Math.Abs(scores[5]));
    }

    private static Network Smooth => new ConvNet(new Shape(1, 6, 6), 3, width: 2, depth: 1, Activation.Softplus);

    private static TinyProblem FullBatch(Network network, double rate, int steps) =>
        new(CheckpointSchedule.Every(steps), network: network, backend: s_backend,
            plan: new TrainingPlan(steps, 12, rate, 0, 0, RateSchedule.Constant));

    // The same training on other rows, as one batch.
    private static Expert Record(TinyProblem problem, int[] rows, string name) => Expert.Record(
            new ExpertTraining(problem.Network, problem.Data.Rows(rows), problem.Plan with { BatchSize = rows.Length },
                CheckpointSchedule.Every(Steps), RandomKey.FromSeed(5)),
            Path.Combine(problem.Folder, $"{name}.safetensors"));

    private static ExampleContext Context(TinyProblem problem, int steps) =>
        new(problem.Experts[0], problem.Context.Products, steps) { Checkpoints = Steps };

    private static double[] Predicted(TinyProblem problem, string name, Intervention intervention) =>
        ExampleInfluences.Create(name, Context(problem, Steps)).Displacement(intervention).ToArray<double>();

    private static double[] Retrained(TinyProblem problem, Intervention intervention, int steps)
    {
        var folder = new RetrainingCache(problem.Experts[0], Path.Combine(problem.Folder, "again"), [steps]);
        Tensor theta = folder.Theta(folder.Run([intervention])[0], 0);
        return theta.Minus(Context(problem, steps).Theta(steps)).ToArray<double>();
    }
}
