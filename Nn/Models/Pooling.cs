using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>How a ConvNet pools at the end of each block; found by enumeration.</summary>
public abstract class Pooling : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>What a network's name ends in; empty for the usual one.</summary>
    public virtual string Suffix => $"-{Name}pool";

    /// <summary>The side of the windows of which each becomes one number; 1 for no pooling.</summary>
    public virtual int Window => 2;

    /// <summary>Pooled x [N, C, H, W].</summary>
    public abstract Variable Apply(Variable x);
}

/// <summary>The mean of windows of 2×2.</summary>
public sealed class AveragePooling : Pooling
{
    /// <inheritdoc/>
    public override string Name => "avg";

    /// <inheritdoc/>
    public override string Suffix => "";

    /// <inheritdoc/>
    public override Variable Apply(Variable x) => x.AvgPool2d(Window);
}

/// <summary>The largest element of windows of 2×2.</summary>
public sealed class MaxPooling : Pooling
{
    /// <inheritdoc/>
    public override string Name => "max";

    /// <inheritdoc/>
    public override Variable Apply(Variable x) => x.MaxPool2d(Window);
}

/// <summary>Not at all.</summary>
public sealed class NoPooling : Pooling
{
    /// <inheritdoc/>
    public override string Name => "none";

    /// <inheritdoc/>
    public override string Suffix => "-nopool";

    /// <inheritdoc/>
    public override int Window => 1;

    /// <inheritdoc/>
    public override Variable Apply(Variable x) => x;
}
