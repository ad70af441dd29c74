using System.Numerics.Tensors;
using InfMatch.Tensors;

namespace InfMatch.Autograd;

public static partial class Functional
{
    /// <summary>|x|, with derivative 0 at 0.</summary>
    public static Variable Abs(this Variable x) => new Abs().On(x);

    /// <summary>The larger of a and b element by element, broadcast by NumPy's rules; of equal ones a has the
    /// derivative, and NaN spreads.</summary>
    public static Variable Maximum(this Variable a, Variable b) => Variable.Elementwise(new Maximum(), a, b);

    /// <summary>The larger of each element and a number; as <see cref="Maximum(Variable, Variable)"/>.</summary>
    public static Variable Maximum(this Variable a, double b) => a.Maximum(Variable.Like(a, b));

    /// <summary>The smaller of a and b element by element, broadcast by NumPy's rules; of equal ones a has the
    /// derivative, and NaN spreads.</summary>
    public static Variable Minimum(this Variable a, Variable b) => Variable.Elementwise(new Minimum(), a, b);

    /// <summary>The smaller of each element and a number; as <see cref="Minimum(Variable, Variable)"/>.</summary>
    public static Variable Minimum(this Variable a, double b) => a.Minimum(Variable.Like(a, b));
}

/// <summary>|x|; NaN stays NaN.</summary>
public readonly struct AbsFunction : IUnaryFunction
{
    static T IUnaryFunction.Apply<T, N>(T x) => x < T.Zero ? -x : x;

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) => TensorPrimitives.Abs(x, y);
}

/// <summary>y = |x|, with derivative 0 at 0.</summary>
[Formula("y = |x|", "x̄ = ȳ·sign x")]
public sealed record Abs : MapOp<Abs, AbsFunction>
{
    /// <inheritdoc/>
    protected override SampleInput Domain => new(Shape.Scalar, KinkAt: 0);

    /// <inheritdoc/>
    protected override Variable Vjp(Variable x, Variable y, Variable dy) => dy * new Sign().On(x);
}

/// <summary>1 above 0, −1 below, 0 at 0; NaN stays NaN.</summary>
public readonly struct SignFunction : IUnaryFunction
{
    static T IUnaryFunction.Apply<T, N>(T x) => x > T.Zero ? T.One : x < T.Zero ? -T.One : x;

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) => OneByOne.Map<SignFunction, T>(x, y);
}

/// <summary>y = 1 above 0, −1 below, 0 at 0; piecewise constant, so its derivative is zero everywhere.</summary>
[Formula("y = sign x", "x̄ = 0")]
public sealed record Sign : MapOp<Sign, SignFunction>
{
    /// <inheritdoc/>
    protected override SampleInput Domain => new(Shape.Scalar, KinkAt: 0);

    /// <inheritdoc/>
    protected override Variable? Vjp(Variable x, Variable y, Variable dy) => null;
}

/// <summary>max(a, b); NaN where one is NaN.</summary>
public readonly struct MaximumFunction : IBinaryFunction
{
    static T IBinaryFunction.Apply<T, N>(T a, T b) => a > b || T.IsNaN(a) ? a : b;

    static void IBinaryFunction.Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y) =>
        TensorPrimitives.Max(a, b, y);
}

/// <summary>y = max(a, b); of equal ones a has the derivative, which is piecewise constant.</summary>
[Formula("y = max(a, b)", "ā = ȳ where a ≥ b, b̄ = ȳ where b > a")]
public sealed record Maximum : ZipOp<Maximum, MaximumFunction>
{
    /// <inheritdoc/>
    protected override IReadOnlyList<int[]> LinearIn => [];

    /// <inheritdoc/>
    protected override Func<IReadOnlyList<double[]>, bool>? Accepts => Apart;

    /// <inheritdoc/>
    protected override Variable VjpA(Variable a, Variable b, Variable y, Variable dy) =>
        dy * (1 - new Step().On(b - a));

    /// <inheritdoc/>
    protected override Variable VjpB(Variable a, Variable b, Variable y, Variable dy) => dy * new Step().On(b - a);

    internal static bool Apart(IReadOnlyList<double[]> pair) =>
        pair[0].Zip(pair[1], (a, b) => Math.Abs(a - b) > 0.1).All(isFar => isFar);
}

/// <summary>min(a, b); NaN where one is NaN.</summary>
public readonly struct MinimumFunction : IBinaryFunction
{
    static T IBinaryFunction.Apply<T, N>(T a, T b) => a < b || T.IsNaN(a) ? a : b;

    static void IBinaryFunction.Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y) =>
        TensorPrimitives.Min(a, b, y);
}

/// <summary>y = min(a, b); of equal ones a has the derivative, which is piecewise constant.</summary>
[Formula("y = min(a, b)", "ā = ȳ where a ≤ b, b̄ = ȳ where b < a")]
public sealed record Minimum : ZipOp<Minimum, MinimumFunction>
{
    /// <inheritdoc/>
    protected override IReadOnlyList<int[]> LinearIn => [];

    /// <inheritdoc/>
    protected override Func<IReadOnlyList<double[]>, bool>? Accepts => InfMatch.Autograd.Maximum.Apart;

    /// <inheritdoc/>
    protected override Variable VjpA(Variable a, Variable b, Variable y, Variable dy) =>
        dy * (1 - new Step().On(a - b));

    /// <inheritdoc/>
    protected override Variable VjpB(Variable a, Variable b, Variable y, Variable dy) => dy * new Step().On(a - b);
}
