using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>What a ConvNet normalises in each block; found by enumeration. Batch norm is not among them: its running
/// statistics make what a network computes depend on more than θ.</summary>
public abstract class Normalisation : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>What a network's name ends in; empty for the usual one.</summary>
    public virtual string Suffix => $"-{Name}norm";

    /// <summary>The shape of its learned scale, and of its shift, for activations [N, C, H, W]; null for
    /// neither.</summary>
    public virtual Shape? ScaleOf(int channels, int height, int width) => new Shape(channels);

    /// <summary>Refuses a width for which it is not defined.</summary>
    /// <exception cref="ShapeException">The width does not fit.</exception>
    public virtual void CheckWidth(int width)
    {
    }

    /// <summary>Tensors of the size of its input that the backward walk reads; what memory is reckoned with.</summary>
    public virtual int Copies => Layers.CopiesOfNorm;

    /// <summary>Normalised x [N, C, H, W]; scale and shift are two variables, or none.</summary>
    public abstract Variable Apply(Variable x, ReadOnlySpan<Variable> scaleAndShift);
}

/// <summary>Each channel of each image.</summary>
public sealed class InstanceNormalisation : Normalisation
{
    /// <inheritdoc/>
    public override string Name => "instance";

    /// <inheritdoc/>
    public override string Suffix => "";

    /// <inheritdoc/>
    public override Variable Apply(Variable x, ReadOnlySpan<Variable> scaleAndShift) =>
        x.InstanceNorm(scaleAndShift[0], scaleAndShift[1]);
}

/// <summary>Nothing.</summary>
public sealed class NoNormalisation : Normalisation
{
    /// <inheritdoc/>
    public override string Name => "none";

    /// <inheritdoc/>
    public override string Suffix => "-nonorm";

    /// <inheritdoc/>
    public override Shape? ScaleOf(int channels, int height, int width) => null;

    /// <inheritdoc/>
    public override int Copies => 0;

    /// <inheritdoc/>
    public override Variable Apply(Variable x, ReadOnlySpan<Variable> scaleAndShift) => x;
}

/// <summary>Each image.</summary>
public sealed class LayerNormalisation : Normalisation
{
    /// <inheritdoc/>
    public override string Name => "layer";

    /// <inheritdoc/>
    public override Shape? ScaleOf(int channels, int height, int width) => new Shape(channels, height, width);

    /// <inheritdoc/>
    public override Variable Apply(Variable x, ReadOnlySpan<Variable> scaleAndShift) =>
        x.LayerNorm(scaleAndShift[0], scaleAndShift[1]);
}

/// <summary>Each of four groups of channels of each image.</summary>
public sealed class GroupNormalisation : Normalisation
{
    private const int Groups = 4;

    /// <inheritdoc/>
    public override string Name => "group";

    /// <inheritdoc/>
    public override void CheckWidth(int width)
    {
        if (width % Groups != 0)
        {
            throw new ShapeException(
                $"ConvNet: group norm has {Groups} groups, width {width} must be a multiple. Change --width.");
        }
    }

    /// <inheritdoc/>
    public override Variable Apply(Variable x, ReadOnlySpan<Variable> scaleAndShift) =>
        x.GroupNorm(Groups, scaleAndShift[0], scaleAndShift[1]);
}
