using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.Nn;

namespace InfMatch.Tests.Methods;

/// <summary>Estimates against what training really does when the loss is moved from D to S.</summary>
public sealed class EstimatorRetrainingTests
{
    [Theory]
    [InlineData(0, 0, 0, 6)]
    [InlineData(0, 0, 2, 5)]
    [InlineData(0.9, 0, 0, 6)]
    [InlineData(0.9, 0.05, 0, 6)]
    [InlineData(0.9, 0.05, 3, 6)]
    public void The_unrolled_estimate_is_the_derivative_of_training_on_a_mixture_of_D_and_S(
        double momentum, double decay, int first, int last)
    {
        using var problem = new TinyProblem(
            CheckpointSchedule.Every(6), momentum, decay, backend: new CpuBackend(1), rate: 0.3);
        var window = new Window(0, first, last);
        var loss = new ImageLoss(
            problem.Network, new Augmentation(AugmentationOps.Photographs), RandomKey.FromSeed(3));
        var estimator = new BoundEstimator(new UnrolledEstimator(), problem.Context);
        Tensor estimate = Displacement(estimator, window, problem.Start, loss);

        const double s = 1e-4;
        Tensor up = Train(problem, loss, window, s), down = Train(problem, loss, window, -s);
        Tensor expected = up.Minus(down).Times(1 / (2 * s));

        // What is left is the truncation of the difference, of the order s². First order alone is far off.
        ConvNetTests.AssertClose(expected, estimate, 1e-8);
        Tensor crude = Displacement(new BoundEstimator(new FirstOrderEstimator(), problem.Context), window, problem.Start, loss);
        Assert.True(crude.Minus(expected).Norm() > 1e-2 * expected.Norm());
    }

    [Fact]
    public void Over_one_step_the_unrolled_real_side_is_minus_the_rate_times_the_gradient()
    {
        TrainingPlan plan = new(1, 12, 0.3, 0.9, 0.1, RateSchedule.Constant);
        using var problem = new TinyProblem(CheckpointSchedule.Every(1), backend: new CpuBackend(1), plan: plan);
        var window = new Window(0, 0, 1);
        Tensor real = new BoundEstimator(new UnrolledEstimator(), problem.Context).Real(window);
        Tensor gradient = Differential.GradientAt(
            t => problem.Context.RealLoss(problem.Network, t), problem.Context.Theta(window, 0));
        ConvNetTests.AssertClose(gradient.Times(-0.3), real, 1e-12);
    }

    [Fact]
    public void The_errors_of_first_and_second_order_fall_with_the_first_and_second_power_of_the_rate()
    {
        double[] rates = [0.08, 0.04, 0.02];
        double[] first = [.. rates.Select(rate => Error("first-order", rate))];
        double[] second = [.. rates.Select(rate => Error("paper+first", rate))];
        for (int i = 1; i < rates.Length; i++)
        {
            string found = $"first order {string.Join(", ", first)}; with second {string.Join(", ", second)}";
            Assert.True(first[i - 1] / first[i] is > 1.7 and < 2.3, found);
            Assert.True(second[i - 1] / second[i] is > 3.2 and < 4.8, found);
            Assert.True(second[i] < 0.5 * first[i], found);
        }
    }

    [Fact]
    public void The_published_terms_are_the_gradient_of_the_inner_product_of_the_two_gradients()
    {
        using var problem = FullBatch(0.1);
        var window = new Window(0, 0, 4);
        var loss = new ImageLoss(problem.Network, Augmentation.None, default);
        Variable[] s = [Variable.Constant(problem.Start.Images), Variable.Constant(problem.Start.LabelLogits)];
        var estimator = new BoundEstimator("paper", problem.Context);
        Tensor cross = problem.Context.Theta(window, 0).ZerosLike(), real = cross.ZerosLike();
        for (int t = 0; t < 4; t++)
        {
            double coefficient = 0.1 * 0.1 * (3 - t);
            Variable leaf = Variable.Leaf(problem.Context.Theta(window, t));
            Variable gD = Gradient.Of(problem.Context.RealLoss(problem.Network, leaf), leaf, createGraph: true);
            Variable gS = Gradient.Of(loss.At(leaf, s), leaf, createGraph: true);
            cross = TensorAlgebra.Axpy(coefficient, Gradient.Of(gD.Dot(gS), leaf).Value, cross);
            real = TensorAlgebra.Axpy(coefficient, Gradient.Of(gD.Dot(gD), leaf).Value, real);
        }
        ConvNetTests.AssertClose(cross, estimator.Synthetic(window, problem.Start, loss), 1e-10);
        ConvNetTests.AssertClose(real, estimator.Real(window), 1e-10);
    }

