using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

public class ObjectiveGradientTests
{
    private static readonly Augmentation s_augmentation = new(AugmentationOps.Photographs);

    public static TheoryData<string, WeightRule, SecondDerivatives, double, ClassWise> Cases()
    {
        var cases = new TheoryData<string, WeightRule, SecondDerivatives, double, ClassWise>();
        foreach (string estimator in Kinds.Names<InfluenceEstimator>())
        foreach (WeightRule rule in Enum.GetValues<WeightRule>())
        foreach (SecondDerivatives mode in Enum.GetValues<SecondDerivatives>())
        {
            cases.Add(estimator, rule, mode, 0, ClassWise.Off);
            cases.Add(estimator, rule, mode, 0, ClassWise.On);
            cases.Add(estimator, rule, mode, 0, ClassWise.Both);
            if (estimator == "unrolled")
                cases.Add(estimator, rule, mode, 0.9, ClassWise.Off);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_gradient_of_J_agrees_with_numeric_differentiation(
        string estimator, WeightRule rule, SecondDerivatives mode, double momentum, ClassWise classWise)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), momentum, momentum == 0 ? 0 : 0.01, mode);
        var objective = new BoundEstimator(estimator, problem.Context).Objective(rule, classWise);
        var window = new Window(0, 1, 5);
        var loss = new ImageLoss(problem.Network, s_augmentation, RandomKey.FromSeed(3));
        SyntheticSet s = problem.Start;
        double At(double[] images, double[] logits, double weight)
        {
            using var scope = TensorScope.Begin();
            var moved = new SyntheticSet(
                Tensor.From<double>(problem.Backend, images, s.Images.Shape),
                Tensor.From<double>(problem.Backend, logits, s.LabelLogits.Shape), weight);
            return objective.Evaluate(window, moved, loss, gradient: false).Relative;
        }

        ObjectiveValue value = objective.Evaluate(window, s, loss);

        double[] x = s.Images.ToArray<double>(), l = s.LabelLogits.ToArray<double>();
        // Two nested differences of step 1e-4·‖θ‖ and 5e-6·‖θ‖ leave a few times 1e-6.
        // Class by class the residual of one class is the smaller, and the same differences leave up to 3.1e-5 of it.
        // One-sided differences have an error as their step, which is 2.4e-5·‖θ‖.
        double tolerance = mode == SecondDerivatives.Exact ? 1e-6
            : mode == SecondDerivatives.FiniteDifference && classWise == ClassWise.Off ? 1e-5 : 1e-4;
        // The rule is in no sum over pixels or labels: a few of each tell a wrong weight.
        (int images, int labels) = rule == WeightRule.ClosedForm ? (8, 9) : (3, 3);
        Check(value.Gradient!.Images.ToArray<double>(), x, v => At(v, l, s.Weight), images, tolerance);
        Check(value.Gradient!.LabelLogits.ToArray<double>(), l, v => At(x, v, s.Weight), labels, tolerance);
        if (rule != WeightRule.ClosedForm)
            Check([value.WeightGradient], [s.Weight], v => At(x, l, v[0]), 1, 1e-6);
        else if (classWise == ClassWise.Off && value.Cosine > 1e-3)
            Assert.Equal(1 - value.Cosine * value.Cosine, value.Relative, 1e-9);
    }

    // c_t of a training on S stands in the walk, in dS and in the cotangent.
    [Fact]
    public void The_gradient_of_J_agrees_with_numeric_differentiation_at_a_rate_of_Ss_own()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6));
        using var objective = new InfluenceObjective(
            new TrajectoryMatchingEstimator(), problem.Context with { SyntheticRate = 0.37 }, WeightRule.ClosedForm);
        var window = new Window(0, 1, 5);
        var loss = new ImageLoss(problem.Network, s_augmentation, RandomKey.FromSeed(3), siamese: false);
        SyntheticSet s = problem.Start;
        double[] x = s.Images.ToArray<double>(), l = s.LabelLogits.ToArray<double>();
        double At(double[] images, double[] logits)
        {
            using var scope = TensorScope.Begin();
            var moved = new SyntheticSet(
                Tensor.From<double>(problem.Backend, images, s.Images.Shape),
                Tensor.From<double>(problem.Backend, logits, s.LabelLogits.Shape), s.Weight);
            return objective.Evaluate(window, moved, loss, gradient: false).Relative;
        }

        SyntheticGradient found = objective.Evaluate(window, s, loss).Gradient!;
        Check(found.Images.ToArray<double>(), x, v => At(v, l), 40, 1e-6);
        Check(found.LabelLogits.ToArray<double>(), l, v => At(x, v), 9, 1e-6);
    }

    internal static void Check(double[] analytic, double[] at, Func<double[], double> f, int most, double tolerance)
    {
        const double step = 1e-5;
        int stride = Math.Max(1, at.Length / most);
        double scale = analytic.Max(Math.Abs);
        Assert.True(scale > 1e-9, "a gradient that is zero everywhere proves nothing");
        for (int i = 0; i < at.Length; i += stride)
        {
            double[] moved = [.. at];
            moved[i] = at[i] + step;
            double plus = f(moved);
            moved[i] = at[i] - step;
            double numeric = (plus - f(moved)) / (2 * step);
            Assert.True(
                Math.Abs(analytic[i] - numeric) <= tolerance * (scale + Math.Abs(numeric)),
                $"element {i}: analytic {analytic[i]:R}, numeric {numeric:R}, largest {scale:R}");
        }
    }
}
