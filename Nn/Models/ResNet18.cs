using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// ResNet-18 (He et al., CVPR 2016) for small images with instance norm, as in dataset condensation (Zhao et al., DC,
/// ICLR 2021): a 3×3 convolution to 64 channels, four stages of two basic blocks with 64, 128, 256 and 512 channels, of
/// which the last three begin with stride 2, the mean of 4×4 positions, and one linear layer. Convolutions have no
/// bias.
/// </summary>
public sealed class ResNet18 : Network
{
    private const int Stages = 4, BlocksOfStage = 2, Stem = 64, LastWindow = 4;

    /// <summary>A ResNet-18 for images [C, H, W] and M classes.</summary>
    /// <exception cref="ShapeException">The image is not of the size that DC's definition takes.</exception>
    public ResNet18(Shape image, int classes) : base(image, classes)
    {
        (int inputs, int height, int width) = (Stem, image[1], image[2]);
        AddConvolution("conv1", "bn1", Stem, image[0], 3);
        ActivationCount += 2L * Stem * height * width;
        for (int stage = 1; stage <= Stages; stage++)
        for (int block = 0; block < BlocksOfStage; block++)
        {
            int channels = Stem << (stage - 1), stride = StrideOf(stage, block);
            string name = $"layer{stage}.{block}";
            (height, width) = ((height + stride - 1) / stride, (width + stride - 1) / stride);
            AddConvolution($"{name}.conv1", $"{name}.bn1", channels, inputs, 3);
            AddConvolution($"{name}.conv2", $"{name}.bn2", channels, channels, 3);
            bool isProjected = stride != 1 || inputs != channels;
            if (isProjected)
                AddConvolution($"{name}.shortcut.0", $"{name}.shortcut.1", channels, inputs, 1);
            // Two convolutions, the fused norm, the composed one or two, the sum and its ReLU.
            int copies = 5 + Layers.CopiesOfNorm + (isProjected ? 1 + Layers.CopiesOfNorm : 0);
            ActivationCount += (long)copies * channels * height * width;
            inputs = channels;
        }
        Layers.Require(Name, image, height / LastWindow, width / LastWindow, 1);
        Layout.AddWeightAndBias("classifier", new Shape(classes, inputs), inputs);
    }

    /// <inheritdoc/>
    public override string Name => "resnet18";

    /// <inheritdoc/>
    protected override NetworkFeatures Embed(Variable[] parameters, Variable images)
    {
        Variable[] p = parameters;
        int at = 0;
        Variable Convolve(Variable of, int stride) => of.Conv2d(p[at], stride: stride, padding: p[at++].Shape[2] / 2);
        Variable Normalise(Variable of) => of.InstanceNorm(p[at++], p[at++]);
        Variable NormaliseRelu(Variable of) => of.NormReluPool(p[at++], p[at++], window: 1);
        var blocks = new Variable[Stages * BlocksOfStage];
        Variable x = NormaliseRelu(Convolve(images, 1));
        for (int i = 0; i < blocks.Length; i++)
        {
            int stride = StrideOf(1 + i / BlocksOfStage, i % BlocksOfStage);
            Variable y = NormaliseRelu(Convolve(x, stride));
            y = Normalise(Convolve(y, 1));
            blocks[i] = x = (y + (stride == 1 ? x : Normalise(Convolve(x, stride)))).Relu();
        }
        return new NetworkFeatures(x.AvgPool2d(LastWindow).Flatten(), blocks);
    }

    private static int StrideOf(int stage, int block) => stage > 1 && block == 0 ? 2 : 1;

    private void AddConvolution(string convolution, string norm, int channels, int inputs, int kernel)
    {
        Layout.AddWeight(convolution, new Shape(channels, inputs, kernel, kernel), inputs * kernel * kernel);
        Layout.AddNorm(norm, channels);
    }
}

/// <summary>resnet18, which has no options.</summary>
internal sealed class ResNet18Architecture : Architecture
{
    public override string Name => "resnet18";

    public override Network Create(Shape image, int classes, NetworkOptions options) => new ResNet18(image, classes);
}
