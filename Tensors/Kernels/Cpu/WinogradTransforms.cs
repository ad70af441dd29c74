using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>
/// The one-dimensional transforms of F(4, 3): four outputs of a correlation with three weights from six products,
/// y = Aᵀ[(G g) ⊙ (Bᵀ d)], by evaluation at the points 0, ±a, ±b, ∞ with a = √½ and b = √2. Since a·b = 1 the
/// polynomials have the coefficients ½, 2 and 5/2 and nothing larger, which keeps the rounding small. Each transform
/// works on vectors of channels, a step apart. Source: Winograd, "Arithmetic Complexity of Computations", 1980; Lavin
/// and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016; the points: docs/performance.md,
/// "Winograd".
/// </summary>
internal static unsafe class WinogradTransforms<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    /// <summary>Outputs of a tile, along one axis.</summary>
    public const int Outputs = 4;

    /// <summary>Products of a tile, along one axis.</summary>
    public const int Points = 6;

    private const double PointA = 0.70710678118654752, PointB = 1.4142135623730951;

    private static V Constant(double value) => S.Broadcast(T.CreateTruncating(value));

    /// <summary>Bᵀ d: six inputs to six points. Row j of Bᵀ is the product of (x − the other points), lowest power
    /// first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(T* d, nint step, T* to, nint toStep)
    {
        V d0 = S.Load(d), d1 = S.Load(d + step), d2 = S.Load(d + 2 * step), d3 = S.Load(d + 3 * step);
        V d4 = S.Load(d + 4 * step), d5 = S.Load(d + 5 * step);
        V half = Constant(-0.5), two = Constant(-2), sum = Constant(-2.5);
        V evenA = S.MultiplyAdd(two, d2, d4), oddA = S.MultiplyAdd(two, d1, d3);
        V evenB = S.MultiplyAdd(half, d2, d4), oddB = S.MultiplyAdd(half, d1, d3);
        S.Store(S.Add(S.MultiplyAdd(sum, d2, d4), d0), to);
        S.Store(S.MultiplyAdd(Constant(PointA), oddA, evenA), to + toStep);
        S.Store(S.MultiplyAdd(Constant(-PointA), oddA, evenA), to + 2 * toStep);
        S.Store(S.MultiplyAdd(Constant(PointB), oddB, evenB), to + 3 * toStep);
        S.Store(S.MultiplyAdd(Constant(-PointB), oddB, evenB), to + 4 * toStep);
        S.Store(S.Add(S.MultiplyAdd(sum, d3, d5), d1), to + 5 * toStep);
    }

    /// <summary>Aᵀ m + start: six points to four outputs. Row i of Aᵀ is the i-th powers of the points.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(T* m, nint step, V start, T* to, nint toStep)
    {
        V m0 = S.Load(m), m1 = S.Load(m + step), m2 = S.Load(m + 2 * step), m3 = S.Load(m + 3 * step);
        V m4 = S.Load(m + 4 * step), m5 = S.Load(m + 5 * step);
        V evenA = S.Add(m1, m2), oddA = S.Subtract(m1, m2), evenB = S.Add(m3, m4), oddB = S.Subtract(m3, m4);
        V a = Constant(PointA), b = Constant(PointB), half = Constant(0.5), two = Constant(2);
        S.Store(S.Add(S.Add(m0, start), S.Add(evenA, evenB)), to);
        S.Store(S.MultiplyAdd(b, oddB, S.MultiplyAdd(a, oddA, start)), to + toStep);
        S.Store(S.MultiplyAdd(two, evenB, S.MultiplyAdd(half, evenA, start)), to + 2 * toStep);
        S.Store(
            S.MultiplyAdd(Constant(2 * PointB), oddB, S.MultiplyAdd(Constant(PointA / 2), oddA, S.Add(m5, start))),
            to + 3 * toStep);
    }

    /// <summary>A y, the adjoint of <see cref="Output"/>: four outputs to six points.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputAdjoint(T* y, nint step, T* to, nint toStep)
    {
        V y0 = S.Load(y), y1 = S.Load(y + step), y2 = S.Load(y + 2 * step), y3 = S.Load(y + 3 * step);
        V half = Constant(0.5), two = Constant(2);
        V evenA = S.MultiplyAdd(half, y2, y0), oddA = S.MultiplyAdd(half, y3, y1);
        V evenB = S.MultiplyAdd(two, y2, y0), oddB = S.MultiplyAdd(two, y3, y1);
        S.Store(y0, to);
        S.Store(S.MultiplyAdd(Constant(PointA), oddA, evenA), to + toStep);
        S.Store(S.MultiplyAdd(Constant(-PointA), oddA, evenA), to + 2 * toStep);
        S.Store(S.MultiplyAdd(Constant(PointB), oddB, evenB), to + 3 * toStep);
        S.Store(S.MultiplyAdd(Constant(-PointB), oddB, evenB), to + 4 * toStep);
        S.Store(y3, to + 5 * toStep);
    }

    // The rows of G are the powers of each point over the product of its distances to the others: 1 for 0, −3/2 for ±a,
    // 6 for ±b.
    private const double ScaleA = -2.0 / 3, ScaleB = 1.0 / 6;

    /// <summary>G g: three weights to six points.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights(T* g, nint step, T* to, nint toStep)
    {
        V g0 = S.Load(g), g1 = S.Load(g + step), g2 = S.Load(g + 2 * step);
        V evenA = S.Multiply(Constant(ScaleA), S.MultiplyAdd(Constant(0.5), g2, g0));
        V evenB = S.Multiply(Constant(ScaleB), S.MultiplyAdd(Constant(2), g2, g0));
        S.Store(g0, to);
        S.Store(S.MultiplyAdd(Constant(ScaleA * PointA), g1, evenA), to + toStep);
        S.Store(S.MultiplyAdd(Constant(-ScaleA * PointA), g1, evenA), to + 2 * toStep);
        S.Store(S.MultiplyAdd(Constant(ScaleB * PointB), g1, evenB), to + 3 * toStep);
        S.Store(S.MultiplyAdd(Constant(-ScaleB * PointB), g1, evenB), to + 4 * toStep);
        S.Store(g2, to + 5 * toStep);
    }

    /// <summary>Gᵀ u, the adjoint of <see cref="Weights"/>: six points to three weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WeightsAdjoint(T* u, nint step, T* to, nint toStep)
    {
        V u0 = S.Load(u), u1 = S.Load(u + step), u2 = S.Load(u + 2 * step), u3 = S.Load(u + 3 * step);
        V u4 = S.Load(u + 4 * step), u5 = S.Load(u + 5 * step);
        V evenA = S.Add(u1, u2), oddA = S.Subtract(u1, u2), evenB = S.Add(u3, u4), oddB = S.Subtract(u3, u4);
        S.Store(S.MultiplyAdd(Constant(ScaleA), evenA, S.MultiplyAdd(Constant(ScaleB), evenB, u0)), to);
        S.Store(
            S.MultiplyAdd(Constant(ScaleA * PointA), oddA, S.Multiply(Constant(ScaleB * PointB), oddB)), to + toStep);
        S.Store(
            S.MultiplyAdd(Constant(ScaleA * 0.5), evenA, S.MultiplyAdd(Constant(ScaleB * 2), evenB, u5)),
            to + 2 * toStep);
    }
}
