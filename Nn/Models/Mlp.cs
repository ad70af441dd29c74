using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>A multilayer perceptron on flattened images; with no hidden layer it is (multinomial) logistic
/// regression.</summary>
public sealed class Mlp : Network
{
    private readonly Activation _activation;

    /// <summary>An MLP for images [C, H, W] and M classes with the given hidden widths.</summary>
    /// <exception cref="ShapeException">A width is below 1.</exception>
    public Mlp(Shape image, int classes, IReadOnlyList<int> hidden, Activation activation = Activation.Relu)
        : base(image, classes)
    {
        _activation = activation;
        int features = image.Count;
        int layer = 0;
        foreach (int width in hidden.Append(classes))
        {
            if (width < 1)
                throw new ShapeException($"Mlp: a hidden width must be at least 1, got {width}.");
            Layout.AddWeightAndBias($"fc_{++layer}", new Shape(width, features), features);
            features = width;
            ActivationCount += 2 * width;
        }
        Name = $"mlp-{string.Join('-', hidden.Prepend(image.Count).Append(classes))}" +
            (activation == Activation.Relu ? "" : $"-{activation.ToString().ToLowerInvariant()}");
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    protected override NetworkFeatures Embed(Variable[] parameters, Variable images)
    {
        int hidden = parameters.Length / 2 - 1;
        Variable x = images.Flatten();
        var blocks = new Variable[hidden];
        for (int i = 0; i < hidden; i++)
            blocks[i] = x = _activation.Apply(x.Linear(parameters[2 * i], parameters[2 * i + 1]));
        return new NetworkFeatures(x, blocks);
    }
}

/// <summary>mlp, with the hidden layers of DC's, and without options.</summary>
internal sealed class MlpArchitecture : Architecture
{
    public override string Name => "mlp";

    public override Network Create(Shape image, int classes, NetworkOptions options) =>
        new Mlp(image, classes, [128, 128]);
}
