using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// An operation that one kernel computes in one pass although it could be composed of others. The composition is its
/// definition: it gives every derivative that no kernel gives, and tests compare the kernels with it.
/// </summary>
public abstract record FusedOp : SingleOutputOp
{
    /// <summary>The definition in other operations.</summary>
    public abstract Variable Compose(ReadOnlySpan<Variable> inputs);

    /// <summary>The cotangents of the inputs by the fused kernel, in numbers; null where not needed.</summary>
    protected abstract Tensor?[] FirstOrder(Node at);

    /// <summary>The operation that gives the cotangents of the inputs where they are recorded, from the inputs and the cotangent; null
    /// where the composition is differentiated instead.</summary>
    protected virtual Op? Adjoint => null;

    /// <inheritdoc/>
    public sealed override Variable?[] Vjp(Node at)
    {
        if (!Recording.IsOn)
            return [.. FirstOrder(at).Select(t => t is null ? null : Variable.Constant(t))];
        if (Adjoint is { } adjoint)
            return [.. adjoint.Apply([.. at.Inputs, at.Cotangent]).Select((x, i) => at.Needs(i) ? x : null)];

        // Identity-reshape each input so that the inner backward walk stops here, even if inputs alias or depend on
        // each other.
        Variable[] inputs = [.. at.Inputs.Select(x => new Reshape(x.Shape).On(x))];
        Variable[] wanted = [.. inputs.Where((_, i) => at.Needs(i))];
        Variable[] found = Gradient.Within(Compose(inputs), wanted, inputs, at.Cotangent);
        var result = new Variable?[inputs.Length];
        for (int i = 0, j = 0; i < inputs.Length; i++)
            result[i] = at.Needs(i) ? found[j++] : null;
        return result;
    }
}
