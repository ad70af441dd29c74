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
/// <param name="Linear">Whether the operation is linear in all its inputs taken together, so that the adjoint identity
/// ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ must hold.</param>
/// <param name="Inputs">Shape and range of each input.</param>
public sealed record OpSample(Op Op, bool Linear, params SampleInput[] Inputs);

/// <summary>How to draw one input.</summary>
/// <param name="Shape">Its shape.</param>
/// <param name="Low">The least value.</param>
/// <param name="High">The largest value.</param>
/// <param name="KinkAt">A value to stay at least 0.1 away from, or NaN.</param>
/// <param name="Differentiable">Whether the operation has a cotangent for this input.</param>
public sealed record SampleInput(
    Shape Shape, double Low = -2, double High = 2, double KinkAt = double.NaN, bool Differentiable = true);

/// <summary>Inputs that an operation must refuse.</summary>
/// <param name="Op">The operation.</param>
/// <param name="MessagePart">What the message must contain.</param>
/// <param name="Inputs">The shapes of the inputs.</param>
public sealed record OpError(Op Op, string MessagePart, params Shape[] Inputs);
