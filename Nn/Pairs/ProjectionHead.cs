using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>What is trained on top of frozen features: a map from features [N, F] to a space of d numbers that images and texts
/// share. One type, found by enumeration; it holds no numbers.</summary>
public abstract class ProjectionHead : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>The head of a name.</summary>
    /// <exception cref="ArgumentException">The name is unknown; the message lists the known ones.</exception>
    public static ProjectionHead Of(string name) => Kinds.Find<ProjectionHead>(name)
        ?? throw new ArgumentException(
            $"Unknown projection head '{name}'. Known: {string.Join(", ", Kinds.Names<ProjectionHead>())}.", nameof(name));

    /// <summary>Adds its parameters to a network's.</summary>
    /// <param name="layout">The parameters of the network.</param>
    /// <param name="name">What they are called, such as image.</param>
    /// <param name="features">F.</param>
    /// <param name="size">d.</param>
    public abstract void AddTo(ParameterLayout layout, string name, int features, int size);

    /// <summary>The projection [N, d] of features [N, F], by the parameters in the order in which they were added.</summary>
    public abstract Variable Project(ReadOnlySpan<Variable> parameters, Variable features);
}

/// <summary>One linear layer.</summary>
public sealed class LinearHead : ProjectionHead
{
    /// <inheritdoc/>
    public override string Name => "linear";

    /// <inheritdoc/>
    public override void AddTo(ParameterLayout layout, string name, int features, int size) =>
        layout.AddWeightAndBias($"{name}.projection", new Shape(size, features), features);

    /// <inheritdoc/>
    public override Variable Project(ReadOnlySpan<Variable> parameters, Variable features) =>
        features.Linear(parameters[0], parameters[1]);
}

/// <summary>
/// The projection head of vision-language distillation (Wu et al., 2023; LoRS, Xu et al., ICML 2024):
/// LayerNorm(p + fc(GELU(p))), p a linear layer of the features. Theirs has a dropout of 0.1 behind fc, which is left out: it
/// would make a step a function of more than its batch. GELU is the tanh form.
/// </summary>
public sealed class ResidualHead : ProjectionHead
{
    /// <inheritdoc/>
    public override string Name => "residual";

    /// <inheritdoc/>
    public override void AddTo(ParameterLayout layout, string name, int features, int size)
    {
        layout.AddWeightAndBias($"{name}.projection", new Shape(size, features), features);
        layout.AddWeightAndBias($"{name}.fc", new Shape(size, size), size);
        layout.AddNorm($"{name}.layer_norm", size);
    }

    /// <inheritdoc/>
    public override Variable Project(ReadOnlySpan<Variable> parameters, Variable features)
    {
        Variable projected = features.Linear(parameters[0], parameters[1]);
        Variable sum = projected.Gelu().Linear(parameters[2], parameters[3]) + projected;
        (int n, int size) = (sum.Shape[0], sum.Shape[1]);
        Shape row = new(size, 1, 1);
        return sum.Reshape(new Shape(n, size, 1, 1)).LayerNorm(parameters[4].Reshape(row), parameters[5].Reshape(row))
            .Reshape(sum.Shape);
    }
}
