using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// VGG-11 (Simonyan and Zisserman, ICLR 2015) as in dataset condensation (Zhao et al., DC, ICLR 2021): eight 3×3
/// convolutions with instance norm and ReLU, five 2×2 max poolings, and one linear layer on the 512 numbers that are
/// left.
/// </summary>
public sealed class Vgg11 : Network
{
    private static readonly (int Channels, bool Pools)[] s_blocks =
    [
        (64, true), (128, true), (256, false), (256, true), (512, false), (512, true), (512, false), (512, true),
    ];

    private readonly int _border;

    /// <summary>A VGG-11 for images [C, H, W] and M classes.</summary>
    /// <exception cref="ShapeException">The image is not of the size that DC's definition takes.</exception>
    public Vgg11(Shape image, int classes) : base(image, classes)
    {
        _border = Layers.BorderOf(image);
        (int inputs, int height, int width, int layer) = (image[0], image[1] + 2 * _border, image[2] + 2 * _border, 0);
        foreach ((int channels, bool pools) in s_blocks)
        {
            Layout.AddWeightAndBias($"features.{layer}", new Shape(channels, inputs, 3, 3), inputs * 9);
            Layout.AddNorm($"features.{layer + 1}", channels);
            layer += 3;
            ActivationCount += 2L * channels * height * width;
            if (pools)
            {
                (height, width, layer) = (height / 2, width / 2, layer + 1);
                ActivationCount += (long)channels * height * width;
            }
            inputs = channels;
        }
        Layers.Require(Name, image, height, width, 1);
        Layout.AddWeightAndBias("classifier", new Shape(classes, inputs), inputs);
    }

    /// <inheritdoc/>
    public override string Name => "vgg11";

    /// <inheritdoc/>
    protected override NetworkFeatures Embed(Variable[] parameters, Variable images)
    {
        Variable[] p = parameters;
        var blocks = new Variable[s_blocks.Length];
        Variable x = images;
        for (int i = 0; i < blocks.Length; i++)
        {
            x = x.Conv2d(p[4 * i], p[4 * i + 1], padding: i == 0 ? 1 + _border : 1);
            x = x.NormReluPool(p[4 * i + 2], p[4 * i + 3], window: 1);
            blocks[i] = x = s_blocks[i].Pools ? x.MaxPool2d(2) : x;
        }
        return NetworkFeatures.Of(blocks);
    }
}

/// <summary>vgg11, which has no options.</summary>
internal sealed class Vgg11Architecture : Architecture
{
    public override string Name => "vgg11";

    public override Network Create(Shape image, int classes, NetworkOptions options) => new Vgg11(image, classes);
}