    [Theory]
    [InlineData("first-order")]
    [InlineData("unrolled")]
    [InlineData("paper")]
    [InlineData("paper+first")]
    public void Finite_differences_agree_with_exact_second_derivatives(string estimator)
    {
        double wide = Disagreement(estimator, DType.Float64), narrow = Disagreement(estimator, DType.Float32);
        // Two nested differences lose more: 1e-4·‖θ‖ and 5e-6·‖θ‖ in float64, 1.6e-2·‖θ‖ and 4e-3·‖θ‖ in float32.
        bool nested = estimator.StartsWith("paper", StringComparison.Ordinal);
        Assert.True(wide < (nested ? 1e-7 : 1e-9), $"float64: {wide:G3}");
        Assert.True(narrow < (nested ? 5e-3 : 2e-4), $"float32: {narrow:G3}");
        Assert.True(narrow > wide, "two number types that give the same were not both used");
    }

    // The difference of the gradients by finite differences and, always in float64, exactly.
    private static double Disagreement(string estimator, DType dtype)
    {
        double[] Of(SecondDerivatives mode, DType type)
        {
            using var problem = new TinyProblem(
                CheckpointSchedule.Every(6), mode: mode, backend: new CpuBackend(1), dtype: type);
            var objective = new BoundEstimator(estimator, problem.Context).Objective(WeightRule.Fixed);
            var loss = new ImageLoss(problem.Network, Augmentation.None, default);
            SyntheticGradient gradient = objective.Evaluate(new Window(0, 0, 4), problem.Start, loss).Gradient!;
            return [.. gradient.Images.ToArray<double>(), .. gradient.LabelLogits.ToArray<double>()];
        }
        double[] exact = Of(SecondDerivatives.Exact, DType.Float64);
        double[] differences = Of(SecondDerivatives.FiniteDifference, dtype);
        return Math.Sqrt(exact.Zip(differences, (a, b) => (a - b) * (a - b)).Sum() / exact.Sum(a => a * a));
    }

    // The relative error of δ against the unrolled one, on full batches.
    private static double Error(string estimator, double rate)
    {
        using var problem = FullBatch(rate);
        var window = new Window(0, 0, 6);
        var loss = new ImageLoss(problem.Network, Augmentation.None, default);
        Tensor expected = Displacement(new BoundEstimator(new UnrolledEstimator(), problem.Context), window, problem.Start, loss);
        Tensor found = Displacement(new BoundEstimator(estimator, problem.Context), window, problem.Start, loss);
        return found.Minus(expected).Norm() / expected.Norm();
    }

    private static TinyProblem FullBatch(double rate) => new(
        CheckpointSchedule.Every(6), backend: new CpuBackend(1),
        plan: new TrainingPlan(6, 12, rate, 0, 0, RateSchedule.Constant));

    private static Tensor Displacement(
        BoundEstimator estimator, Window window, SyntheticSet s, SyntheticLoss loss) =>
        estimator.Synthetic(window, s, loss).Minus(estimator.Real(window));

    // θ at the window's end, trained on (1−s)D + sS from the window's beginning on.
    private static Tensor Train(TinyProblem problem, SyntheticLoss loss, Window window, double s)
    {
        Expert expert = problem.Experts[0];
        TrainingPlan plan = problem.Plan;
        Variable[] synthetic = [Variable.Constant(problem.Start.Images), Variable.Constant(problem.Start.LabelLogits)];
        Tensor theta = problem.Context.Theta(window, 0), velocity = theta.ZerosLike();
        for (int t = 0; t < window.Last; t++)
        {
            (Variable images, Variable labels) = expert.BatchAt(t);
            double share = t >= window.First ? s : 0;
            Tensor real = Differential.GradientAt(x => problem.Network.Loss(x, images, labels), theta);
            Tensor other = Differential.GradientAt(x => loss.At(x, synthetic), theta);
            Tensor mixed = real.Times(1 - share).Plus(other.Times(share)).Plus(theta.Times(plan.WeightDecay));
            velocity = velocity.Times(plan.Momentum).Plus(mixed);
            theta = theta.Minus(velocity.Times(plan.Rate));
        }
        return theta;
    }
}
