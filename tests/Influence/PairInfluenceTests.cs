using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.Methods;

namespace InfMatch.Tests.Influence;

/// <summary>What leaving out a pair does, against training again: a pair is found by its own terms, and others are told apart from
/// it.</summary>
public sealed class PairInfluenceTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(50);

    [Theory, InlineData(0), InlineData(0.9)]
    public void Both_parts_of_a_pair_are_the_derivative_of_training_and_its_own_terms_alone_are_not(double momentum)
    {
        using var problem = new TinyPairs(momentum: momentum, rate: 0.02, backend: new CpuBackend(1));
        using var scope = TensorScope.Begin();
        ExampleContext context = Context(problem);
        PairScoresByPart found = new PairInfluence(context).Scores(Measure);
        for (int pair = 0; pair < TinyPairs.Count; pair++)
        {
            double actual = SlopeOfTraining(problem, pair);
            Assert.True(
                Math.Abs(found.Whole[pair] - actual) < 1e-6 * Scale(found), $"{pair}: {found.Whole[pair]:R}, by training {actual:R}");
        }
        double[] slopes = [.. Enumerable.Range(0, TinyPairs.Count).Select(pair => SlopeOfTraining(problem, pair))];
        Assert.True(Agreement.RelativeError(found.AsPositive, slopes) > 0.1);
        Assert.True(Agreement.RelativeError(found.AsNegative, slopes) > 0.1);
    }

    [Fact]
    public void The_unrolled_estimate_of_examples_is_the_sum_of_the_parts_and_its_displacement_agrees()
    {
        using var problem = new TinyPairs(momentum: 0.9, rate: 0.02, backend: new CpuBackend(1));
        using var scope = TensorScope.Begin();
        ExampleContext context = Context(problem);
        double[] whole = new PairInfluence(context).Scores(Measure).Whole;
        var unrolled = new UnrolledInfluence(context, curvature: true);
        Assert.True(Agreement.RelativeError(unrolled.Scores(Measure), whole) < 1e-10);
        Tensor slope = Differential.GradientAt(Measure, context.Theta(TinyPairs.Steps));
        for (int pair = 0; pair < 3; pair++)
        {
            Tensor moved = unrolled.Displacement(Intervention.TakeAway(TinyPairs.Count, 1, pair));
            Assert.Equal(-whole[pair], moved.Dot(slope), 1e-10);
        }
    }

    [Fact]
    public void Training_again_with_less_of_a_pair_ends_where_both_parts_say_and_not_where_its_own_does()
    {
        const double share = 0.05;
        using var problem = new TinyPairs(rate: 0.02, backend: new CpuBackend(1));
        using var scope = TensorScope.Begin();
        ExampleContext context = Context(problem);
        string folder = Directory.CreateTempSubdirectory("infmatch-").FullName;
        try
        {
            var cache = new RetrainingCache(problem.Experts[0], folder, [TinyPairs.Steps]);
            double[] Changes(double taken) => [.. cache.Run([.. Enumerable.Range(0, TinyPairs.Count).Select(pair =>
                Intervention.TakeAway(TinyPairs.Count, taken, pair))]).Select(file =>
                    At(cache.Theta(file, 0)) - At(context.Theta(TinyPairs.Steps)))];
            PairScoresByPart found = new PairInfluence(context).Scores(Measure);
            double[] actual = Changes(share);
            double both = Agreement.RelativeError([.. found.Whole.Select(x => -share * x)], actual);
            double own = Agreement.RelativeError([.. found.AsPositive.Select(x => -share * x)], actual);
            Assert.True(both < 0.15 && own > 3 * both, $"errors {both:F3} and {own:F3}");
            // Leaving it out of a batch of four is far from linear, but the order stays.
            double order = Agreement.Spearman([.. found.Whole.Select(x => -x)], Changes(1));
            Assert.True(order > 0.6, $"rank correlation {order:F3}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Estimates_that_take_the_loss_of_all_of_D_at_once_refuse_it()
    {
        using var problem = new TinyPairs(backend: new CpuBackend(1));
        using var scope = TensorScope.Begin();
        foreach (string name in (string[])["koh-liang-cg", "paper", "tracin"])
        {
            ExampleInfluence estimate = ExampleInfluences.Create(name, Context(problem));
            Assert.Contains(
                "Take first-order or unrolled, which follow the minibatches",
                Assert.Throws<InvalidOperationException>(() => estimate.Scores(Measure)).Message, StringComparison.Ordinal);
        }
    }

    private static ExampleContext Context(TinyPairs problem) =>
        new(problem.Experts[0], new SecondOrderProducts(SecondDerivatives.Exact), TinyPairs.Steps);

    // Smooth and of no symmetry.
    private static Variable Measure(Variable theta) => (theta * Variable.Constant(Tensor.Normal(
        theta.Value.Backend, DType.Float64, theta.Shape, s_key))).Tanh().Sum();

    private static double At(Tensor theta) => Measure(Variable.Constant(theta)).Value.ToScalar();

    private static double Scale(PairScoresByPart found) => found.Whole.Max(Math.Abs);

    // dm/dw of a pair by training under two weights near 1, extrapolated to none apart.
    private static double SlopeOfTraining(TinyPairs problem, int pair)
    {
        double coarse = Slope(2e-3), fine = Slope(1e-3);
        return (4 * fine - coarse) / 3;

        double Slope(double apart) => (Trained(1 + apart) - Trained(1 - apart)) / (2 * apart);

        double Trained(double weight)
        {
            using var scope = TensorScope.Begin();
            double[] weights = [.. Enumerable.Repeat(1.0, TinyPairs.Count)];
            weights[pair] = weight;
            Expert expert = problem.Experts[0];
            Tensor start = expert.Trajectory.Theta(0, problem.Backend, DType.Float64);
            return At(expert.Retraining(weights, null).Run(start));
        }
    }
}
