using System.Numerics.Tensors;
using InfMatch.Tensors;

namespace InfMatch.Autograd;

public static partial class Functional
{
    /// <summary>sin x, x in radians.</summary>
    public static Variable Sin(this Variable x) => new Sin().On(x);

    /// <summary>cos x, x in radians.</summary>
    public static Variable Cos(this Variable x) => new Cos().On(x);
}

/// <summary>sin x; NaN at ±∞.</summary>
public readonly struct SinFunction : IUnaryFunction
{
    static T IUnaryFunction.Apply<T, N>(T x) => N.Sin(x);

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) => TensorPrimitives.Sin(x, y);
}

/// <summary>y = sin x.</summary>
[Formula("y = sin x", "x̄ = ȳ·cos x")]
public sealed record Sin : MapOp<Sin, SinFunction>
{
    /// <inheritdoc/>
    protected override Variable Vjp(Variable x, Variable y, Variable dy) => dy * x.Cos();
}

/// <summary>cos x; NaN at ±∞.</summary>
public readonly struct CosFunction : IUnaryFunction
{
    static T IUnaryFunction.Apply<T, N>(T x) => N.Cos(x);

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) => TensorPrimitives.Cos(x, y);
}

/// <summary>y = cos x.</summary>
[Formula("y = cos x", "x̄ = −ȳ·sin x")]
public sealed record Cos : MapOp<Cos, CosFunction>
{
    /// <inheritdoc/>
    protected override Variable Vjp(Variable x, Variable y, Variable dy) => -dy * x.Sin();
}
