using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;
using InfMatch.Tensors;

namespace InfMatch.Autograd;

// An operation on each element: the function, its cotangent, and the method by which it is called. The vector forms are
// those of System.Numerics.Tensors, good to a few units in the last place and not correctly rounded. In float32
// (measured on [−20, 20]): exp 1.8 units, e⁰ being 1 + 2⁻²³; sigmoid 3.5; log 2.2; tanh is good to 6e-8 in absolute
// terms only, tanh 0 being −6e-8. In float64 the values at 0 are exact.
public static partial class Functional
{
    /// <summary>eˣ.</summary>
    public static Variable Exp(this Variable x) => new Exp().On(x);

    /// <summary>log x; −∞ at 0, NaN below.</summary>
    public static Variable Log(this Variable x) => new Log().On(x);

    /// <summary>√x; NaN below 0.</summary>
    public static Variable Sqrt(this Variable x) => new Sqrt().On(x);

    /// <summary>tanh x.</summary>
    public static Variable Tanh(this Variable x) => new Tanh().On(x);

    /// <summary>1/(1 + e⁻ˣ).</summary>
    public static Variable Sigmoid(this Variable x) => new Sigmoid().On(x);

    /// <summary>log(1 + eˣ): a ReLU without a kink.</summary>
    public static Variable Softplus(this Variable x) => new Softplus().On(x);

    /// <summary>max(x, 0) with ReLU'(0) = 0.</summary>
    public static Variable Relu(this Variable x) => new Relu().On(x);
}

/// <summary>eˣ; overflows to +∞, NaN stays NaN.</summary>
public readonly struct ExpFunction : IUnaryFunction
{
    static T IUnaryFunction.Apply<T, N>(T x) => N.Exp(x);

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) => TensorPrimitives.Exp(x, y);
}

/// <summary>y = eˣ.</summary>
[Formula("y = eˣ", "x̄ = ȳ·y")]
public sealed record Exp : MapOp<Exp, ExpFunction>
{
    /// <inheritdoc/>
    protected override Variable Vjp(Variable x, Variable y, Variable dy) => dy * y;
}

/// <summary>The natural logarithm; −∞ at 0, NaN below.</summary>
public readonly struct LogFunction : IUnaryFunction
{
    static T IUnaryFunction.Apply<T, N>(T x) => N.Log(x);

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) => TensorPrimitives.Log(x, y);
}

/// <summary>y = log x.</summary>
[Formula("y = log x", "x̄ = ȳ/x")]
public sealed record Log : MapOp<Log, LogFunction>
{
    /// <inheritdoc/>
    protected override SampleInput Domain => new(Shape.Scalar, Low: 0.3, High: 3);

    /// <inheritdoc/>
    protected override Variable Vjp(Variable x, Variable y, Variable dy) => dy / x;
}

/// <summary>√x; NaN below 0.</summary>
public readonly struct SqrtFunction : IUnaryFunction
{
    static T IUnaryFunction.Apply<T, N>(T x) => N.Sqrt(x);

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) => TensorPrimitives.Sqrt(x, y);
}

/// <summary>y = √x.</summary>
[Formula("y = √x", "x̄ = ȳ/(2y)")]
public sealed record Sqrt : MapOp<Sqrt, SqrtFunction>
{
    /// <inheritdoc/>
    protected override SampleInput Domain => new(Shape.Scalar, Low: 0.3, High: 3);

    /// <inheritdoc/>
    protected override Variable Vjp(Variable x, Variable y, Variable dy) => 0.5 * dy / y;
}

/// <summary>tanh x.</summary>
public readonly struct TanhFunction : IUnaryFunction
{
    static T IUnaryFunction.Apply<T, N>(T x) => N.Tanh(x);

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) => TensorPrimitives.Tanh(x, y);
}

/// <summary>y = tanh x.</summary>
[Formula("y = tanh x", "x̄ = ȳ·(1 − y²)")]
public sealed record Tanh : MapOp<Tanh, TanhFunction>
{
    /// <inheritdoc/>
    protected override Variable Vjp(Variable x, Variable y, Variable dy) => dy * (1 - y * y);
}

