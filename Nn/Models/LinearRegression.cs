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

    /// <summary>The mean of ½‖W x + b − q‖² over images [N, C, H, W] with targets q [N, M], a scalar.</summary>
    /// <exception cref="ShapeException">θ, the images or the targets do not fit.</exception>
    public override Variable Loss(Variable theta, Variable images, Variable labels)
    {
        Variable residual = Forward(theta, images) - labels;
        return residual.Dot(residual) / (2 * images.Shape[0]);
    }

    /// <inheritdoc/>
    public override Variable WeightedLoss(Variable theta, Variable images, Variable labels, Variable weights)
    {
        Variable residual = Forward(theta, images) - labels;
        Variable column = weights.Reshape(new Shape(labels.Shape[0], 1));
        return (residual * column).Dot(residual) / (2 * images.Shape[0]);
    }

    /// <inheritdoc/>
    protected override Variable Forward(Variable[] parameters, Variable images) =>
        images.Flatten().Linear(parameters[0], parameters[1]);
}
