using ILGPU;

namespace InfMatch.Tensors;

/// <summary>float64 on a device.</summary>
internal readonly struct Float64Numbers : IDeviceNumbers<double>
{
    private const double Log2E = 1.4426950408889634, Ln2High = 0.69314718036912382, Ln2Low = 1.9082149292705877e-10;
    private const double LargestExponent = 709.782712893384, SmallestExponent = -745.1332191019412;
    private const double SmallestNormal = 2.2250738585072014e-308, TwoTo54 = 18014398509481984;

    public static double Of(int x) => x;

    public static double Of(double constant) => constant;

    public static int Floor(double x)
    {
        double bounded = x > 1e9 ? 1e9 : x < -1e9 ? -1e9 : x;
        int whole = (int)bounded;
        return whole > bounded ? whole - 1 : whole;
    }

    public static double Sqrt(double x) => Math.Sqrt(x);

    // As for float32; the series goes on to r^15, below the rounding, times 15!: so it needs no division. Written out, it makes
    // LLVM 18 abort in PoCL's kernel of powers.
    public static double Exp(double x)
    {
        double bounded = x > LargestExponent ? LargestExponent : x < SmallestExponent ? SmallestExponent : x;
        bounded = double.IsNaN(bounded) ? 0 : bounded;
        double turns = bounded * Log2E;
        int n = (int)(turns < 0 ? turns - 0.5 : turns + 0.5);
        double r = bounded - n * Ln2High - n * Ln2Low;
        double series = 1, factor = 1;
        for (int k = 15; k > 0; k--)
        {
            factor *= k;
            series = DeviceIntrinsics.MultiplyAdd(series, r, factor);
        }
        series *= 1 / 1307674368000.0;
        int half = n / 2;
        double y = series * PowerOfTwo(half) * PowerOfTwo(n - half);
        y = x > LargestExponent ? double.PositiveInfinity : y;
        y = x < SmallestExponent ? 0 : y;
        return double.IsNaN(x) ? x : y;
    }

    private static double PowerOfTwo(int n) => Interop.IntAsFloat((ulong)(n + 1023L) << 52);

    // 1 − 2/(e^(2|x|) + 1), with x's sign.
    public static double Tanh(double x)
    {
        double y = 1 - 2 / (Exp(2 * (x < 0 ? -x : x)) + 1);
        return x < 0 ? -y : y;
    }

    private const double TwoOverPi = 0.63661977236758134, LargestAngle = 1073741824, TwoTo53 = 9007199254740992;

    // π/2 in three parts; the first two have 33 bits, so that their products with half of the bits of k are exact.
    private const double QuarterHigh = 1.57079632673412561417, QuarterMiddle = 6.07710050630396597660e-11;
    private const double QuarterLow = 2.02226624879595063154e-21;

    public static double Sin(double x)
    {
        double y = Turned(x < 0 ? -x : x, 0);
        return x < 0 ? -y : y;
    }

    public static double Cos(double x) => Turned(x < 0 ? -x : x, 1);

    // sin(x + quarters·π/2) for x >= 0: r = x − k·π/2 with |r| <= π/4, where the series of sine and cosine end below the rounding.
    private static double Turned(double x, int quarters)
    {
        bool isNear = x <= LargestAngle;
        double bounded = isNear ? x : 0;
        int k = (int)(bounded * TwoOverPi + 0.5);
        int rest = k & 0x7FFF, most = k - rest;
        double r = bounded - most * QuarterHigh - rest * QuarterHigh - most * QuarterMiddle - rest * QuarterMiddle
            - k * QuarterLow;
        double square = r * r, sine = 1 - square * (1 / 342.0), cosine = 1 - square * (1 / 306.0);
        sine = 1 - square * (1 / 272.0) * sine;
        cosine = 1 - square * (1 / 240.0) * cosine;
        sine = 1 - square * (1 / 210.0) * sine;
        cosine = 1 - square * (1 / 182.0) * cosine;
        sine = 1 - square * (1 / 156.0) * sine;
        cosine = 1 - square * (1 / 132.0) * cosine;
        sine = 1 - square * (1 / 110.0) * sine;
        cosine = 1 - square * (1 / 90.0) * cosine;
        sine = 1 - square * (1 / 72.0) * sine;
        cosine = 1 - square * (1 / 56.0) * cosine;
        sine = 1 - square * (1 / 42.0) * sine;
        cosine = 1 - square * (1 / 30.0) * cosine;
        sine = 1 - square * (1 / 20.0) * sine;
        cosine = 1 - square * (1 / 12.0) * cosine;
        sine = 1 - square * (1 / 6.0) * sine;
        cosine = 1 - square * (1 / 2.0) * cosine;
        k += quarters;
        double y = (k & 1) == 0 ? r * sine : cosine;
        y = (k & 2) == 0 ? y : -y;
        return isNear ? y : double.NaN;
    }

    // e^(b·log|a|), relatively good to |b·log a| roundings; the sign is that of a where b is odd.
    public static double Pow(double a, double b)
    {
        double size = a < 0 ? -a : a, amount = b < 0 ? -b : b;
        bool isHuge = amount >= TwoTo53;
        double bounded = isHuge || double.IsNaN(b) ? 0 : b;
        long whole = (long)bounded;
        bool isWhole = isHuge || whole == b, isOdd = (whole & 1) != 0;
        double y = Exp(b * Log(size));
        y = b == 0 || size == 1 ? 1 : y;
        y = a < 0 && !isWhole && size < double.PositiveInfinity ? double.NaN : y;
        return isOdd && isWhole && (a < 0 || (a == 0 && 1 / a < 0)) ? -y : y;
    }

    // log x = e·ln 2 + 2·artanh(s), s = (m − 1)/(m + 1), with the mantissa m in [√½, √2), so |s| <= 0.1716.
    public static double Log(double x)
    {
        bool isSmall = x < SmallestNormal;
        ulong bits = Interop.FloatAsInt(isSmall ? x * TwoTo54 : x);
        int exponent = (int)((bits >> 52) & 0x7FF) - 1023 - (isSmall ? 54 : 0);
        double m = Interop.IntAsFloat((bits & 0xFFFFFFFFFFFFFUL) | 0x3FF0000000000000UL);
        bool isLarge = m > 1.4142135623730951;
        m = isLarge ? m * 0.5 : m;
        exponent += isLarge ? 1 : 0;
        double s = (m - 1) / (m + 1), square = s * s, sum = 1 / 23.0;
        sum = DeviceIntrinsics.MultiplyAdd(sum, square, 1 / 21.0);
        sum = DeviceIntrinsics.MultiplyAdd(sum, square, 1 / 19.0);
        sum = DeviceIntrinsics.MultiplyAdd(sum, square, 1 / 17.0);
        sum = DeviceIntrinsics.MultiplyAdd(sum, square, 1 / 15.0);
        sum = DeviceIntrinsics.MultiplyAdd(sum, square, 1 / 13.0);
        sum = DeviceIntrinsics.MultiplyAdd(sum, square, 1 / 11.0);
        sum = DeviceIntrinsics.MultiplyAdd(sum, square, 1 / 9.0);
        sum = DeviceIntrinsics.MultiplyAdd(sum, square, 1 / 7.0);
        sum = DeviceIntrinsics.MultiplyAdd(sum, square, 1 / 5.0);
        sum = DeviceIntrinsics.MultiplyAdd(sum, square, 1 / 3.0);
        sum *= square;
        double y = exponent * Ln2High + (2 * s + (2 * s * sum + exponent * Ln2Low));
        y = x == double.PositiveInfinity ? x : y;
        y = x == 0 ? double.NegativeInfinity : y;
        return x < 0 || double.IsNaN(x) ? double.NaN : y;
    }
}
