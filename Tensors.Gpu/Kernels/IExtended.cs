using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>
/// Numbers with more bits than T, in which long sums of T are taken: <see cref="Float32Pair"/> for float32, which no
/// device lacks, and <see cref="PlainFloat64"/> for float64.
/// </summary>
internal interface IExtended<X, T> : IAdditionOperators<X, X, X>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
{
    static abstract X Of(T x);

    static abstract X OfWhole(int n);

    /// <summary>On the host: kernels hold no float64.</summary>
    static abstract X OfFloat64(double x);

    /// <summary>n·2⁻⁵³ for a whole number from 0 to 2⁵³ − 1.</summary>
    static abstract X OfUnit(long n);

    static abstract X Plus(X sum, T x);

    static abstract X PlusProduct(X sum, T a, T b);

    /// <summary>a − b without a rounding of T.</summary>
    static abstract X Difference(T a, T b);

    static abstract X Negative(X x);

    static abstract X Product(X a, X b);

    static abstract X Quotient(X a, X b);

    static abstract X Root(X x);

    /// <summary>The nearest T; an infinity or NaN that was added stays one.</summary>
    static abstract T Round(X x);

    /// <summary>eˣ.</summary>
    static abstract T Exp(X x);

    /// <summary>log x.</summary>
    static abstract T Log(X x);

    /// <summary>The bits of x in float64.</summary>
    static abstract long Float64BitsOf(X x);
}
