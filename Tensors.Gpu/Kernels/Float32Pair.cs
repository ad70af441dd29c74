namespace InfMatch.Tensors;

/// <summary>
/// High + Low in float32: what a rounding of High lost is kept in Low. Sums and products of such pairs have 44 bits and
/// more, in operations that every device has (Dekker, "A floating-point technique for extending the available
/// precision", 1971; Ogita, Rump and Oishi, "Accurate sum and dot product", 2005). An infinity or NaN in High spoils Low,
/// and <see cref="Round"/> leaves it out then. A product below 2⁻¹⁴⁹ is 0 and one beyond float32 infinite.
/// </summary>
internal struct Float32Pair : IExtended<Float32Pair, float>
{
    public float High, Low;

    private Float32Pair(float high, float low) => (High, Low) = (high, low);

    public static Float32Pair Of(float x) => new(x, 0);

    public static Float32Pair OfWhole(int n)
    {
        float high = n;
        return new Float32Pair(high, (int)(n - (long)high));
    }

    public static Float32Pair OfFloat64(double x) => new((float)x, float.IsFinite((float)x) ? (float)(x - (float)x) : 0);

    public static Float32Pair OfUnit(long n)
    {
        const float Unit = 1f / (1L << 53);
        float high = n;
        return new Float32Pair(high * Unit, (n - (long)high) * Unit);
    }

    public static Float32Pair Plus(Float32Pair sum, float x)
    {
        float high = sum.High + x;
        return new Float32Pair(high, sum.Low + Lost(sum.High, x, high));
    }

    public static Float32Pair operator +(Float32Pair a, Float32Pair b)
    {
        float high = a.High + b.High;
        return new Float32Pair(high, Lost(a.High, b.High, high) + (a.Low + b.Low));
    }

    // The product by a multiply-add, too: a compiler may fuse a plain one with the addition behind it.
    public static Float32Pair PlusProduct(Float32Pair sum, float a, float b)
    {
        float product = DeviceIntrinsics.MultiplyAdd(a, b, -0f), high = sum.High + product;
        return new Float32Pair(
            high, sum.Low + (Lost(sum.High, product, high) + DeviceIntrinsics.MultiplyAdd(a, b, -product)));
    }

    public static Float32Pair Difference(float a, float b)
    {
        float high = a - b, low = Lost(a, -b, high);
        return new Float32Pair(high, float.IsNaN(low) ? 0 : low);
    }

    public static Float32Pair Negative(Float32Pair x) => new(-x.High, -x.Low);

    public static Float32Pair Product(Float32Pair a, Float32Pair b)
    {
        float high = DeviceIntrinsics.MultiplyAdd(a.High, b.High, -0f);
        float low = DeviceIntrinsics.MultiplyAdd(a.High, b.High, -high);
        low = DeviceIntrinsics.MultiplyAdd(a.Low, b.High, low);
        return Sorted(high, DeviceIntrinsics.MultiplyAdd(a.High, b.Low, low));
    }

    public static Float32Pair Quotient(Float32Pair a, Float32Pair b)
    {
        float high = a.High / b.High;
        float rest = DeviceIntrinsics.MultiplyAdd(-high, b.High, a.High);
        rest = DeviceIntrinsics.MultiplyAdd(-high, b.Low, rest + a.Low);
        return Sorted(high, rest / b.High);
    }

    public static Float32Pair Root(Float32Pair x)
    {
        float high = MathF.Sqrt(x.High);
        float rest = DeviceIntrinsics.MultiplyAdd(-high, high, x.High) + x.Low;
        return Sorted(high, rest / (high + high));
    }

    public static float Round(Float32Pair x)
    {
        float sum = x.High + x.Low;
        return float.IsNaN(sum) ? x.High : sum;
    }

    public static float Exp(Float32Pair x) => Float32Numbers.Exp(x.High, x.Low);

    public static float Log(Float32Pair x) => Float32Numbers.Log(x.High) + x.Low / x.High;

    public static long Float64BitsOf(Float32Pair x) =>
        (long)(float.IsNaN(x.High + x.Low) ? Float64Bits.Of(x.High, 0) : Float64Bits.Of(x.High, x.Low));

    // What a + b lost when it was rounded to the sum: exact whatever their sizes.
    private static float Lost(float a, float b, float sum)
    {
        float ofB = sum - a;
        return a - (sum - ofB) + (b - ofB);
    }

    // |low| is far below |high|, or high an infinity that spoiled it.
    private static Float32Pair Sorted(float high, float low)
    {
        float sum = high + low;
        sum = float.IsNaN(sum) ? high : sum;
        return new Float32Pair(sum, low - (sum - high));
    }
}
