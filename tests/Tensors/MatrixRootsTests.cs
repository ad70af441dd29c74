using InfMatch.Tensors;
using InfMatch.Tests.Autograd;
using InfMatch.Tests.Nn;

namespace InfMatch.Tests.Tensors;

public sealed class MatrixRootsTests
{
    public static TheoryData<string> Backends() =>
        [.. TestBackends.All.Where(b => b.DType == DType.Float64).Select(b => b.Name)];

    // A = HΛH with a reflection H: its roots are HΛ^±½H.
    [Theory, MemberData(nameof(Backends))]
    public void Roots_of_a_matrix_of_known_spectrum(string name)
    {
        Backend on = TestBackends.Named(name).Shared;
        foreach (double condition in (double[])[1, 10, 1e5])
        {
            const int d = 12;
            var u = new double[d];
            RandomKey.FromSeed(3).Normal(u);
            double length = Math.Sqrt(u.Sum(v => v * v));
            double[] spectrum = [.. Enumerable.Range(0, d).Select(i => 0.1 * Math.Pow(condition, i / (d - 1.0)))];
            Tensor Of(Func<double, double> f)
            {
                var values = new double[d * d];
                for (int i = 0; i < d; i++)
                for (int j = 0; j < d; j++)
                for (int k = 0; k < d; k++)
                    values[i * d + j] += H(i, k) * f(spectrum[k]) * H(k, j);
                return Tensor.From<double>(on, values, new Shape(d, d));
                double H(int i, int j) => (i == j ? 1 : 0) - 2 * u[i] * u[j] / (length * length);
            }
            int steps = 0;
            (Tensor root, Tensor inverse) = MatrixRoots.Of(Of(v => v), 0.1, () => steps++);
            ConvNetTests.AssertClose(Of(Math.Sqrt), root, 1e-12);
            ConvNetTests.AssertClose(Of(v => 1 / Math.Sqrt(v)), inverse, 1e-11);
            Assert.InRange(steps, 2, 14);
        }
    }

    [Fact]
    public void What_is_no_such_matrix_is_refused_and_no_memory_stays()
    {
        var on = new CpuBackend(1);
        using var scope = TensorScope.Begin();
        Assert.Throws<ShapeException>(() => MatrixRoots.Of(Tensor.Full(on, DType.Float64, new Shape(2, 3), 1), 1));
        Assert.Throws<DTypeException>(() => MatrixRoots.Of(Tensor.Full(on, DType.Float32, new Shape(2, 2), 1), 1));
        Tensor one = Tensor.From<double>(on, [4.0], new Shape(1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => MatrixRoots.Of(one, 0));
        int live = on.Memory.LiveBuffers;
        (Tensor root, Tensor inverse) = MatrixRoots.Of(one, 4);
        Assert.Equal((2, 0.5), (root.ToArray<double>()[0], inverse.ToArray<double>()[0]));
        Assert.Equal(live + 2, on.Memory.LiveBuffers);
    }
}
