using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>A loss as a function of the flat parameter vector θ [p].</summary>
public delegate Variable ParameterLoss(Variable theta);

/// <summary>A loss L(θ; S) as a function of the flat parameter vector θ [p] and of any other variables S, such as
/// synthetic images and the logits of their labels.</summary>
public delegate Variable Loss(Variable theta, IReadOnlyList<Variable> s);

/// <summary>
/// Derivatives as functions on tensors. What is made on the way goes back to the pool; results own their memory and
/// belong to the caller's scope. Each works the same inside <see cref="Recording.Off"/>.
/// </summary>
public static class Differential
{
    /// <summary>Jᵀȳ for each input of a function at the given inputs; zeros where it does not depend on one.</summary>
    /// <exception cref="ShapeException">The cotangent's shape is not the result's.</exception>
    public static Tensor[] Vjp(
        Func<IReadOnlyList<Variable>, Variable> function, IReadOnlyList<Tensor> inputs, Tensor cotangent)
    {
        using TensorScope scope = TensorScope.Begin();
        using IDisposable _ = Recording.On();
        Variable[] leaves = [.. inputs.Select(Variable.Leaf)];
        return Keep(scope, Gradient.Of(function(leaves), leaves, Variable.Constant(cotangent)));
    }

    /// <summary>∇L(θ) [p].</summary>
    /// <exception cref="ShapeException">The loss is not a scalar.</exception>
    public static Tensor GradientAt(ParameterLoss loss, Tensor theta)
    {
        using TensorScope scope = TensorScope.Begin();
        using IDisposable _ = Recording.On();
        Variable leaf = Variable.Leaf(theta);
        return Keep(scope, [Gradient.Of(loss(leaf), leaf)])[0];
    }

    /// <summary>
    /// ∇²L(θ)·v [p], exact up to rounding, as the gradient of ⟨∇L(θ), v⟩ (Pearlmutter, "Fast Exact Multiplication by
    /// the Hessian", 1994). Where L has kinks (ReLU) this is the Hessian almost everywhere. NaN in θ or v spreads.
    /// </summary>
    /// <exception cref="ShapeException">The loss is not a scalar, or v is not of θ's shape.</exception>
    public static Tensor Hvp(ParameterLoss loss, Tensor theta, Tensor v)
    {
        DifferenceStep.CheckDirection(theta, v);
        using TensorScope scope = TensorScope.Begin();
        using IDisposable _ = Recording.On();
        Variable leaf = Variable.Leaf(theta);
        Variable gradient = Gradient.Of(loss(leaf), leaf, createGraph: true);
        return Keep(scope, [Gradient.Of(gradient, leaf, Variable.Constant(v))])[0];
    }

    /// <summary>
    /// ∇²L(θ)·v [p] by central differences of two ordinary gradients, (∇L(θ + εv) − ∇L(θ − εv))/2ε with
    /// ‖εv‖ = c·max(‖θ‖, 1), see <see cref="DifferenceStep"/>; exactly zero where v is. Needs no graph of a graph;
    /// over kinks it takes a mean. The loss may be called on two threads at once, and must not keep anything between calls.
    /// </summary>
    /// <param name="loss">L.</param>
    /// <param name="theta">θ [p].</param>
    /// <param name="v">The direction, [p].</param>
    /// <param name="relativeStep">c; null takes <see cref="DifferenceStep.Default"/> of θ's number type.</param>
    /// <exception cref="ShapeException">The loss is not a scalar, or v is not of θ's shape.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is not positive and finite.</exception>
    public static Tensor HvpByDifferences(ParameterLoss loss, Tensor theta, Tensor v, double? relativeStep = null)
    {
        using TensorScope scope = TensorScope.Begin();
        using IDisposable _ = FullPrecision.Require();
        double step = DifferenceStep.Along(theta, v, relativeStep);
        if (step == 0)
            return scope.Keep(theta.ZerosLike());
        return scope.Keep(Central(scope, theta, v, step, at => [GradientAt(loss, at)])[0]);
    }

    // (f(θ + εv) − f(θ − εv))/2ε: two walks that know nothing of each other, and fill two lanes better than each of them
    // fills both.
    internal static Tensor[] Central(TensorScope scope, Tensor theta, Tensor v, double step, Func<Tensor, Tensor[]> f)
    {
        Tensor[][] ends = scope.InParallel(
            theta.Backend, 2, i => f(TensorAlgebra.Axpy(i == 0 ? step : -step, v, theta)));
        return [.. ends[0].Select((up, i) => up.Minus(ends[1][i]).Times(1 / (2 * step)))];
    }

    // A copy, because a result may share its memory with an argument, or two results with each other.
    internal static Tensor[] Keep(TensorScope scope, IReadOnlyList<Variable> results) =>
        [.. results.Select(r => scope.Keep(r.Value.Clone()))];
}

