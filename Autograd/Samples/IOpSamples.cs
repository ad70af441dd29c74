using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// Inputs on which an operation is checked, written beside it: forward on every backend, first and second derivatives
/// in float64, and the message for bad input. Samples stay at least 0.1 away from kinks.
/// </summary>
public interface IOpSamples
{
    /// <summary>Good inputs; small, since every element is perturbed.</summary>
    static abstract IEnumerable<OpSample> Samples();

    /// <summary>Inputs that must be refused, with a part of the message.</summary>
    static abstract IEnumerable<OpError> Errors();
}

/// <summary>An operation with inputs it must work on.</summary>
/// <param name="Op">The operation with its parameters.</param>
/// <param name="Inputs">Shape and range of each input.</param>
public sealed record OpSample(Op Op, params SampleInput[] Inputs)
{
    /// <summary>Groups of inputs, by index, in which the operation is linear while the others stay fixed: there the
    /// adjoint identity ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ must hold.</summary>
    public IReadOnlyList<int[]> LinearIn { get; init; } = [];

    /// <summary>How many terms are summed into one element of the output: rounding grows with its square
    /// root.</summary>
    public int Terms { get; init; } = 1;

    /// <summary>Whether drawn inputs stay away from kinks that no range can describe; they are drawn again until they
    /// do. Null accepts all.</summary>
    public Func<IReadOnlyList<double[]>, bool>? Accepts { get; init; }

    /// <summary>A sample of an operation that is linear in all its inputs taken together.</summary>
    public static OpSample Linear(Op op, params SampleInput[] inputs) =>
        new(op, inputs) { LinearIn = [[.. Enumerable.Range(0, inputs.Length)]] };
}

/// <summary>How to draw one input.</summary>
/// <param name="Shape">Its shape.</param>
/// <param name="Low">The least value.</param>
/// <param name="High">The largest value.</param>
/// <param name="KinkAt">A value to stay away from, or NaN.</param>
/// <param name="Margin">How far to stay away from it.</param>
/// <param name="Differentiable">Whether the operation has a cotangent for this input.</param>
public sealed record SampleInput(
    Shape Shape, double Low = -2, double High = 2, double KinkAt = double.NaN, double Margin = 0.1,
    bool Differentiable = true)
{
    /// <summary>An input of that shape with numbers between −2 and 2.</summary>
    public static implicit operator SampleInput(Shape shape) => new(shape);

    /// <summary>As the conversion.</summary>
    public static SampleInput FromShape(Shape shape) => new(shape);
}

/// <summary>Inputs that an operation must refuse.</summary>
/// <param name="Op">The operation.</param>
/// <param name="MessagePart">What the message must contain.</param>
/// <param name="Inputs">The shapes of the inputs.</param>
public sealed record OpError(Op Op, string MessagePart, params Shape[] Inputs);
