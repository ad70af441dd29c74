using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>The range of each channel that a part is kept in.</summary>
/// <param name="Low">The least value of each of C channels.</param>
/// <param name="High">The largest.</param>
public sealed record ValueRange(IReadOnlyList<double> Low, IReadOnlyList<double> High)
{
    /// <summary>The nearest numbers [N, C, H, W] in the range; those that lie in it keep their bits, and NaN stays NaN.</summary>
    public Tensor Clamp(Tensor x)
    {
        using var scope = TensorScope.Begin();
        return scope.Keep(Bound<SmallerFunction>(Bound<LargerFunction>(x, Low), High));
    }

    private static Tensor Bound<F>(Tensor x, IReadOnlyList<double> bounds) where F : struct, IBinaryFunction
    {
        Tensor bound = Tensor.From(x.Backend, x.DType, bounds.ToArray(), new Shape(1, bounds.Count, 1, 1));
        Tensor y = x.Backend.Empty(x.Shape, x.DType);
        x.Backend.Zip<F>(x, Variable.Constant(bound).BroadcastTo(x.Shape).Value, y);
        return y;
    }
}

/// <summary>max(a, b); a where they are equal or one is NaN.</summary>
public readonly struct LargerFunction : IBinaryFunction
{
    static T IBinaryFunction.Apply<T, N>(T a, T b) => a < b ? b : a;

    static void IBinaryFunction.Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y) =>
        OneByOne.Zip<LargerFunction, T>(a, b, y);
}

/// <summary>min(a, b); a where they are equal or one is NaN.</summary>
public readonly struct SmallerFunction : IBinaryFunction
{
    static T IBinaryFunction.Apply<T, N>(T a, T b) => a > b ? b : a;

    static void IBinaryFunction.Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y) =>
        OneByOne.Zip<SmallerFunction, T>(a, b, y);
}
