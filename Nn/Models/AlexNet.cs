using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// The small AlexNet of dataset condensation (Zhao et al., DC, ICLR 2021): convolutions of 5×5 to 128 and 192 channels
/// and of 3×3 to 256, 192 and 192, each with ReLU, 2×2 max pooling behind the first, second and last, then one linear
/// layer.
/// </summary>
public sealed class AlexNet : Network
{
    private static readonly (int Layer, int Channels, int Kernel, bool Pools)[] s_blocks =
        [(0, 128, 5, true), (3, 192, 5, true), (6, 256, 3, false), (8, 192, 3, false), (10, 192, 3, true)];

    private readonly int _border;

    /// <summary>An AlexNet for images [C, H, W] and M classes.</summary>
    /// <exception cref="ShapeException">The image is not of the size that DC's definition takes.</exception>
    public AlexNet(Shape image, int classes) : base(image, classes)
    {
        _border = Layers.BorderOf(image);
        (int inputs, int height, int width) = (image[0], image[1] + 2 * _border, image[2] + 2 * _border);
        foreach ((int layer, int channels, int kernel, bool pools) in s_blocks)
        {
            Layout.AddWeightAndBias(
                $"features.{layer}", new Shape(channels, inputs, kernel, kernel), inputs * kernel * kernel);
            ActivationCount += 2L * channels * height * width;
            if (pools)
            {
                (height, width) = (height / 2, width / 2);
                ActivationCount += (long)channels * height * width;
            }
            inputs = channels;
        }
        Layers.Require(Name, image, height, width, 4);
        Layout.AddWeightAndBias("fc", new Shape(classes, inputs * 16), inputs * 16);
    }

    /// <inheritdoc/>
    public override string Name => "alexnet";

    /// <inheritdoc/>
    protected override NetworkFeatures Embed(Variable[] parameters, Variable images)
    {
        var blocks = new Variable[s_blocks.Length];
        Variable x = images;
        for (int i = 0; i < blocks.Length; i++)
        {
            int padding = s_blocks[i].Kernel / 2 + (i == 0 ? _border : 0);
            x = x.Conv2d(parameters[2 * i], parameters[2 * i + 1], padding: padding).Relu();
            blocks[i] = x = s_blocks[i].Pools ? x.MaxPool2d(2) : x;
        }
        return NetworkFeatures.Of(blocks);
    }
}

/// <summary>alexnet, which has no options.</summary>
internal sealed class AlexNetArchitecture : Architecture
{
    public override string Name => "alexnet";

    public override Network Create(Shape image, int classes, NetworkOptions options) => new AlexNet(image, classes);
}