/// <summary>1/(1 + e⁻ˣ).</summary>
public readonly struct SigmoidFunction : IUnaryFunction
{
    static T IUnaryFunction.Apply<T, N>(T x) => T.One / (T.One + N.Exp(-x));

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) => TensorPrimitives.Sigmoid(x, y);
}

/// <summary>y = 1/(1 + e⁻ˣ).</summary>
[Formula("y = 1/(1 + e⁻ˣ)", "x̄ = ȳ·y·(1 − y)")]
public sealed record Sigmoid : MapOp<Sigmoid, SigmoidFunction>
{
    /// <inheritdoc/>
    protected override Variable Vjp(Variable x, Variable y, Variable dy) => dy * y * (1 - y);
}

/// <summary>log(1 + eˣ) = max(x, 0) + log(1 + e^(−|x|)), safe against overflow; a smooth ReLU. The logarithm keeps its
/// relative accuracy where e^(−|x|) is below the rounding unit: far left softplus is eˣ and not 0.</summary>
public readonly struct SoftplusFunction : IUnaryFunction
{
    private const int Block = 1024;

    static T IUnaryFunction.Apply<T, N>(T x)
    {
        // log(1 + e) = log(u)·e/(u − 1) with u = 1 + e as rounded: both errors of u cancel (Goldberg, 1991, theorem 4).
        // .NET's LogP1 is log(1 + e) itself.
        T e = N.Exp(x > T.Zero ? -x : x), u = T.One + e;
        return (x > T.Zero ? x : T.Zero) + (u == T.One ? e : N.Log(u) * (e / (u - T.One)));
    }

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y)
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
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
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

/// <summary>y = log(1 + eˣ).</summary>
[Formula("y = log(1 + eˣ)", "x̄ = ȳ·sigmoid x")]
public sealed record Softplus : MapOp<Softplus, SoftplusFunction>
{
    /// <inheritdoc/>
    protected override Variable Vjp(Variable x, Variable y, Variable dy) => dy * x.Sigmoid();
}

/// <summary>max(x, 0), written so that NaN stays NaN on every device.</summary>
public readonly struct ReluFunction : IUnaryFunction
{
    static T IUnaryFunction.Apply<T, N>(T x) => x < T.Zero ? T.Zero : x;

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) => TensorPrimitives.Max(x, T.Zero, y);
}

/// <summary>y = max(x, 0), with ReLU'(0) = 0; the derivative is piecewise constant.</summary>
[Formula("y = max(x, 0)", "x̄ = ȳ·step x")]
public sealed record Relu : MapOp<Relu, ReluFunction>
{
    /// <inheritdoc/>
    protected override SampleInput Domain => new(Shape.Scalar, KinkAt: 0);

    /// <inheritdoc/>
    protected override Variable Vjp(Variable x, Variable y, Variable dy) => dy * new Step().On(x);
}

/// <summary>1 where x &gt; 0, else 0: the derivative of ReLU with the convention ReLU'(0) = 0.</summary>
public readonly struct StepFunction : IUnaryFunction
{
    static T IUnaryFunction.Apply<T, N>(T x) => x > T.Zero ? T.One : T.Zero;

    static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y)
    {
        int i = 0;
        for (; Vector.IsHardwareAccelerated && i + Vector<T>.Count <= x.Length; i += Vector<T>.Count)
        {
            Vector<T> positive = Vector.GreaterThan(new Vector<T>(x[i..]), Vector<T>.Zero);
            Vector.ConditionalSelect(positive, Vector<T>.One, Vector<T>.Zero).CopyTo(y[i..]);
        }
        OneByOne.Map<StepFunction, T>(x[i..], y[i..]);
    }
}

/// <summary>y = 1 where x &gt; 0, else 0; piecewise constant, so its derivative is zero everywhere.</summary>
[Formula("y = 1 where x > 0, else 0", "x̄ = 0")]
public sealed record Step : MapOp<Step, StepFunction>
{
    /// <inheritdoc/>
    protected override SampleInput Domain => new(Shape.Scalar, KinkAt: 0);

    /// <inheritdoc/>
    protected override Variable? Vjp(Variable x, Variable y, Variable dy) => null;
}
