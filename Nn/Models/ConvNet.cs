using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// The ConvNet of dataset condensation (Zhao et al., DC, ICLR 2021; Cazenavette et al., MTT, CVPR 2022): depth ×
/// [3×3 convolution to <c>width</c> channels, norm with learned scale and shift, nonlinearity, 2×2 pooling], then one
/// linear layer. By default the norm is instance norm, the nonlinearity ReLU, the pooling a mean. 28×28 images of one
/// channel are padded to 32×32 by the first convolution.
/// </summary>
public sealed class ConvNet : Network
{
    private const int Groups = 4;

    private readonly Activation _activation;
    private readonly Normalisation _norm;
    private readonly PoolingKind _pooling;
    private readonly int _depth, _firstPadding;

    /// <summary>A ConvNet for images [C, H, W] and M classes.</summary>
    /// <exception cref="ShapeException">The image is too small for so many poolings, a size is below 1, or the width is no
    /// multiple of the groups of group norm.</exception>
    public ConvNet(
        Shape image, int classes, int width = 128, int depth = 3, Activation activation = Activation.Relu,
        Normalisation norm = Normalisation.Instance, PoolingKind pooling = PoolingKind.Average)
        : base(image, classes)
    {
        if (width < 1 || depth < 1)
            throw new ShapeException($"ConvNet: width {width} and depth {depth} must be at least 1.");
        if (norm == Normalisation.Group && width % Groups != 0)
        {
            throw new ShapeException(
                $"ConvNet: group norm has {Groups} groups, width {width} must be a multiple. Change --width.");
        }
        (_depth, _activation, _norm, _pooling) = (depth, activation, norm, pooling);
        int channels = image[0], border = Layers.BorderOf(image), layer = 0;
        (int height, int columns) = (image[1] + 2 * border, image[2] + 2 * border);
        _firstPadding = 1 + border;
        for (int block = 0; block < depth; block++, channels = width)
        {
            long area = (long)width * height * columns;
            Layout.AddWeightAndBias($"features.{layer++}", new Shape(width, channels, 3, 3), channels * 9);
            ActivationCount += area;
            if (norm != Normalisation.None)
            {
                Layout.AddNorm(
                    $"features.{layer++}",
                    norm == Normalisation.Layer ? new Shape(width, height, columns) : new Shape(width));
            }
            layer++;
            if (!IsFused)
                ActivationCount += (norm == Normalisation.None ? 0 : Layers.CopiesOfNorm * area) + area;
            else if (pooling != PoolingKind.Average)
                ActivationCount += area;
            if (pooling == PoolingKind.None)
                continue;
            layer++;
            (height, columns) = (height / 2, columns / 2);
            ActivationCount += (long)width * height * columns;
        }
        if (height < 1 || columns < 1)
            throw new ShapeException($"ConvNet: {depth} poolings leave nothing of images {image}. Lower --depth.");
        int features = width * height * columns;
        Layout.AddWeightAndBias("classifier", new Shape(classes, features), features);
        Name = NameOf(width, depth, activation, norm, pooling);
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>The name of such a ConvNet.</summary>
    internal static string NameOf(int width, int depth, Activation activation, Normalisation norm, PoolingKind pooling) =>
        $"convnet-d{depth}-w{width}{(activation == Activation.Relu ? "" : $"-{activation.ToString().ToLowerInvariant()}")}" +
        norm switch
        {
            Normalisation.Instance => "",
            Normalisation.None => "-nonorm",
            Normalisation.Layer => "-layernorm",
            _ => "-groupnorm",
        } +
        pooling switch { PoolingKind.Average => "", PoolingKind.None => "-nopool", _ => "-maxpool" };

    // Norm and ReLU, with the mean behind them, are one kernel.
    private bool IsFused => _norm == Normalisation.Instance && _activation == Activation.Relu;

    /// <inheritdoc/>
    protected override Variable Forward(Variable[] parameters, Variable images)
    {
        Variable x = images;
        int at = 0;
        for (int block = 0; block < _depth; block++)
        {
            x = x.Conv2d(parameters[at++], parameters[at++], padding: block == 0 ? _firstPadding : 1);
            if (IsFused)
            {
                x = x.NormReluPool(parameters[at++], parameters[at++], window: _pooling == PoolingKind.Average ? 2 : 1);
            }
            else
            {
                x = _norm switch
                {
                    Normalisation.Instance => x.InstanceNorm(parameters[at++], parameters[at++]),
                    Normalisation.Layer => x.LayerNorm(parameters[at++], parameters[at++]),
                    Normalisation.Group => x.GroupNorm(Groups, parameters[at++], parameters[at++]),
                    _ => x,
                };
                x = _activation.Apply(x);
                if (_pooling == PoolingKind.Average)
                    x = x.AvgPool2d(2);
            }
            if (_pooling == PoolingKind.Max)
                x = x.MaxPool2d(2);
        }
        return x.Flatten().Linear(parameters[^2], parameters[^1]);
    }
}
