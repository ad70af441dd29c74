using System.Numerics.Tensors;
using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>a + b.</summary>
public readonly struct AddFunction : IBinaryFunction
{
    static T IBinaryFunction.Apply<T, N>(T a, T b) => a + b;

    static void IBinaryFunction.Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y) =>
        TensorPrimitives.Add(a, b, y);
}

/// <summary>y = a + b.</summary>
[Formula("y = a + b", "ā = ȳ, b̄ = ȳ")]
public sealed record Add : ZipOp<Add, AddFunction>
{
    /// <inheritdoc/>
    protected override IReadOnlyList<int[]> LinearIn => [[0, 1]];

    /// <inheritdoc/>
    protected override Variable VjpA(Variable a, Variable b, Variable y, Variable dy) => dy;

    /// <inheritdoc/>
    protected override Variable VjpB(Variable a, Variable b, Variable y, Variable dy) => dy;
}

/// <summary>a − b.</summary>
public readonly struct SubtractFunction : IBinaryFunction
{
    static T IBinaryFunction.Apply<T, N>(T a, T b) => a - b;

    static void IBinaryFunction.Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y) =>
        TensorPrimitives.Subtract(a, b, y);
}

/// <summary>y = a − b.</summary>
[Formula("y = a − b", "ā = ȳ, b̄ = −ȳ")]
public sealed record Subtract : ZipOp<Subtract, SubtractFunction>
{
    /// <inheritdoc/>
    protected override IReadOnlyList<int[]> LinearIn => [[0, 1]];

    /// <inheritdoc/>
    protected override Variable VjpA(Variable a, Variable b, Variable y, Variable dy) => dy;

    /// <inheritdoc/>
    protected override Variable VjpB(Variable a, Variable b, Variable y, Variable dy) => -dy;
}

/// <summary>a·b.</summary>
public readonly struct MultiplyFunction : IBinaryFunction
{
    static T IBinaryFunction.Apply<T, N>(T a, T b) => a * b;

    static void IBinaryFunction.Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y) =>
        TensorPrimitives.Multiply(a, b, y);
}

/// <summary>y = a·b.</summary>
[Formula("y = a·b", "ā = ȳ·b, b̄ = ȳ·a")]
public sealed record Multiply : ZipOp<Multiply, MultiplyFunction>
{
    /// <inheritdoc/>
    protected override IReadOnlyList<int[]> LinearIn => [[0], [1]];

    /// <inheritdoc/>
    protected override Variable VjpA(Variable a, Variable b, Variable y, Variable dy) => dy * b;

    /// <inheritdoc/>
    protected override Variable VjpB(Variable a, Variable b, Variable y, Variable dy) => dy * a;
}

/// <summary>a·b, but 0 where a is 0 and b is ±∞: 0·log 0 in an entropy. NaN stays NaN.</summary>
public readonly struct WeightOfLogFunction : IBinaryFunction
{
    // Of all numbers only 0 and the infinities are twice themselves.
    static T IBinaryFunction.Apply<T, N>(T a, T b) => a == T.Zero && b + b == b ? T.Zero : a * b;

    static void IBinaryFunction.Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y) =>
        OneByOne.Zip<WeightOfLogFunction, T>(a, b, y);
}

/// <summary>y = a·b, but 0 where a is 0 and b is ±∞: a weight of 0 counts nothing of log 0, in the derivatives,
/// too.</summary>
[Formula("y = a·b, 0 where a = 0 and b = ±∞", "ā = WeightOfLog(ȳ, b), b̄ = WeightOfLog(a, ȳ)")]
public sealed record WeightOfLog : ZipOp<WeightOfLog, WeightOfLogFunction>
{
    /// <inheritdoc/>
    protected override IReadOnlyList<int[]> LinearIn => [[0], [1]];

    /// <inheritdoc/>
    protected override Variable VjpA(Variable a, Variable b, Variable y, Variable dy) => new WeightOfLog().On(dy, b);

    /// <inheritdoc/>
    protected override Variable VjpB(Variable a, Variable b, Variable y, Variable dy) => new WeightOfLog().On(a, dy);
}

/// <summary>a/b by IEEE 754: ±∞ or NaN where b is 0.</summary>
public readonly struct DivideFunction : IBinaryFunction
{
    static T IBinaryFunction.Apply<T, N>(T a, T b) => a / b;

    static void IBinaryFunction.Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y) =>
        TensorPrimitives.Divide(a, b, y);
}

/// <summary>y = a/b.</summary>
[Formula("y = a/b", "ā = ȳ/b, b̄ = −ȳ·y/b")]
public sealed record Divide : ZipOp<Divide, DivideFunction>
{
    /// <inheritdoc/>
    protected override IReadOnlyList<int[]> LinearIn => [[0]];

    /// <inheritdoc/>
    protected override Variable VjpA(Variable a, Variable b, Variable y, Variable dy) => dy / b;

    /// <inheritdoc/>
    protected override Variable VjpB(Variable a, Variable b, Variable y, Variable dy) => -dy * y / b;
}
