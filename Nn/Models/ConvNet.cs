using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// The ConvNet of dataset condensation (Zhao et al., DC, ICLR 2021; Cazenavette et al., MTT, CVPR 2022): depth ×
/// [3×3 convolution to <c>width</c> channels, instance norm with learned scale and shift, ReLU, 2×2 average pool], then
/// one linear layer. 28×28 images of one channel are padded to 32×32 by the first convolution.
/// </summary>
public sealed class ConvNet : Network
{
    private readonly Activation _activation;
    private readonly int _depth, _firstPadding;

    /// <summary>A ConvNet for images [C, H, W] and M classes.</summary>
    /// <exception cref="ShapeException">The image is too small for so many poolings, or a size is below 1.</exception>
    public ConvNet(Shape image, int classes, int width = 128, int depth = 3, Activation activation = Activation.Relu)
        : base(image, classes)
    {
        if (width < 1 || depth < 1)
            throw new ShapeException($"ConvNet: width {width} and depth {depth} must be at least 1.");
        (_depth, _activation) = (depth, activation);
        (int channels, int height, int columns) = (image[0], image[1], image[2]);
        _firstPadding = channels == 1 && height == 28 && columns == 28 ? 3 : 1;
        height += 2 * (_firstPadding - 1);
        columns += 2 * (_firstPadding - 1);
        for (int block = 0; block < depth; block++, channels = width)
        {
            Layout.AddWeightAndBias($"features.{4 * block}", new Shape(width, channels, 3, 3), channels * 9);
            Layout.AddNorm($"features.{4 * block + 1}", width);
            (height, columns) = (height / 2, columns / 2);
        }
        if (height < 1 || columns < 1)
            throw new ShapeException($"ConvNet: {depth} poolings leave nothing of images {image}. Lower --depth.");
        int features = width * height * columns;
        Layout.AddWeightAndBias("classifier", new Shape(classes, features), features);
        Name = $"convnet-d{depth}-w{width}{(activation == Activation.Relu ? "" : $"-{activation.ToString().ToLowerInvariant()}")}";
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    protected override Variable Forward(Variable[] parameters, Variable images)
    {
        Variable x = images;
        for (int block = 0; block < _depth; block++)
        {
            Span<Variable> p = parameters.AsSpan(4 * block, 4);
            x = x.Conv2d(p[0], p[1], padding: block == 0 ? _firstPadding : 1);
            x = _activation == Activation.Relu
                ? x.NormReluPool(p[2], p[3], window: 2)
                : _activation.Apply(x.InstanceNorm(p[2], p[3])).AvgPool2d(2);
        }
        x = x.Reshape(new Shape(x.Shape[0], x.Shape.Count / Math.Max(1, x.Shape[0])));
        return x.MatMul(parameters[^2], transposeB: true) + parameters[^1];
    }
}
