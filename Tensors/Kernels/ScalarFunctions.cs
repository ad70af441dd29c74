using System.Numerics;
using System.Numerics.Tensors;

namespace InfMatch.Tensors;

/// <summary>A function of one number, written once for every backend and number type.</summary>
public interface IUnaryFunction
{
    /// <summary>The definition.</summary>
    static abstract T Apply<T>(T x) where T : IBinaryFloatingPointIeee754<T>;

    /// <summary>The same on many numbers; x and y may be the same span. Overridden where a vectorised form exists.</summary>
    static abstract void Apply<T>(ReadOnlySpan<T> x, Span<T> y) where T : IBinaryFloatingPointIeee754<T>;
}

/// <summary>A function of two numbers, written once for every backend and number type.</summary>
public interface IBinaryFunction
{
    /// <summary>The definition.</summary>
    static abstract T Apply<T>(T a, T b) where T : IBinaryFloatingPointIeee754<T>;

    /// <summary>The same on many numbers.</summary>
    static abstract void Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y)
        where T : IBinaryFloatingPointIeee754<T>;
}

/// <summary>eˣ; overflows to +∞, NaN stays NaN.</summary>
public readonly struct ExpFunction : IUnaryFunction
{
    /// <inheritdoc/>
    public static T Apply<T>(T x) where T : IBinaryFloatingPointIeee754<T> => T.Exp(x);

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> x, Span<T> y) where T : IBinaryFloatingPointIeee754<T> =>
        TensorPrimitives.Exp(x, y);
}

/// <summary>The natural logarithm; −∞ at 0, NaN below.</summary>
public readonly struct LogFunction : IUnaryFunction
{
    /// <inheritdoc/>
    public static T Apply<T>(T x) where T : IBinaryFloatingPointIeee754<T> => T.Log(x);

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> x, Span<T> y) where T : IBinaryFloatingPointIeee754<T> =>
        TensorPrimitives.Log(x, y);
}

/// <summary>√x; NaN below 0.</summary>
public readonly struct SqrtFunction : IUnaryFunction
{
    /// <inheritdoc/>
    public static T Apply<T>(T x) where T : IBinaryFloatingPointIeee754<T> => T.Sqrt(x);

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> x, Span<T> y) where T : IBinaryFloatingPointIeee754<T> =>
        TensorPrimitives.Sqrt(x, y);
}

/// <summary>tanh x.</summary>
public readonly struct TanhFunction : IUnaryFunction
{
    /// <inheritdoc/>
    public static T Apply<T>(T x) where T : IBinaryFloatingPointIeee754<T> => T.Tanh(x);

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> x, Span<T> y) where T : IBinaryFloatingPointIeee754<T> =>
        TensorPrimitives.Tanh(x, y);
}

/// <summary>1/(1 + e⁻ˣ).</summary>
public readonly struct SigmoidFunction : IUnaryFunction
{
    /// <inheritdoc/>
    public static T Apply<T>(T x) where T : IBinaryFloatingPointIeee754<T> => T.One / (T.One + T.Exp(-x));

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> x, Span<T> y) where T : IBinaryFloatingPointIeee754<T> =>
        TensorPrimitives.Sigmoid(x, y);
}

/// <summary>log(1 + eˣ) = max(x, 0) + log(1 + e^(−|x|)), safe against overflow; a smooth ReLU.</summary>
public readonly struct SoftplusFunction : IUnaryFunction
{
    /// <inheritdoc/>
    public static T Apply<T>(T x) where T : IBinaryFloatingPointIeee754<T> =>
        (x > T.Zero ? x : T.Zero) + T.Log(T.One + T.Exp(-T.Abs(x)));

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> x, Span<T> y) where T : IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < x.Length; i++)
            y[i] = Apply(x[i]);
    }
}

/// <summary>max(x, 0), written so that NaN stays NaN on every device.</summary>
public readonly struct ReluFunction : IUnaryFunction
{
    /// <inheritdoc/>
    public static T Apply<T>(T x) where T : IBinaryFloatingPointIeee754<T> => x < T.Zero ? T.Zero : x;

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> x, Span<T> y) where T : IBinaryFloatingPointIeee754<T> =>
        TensorPrimitives.Max(x, T.Zero, y);
}

/// <summary>1 where x &gt; 0, else 0: the derivative of ReLU with the convention ReLU'(0) = 0.</summary>
public readonly struct StepFunction : IUnaryFunction
{
    /// <inheritdoc/>
    public static T Apply<T>(T x) where T : IBinaryFloatingPointIeee754<T> => x > T.Zero ? T.One : T.Zero;

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> x, Span<T> y) where T : IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < x.Length; i++)
            y[i] = Apply(x[i]);
    }
}

/// <summary>a + b.</summary>
public readonly struct AddFunction : IBinaryFunction
{
    /// <inheritdoc/>
    public static T Apply<T>(T a, T b) where T : IBinaryFloatingPointIeee754<T> => a + b;

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y)
        where T : IBinaryFloatingPointIeee754<T> => TensorPrimitives.Add(a, b, y);
}

/// <summary>a − b.</summary>
public readonly struct SubtractFunction : IBinaryFunction
{
    /// <inheritdoc/>
    public static T Apply<T>(T a, T b) where T : IBinaryFloatingPointIeee754<T> => a - b;

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y)
        where T : IBinaryFloatingPointIeee754<T> => TensorPrimitives.Subtract(a, b, y);
}

/// <summary>a·b.</summary>
public readonly struct MultiplyFunction : IBinaryFunction
{
    /// <inheritdoc/>
    public static T Apply<T>(T a, T b) where T : IBinaryFloatingPointIeee754<T> => a * b;

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y)
        where T : IBinaryFloatingPointIeee754<T> => TensorPrimitives.Multiply(a, b, y);
}

/// <summary>a/b by IEEE 754: ±∞ or NaN where b is 0.</summary>
public readonly struct DivideFunction : IBinaryFunction
{
    /// <inheritdoc/>
    public static T Apply<T>(T a, T b) where T : IBinaryFloatingPointIeee754<T> => a / b;

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y)
        where T : IBinaryFloatingPointIeee754<T> => TensorPrimitives.Divide(a, b, y);
}
