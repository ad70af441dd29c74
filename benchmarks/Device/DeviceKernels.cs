using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Benchmarks;

/// <summary>A kernel of a training step, with the least that it must do.</summary>
/// <param name="Name">Its name in tables.</param>
/// <param name="Operations">Multiplications and additions, counted as in a direct sum; 0 where memory alone bounds it.</param>
/// <param name="Bytes">Each tensor read or written once.</param>
/// <param name="Queue">Queues it once.</param>
internal sealed record KernelWork(string Name, double Operations, double Bytes, Action Queue);

/// <summary>The kernels that a training step of a ConvNet and its augmentation are made of, on random numbers.</summary>
internal sealed class DeviceKernels(Backend backend, ConvNetSizes sizes)
{
    private readonly RandomKey _key = RandomKey.FromSeed(0);
    private readonly List<KernelWork> _works = [];

    /// <summary>All of them; what they work on belongs to the current scope.</summary>
    public IReadOnlyList<KernelWork> Works()
    {
        int channels = sizes.Channels, side = sizes.Size;
        for (int i = 1; i <= sizes.Depth; i++)
        {
            Convolution(i, new Conv2dGeometry(sizes.Batch, channels, side, side, new Conv2dFilter(sizes.Width, 3, 3, 1, 1)));
            Norm(i, new Pool2dGeometry(sizes.Batch, sizes.Width, side, side, 2));
            (channels, side) = (sizes.Width, side / 2);
        }
        Loss();
        Parameters();
        Augmentation();
        return _works;
    }

    private void Convolution(int i, Conv2dGeometry g)
    {
        Tensor x = Normal(g.Input), w = Normal(g.Weight), y = Normal(g.Output), bias = Normal(new Shape(g.K));
        Tensor dx = Normal(g.Input), dw = Normal(g.Weight), db = Normal(new Shape(1, g.K, 1, 1));
        double operations = 2.0 * g.Output.Count * g.C * g.R * g.S;
        double bytes = BytesOf(x, w, y);
        Add($"conv{i}", operations, bytes, new Conv2dCall(g, x, w, bias, y));
        if (i > 1)
            Add($"conv{i}_dx", operations, bytes, new Conv2dInputGradientCall(g, y, w, dx));
        Add($"conv{i}_dw", operations, bytes, new Conv2dWeightGradientCall(g, x, y, dw));
        Add($"conv{i}_db", 0, BytesOf(y, db), new SumToCall(y, db));
    }

    private void Norm(int i, Pool2dGeometry g)
    {
        Tensor x = Normal(g.Input), y = Normal(g.Output), dx = Normal(g.Input), gamma = Normal(new Shape(g.C));
        Tensor beta = Normal(gamma.Shape), dgamma = Normal(gamma.Shape), dbeta = Normal(gamma.Shape);
        var of = new NormReluPoolInputs(g, 1e-5, x, gamma, beta);
        Add($"norm{i}", 0, BytesOf(x, y), new NormReluPoolCall(of, y));
        Add($"norm{i}_dx", 0, BytesOf(x, y, dx), new NormReluPoolGradientCall(of, y, dx, dgamma, dbeta));
        Tensor u = Normal(g.Input), ofDy = Normal(g.Output), ofGamma = Normal(gamma.Shape);
        Add($"norm{i}_second", 0, BytesOf(x, y, u, dx, ofDy), new NormReluPoolSecondCall(
            of, y, new NormReluPoolCotangents(u, dgamma, dbeta), dx, ofGamma, ofDy));
    }

    private void Loss()
    {
        Tensor logits = Normal(new Shape(sizes.Batch, sizes.Classes)), labels = Normal(logits.Shape), d = Normal(logits.Shape);
        Tensor y = Normal(Shape.Scalar);
        Add("cross_entropy", 0, BytesOf(logits, labels, y), new CrossEntropyCall(logits, labels, y));
        Add("cross_entropy_d", 0, BytesOf(logits, labels, d), new CrossEntropyGradientCall(logits, labels, y, d, null));
    }

    private void Parameters()
    {
        Network network = Architectures.Create(
            sizes.Model, new Shape(sizes.Channels, sizes.Size, sizes.Size), sizes.Classes,
            new NetworkOptions { Width = sizes.Width, Depth = sizes.Depth });
        Tensor theta = network.Initialise(backend, DType.Float32, _key.Split("init"));
        Tensor velocity = Normal(theta.Shape), gradient = Normal(theta.Shape), to = Normal(theta.Shape), toVelocity = Normal(theta.Shape);
        Add("sgd_step", 0, BytesOf(theta, velocity, gradient, to, toVelocity), new SgdStepCall(
            new SgdTensors(theta, velocity), gradient, new SgdRates(0.01, 0.9, 1e-4), new SgdTensors(to, toVelocity)));
        Tensor sum = backend.Empty(Shape.Scalar, DType.Float64);
        Add("dot", 0, BytesOf(theta, gradient), new DotCall(theta, gradient, sum));
    }

    private void Augmentation()
    {
        Tensor x = Normal(new Shape(sizes.Batch, sizes.Channels, sizes.Size, sizes.Size)), y = Normal(x.Shape);
        float[] turned = [0.9f, 0.2f, 1, -0.2f, 0.9f, -1];
        Tensor transforms = Tensor.From<float>(
            backend, [.. Enumerable.Repeat(turned, sizes.Batch).SelectMany(t => t)], new Shape(sizes.Batch, 6));
        Add("affine", 0, BytesOf(x, y), new AffineSampleCall(x, transforms, y));
        Add("affine_dx", 0, BytesOf(x, y), new AffineSampleGradientCall(y, transforms, x));
    }

    private void Add<K>(string name, double operations, double bytes, K call) where K : struct, IKernelCall =>
        _works.Add(new KernelWork(name, operations, bytes, () => backend.Run(call)));

    private Tensor Normal(Shape shape) => Tensor.Normal(backend, DType.Float32, shape, _key.Split($"{_works.Count} {shape}"));

    private static double BytesOf(params Tensor[] tensors) => tensors.Sum(t => (double)t.Count * t.DType.Size());
}
