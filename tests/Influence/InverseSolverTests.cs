using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.Methods;

namespace InfMatch.Tests.Influence;

/// <summary>What the solvers of the inverse Hessian say where it is not positive.</summary>
public sealed class InverseSolverTests
{
    private static readonly CpuBackend s_backend = new(1);

    // At the start of a network with a hidden layer the Hessian has eigenvalues on both sides of 0; the lowest is found here by
    // power iteration.
    [Fact]
    public void Conjugate_gradients_tell_a_negative_curvature_with_its_size_and_what_to_raise()
    {
        using var scope = TensorScope.Begin();
        using TinyProblem problem = Bent();
        ExampleContext context = Context(problem);
        Tensor theta = context.Theta(0);
        double[] lowest = LowestEigenvector(context, theta, out double least);
        Assert.True(least < -1e-3, $"{least}");
        Tensor v = Tensor.From<double>(s_backend, lowest, theta.Shape);

        // Along an eigenvector of a negative eigenvalue there is not even a first step.
        double damping = -least / 2;
        var indefinite = new KohLiangInfluence(context, InverseSolver.ConjugateGradients) { Damping = damping };
        NumericalException e = Assert.Throws<NumericalException>(() => indefinite.Solve(theta, v));
        Assert.Contains("H is indefinite there: raise --damping above ", e.Message, StringComparison.Ordinal);
        Assert.Contains(FormattableString.Invariant($"above {-least:G3} (now {damping:G3})"), e.Message, StringComparison.Ordinal);

        // Along anything else it is met on the way: the rest of the solution stands, and the remark says what is missing.
        var random = new double[theta.Count];
        RandomKey.FromSeed(3).Normal(random);
        Tensor w = Tensor.From<double>(s_backend, random, theta.Shape);
        var cut = new KohLiangInfluence(context, InverseSolver.ConjugateGradients) { Damping = damping, Iterations = 500 };
        Tensor part = cut.Solve(theta, w);
        Assert.True(double.IsFinite(part.Norm()) && part.Norm() > 0);
        Assert.Contains("koh-liang-cg: H + λI is indefinite in 1 of 1 solutions", cut.Remark, StringComparison.Ordinal);
        Assert.Contains("--damping", cut.Remark, StringComparison.Ordinal);

        var definite = new KohLiangInfluence(context, InverseSolver.ConjugateGradients) { Damping = -2 * least, Iterations = 500 };
        Tensor x = definite.Solve(theta, w);
        Assert.Null(definite.Remark);
        Tensor back = TensorAlgebra.Axpy(-2 * least, x, context.Field.HessianVector(theta, context.LossOfData, x));
        Assert.True(back.Minus(w).Norm() < 1e-5 * w.Norm());
    }

    [Fact]
    public void LiSSA_that_diverges_is_an_error_that_names_scale_damping_and_depth()
    {
        using var scope = TensorScope.Begin();
        using TinyProblem problem = Bent();
        ExampleContext context = Context(problem);
        Tensor theta = context.Theta(0);
        Tensor v = Tensor.From<double>(s_backend, LowestEigenvector(context, theta, out double least), theta.Shape);
        var lissa = new KohLiangInfluence(context, InverseSolver.Lissa) { Damping = -least / 4, Depth = 100_000 };
        NumericalException e = Assert.Throws<NumericalException>(() => lissa.Solve(theta, v));
        Assert.Contains("the length of LiSSA's sum became ", e.Message, StringComparison.Ordinal);
        foreach (string named in (string[])["It diverges: with scale ", "Raise --damping", "lower the depth (now 100000)", "koh-liang-cg"])
            Assert.Contains(named, e.Message, StringComparison.Ordinal);
        // It is stopped as soon as it is longer than any solution, and not at 1e56.
        double length = double.Parse(
            e.Message.Split("became ")[1].Split(". ")[0], System.Globalization.CultureInfo.CurrentCulture);
        Assert.InRange(length, 1e-3, 1e9);
    }

    [Fact]
    public void Parameters_that_are_not_finite_are_named_by_both_solvers()
    {
        using var scope = TensorScope.Begin();
        using TinyProblem problem = Bent();
        ExampleContext context = Context(problem);
        Tensor theta = Tensor.Full(s_backend, DType.Float64, context.Theta(0).Shape, double.NaN), v = theta.ZerosLike();
        v = Tensor.Full(s_backend, DType.Float64, v.Shape, 1);
        foreach (InverseSolver solver in Enum.GetValues<InverseSolver>())
        {
            NumericalException e = Assert.Throws<NumericalException>(() => new KohLiangInfluence(context, solver).Solve(theta, v));
            Assert.Contains("became NaN", e.Message, StringComparison.Ordinal);
        }
    }

    private static TinyProblem Bent() => new(
        CheckpointSchedule.Every(6), backend: s_backend, rate: 0.1,
        network: new Mlp(new Shape(1, 6, 6), 3, [4], Activation.Tanh));

    private static ExampleContext Context(TinyProblem problem) =>
        new(problem.Experts[0], new SecondOrderProducts(SecondDerivatives.Exact), 6);

    // By shifted power iteration: the largest eigenvalue of c − H is at the lowest of H.
    private static double[] LowestEigenvector(ExampleContext context, Tensor theta, out double least)
    {
        var start = new double[theta.Count];
        RandomKey.FromSeed(8).Normal(start);
        Tensor v = Tensor.From<double>(s_backend, start, theta.Shape);
        const double shift = 10;
        for (int i = 0; i < 3000; i++)
        {
            v = v.Times(1 / v.Norm());
            v = TensorAlgebra.Axpy(-1, context.Field.HessianVector(theta, context.LossOfData, v), v.Times(shift));
        }
        v = v.Times(1 / v.Norm());
        least = v.Dot(context.Field.HessianVector(theta, context.LossOfData, v));
        return v.ToArray<double>();
    }
}
