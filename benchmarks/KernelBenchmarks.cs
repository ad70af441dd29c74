using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Benchmarks;

/// <summary>Single kernels of the cpu, at the three layers of a ConvNet on 32×32 images: convolution and its adjoints,
/// norm with ReLU and pool, each forward and backward.</summary>
[SuppressMessage("Performance", "CA1822", Justification = "BenchmarkDotNet calls members of an instance.")]
public class LayerBenchmarks
{
    private CpuBackend _cpu = null!;
    private Conv2dGeometry _convolution = null!;
    private Pool2dGeometry _pool = null!;
    private Tensor _x = null!, _weights = null!, _y = null!, _slopes = null!, _second = null!, _dx = null!, _dweights = null!;
    private Tensor _gamma = null!, _pooled = null!, _dpooled = null!, _dgamma = null!, _dbeta = null!;

    /// <summary>Threads of the backend.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    /// <summary>Images.</summary>
    [Params(100)]
    public int Images { get; set; }

    /// <summary>Channels of the layers.</summary>
    [Params(32, 128)]
    public int Width { get; set; }

    /// <summary>The layer: 1 reads the images, 2 and 3 what the layer before pooled.</summary>
    [Params(1, 2, 3)]
    public int Layer { get; set; }

    /// <summary>Random numbers in all operands.</summary>
    [GlobalSetup]
    public void Fill()
    {
        _cpu = new CpuBackend(Threads);
        int side = 32 >> (Layer - 1);
        _convolution = new Conv2dGeometry(Images, Layer == 1 ? 3 : Width, side, side, new Conv2dFilter(Width, 3, 3, 1, 1));
        _pool = new Pool2dGeometry(Images, Width, side, side, 2);
        (_x, _weights) = (Draw("x", _convolution.Input), Draw("weights", _convolution.Weight));
        (_y, _slopes, _second) = (Draw("y", _convolution.Output), Draw("slopes", _convolution.Output), Draw("second", _convolution.Output));
        (_dx, _dweights) = (Draw("dx", _convolution.Input), Draw("dweights", _convolution.Weight));
        (_gamma, _pooled, _dpooled) = (Draw("gamma", new Shape(Width)), Draw("p", _pool.Output), Draw("dp", _pool.Output));
        (_dgamma, _dbeta) = (Draw("dgamma", new Shape(Width)), Draw("dbeta", new Shape(Width)));
    }

    private Tensor Draw(string name, Shape shape)
    {
        Tensor tensor = _cpu.Empty(shape, DType.Float32);
        _cpu.Uniform(RandomKey.FromSeed(0).Split(name), -1, 1, tensor);
        return tensor;
    }

    /// <summary>y [N, K, H, W].</summary>
    [Benchmark]
    public void Convolution() => _cpu.Run(new Conv2dCall(_convolution, _x, _weights, _gamma, _y));

    /// <summary>dx [N, C, H, W].</summary>
    [Benchmark]
    public void InputGradient() => _cpu.Run(new Conv2dInputGradientCall(_convolution, _slopes, _weights, _dx));

    /// <summary>dw [K, C, 3, 3].</summary>
    [Benchmark]
    public void WeightGradient() => _cpu.Run(new Conv2dWeightGradientCall(_convolution, _x, _slopes, _dweights));

    /// <summary>y [N, K, H/2, W/2].</summary>
    [Benchmark]
    public void NormReluPool() =>
        _cpu.Run(new NormReluPoolCall(new NormReluPoolInputs(_pool, 1e-5, _y, _gamma, _gamma), _pooled));

    /// <summary>dx, dγ and dβ.</summary>
    [Benchmark]
    public void NormReluPoolGradient() =>
        _cpu.Run(new NormReluPoolGradientCall(
            new NormReluPoolInputs(_pool, 1e-5, _y, _gamma, _gamma), _dpooled, _slopes, _dgamma, _dbeta));

    /// <summary>The adjoint of that at x, γ and dy.</summary>
    [Benchmark]
    public void NormReluPoolSecond() =>
        _cpu.Run(new NormReluPoolSecondCall(
            new NormReluPoolInputs(_pool, 1e-5, _y, _gamma, _gamma), _dpooled,
            new NormReluPoolCotangents(_slopes, _gamma, _gamma), _second, _dgamma, _pooled));
}

/// <summary>Single kernels of the cpu that work on vectors and matrices.</summary>
public class VectorBenchmarks
{
    private CpuBackend _cpu = null!;
    private Tensor _a = null!, _b = null!, _c = null!, _d = null!, _theta = null!, _gradient = null!, _velocity = null!;
    private Tensor _newTheta = null!, _newVelocity = null!, _logits = null!, _labels = null!, _rows = null!, _sum = null!;

    /// <summary>Threads of the backend.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    /// <summary>Random numbers in all operands.</summary>
    [GlobalSetup]
    public void Fill()
    {
        _cpu = new CpuBackend(Threads);
        var square = new Shape(1024, 1024);
        (_a, _b, _c, _d) = (Draw("a", square), Draw("b", square), Draw("c", square), Draw("d", square));
        var parameters = new Shape(320_010); // a ConvNet of width 128
        (_theta, _gradient, _velocity) = (Draw("θ", parameters), Draw("g", parameters), Draw("v", parameters));
        (_newTheta, _newVelocity) = (Draw("θ'", parameters), Draw("v'", parameters));
        var rows = new Shape(2000, 200);
        (_logits, _labels, _rows) = (Draw("logits", rows), Draw("labels", rows), Draw("rows", rows));
        _sum = _cpu.Empty(Shape.Scalar, DType.Float64);
    }

    private Tensor Draw(string name, Shape shape)
    {
        Tensor tensor = _cpu.Empty(shape, DType.Float32);
        _cpu.Uniform(RandomKey.FromSeed(0).Split(name), 0, 1, tensor);
        return tensor;
    }

    /// <summary>[1024, 1024]·[1024, 1024].</summary>
    [Benchmark]
    public void MatMul() => _cpu.Run(new MatMulCall(_a, false, _b, false, _c));

    /// <summary>2²⁰ exponentials.</summary>
    [Benchmark]
    public void Exp() => _cpu.Map<ExpFunction>(_a, _d);

    /// <summary>2²⁰ logarithms.</summary>
    [Benchmark]
    public void Log() => _cpu.Map<LogFunction>(_a, _d);

    /// <summary>θ + εv.</summary>
    [Benchmark]
    public void Axpy() => _cpu.Run(new AxpyCall(0.5, _theta, _velocity, _newTheta));

    /// <summary>⟨θ, v⟩ in float64.</summary>
    [Benchmark]
    public void Dot() => _cpu.Run(new DotCall(_theta, _velocity, _sum));

    /// <summary>A step of SGD with momentum and weight decay.</summary>
    [Benchmark]
    public void SgdStep() =>
        _cpu.Run(new SgdStepCall(
            new SgdTensors(_theta, _velocity), _gradient, new SgdRates(0.1, 0.9, 1e-4),
            new SgdTensors(_newTheta, _newVelocity)));

    /// <summary>2,000 rows of 200 classes.</summary>
    [Benchmark]
    public void LogSoftmax() => _cpu.Run(new LogSoftmaxCall(_logits, _rows));

    /// <summary>The gradient in the logits of 2,000 rows with soft labels of 200 classes.</summary>
    [Benchmark]
    public void CrossEntropyGradient()
    {
        using Tensor one = Tensor.Full(_cpu, DType.Float32, Shape.Scalar, 1);
        _cpu.Run(new CrossEntropyGradientCall(_logits, _labels, one, _rows, null));
    }
}
