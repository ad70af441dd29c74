using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>One parameter of a network: where it lies in the flat vector θ and how it starts.</summary>
/// <param name="Name">PyTorch's name for it, such as features.0.weight.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Offset">Its first element in θ.</param>
/// <param name="Bound">Initial values are uniform in [−Bound, Bound); 0 means the constant
/// <paramref name="Start"/>.</param>
/// <param name="Start">The initial value where <paramref name="Bound"/> is 0.</param>
public sealed record Parameter(string Name, Shape Shape, int Offset, double Bound, double Start);

/// <summary>
/// The parameters of a network as ranges of one flat vector θ [p], in PyTorch's order and with PyTorch's default
/// initialisation (weights and biases of convolutions and linear layers uniform in ±1/√fan-in; norm weights 1, norm
/// biases 0).
/// </summary>
public sealed class ParameterLayout
{
    private readonly List<Parameter> _parameters = [];

    /// <summary>The parameters in the order of their offsets.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>p, the length of θ.</summary>
    public int Count { get; private set; }

    /// <summary>Cuts θ [p] into its parameters, in order; differentiable.</summary>
    /// <exception cref="ShapeException">θ has another length.</exception>
    public Variable[] Split(Variable theta) => new Split([.. _parameters.Select(p => p.Shape)]).Apply(theta);

    /// <summary>A fresh θ: parameter i is drawn from the stream named as it is, so it does not depend on the
    /// others.</summary>
    public Tensor Initialise(Backend backend, DType dtype, RandomKey key)
    {
        var theta = new double[Count];
        foreach (Parameter parameter in _parameters)
        {
            Span<double> values = theta.AsSpan(parameter.Offset, parameter.Shape.Count);
            if (parameter.Bound == 0)
            {
                values.Fill(parameter.Start);
                continue;
            }
            key.Split(parameter.Name).Uniform(values);
            foreach (ref double value in values)
                value = (2 * value - 1) * parameter.Bound;
        }
        return Tensor.From(backend, dtype, theta, new Shape(Count));
    }

    /// <summary>Adds name.weight and name.bias, the bias with one number for each output.</summary>
    public void AddWeightAndBias(string name, Shape weight, int fanIn)
    {
        AddWeight(name, weight, fanIn);
        Add($"{name}.bias", new Shape(weight[0]), 1 / Math.Sqrt(fanIn), 0);
    }

    /// <summary>Adds name.weight alone.</summary>
    public void AddWeight(string name, Shape weight, int fanIn) =>
        Add($"{name}.weight", weight, 1 / Math.Sqrt(fanIn), 0);

    /// <summary>Adds name.weight and name.bias of a norm with one number for each channel.</summary>
    public void AddNorm(string name, int channels) => AddNorm(name, new Shape(channels));

    /// <summary>Adds name.weight, which starts at 1, and name.bias, which starts at 0, of a norm.</summary>
    public void AddNorm(string name, Shape shape)
    {
        Add($"{name}.weight", shape, 0, 1);
        Add($"{name}.bias", shape, 0, 0);
    }

    private void Add(string name, Shape shape, double bound, double start)
    {
        _parameters.Add(new Parameter(name, shape, Count, bound, start));
        Count += shape.Count;
    }
}
