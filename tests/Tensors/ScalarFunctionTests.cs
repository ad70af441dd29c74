using InfMatch.Autograd;
using InfMatch.Tensors;
using InfMatch.Tests.Autograd;

namespace InfMatch.Tests.Tensors;

/// <summary>The functions of one number on every backend: their definition is one, so their accuracy is.</summary>
[Collection(SharedBackends.Name)]
public sealed class ScalarFunctionTests
{
    [Fact]
    public void Softplus_keeps_its_relative_accuracy_on_both_sides()
    {
        double[] values = [.. Enumerable.Range(-300, 601).Select(i => (double)(float)(i / 4.0))];
        using var simulator = new GpuBackend(GpuBackend.Simulator);
        foreach (DType dtype in Enum.GetValues<DType>())
        foreach (Backend backend in (Backend[])[.. KernelCheck.Widths, .. Shared(dtype), simulator])
        {
            using TensorScope scope = TensorScope.Begin();
            Tensor x = Tensor.From(backend, dtype, values, new Shape(values.Length)), y = backend.Empty(x.Shape, dtype);
            backend.Map<SoftplusFunction>(x, y);
            double[] found = y.ToArray<double>();
            for (int i = 0; i < values.Length; i++)
            {
                // log(1 + e) = 2·artanh(e/(2 + e)), a series that needs no 1 + e.
                double e = Math.Exp(-Math.Abs(values[i])), z = e / (2 + e), sum = 0;
                for (int k = 60; k >= 0; k--)
                    sum = sum * z * z + 1.0 / (2 * k + 1);
                double exact = Math.Max(values[i], 0) + 2 * z * sum;
                Assert.True(
                    Math.Abs(found[i] - exact) <= 4 * KernelCheck.Epsilon(dtype) * exact,
                    $"{backend.Description}, {dtype}: softplus({values[i]}) = {found[i]:R}, not {exact:R}");
            }
        }
    }

    // Beside the host's: a device has its own series and reduces the angle by itself.
    [Fact]
    public void Sine_cosine_and_powers_of_a_device_are_those_of_the_host()
    {
        double[] angles =
        [
            .. Enumerable.Range(-400, 801).Select(i => (double)(float)(i / 16.0)), 1e-30, 1e5, -123456.789f, 1 << 24,
            (float)Math.PI, (float)(1000 * Math.PI),
        ];
        double[] bases = [-3, -1, -0.5, -0.0, 0, 0.25, 1, 2, 1e10, double.PositiveInfinity, double.NaN];
        double[] exponents = [-3, -2, -0.5, 0, 0.5, 1, 2, 3, 31, double.NaN];
        using var simulator = new GpuBackend(GpuBackend.Simulator);
        foreach (DType dtype in Enum.GetValues<DType>())
        foreach (Backend backend in (Backend[])[.. Shared(dtype), simulator])
        {
            using TensorScope scope = TensorScope.Begin();
            double unit = KernelCheck.Epsilon(dtype);
            Tensor x = Tensor.From(backend, dtype, angles, new Shape(angles.Length)), y = backend.Empty(x.Shape, dtype);
            backend.Map<SinFunction>(x, y);
            AssertClose(angles.Select(Math.Sin), y, 2 * unit, $"sine on {backend.Description}");
            backend.Map<CosFunction>(x, y);
            AssertClose(angles.Select(Math.Cos), y, 2 * unit, $"cosine on {backend.Description}");

            (double A, double B)[] pairs = [.. bases.SelectMany(a => exponents.Select(b => (a, b)))];
            var shape = new Shape(pairs.Length);
            Tensor p = Tensor.From(backend, dtype, [.. pairs.Select(pair => pair.A)], shape);
            Tensor q = Tensor.From(backend, dtype, [.. pairs.Select(pair => pair.B)], shape);
            Tensor power = backend.Empty(shape, dtype);
            backend.Zip<PowFunction>(p, q, power);
            AssertClose(
                pairs.Select(pair => dtype == DType.Float64 ? Math.Pow(pair.A, pair.B) : MathF.Pow((float)pair.A, (float)pair.B)),
                power, 1000 * unit, $"power on {backend.Description}");
        }
    }

    [Fact]
    public void An_angle_that_a_device_cannot_reduce_is_no_number()
    {
        using var simulator = new GpuBackend(GpuBackend.Simulator);
        Tensor x = Tensor.From<double>(simulator, [2e9, double.PositiveInfinity, double.NaN], new Shape(3));
        Tensor y = simulator.Empty(x.Shape, DType.Float64);
        simulator.Map<SinFunction>(x, y);
        Assert.All(y.ToArray<double>(), value => Assert.Equal(double.NaN, value));
    }

    private static void AssertClose(IEnumerable<double> expected, Tensor found, double tolerance, string what)
    {
        foreach ((double e, double f) in expected.Zip(found.ToArray<double>()))
        {
            Assert.True(
                e.Equals(f) || Math.Abs(e - f) <= tolerance * Math.Max(1e-300, Math.Abs(e)) || Math.Abs(e - f) <= tolerance * 1e-2,
                $"{what}, {found.DType}: {f:R}, not {e:R}");
        }
    }

    private static IEnumerable<Backend> Shared(DType dtype) =>
        TestBackends.All.Where(b => b.DType == dtype).Select(b => b.Shared);
}
