using InfMatch.Tensors;
using Xunit.Abstractions;

namespace InfMatch.Tests.Tensors;

/// <summary>Functions, pairs and bits of float32 numbers as devices compute them, run as they stand.</summary>
public sealed class Float32NumbersTests(ITestOutputHelper output)
{
    private const float Largest = 1 << 30;
    private static readonly float[] s_special =
    [
        0, -0f, 1, -1, 2, 0.5f, -0.5f, 3, -3, 31, -31, float.Epsilon, -float.Epsilon, 1e-40f, 1.17549435e-38f, float.MaxValue,
        float.PositiveInfinity, float.NegativeInfinity, float.NaN, 16777216, -16777215, 1e10f,
    ];

    // Every 20,011th float32 number, of all sizes and both signs.
    private static IEnumerable<float> Everywhere()
    {
        for (ulong bits = 0; bits <= uint.MaxValue; bits += 20_011)
            yield return BitConverter.UInt32BitsToSingle((uint)bits);
    }

    private static double Ulp(double x)
    {
        float size = (float)Math.Min(Math.Abs(x), float.MaxValue / 2);
        return (double)MathF.BitIncrement(size) - size;
    }

    private void Check(string name, double bound, Func<float, float> found, Func<double, double> exact, IEnumerable<float> numbers)
    {
        double worst = 0, relative = 0;
        foreach (float x in numbers.Concat(s_special))
        {
            double e = exact(x), y = found(x);
            if (y.Equals((double)(float)e))
                continue;
            double error = Math.Abs(y - e) / Ulp(e);
            Assert.True(error <= bound, $"{name}({x:R}) = {y:R}, not {e:R}: {error} units in the last place.");
            worst = Math.Max(worst, error);
            relative = Math.Max(relative, Math.Abs(e) > 1.2e-38 ? Math.Abs(y - e) / Math.Abs(e) : 0);
        }
        output.WriteLine($"{name}: {worst:F2} units in the last place, {relative:g2} of the result");
    }

    [Fact]
    public void Exponential_and_logarithm_are_those_of_float64_rounded_almost()
    {
        Check("exp", 1.5, Float32Numbers.Exp, Math.Exp, Everywhere().Concat(Enumerable.Range(-400, 800).Select(i => i / 4f)));
        IEnumerable<float> near = Enumerable.Range(0, 100_000).Select(i => 0.5f + i * 1.5e-5f);
        Check("log", 1, Float32Numbers.Log, Math.Log, Everywhere().Concat(near));
    }

    [Fact]
    public void Sine_and_cosine_keep_their_accuracy_at_any_angle()
    {
        static bool IsNear(double x) => Math.Abs(x) < Largest;
        IEnumerable<float> near = Enumerable.Range(1, 100_000).Select(i => (float)(i * Math.PI / 2));
        Check("sin", 3, Float32Numbers.Sin, x => IsNear(x) ? Math.Sin(x) : double.NaN, Everywhere().Concat(near));
        Check("cos", 3, Float32Numbers.Cos, x => IsNear(x) ? Math.Cos(x) : double.NaN, Everywhere().Concat(near));
    }

    [Fact]
    public void Powers_are_right_to_the_last_bits()
    {
        double worst = 0;
        var numbers = new TestNumbers(3);
        double[] random = numbers.Numbers(200_000);
        IEnumerable<(float A, float B)> pairs = Enumerable.Range(0, random.Length / 2)
            .Select(i => ((float)Math.Exp(30 * random[2 * i]), (float)(20 * random[2 * i + 1])))
            .Concat(s_special.SelectMany(a => s_special.Select(b => (a, b))));
        foreach ((float a, float b) in pairs)
        {
            double e = Math.Pow(a, b), y = Float32Numbers.Pow(a, b);
            if (y.Equals((double)(float)e))
                continue;
            double error = Math.Abs(y - e) / Ulp(e);
            Assert.True(error <= 3, $"pow({a:R}, {b:R}) = {y:R}, not {e:R}.");
            worst = Math.Max(worst, error);
        }
        output.WriteLine($"pow: {worst:F2} units in the last place");
    }

