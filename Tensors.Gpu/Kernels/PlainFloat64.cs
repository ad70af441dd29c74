using ILGPU;

namespace InfMatch.Tensors;

/// <summary>Sums of float64 numbers, in float64.</summary>
internal struct PlainFloat64 : IExtended<PlainFloat64, double>
{
    private double _value;

    private PlainFloat64(double value) => _value = value;

    public static PlainFloat64 Of(double x) => new(x);

    public static PlainFloat64 OfWhole(int n) => new(n);

    public static PlainFloat64 OfFloat64(double x) => new(x);

    public static PlainFloat64 OfUnit(long n) => new(n * (1.0 / (1L << 53)));

    public static PlainFloat64 Plus(PlainFloat64 sum, double x) => new(sum._value + x);

    public static PlainFloat64 operator +(PlainFloat64 a, PlainFloat64 b) => new(a._value + b._value);

    public static PlainFloat64 PlusProduct(PlainFloat64 sum, double a, double b) => new(sum._value + a * b);

    public static PlainFloat64 Difference(double a, double b) => new(a - b);

    public static PlainFloat64 Negative(PlainFloat64 x) => new(-x._value);

    public static PlainFloat64 Product(PlainFloat64 a, PlainFloat64 b) => new(a._value * b._value);

    public static PlainFloat64 Quotient(PlainFloat64 a, PlainFloat64 b) => new(a._value / b._value);

    public static PlainFloat64 Root(PlainFloat64 x) => new(Math.Sqrt(x._value));

    public static double Round(PlainFloat64 x) => x._value;

    public static double Exp(PlainFloat64 x) => Float64Numbers.Exp(x._value);

    public static double Log(PlainFloat64 x) => Float64Numbers.Log(x._value);

    public static long Float64BitsOf(PlainFloat64 x) => (long)Interop.FloatAsInt(x._value);
}
