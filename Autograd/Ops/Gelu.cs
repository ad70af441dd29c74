using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;
using InfMatch.Tensors;

namespace InfMatch.Autograd;

public static partial class Functional
{
    /// <summary>x·½(1 + tanh(√(2/π)(x + 0.044715x³))): the GELU of Hendrycks and Gimpel (2016), tanh form; NaN at
    /// −∞.</summary>
    public static Variable Gelu(this Variable x) => new Gelu().On(x);
}

// ½(1 + tanh u) is sigmoid 2u. With w = 2u = x(K + M·x²), s = sigmoid w and b = s(1 − s), so that s' = b·w' and
// b' = b(1 − 2s)w', GELU and its derivatives are x·s, s + x·b·w', and b(2w' + x((1 − 2s)w'² + w'')).
internal static class GeluNumbers
{
    // What is computed at a time, so that it stays in the cache.
    private const int Block = 1024;

    /// <summary>y of x and s.</summary>
    public delegate void OfSigmoid<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> s, Span<T> y);

    /// <summary>y by x and s; x and y may be the same span.</summary>
    public static void Apply<T>(ReadOnlySpan<T> x, Span<T> y, OfSigmoid<T> function)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] rented = ArrayPool<T>.Shared.Rent(Block);
        for (int start = 0; start < x.Length; start += Block)
        {
            int count = Math.Min(Block, x.Length - start);
            Span<T> s = rented.AsSpan(0, count);
            Sigmoid(x.Slice(start, count), s);
            function(x.Slice(start, count), s, y.Slice(start, count));
        }
        ArrayPool<T>.Shared.Return(rented);
    }

    private static void Sigmoid<T>(ReadOnlySpan<T> x, Span<T> s) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (T k, T m) = (T.CreateTruncating(GeluFunction.K), T.CreateTruncating(GeluFunction.M));
        int i = 0;
        for (; Vector.IsHardwareAccelerated && i + Vector<T>.Count <= x.Length; i += Vector<T>.Count)
        {
            Vector<T> v = new(x[i..]);
            (v * (new Vector<T>(k) + new Vector<T>(m) * v * v)).CopyTo(s[i..]);
        }
        for (; i < x.Length; i++)
            s[i] = x[i] * (k + m * x[i] * x[i]);
        TensorPrimitives.Sigmoid<T>(s, s);
    }
}

/// <summary>GELU in its tanh form, x·sigmoid(x(K + M·x²)); NaN stays NaN and comes of −∞.</summary>
public readonly struct GeluFunction : IUnaryFunction
{
    /// <summary>2√(2/π).</summary>
    public const double K = 1.5957691216057308;

    /// <summary>2√(2/π)·0.044715.</summary>
    public const double M = K * 0.044715;

    static T IUnaryFunction.Apply<T, N>(T x) =>
        x * (T.One / (T.One + N.Exp(-(x * (N.Of(K) + N.Of(M) * x * x)))));

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) => GeluNumbers.Apply(x, y, TensorPrimitives.Multiply);
}

/// <summary>y = GELU x, tanh form.</summary>
[Formula("y = GELU x", "x̄ = ȳ·GELU' x")]
public sealed record Gelu : MapOp<Gelu, GeluFunction>
{
    /// <inheritdoc/>
    protected override Variable Vjp(Variable x, Variable y, Variable dy) => dy * new GeluSlope().On(x);
}

/// <summary>The derivative of <see cref="GeluFunction"/>; NaN stays NaN and comes where x³ overflows.</summary>
public readonly struct GeluSlopeFunction : IUnaryFunction
{
    static T IUnaryFunction.Apply<T, N>(T x)
    {
        T kx = N.Of(GeluFunction.K) * x, mxxx = N.Of(GeluFunction.M) * x * x * x;
        T s = T.One / (T.One + N.Exp(-(kx + mxxx)));
        return s + s * (T.One - s) * (kx + mxxx + mxxx + mxxx);
    }

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) => GeluNumbers.Apply(x, y, Combine);

    private static void Combine<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> s, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (T k, T m) = (T.CreateTruncating(GeluFunction.K), T.CreateTruncating(3 * GeluFunction.M));
        int i = 0;
        for (; Vector.IsHardwareAccelerated && i + Vector<T>.Count <= x.Length; i += Vector<T>.Count)
        {
            Vector<T> v = new(x[i..]), vs = new(s[i..]);
            Vector<T> slope = v * (new Vector<T>(k) + new Vector<T>(m) * v * v);
            (vs + vs * (Vector<T>.One - vs) * slope).CopyTo(y[i..]);
        }
        for (; i < x.Length; i++)
            y[i] = s[i] + s[i] * (T.One - s[i]) * (x[i] * (k + m * x[i] * x[i]));
    }
}

/// <summary>y = GELU' x, tanh form.</summary>
[Formula("y = GELU' x", "x̄ = ȳ·GELU\" x")]
public sealed record GeluSlope : MapOp<GeluSlope, GeluSlopeFunction>
{
    /// <inheritdoc/>
    protected override Variable Vjp(Variable x, Variable y, Variable dy)
    {
        Variable xx = x * x, slope = GeluFunction.K + 3 * GeluFunction.M * xx;
        Variable s = (x * (GeluFunction.K + GeluFunction.M * xx)).Sigmoid();
        Variable curvature = (1 - 2 * s) * slope * slope + 6 * GeluFunction.M * x;
        return dy * s * (1 - s) * (2 * slope + x * curvature);
    }
}