    [Fact]
    public void Bits_of_float64_numbers_are_made_and_rounded_as_the_processor_does()
    {
        var numbers = new TestNumbers(4);
        foreach ((double a, double b) in Pairs(numbers.Numbers(400_000)))
        {
            float high = BitConverter.Int32BitsToSingle((int)(a * int.MaxValue));
            if (!float.IsFinite(high))
                continue;
            float low = (float)(b * Ulp(high));
            Assert.Equal((double)high + low, BitConverter.UInt64BitsToDouble(Float64Bits.Of(high, low)));
            double between = ((double)high + MathF.BitIncrement(high)) / 2, any = BitConverter.Int64BitsToDouble((long)(a * long.MaxValue));
            foreach (double x in (double[])[high * (1 + 1e-6 * b), between, any])
                Assert.Equal((float)x, Float64Bits.Round(BitConverter.DoubleToUInt64Bits(x)));
        }
        foreach (float x in s_special)
        {
            Assert.Equal(x, BitConverter.UInt64BitsToDouble(Float64Bits.Of(x, 0)));
            Assert.Equal(x, Float64Bits.Round(BitConverter.DoubleToUInt64Bits(x)));
        }
        Assert.Equal(float.PositiveInfinity, Float64Bits.Round(BitConverter.DoubleToUInt64Bits(1e39)));
        Assert.Equal(float.NegativeInfinity, Float64Bits.Round(BitConverter.DoubleToUInt64Bits(-double.MaxValue)));
    }

    [Fact]
    public void A_pair_has_twice_the_bits_of_its_numbers()
    {
        var numbers = new TestNumbers(5);
        foreach ((double a, double b) in Pairs(numbers.Numbers(20_000)))
        {
            Float32Pair p = Float32Pair.OfFloat64(a), q = Float32Pair.OfFloat64(b + 2);
            Close(Value(p) * Value(q), Float32Pair.Product(p, q));
            Close(Value(p) / Value(q), Float32Pair.Quotient(p, q));
            Close(Math.Sqrt(Value(q)), Float32Pair.Root(q));
            Close(Value(p) + Value(q), p + q);
            Close(Value(q) + (double)(float)a * (float)b, Float32Pair.PlusProduct(q, (float)a, (float)b));
        }
        static void Close(double expected, Float32Pair found) =>
            Assert.True(Math.Abs(Value(found) - expected) <= Math.Abs(expected) * Math.Pow(2, -44), $"{Value(found):R}, not {expected:R}");
    }

    [Fact]
    public void An_infinity_or_NaN_that_was_added_stays()
    {
        foreach (float x in (float[])[float.PositiveInfinity, float.NegativeInfinity, float.NaN])
        {
            Float32Pair sum = Float32Pair.Plus(Float32Pair.Plus(Float32Pair.Of(1), x), 2) + Float32Pair.Of(3);
            Assert.Equal(x, Float32Pair.Round(sum));
            Assert.Equal(x, BitConverter.Int64BitsToDouble(Float32Pair.Float64BitsOf(sum)));
            Assert.Equal(x, Float32Pair.Round(Float32Pair.PlusProduct(Float32Pair.Of(1), x, 1)));
            Assert.Equal(x, Float32Pair.Round(Float32Pair.Quotient(sum, Float32Pair.Of(2))));
            Assert.Equal(x, Float32Pair.Round(Float32Pair.Product(Float32Pair.Of(2), sum)));
        }
    }

    private static double Value(Float32Pair x) => (double)x.High + x.Low;

    private static IEnumerable<(double A, double B)> Pairs(double[] numbers) =>
        Enumerable.Range(0, numbers.Length / 2).Select(i => (numbers[2 * i], numbers[2 * i + 1]));
}
