using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// The LeNet of dataset condensation (Zhao et al., DC, ICLR 2021): 5×5 convolutions to 6 and 16 channels, each with
/// ReLU and 2×2 max pooling, then linear layers of 120, 84 and M.
/// </summary>
public sealed class LeNet : Network
{
    private readonly int _firstPadding;

    /// <summary>A LeNet for images [C, H, W] and M classes.</summary>
    /// <exception cref="ShapeException">The image is not of the size that DC's definition takes.</exception>
    public LeNet(Shape image, int classes) : base(image, classes)
    {
        _firstPadding = Layers.BorderOf(image);
        (int height, int width) = (image[1] + 2 * _firstPadding - 4, image[2] + 2 * _firstPadding - 4);
        ActivationCount += 6L * height * width * 9 / 4;
        (height, width) = (height / 2 - 4, width / 2 - 4);
        ActivationCount += 16L * height * width * 9 / 4 + 2 * (120 + 84);
        Layers.Require(Name, image, height / 2, width / 2, 5);
        Layout.AddWeightAndBias("features.0", new Shape(6, image[0], 5, 5), image[0] * 25);
        Layout.AddWeightAndBias("features.3", new Shape(16, 6, 5, 5), 6 * 25);
        Layout.AddWeightAndBias("fc_1", new Shape(120, 16 * 25), 16 * 25);
        Layout.AddWeightAndBias("fc_2", new Shape(84, 120), 120);
        Layout.AddWeightAndBias("fc_3", new Shape(classes, 84), 84);
    }

    /// <inheritdoc/>
    public override string Name => "lenet";

    /// <inheritdoc/>
    protected override NetworkFeatures Embed(Variable[] parameters, Variable images)
    {
        Variable[] p = parameters;
        Variable first = images.Conv2d(p[0], p[1], padding: _firstPadding).Relu().MaxPool2d(2);
        Variable second = first.Conv2d(p[2], p[3]).Relu().MaxPool2d(2);
        Variable third = second.Flatten().Linear(p[4], p[5]).Relu();
        return NetworkFeatures.Of([first, second, third, third.Linear(p[6], p[7]).Relu()]);
    }
}

/// <summary>lenet, which has no options.</summary>
internal sealed class LeNetArchitecture : Architecture
{
    public override string Name => "lenet";

    public override Network Create(Shape image, int classes, NetworkOptions options) => new LeNet(image, classes);
}
