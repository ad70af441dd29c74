using System.Diagnostics;

namespace InfMatch.Tensors;

/// <summary>
/// How fast a device trains: the convolutions, norms and their adjoints of one step of a ConvNet, timed. auto compares devices
/// by it.
/// </summary>
public static class TrainingProbe
{
    /// <summary>The images of the step.</summary>
    public const int Images = 64;

    // Between the width of the demonstration and that of published networks.
    private const int Width = 64, Blocks = 3, Side = 32, Colours = 3;

    // Kernels are compiled in the first steps, and .NET needs some more until its own code is at its best.
    private const int FewestSteps = 3;

    private const double Seconds = 0.4, WarmUpSeconds = 0.4;

    /// <summary>Seconds of a step: the least of all steps in about a second, because what else the machine does can only slow a
    /// step down.</summary>
    /// <param name="backend">Where it is taken; its memory comes back.</param>
    /// <exception cref="TensorException">The device failed, or lacks the memory.</exception>
    public static double Measure(Backend backend)
    {
        using TensorScope scope = TensorScope.Begin();
        var layers = new Layer[Blocks];
        for (int i = 0; i < Blocks; i++)
            layers[i] = new Layer(backend, i == 0 ? Colours : Width, Side >> i);
        Tensor images = Numbers(backend, new Shape(Images, Colours, Side, Side), 0);
        Best(backend, layers, images, WarmUpSeconds);
        return Best(backend, layers, images, Seconds);
    }

    private static double Best(Backend backend, Layer[] layers, Tensor images, double seconds)
    {
        long start = Stopwatch.GetTimestamp();
        double best = double.PositiveInfinity;
        for (int steps = 0; steps < FewestSteps || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; steps++)
        {
            long before = Stopwatch.GetTimestamp();
            using TensorScope scope = TensorScope.Begin();
            Step(backend, layers, images).View(0, new Shape(1)).ToArray<float>(); // only a download waits for a device
            best = Math.Min(best, Stopwatch.GetElapsedTime(before).TotalSeconds);
        }
        return best;
    }

    private static Tensor Step(Backend backend, Layer[] layers, Tensor images)
    {
        var x = new Tensor[Blocks + 1];
        var convolved = new Tensor[Blocks];
        x[0] = images;
        for (int i = 0; i < Blocks; i++)
            (convolved[i], x[i + 1]) = layers[i].Forward(backend, x[i]);
        Tensor gradient = x[Blocks]; // any numbers do
        Tensor weights = gradient;
        for (int i = Blocks - 1; i >= 0; i--)
            (gradient, weights) = layers[i].Backward(backend, x[i], convolved[i], gradient, i > 0);
        return weights;
    }

    private static Tensor Numbers(Backend backend, Shape shape, int name) =>
        Tensor.Normal(backend, DType.Float32, shape, RandomKey.FromSeed((ulong)name));

    private sealed class Layer(Backend backend, int channels, int side)
    {
        private readonly Conv2dGeometry _convolution = new(Images, channels, side, side, new Conv2dFilter(Width, 3, 3, 1, 1));
        private readonly Pool2dGeometry _pool = new(Images, Width, side, side, 2);
        private readonly Tensor _weights = Numbers(backend, new Shape(Width, channels, 3, 3), side);
        private readonly Tensor _bias = Numbers(backend, new Shape(Width), side + 1);

        public (Tensor Convolved, Tensor Pooled) Forward(Backend backend, Tensor x)
        {
            Tensor convolved = backend.Empty(_convolution.Output, DType.Float32), pooled = backend.Empty(_pool.Output, DType.Float32);
            backend.Run(new Conv2dCall(_convolution, x, _weights, _bias, convolved));
            backend.Run(new NormReluPoolCall(Norm(convolved), pooled));
            return (convolved, pooled);
        }

        public (Tensor Dx, Tensor Dw) Backward(Backend backend, Tensor x, Tensor convolved, Tensor dy, bool hasDx)
        {
            Tensor d = backend.Empty(_convolution.Output, DType.Float32), dw = backend.Empty(_convolution.Weight, DType.Float32);
            Tensor dgamma = backend.Empty(_bias.Shape, DType.Float32), dbeta = backend.Empty(_bias.Shape, DType.Float32);
            backend.Run(new NormReluPoolGradientCall(Norm(convolved), dy, d, dgamma, dbeta));
            backend.Run(new Conv2dWeightGradientCall(_convolution, x, d, dw));
            if (!hasDx)
                return (x, dw);
            Tensor dx = backend.Empty(_convolution.Input, DType.Float32);
            backend.Run(new Conv2dInputGradientCall(_convolution, d, _weights, dx));
            return (dx, dw);
        }

        private NormReluPoolInputs Norm(Tensor convolved) => new(_pool, 1e-5, convolved, _bias, _bias);
    }
}
