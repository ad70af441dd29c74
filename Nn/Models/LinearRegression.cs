using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// Linear regression on flattened images with half the squared error: ℓ = ½‖W x + b − q‖². The loss is a quadratic in
/// θ, so that what training does, and what influence it gives an example, can be known exactly.
/// </summary>
public sealed class LinearRegression : Network
{
    /// <summary>A regression from images [C, H, W] to M targets.</summary>
    public LinearRegression(Shape image, int classes) : base(image, classes) =>
        Layout.AddWeightAndBias("linear", new Shape(classes, image.Count), image.Count);

    /// <inheritdoc/>
    public override string Name => $"linear-regression-{Image.Count}-{Classes}";

    /// <inheritdoc/>
    public override BatchLoss TrainingLoss { get; } = new HalfSquaredError();

    /// <inheritdoc/>
    protected override NetworkFeatures Embed(Variable[] parameters, Variable images) => new(images.Flatten(), []);
}

/// <summary>The mean over the batch of ½‖z − q‖², z what the network gives and q its targets [N, M].</summary>
public sealed class HalfSquaredError : ExampleLoss
{
    /// <inheritdoc/>
    public override Variable Of(Network network, Variable theta, Batch batch)
    {
        Variable residual = network.Forward(theta, batch.Images) - batch.Labels;
        return residual.Dot(residual) / (2 * batch.Images.Shape[0]);
    }

    /// <inheritdoc/>
    public override Variable Weighted(Network network, Variable theta, Batch batch, Variable weights)
    {
        Variable residual = network.Forward(theta, batch.Images) - batch.Labels;
        Variable column = weights.Reshape(new Shape(batch.Labels.Shape[0], 1));
        return (residual * column).Dot(residual) / (2 * batch.Images.Shape[0]);
    }
}
