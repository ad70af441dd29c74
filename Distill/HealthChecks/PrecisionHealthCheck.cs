using System.Globalization;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Whether the precisions of tensor cores compute what they must on a device: products large enough to be computed by
/// them, beside the same products of the same device in float32.
/// </summary>
/// <param name="float32">The device in float32.</param>
/// <param name="open">The same device in another precision.</param>
internal sealed class PrecisionHealthCheck(Backend float32, Func<Precision, Backend> open)
{
    // What rounding of the factors to 10 bits leaves of a sum of numbers of both signs, with a margin of two; and less
    // than any such rounding can be, which only a product in float32 reaches.
    private const double MostOfTf32 = 2e-3, LeastOfTf32 = 1e-5;

    // More than the errors of both together, as emulation finds them at these depths.
    private const double MostOfThree = 2e-6;

    // The least that takes the kernels for large products; see GpuBackend.FillsTheDevice.
    private static readonly Conv2dGeometry s_convolution =
        Conv2dGeometry.Infer(new Shape(8, 128, 16, 16), new Shape(128, 128, 3, 3), stride: 1, padding: 1);

    private static readonly Product[] s_products =
    [
        new("matrix product", new Shape(130, 1152), new Shape(1152, 1000), new Shape(130, 1000),
            (b, x, w, y) => b.Run(new MatMulCall(x, false, w, false, y))),
        new("convolution", s_convolution.Input, s_convolution.Weight, s_convolution.Output,
            (b, x, w, y) => b.Run(new Conv2dCall(s_convolution, x, w, null, y))),
        new("convolution, input gradient", s_convolution.Output, s_convolution.Weight, s_convolution.Input,
            (b, dy, w, dx) => b.Run(new Conv2dInputGradientCall(s_convolution, dy, w, dx))),
        new("convolution, weight gradient", s_convolution.Input, s_convolution.Output, s_convolution.Weight,
            (b, x, dy, dw) => b.Run(new Conv2dWeightGradientCall(s_convolution, x, dy, dw))),
    ];

    private readonly Dictionary<Product, double[]> _expected = [];

    /// <summary>A line for each precision and product, and one for each precision under
    /// <see cref="FullPrecision"/>.</summary>
    public IEnumerable<CheckResult> CheckHealth()
    {
        foreach (Precision precision in (Precision[])[Precision.Tf32, Precision.ThreeTf32])
        {
            foreach (Product product in s_products)
                yield return Compare(precision, product, isFull: false);
            yield return Compare(precision, s_products[0], isFull: true);
        }
    }

    private CheckResult Compare(Precision precision, Product product, bool isFull)
    {
        string name = Precisions.NameOf(precision);
        string check = $"{product.Name}, {name}{(isFull ? " inside a difference" : "")}";
        string fix = $"Do not compute with --precision {name} on {float32.Name}: float32 is safe. Report this line.";
        return CheckResult.Try(float32.Name, check, fix, () =>
        {
            Backend backend = open(precision);
            using var opened = backend as IDisposable;
            using IDisposable? full = isFull ? FullPrecision.Require() : null;
            double[] expected = Expected(product), found = Compute(backend, product);
            double squares = 0, errors = 0;
            for (int i = 0; i < expected.Length; i++)
            {
                squares += expected[i] * expected[i];
                errors += (found[i] - expected[i]) * (found[i] - expected[i]);
            }
            double error = Math.Sqrt(errors / squares);
            bool isPlain = precision == Precision.Tf32 && !isFull;
            (double least, double most) = isPlain ? (LeastOfTf32, MostOfTf32) : (0, MostOfThree);
            return (error >= least && error <= most, string.Create(
                CultureInfo.InvariantCulture,
                $"differs from float32 by {error:0.0e-0}, expected {least:0.0e-0} to {most:0.0e-0}"));
        });
    }

    // Each product is compared up to four times.
    private double[] Expected(Product product)
    {
        if (!_expected.TryGetValue(product, out double[]? expected))
            _expected.Add(product, expected = Compute(float32, product));
        return expected;
    }

    private static double[] Compute(Backend backend, Product product)
    {
        using TensorScope scope = TensorScope.Begin();
        Tensor y = backend.Empty(product.Result, DType.Float32);
        product.Run(backend, Draw(backend, product.Left, "left"), Draw(backend, product.Right, "right"), y);
        return y.ToArray<double>();
    }

    private static Tensor Draw(Backend backend, Shape shape, string name)
    {
        var numbers = new double[shape.Count];
        RandomKey.FromSeed(0).Split(name).Normal(numbers);
        return Tensor.From(backend, DType.Float32, numbers, shape);
    }

    private sealed record Product(
        string Name, Shape Left, Shape Right, Shape Result, Action<Backend, Tensor, Tensor, Tensor> Run);
}
