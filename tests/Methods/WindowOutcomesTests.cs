using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

public sealed class WindowOutcomesTests
{
    private static readonly Window s_window = new(0, 2, 5);
    private static readonly RandomKey s_key = RandomKey.FromSeed(3);

    // The logits of a label of which softmax leaves nothing but the class.
    private const double Sure = 40;

    private static WindowOutcomes Of(TinyProblem problem, WeightRule rule) =>
        new(new TrajectoryMatchingEstimator(), problem.Context, rule, problem.Data);

    private static TinyProblem Problem(int batch, double momentum = 0) => new(
        CheckpointSchedule.Every(6), backend: new CpuBackend(1),
        plan: new TrainingPlan(batch == 12 ? 6 : 2, batch, 0.1, momentum, 0, RateSchedule.Constant));

    [Fact]
    public void A_set_that_is_D_does_on_every_path_what_D_does()
    {
        using TinyProblem problem = Problem(batch: 12);
        var s = new SyntheticSet(problem.Data.Images, problem.Data.Labels.Times(Sure), 1);
        var loss = new ImageLoss(problem.Network, Augmentation.None, default);
        using WindowOutcomes outcomes = Of(problem, WeightRule.Fixed);
        RealOutcome real = outcomes.OfReal(s_window, s_key);
        SyntheticOutcome found = outcomes.OfSet(s_window, s, loss);
        Assert.Equal(0, real.NoiseShare, 1e-6); // a batch of all has one order
        Assert.True(real.LossBefore - real.LossAfter > 1e-3, "steps that change nothing prove nothing");
        // Trajectories are stored in float32.
        Assert.Equal(0, found.Relative, 1e-6);
        Assert.Equal(0, found.OfFunction, 1e-6);
        Assert.Equal(real.LossAfter, found.LossFromReal, 1e-6);
        Assert.Equal(real.LossAfter, found.LossFromOwn, 1e-6);
        Assert.Equal(real.LossBefore, found.OwnLossBefore, 1e-6);
    }

    [Fact]
    public void A_set_without_weight_scores_one_in_parameters_and_in_answers()
    {
        using TinyProblem problem = Problem(batch: 4);
        using WindowOutcomes outcomes = Of(problem, WeightRule.Fixed);
        SyntheticOutcome found = outcomes.OfSet(
            s_window, problem.Start with { Weight = 0 }, new ImageLoss(problem.Network, Augmentation.None, default));
        Assert.Equal(1, found.Relative, 1e-12);
        Assert.Equal(1, found.OfFunction, 1e-12);
        Assert.NotEqual(found.LossFromReal, found.LossFromOwn);
    }

    [Fact]
    public void Answers_are_compared_by_the_divergence_from_where_D_ends()
    {
        using TinyProblem problem = Problem(batch: 4);
        using WindowOutcomes outcomes = Of(problem, WeightRule.Fixed);
        var loss = new ImageLoss(problem.Network, Augmentation.None, default);
        Tensor start = problem.Context.Theta(s_window, 2), end = problem.Context.Theta(s_window, 5);
        Tensor moved = TensorAlgebra.Axpy(
            problem.Start.Weight, new BoundEstimator(new TrajectoryMatchingEstimator(), problem.Context).Synthetic(s_window, problem.Start, loss),
            start);
        Assert.Equal(
            DivergenceFrom(end, moved) / DivergenceFrom(end, start), outcomes.OfSet(s_window, problem.Start, loss).OfFunction, 1e-5);

        double DivergenceFrom(Tensor from, Tensor to)
        {
            double[][] p = Answers(from), q = Answers(to);
            return p.Zip(q, (a, b) => a.Zip(b, (x, y) => x * Math.Log(x / y)).Sum()).Sum();
        }

        double[][] Answers(Tensor theta) =>
        [
            .. problem.Network.Logits(theta, problem.Data.Images).Chunk(3).Select(z =>
            {
                double sum = z.Sum(v => Math.Exp(v));
                return z.Select(v => Math.Exp(v) / sum).ToArray();
            }),
        ];
    }

    [Fact]
    public void Minibatches_leave_a_share_of_noise_that_is_another_orders()
    {
        using TinyProblem problem = Problem(batch: 4);
        using WindowOutcomes outcomes = Of(problem, WeightRule.Fixed);
        double share = outcomes.OfReal(s_window, s_key).NoiseShare;
        Assert.InRange(share, 1e-4, 2);
        Assert.Equal(share, outcomes.OfReal(s_window, s_key).NoiseShare);
        Assert.NotEqual(share, outcomes.OfReal(s_window, RandomKey.FromSeed(4)).NoiseShare);
    }

    [Fact]
    public void The_share_of_noise_is_not_known_with_momentum_or_where_it_is_not_asked_for()
    {
        using TinyProblem problem = Problem(batch: 4), moving = Problem(batch: 4, momentum: 0.9);
        Assert.True(double.IsNaN(Of(problem, WeightRule.Fixed).OfReal(s_window, null).NoiseShare));
        Assert.True(double.IsNaN(Of(moving, WeightRule.Fixed).OfReal(s_window, s_key).NoiseShare));
    }
}
