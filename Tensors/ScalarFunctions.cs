using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>
/// A function of one number, written once for every backend and number type. Its two members are best implemented
/// explicitly, which repeats no constraint. The one on spans is what the vector instructions of the processor compute;
/// where a function has no such form, <see cref="OneByOne"/> is one.
/// </summary>
public interface IUnaryFunction
{
    /// <summary>The definition, in arithmetic and in what the backend has of exponentials and logarithms.</summary>
    static abstract T Apply<T, N>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IScalarMath<T>;

    /// <summary>The same on many numbers of the processor; x and y may be the same span.</summary>
    static abstract void Apply<T>(ReadOnlySpan<T> x, Span<T> y) where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}

/// <summary>A function of two numbers, written once for every backend and number type; as
/// <see cref="IUnaryFunction"/>.</summary>
public interface IBinaryFunction
{
    /// <summary>The definition, in arithmetic and in what the backend has of exponentials and logarithms.</summary>
    static abstract T Apply<T, N>(T a, T b)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IScalarMath<T>;

    /// <summary>The same on many numbers of the processor; y may be one of the others.</summary>
    static abstract void Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}

/// <summary>What is not arithmetic, as a backend computes it: a device has no such functions of its own that round as
/// ours.</summary>
public interface IScalarMath<T>
{
    /// <summary>A constant of the function, rounded.</summary>
    static abstract T Of(double constant);

    /// <summary>√x; NaN below 0.</summary>
    static abstract T Sqrt(T x);

    /// <summary>eˣ; overflows to +∞, NaN stays NaN.</summary>
    static abstract T Exp(T x);

    /// <summary>The natural logarithm; −∞ at 0, NaN below.</summary>
    static abstract T Log(T x);

    /// <summary>tanh x; NaN stays NaN.</summary>
    static abstract T Tanh(T x);

    /// <summary>sin x; NaN at ±∞, and on a device beyond ±2³⁰.</summary>
    static abstract T Sin(T x);

    /// <summary>cos x; NaN where the sine is.</summary>
    static abstract T Cos(T x);

    /// <summary>aᵇ by IEEE 754; NaN where a is below 0 and b is no whole number.</summary>
    static abstract T Pow(T a, T b);
}

/// <summary>The functions of .NET: those of the processor's backends.</summary>
public readonly struct HostMath<T> : IScalarMath<T> where T : IBinaryFloatingPointIeee754<T>
{
    static T IScalarMath<T>.Of(double constant) => T.CreateTruncating(constant);

    static T IScalarMath<T>.Sqrt(T x) => T.Sqrt(x);

    static T IScalarMath<T>.Exp(T x) => T.Exp(x);

    static T IScalarMath<T>.Log(T x) => T.Log(x);

    static T IScalarMath<T>.Tanh(T x) => T.Tanh(x);

    static T IScalarMath<T>.Sin(T x) => T.Sin(x);

    static T IScalarMath<T>.Cos(T x) => T.Cos(x);

    static T IScalarMath<T>.Pow(T a, T b) => T.Pow(a, b);
}

/// <summary>Functions on many numbers by their definition, one number after the other.</summary>
public static class OneByOne
{
    /// <summary>y_i = f(x_i).</summary>
    public static void Map<F, T>(ReadOnlySpan<T> x, Span<T> y)
        where F : struct, IUnaryFunction where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < x.Length; i++)
            y[i] = F.Apply<T, HostMath<T>>(x[i]);
    }

    /// <summary>y_i = f(a_i, b_i).</summary>
    public static void Zip<F, T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y)
        where F : struct, IBinaryFunction where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < a.Length; i++)
            y[i] = F.Apply<T, HostMath<T>>(a[i], b[i]);
    }
}
