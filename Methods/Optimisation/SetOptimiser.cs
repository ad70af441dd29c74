using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>An optimiser of a part of S: one type, found by enumeration. It is a pure function of the part, its state
/// and the gradient.</summary>
public abstract class SetOptimiser : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>The names of its state tensors for a part, each of the part's shape and zero at first.</summary>
    public abstract IReadOnlyList<string> State { get; }

    /// <summary>The next value of a part and of the state; they belong to the current scope.</summary>
    public abstract (Tensor Value, Tensor[] State) Step(Tensor value, IReadOnlyList<Tensor> state, Tensor gradient, SetStep step);
}

/// <summary>The numbers of one step of an optimiser.</summary>
/// <param name="Rate">By the schedule.</param>
/// <param name="Momentum">μ; the share of the old mean of gradients where the optimiser has one.</param>
/// <param name="WeightDecay">λ.</param>
/// <param name="Number">The number of the step, from 0; steps that were skipped are not counted.</param>
public readonly record struct SetStep(double Rate, double Momentum, double WeightDecay, int Number);
