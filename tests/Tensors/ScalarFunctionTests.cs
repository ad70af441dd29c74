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

    private static IEnumerable<Backend> Shared(DType dtype) =>
        TestBackends.All.Where(b => b.DType == dtype).Select(b => b.Shared);
}
