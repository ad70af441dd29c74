using ILGPU;

namespace InfMatch.Tensors;

/// <summary>float32 on a device, without float64: each function is off by three units in the last place at most, and Tanh by
/// as much of 1.</summary>
internal readonly struct Float32Numbers : IDeviceNumbers<float>
{
    private const float Log2E = 1.44269504f, Ln2High = 0.693145752f, Ln2Low = 1.42860677e-6f;
    private const float LargestExponent = 88.72284f, SmallestExponent = -103.97208f;

    public static float Of(int x) => x;

    public static float Of(double constant) => (float)constant;

    public static int Floor(float x)
    {
        float bounded = x > 1e9f ? 1e9f : x < -1e9f ? -1e9f : x;
        int whole = (int)bounded;
        return whole > bounded ? whole - 1 : whole;
    }

    public static float Sqrt(float x) => MathF.Sqrt(x);

    // e^x = 2^n·e^r with r = x − n·ln 2 in two parts, |r| <= ln 2/2; the Taylor series to r^7 is off by 6e-9 there. 2^n in
    // two factors, so that results below the normal range are right too.
    public static float Exp(float x) => Exp(x, 0);

    /// <summary>e^(x + low), low far below x.</summary>
    public static float Exp(float x, float low)
    {
        float bounded = x > LargestExponent ? LargestExponent : x < SmallestExponent ? SmallestExponent : x;
        bounded = float.IsNaN(bounded) ? 0 : bounded;
        float turns = bounded * Log2E;
        int n = (int)(turns < 0 ? turns - 0.5f : turns + 0.5f);
        float r = bounded - n * Ln2High - n * Ln2Low + low;
        float series = 1 + r * (1 / 7f);
        series = 1 + r * (1 / 6f) * series;
        series = 1 + r * (1 / 5f) * series;
        series = 1 + r * (1 / 4f) * series;
        series = 1 + r * (1 / 3f) * series;
        series = 1 + r * (1 / 2f) * series;
        series = 1 + r * series;
        int half = n / 2;
        float y = series * PowerOfTwo(half) * PowerOfTwo(n - half);
        y = x > LargestExponent ? float.PositiveInfinity : y;
        y = x < SmallestExponent ? 0 : y;
        return float.IsNaN(x) ? x : y;
    }

    private static float PowerOfTwo(int n) => Interop.IntAsFloat((uint)((n + 127) << 23));

    // 1 − 2/(e^(2|x|) + 1), with x's sign.
    public static float Tanh(float x)
    {
        float y = 1 - 2 / (Exp(2 * (x < 0 ? -x : x)) + 1);
        return x < 0 ? -y : y;
    }

    // log x = e·ln 2 + log(1 + f) with 1 + f in [√½, √2]. With s = f/(2 + f) log(1 + f) = 2·artanh(s) = f − s·(f − R),
    // R = 2·(s²/3 + s⁴/5 + …): f is exact, and what is taken from it small.
    public static float Log(float x)
    {
        (int exponent, float f) = Taken(x);
        float s = f / (2 + f);
        float y = exponent * Ln2High + (f - (s * (f - Rest(s * s)) - exponent * Ln2Low));
        return Limit(x, y);
    }

    // The exponent and the mantissa less 1. A number below the normal range counts its units: a device that takes such
    // numbers for 0 moves them all the same.
    private static (int Exponent, float F) Taken(float x)
    {
        uint bits = Interop.FloatAsInt(x);
        bool isSmall = bits < 0x800000;
        bits = isSmall ? Interop.FloatAsInt((float)(int)bits) : bits;
        int exponent = (int)((bits >> 23) & 0xFF) - 127 - (isSmall ? 149 : 0);
        float m = Interop.IntAsFloat((bits & 0x7FFFFF) | 0x3F800000);
        bool isLarge = m > 1.41421354f;
        return (isLarge ? exponent + 1 : exponent, (isLarge ? m * 0.5f : m) - 1);
    }

    private static float Rest(float square) =>
        square * (2 / 3f + square * (2 / 5f + square * (2 / 7f + square * (2 / 9f + square * (2 / 11f)))));

    // What log x is outside of the numbers above 0.
    private static float Limit(float x, float y)
    {
        uint bits = Interop.FloatAsInt(x), size = bits & 0x7FFFFFFF;
        y = size == 0x7F800000 ? x : y;
        y = size == 0 ? float.NegativeInfinity : y;
        return (bits != size && size != 0) || size > 0x7F800000 ? float.NaN : y;
    }

    public static float Sin(float x)
    {
        float y = Turned(x < 0 ? -x : x, 0);
        return x < 0 ? -y : y;
    }

    public static float Cos(float x) => Turned(x < 0 ? -x : x, 1);

    private const float LargestAngle = 1 << 30;

    // 2/π in units of 2⁻⁹⁶: three words, the highest first.
    private const ulong Turns2 = 0xA2F9836E, Turns1 = 0x4E441529, Turns0 = 0xFC2757D2;

    // sin(x + quarters·π/2) for x >= 0: x = (k + t)·π/2 with |t| <= ½, where the series of sine and cosine end below the
    // rounding. k and t from the product of x's 24 bits with those of 2/π that matter (Payne and Hanek, 1983): exact as far
    // as float32 can tell, however large x is.
    private static float Turned(float x, int quarters)
    {
        bool isNear = x < LargestAngle, isSmall = x < 0.5f;
        uint bits = Interop.FloatAsInt(isNear && !isSmall ? x : 1);
        ulong m = (bits & 0x7FFFFF) | 0x800000;
        // The window of 64 bits whose highest two are k modulo 4.
        int shift = 184 - (int)(bits >> 23);
        ulong middle = m * Turns1, window = (m * Turns2 << (64 - shift)) + (m * Turns0 >> shift);
        window += shift < 32 ? middle << (32 - shift) : middle >> (shift - 32);
        long part = (long)(window << 2);
        int k = (int)(window >> 62) + (part < 0 ? 1 : 0);
        float r = part * (1.57079637f / 4 / (1L << 62));
        r = isSmall ? x : r;
        k = (isSmall ? 0 : k) + quarters;
        float square = r * r;
        float sine = r - r * square * (1 / 6f - square * (1 / 120f - square * (1 / 5040f - square * (1 / 362880f))));
        float cosine = 1 / 24f - square * (1 / 720f - square * (1 / 40320f - square * (1 / 3628800f)));
        cosine = 1 - square * (1 / 2f - square * cosine);
        float y = (k & 1) == 0 ? sine : cosine;
        y = (k & 2) == 0 ? y : -y;
        return isNear ? y : float.NaN;
    }

    // e^(b·log|a|), the logarithm as a pair; the sign is that of a where b is odd.
    public static float Pow(float a, float b)
    {
        float size = a < 0 ? -a : a, amount = b < 0 ? -b : b;
        bool isHuge = amount >= 1 << 24;
        int whole = (int)(isHuge || float.IsNaN(b) ? 0 : b);
        bool isWhole = isHuge || whole == b, isOdd = (whole & 1) != 0;
        float y = PowerOf(size, b);
        y = b == 0 || size == 1 ? 1 : y;
        y = a < 0 && !isWhole && size < float.PositiveInfinity ? float.NaN : y;
        return isOdd && isWhole && (a < 0 || (a == 0 && 1 / a < 0)) ? -y : y;
    }

    private static float PowerOf(float size, float b)
    {
        (int exponent, float f) = Taken(size);
        Float32Pair s = Float32Pair.Quotient(Float32Pair.Of(f), Float32Pair.Plus(Float32Pair.Of(2), f));
        float high = Limit(size, exponent * Ln2High), low = s.High * Rest(s.High * s.High) + exponent * Ln2Low;
        Float32Pair log = Float32Pair.Plus(Float32Pair.Plus(Float32Pair.Of(high), s.High + s.High), low);
        log = Float32Pair.Plus(log, s.Low + s.Low);
        // An infinity has no low part.
        float logHigh = Float32Pair.Round(log), logLow = log.High - logHigh + log.Low;
        float power = DeviceIntrinsics.MultiplyAdd(b, logHigh, -0f);
        float more = DeviceIntrinsics.MultiplyAdd(b, logHigh, -power) + b * logLow;
        return Exp(power, more > -1 && more < 1 ? more : 0);
    }
}
