using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;

namespace InfMatch.Tensors;

/// <summary>
/// A function of one number, written once for every backend and number type. The vector forms are those of
/// System.Numerics.Tensors, good to a few units in the last place and not correctly rounded. In float32 (measured on
/// [−20, 20]): exp 1.8 units, e⁰ being 1 + 2⁻²³; sigmoid 3.5; log 2.2; tanh is good to 6e-8 in absolute terms only, tanh 0
/// being −6e-8. In float64 the values at 0 are exact.
/// </summary>
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

/// <summary>log(1 + eˣ) = max(x, 0) + log(1 + e^(−|x|)), safe against overflow; a smooth ReLU. The logarithm keeps its
/// relative accuracy where e^(−|x|) is below the rounding unit: far left softplus is eˣ and not 0.</summary>
public readonly struct SoftplusFunction : IUnaryFunction
{
    private const int Block = 1024;

    /// <inheritdoc/>
    public static T Apply<T>(T x) where T : IBinaryFloatingPointIeee754<T>
    {
        // log(1 + e) = log(u)·e/(u − 1) with u = 1 + e as rounded: both errors of u cancel (Goldberg, 1991, theorem 4).
        // .NET's LogP1 is log(1 + e) itself.
        T e = T.Exp(-T.Abs(x)), u = T.One + e;
        return (x > T.Zero ? x : T.Zero) + (u == T.One ? e : T.Log(u) * (e / (u - T.One)));
    }

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> x, Span<T> y) where T : IBinaryFloatingPointIeee754<T>
    {
        T[] rented = ArrayPool<T>.Shared.Rent(3 * Block);
        for (int start = 0; start < x.Length; start += Block)
        {
            int count = Math.Min(Block, x.Length - start);
            Span<T> e = rented.AsSpan(0, count), u = rented.AsSpan(Block, count), log = rented.AsSpan(2 * Block, count);
            TensorPrimitives.Abs(x.Slice(start, count), e);
            TensorPrimitives.Negate(e, e);
            TensorPrimitives.Exp(e, e);
            TensorPrimitives.Add(e, T.One, u);
            TensorPrimitives.Log(u, log);
            Combine(x.Slice(start, count), e, u, log, y.Slice(start, count));
        }
        ArrayPool<T>.Shared.Return(rented);
    }

    private static void Combine<T>(ReadOnlySpan<T> x, Span<T> e, Span<T> u, Span<T> log, Span<T> y)
        where T : IBinaryFloatingPointIeee754<T>
    {
        int i = 0;
        for (; Vector.IsHardwareAccelerated && i + Vector<T>.Count <= x.Length; i += Vector<T>.Count)
        {
            Vector<T> vx = new(x[i..]), ve = new(e[i..]), vu = new(u[i..]), vlog = new(log[i..]);
            Vector<T> small = Vector.Equals(vu, Vector<T>.One);
            Vector<T> log1p = Vector.ConditionalSelect(small, ve, vlog * (ve / (vu - Vector<T>.One)));
            Vector<T> positive = Vector.ConditionalSelect(
                Vector.GreaterThan(vx, Vector<T>.Zero), vx, Vector<T>.Zero);
            (positive + log1p).CopyTo(y[i..]);
        }
        for (; i < x.Length; i++)
        {
            T log1p = u[i] == T.One ? e[i] : log[i] * (e[i] / (u[i] - T.One));
            y[i] = (x[i] > T.Zero ? x[i] : T.Zero) + log1p;
        }
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
        int i = 0;
        for (; Vector.IsHardwareAccelerated && i + Vector<T>.Count <= x.Length; i += Vector<T>.Count)
        {
            Vector<T> positive = Vector.GreaterThan(new Vector<T>(x[i..]), Vector<T>.Zero);
            Vector.ConditionalSelect(positive, Vector<T>.One, Vector<T>.Zero).CopyTo(y[i..]);
        }
        for (; i < x.Length; i++)
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

/// <summary>a·b, but 0 where a is 0 and b is ±∞: 0·log 0 in an entropy. NaN stays NaN.</summary>
public readonly struct WeightOfLogFunction : IBinaryFunction
{
    /// <inheritdoc/>
    // Of all numbers only 0 and the infinities are twice themselves.
    public static T Apply<T>(T a, T b) where T : IBinaryFloatingPointIeee754<T> =>
        a == T.Zero && b + b == b ? T.Zero : a * b;

    /// <inheritdoc/>
    public static void Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y)
        where T : IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < a.Length; i++)
            y[i] = Apply(a[i], b[i]);
    }
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