/// <summary>
/// M_S(θ; v) = ∂/∂S ⟨v, ∇_θ L(θ; S)⟩ with v held constant: how a change of S turns the gradient that training on S
/// follows. The two ways agree up to the truncation of a difference; for the training of S the second is the cheaper.
/// </summary>
public static class MixedProduct
{
    /// <summary>M_S for each tensor of S, of its shape, by double backprop; exact up to rounding, and exactly linear in
    /// v. NaN spreads.</summary>
    /// <exception cref="ShapeException">The loss is not a scalar, or v is not of θ's shape.</exception>
    public static Tensor[] Exact(Loss loss, Tensor theta, Tensor v, IReadOnlyList<Tensor> s)
    {
        DifferenceStep.CheckDirection(theta, v);
        using TensorScope scope = TensorScope.Begin();
        using IDisposable _ = Recording.On();
        Variable leaf = Variable.Leaf(theta);
        Variable[] leaves = [.. s.Select(Variable.Leaf)];
        Variable gradient = Gradient.Of(loss(leaf, leaves), leaf, createGraph: true);
        return Differential.Keep(scope, Gradient.Of(gradient, leaves, Variable.Constant(v)));
    }

    /// <summary>
    /// M_S for each tensor of S by central differences along v, (∇_S L(θ + εv; S) − ∇_S L(θ − εv; S))/2ε with
    /// ‖εv‖ = c·max(‖θ‖, 1), see <see cref="DifferenceStep"/>: two ordinary backward passes to S alone, without a graph
    /// of a graph; exactly zero where v is. The loss may be called on two threads at once, and must not keep anything.
    /// </summary>
    /// <param name="loss">L.</param>
    /// <param name="theta">θ [p].</param>
    /// <param name="v">The direction, [p].</param>
    /// <param name="s">S.</param>
    /// <param name="relativeStep">c; null takes <see cref="DifferenceStep.Default"/> of θ's number type.</param>
    /// <exception cref="ShapeException">The loss is not a scalar, or v is not of θ's shape.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is not positive and finite.</exception>
    public static Tensor[] ByDifferences(
        Loss loss, Tensor theta, Tensor v, IReadOnlyList<Tensor> s, double? relativeStep = null)
    {
        using TensorScope scope = TensorScope.Begin();
        using IDisposable _ = FullPrecision.Require();
        double step = DifferenceStep.Along(theta, v, relativeStep);
        if (step == 0)
            return [.. s.Select(x => scope.Keep(x.ZerosLike()))];
        return [.. Differential.Central(scope, theta, v, step, at => GradientInS(loss, at, s)).Select(scope.Keep)];
    }

    // θ is a constant here: nothing that leads to it alone is recorded, and no weight gradient is computed.
    private static Tensor[] GradientInS(Loss loss, Tensor theta, IReadOnlyList<Tensor> s)
    {
        using TensorScope scope = TensorScope.Begin();
        using IDisposable _ = Recording.On();
        Variable[] leaves = [.. s.Select(Variable.Leaf)];
        return Differential.Keep(scope, Gradient.Of(loss(Variable.Constant(theta), leaves), leaves));
    }
}

/// <summary>
/// The step of central differences along a direction v at θ: ‖εv‖ = c·max(‖θ‖, 1). The truncation error grows with
/// c², the rounding error with u/c, u the rounding unit: they balance at the cube root of u, 3.9e-3 in float32 and
/// 4.8e-6 in float64. u is that of float32: every difference is taken under <see cref="FullPrecision"/>.
/// </summary>
/// <remarks>
/// Bounds that the tests hold, as ‖difference − exact‖/‖exact‖ of H v and of M_S (images, label logits) on a smooth
/// network of one block (softplus, tanh or GELU; convolution, instance norm, pooling, linear layer, soft labels):
/// 2e-4 in float32 against the exact product in float64 (measured: 7e-5 at most), 1e-9 in float64 (measured: 1.1e-10).
/// Across ReLU kinks a difference averages, and no such bound holds.
/// </remarks>
public static class DifferenceStep
{
    /// <summary>c: the cube root of 6e-8 for float32, of 1.1e-16 for float64.</summary>
    public static double Default(DType dtype) => Math.Cbrt(dtype == DType.Float32 ? 6e-8 : 1.1e-16);

    /// <summary>c for the outer of two nested differences, the fourth root of the rounding unit: 1.6e-2 for float32,
    /// 1e-4 for float64.</summary>
    public static double Nested(DType dtype) => Math.Sqrt(Math.Sqrt(dtype == DType.Float32 ? 6e-8 : 1.1e-16));

    /// <summary>ε for the direction v at θ; 0 where v is zero, NaN where θ or v holds NaN.</summary>
    /// <exception cref="ShapeException">v is not of θ's shape.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is not positive and finite.</exception>
    public static double Along(Tensor theta, Tensor v, double? relativeStep = null)
    {
        CheckDirection(theta, v);
        double c = relativeStep ?? Default(theta.DType);
        if (!(c > 0) || !double.IsFinite(c))
            throw new ArgumentOutOfRangeException(nameof(relativeStep), c, "A step must be positive and finite.");
        double[] squares = TensorAlgebra.Dots((v, v), (theta, theta));
        double length = Math.Sqrt(squares[0]);
        return length == 0 ? 0 : c * Math.Max(Math.Sqrt(squares[1]), 1) / length;
    }

    internal static void CheckDirection(Tensor theta, Tensor v)
    {
        if (v.Shape != theta.Shape)
            throw new ShapeException($"The direction {v.Shape} must have the shape {theta.Shape} of the parameters.");
    }
}
