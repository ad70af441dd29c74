using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>A loss as a function of the flat parameter vector θ [p].</summary>
public delegate Variable ParameterLoss(Variable theta);

/// <summary>A loss L(θ; S) as a function of the flat parameter vector θ [p] and of any other variables S, such as
/// synthetic images and the logits of their labels.</summary>
public delegate Variable Loss(Variable theta, IReadOnlyList<Variable> s);

/// <summary>
/// Derivatives as functions: <see cref="Grad"/> of functions on variables, the others of functions on tensors. Of
/// these, intermediate results go back to the pool; results own their memory and belong to the caller's scope. Each
/// works the same inside <see cref="Recording.Off"/>.
/// </summary>
public static class Differential
{
    /// <summary>
    /// ∇f as a function: from x of any shape to the gradient, of x's shape, of a function f with a scalar result. It is
    /// differentiable like any other function, so <c>Grad(Grad(f))</c> is f″ where x is a scalar. A gradient that is
    /// not differentiated again is cheaper inside <see cref="Recording.Off"/>: then no graph of it is made.
    /// </summary>
    /// <example>
    /// <code>
    /// Func&lt;Variable, Variable&gt; f = x =&gt; x * x * x;
    /// Func&lt;Variable, Variable&gt; slope = Differential.Grad(f), curvature = Differential.Grad(slope);
    /// Console.WriteLine(slope(2.0).Value);     // 3x² = 12
    /// Console.WriteLine(curvature(2.0).Value); // 6x = 12
    /// </code>
    /// </example>
    /// <exception cref="ShapeException">Of the function returned: the result of f is not a scalar.</exception>
    public static Func<Variable, Variable> Grad(Func<Variable, Variable> f) => x =>
    {
        bool createGraph = Recording.IsOn;
        using IDisposable _ = Recording.On();
        // A variable of its own: f may also use x from outside, and that use is no part of this derivative.
        Variable own = x.RequiresGradient ? new Reshape(x.Shape).On(x) : Variable.Leaf(x.Value);
        return Gradient.Of(f(own), own, createGraph: createGraph);
    };

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
    /// over kinks it takes a mean. The loss may be called on two threads at once, and must not keep anything between
    /// calls.
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

    // (f(θ + εv) − f(θ − εv))/2ε. The two ends are independent: one thread for each is faster than two threads for
    // one after the other.
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
