using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// The ConvNet of dataset condensation (Zhao et al., DC, ICLR 2021; Cazenavette et al., MTT, CVPR 2022): depth ×
/// [3×3 convolution to <c>width</c> channels, norm with learned scale and shift, nonlinearity, 2×2 pooling], then one
/// linear layer. By default the norm is instance norm, the nonlinearity ReLU, the pooling a mean. 28×28 images of one
/// channel are padded to 32×32 by the first convolution. A block's output is that of its pooling.
/// </summary>
public sealed class ConvNet : Network
{
    private readonly Activation _activation;
    private readonly Normalisation _norm;
    private readonly Pooling _pooling;
    private readonly int _depth, _firstPadding, _scales;
    private readonly bool _isFused;

    /// <summary>A ConvNet for images [C, H, W] and M classes.</summary>
    /// <exception cref="ShapeException">The image is too small for the poolings, a size is below 1, or the norm is
    /// not defined for the width.</exception>
    public ConvNet(
        Shape image, int classes, int width = 128, int depth = 3, Activation activation = Activation.Relu,
        ConvNetLayers? layers = null)
        : base(image, classes)
    {
        if (width < 1 || depth < 1)
            throw new ShapeException($"ConvNet: width {width} and depth {depth} must be at least 1.");
        layers ??= new ConvNetLayers();
        layers.Norm.CheckWidth(width);
        (_depth, _activation, _norm, _pooling) = (depth, activation, layers.Norm, layers.Pooling);
        // Norm and ReLU, with the mean behind them, are one kernel.
        _isFused = _norm is InstanceNormalisation && activation == Activation.Relu;
        int channels = image[0], border = Layers.BorderOf(image), layer = 0;
        (int height, int columns) = (image[1] + 2 * border, image[2] + 2 * border);
        _firstPadding = 1 + border;
        for (int block = 0; block < depth; block++, channels = width)
        {
            Layout.AddWeightAndBias($"features.{layer++}", new Shape(width, channels, 3, 3), channels * 9);
            if (_norm.ScaleOf(width, height, columns) is { } scale)
            {
                Layout.AddNorm($"features.{layer++}", scale);
                _scales = 2;
            }
            layer++;
            ActivationCount += CopiesOfBlock * width * height * columns;
            if (_pooling.Window == 1)
                continue;
            layer++;
            (height, columns) = (height / _pooling.Window, columns / _pooling.Window);
            ActivationCount += (long)width * height * columns;
        }
        if (height < 1 || columns < 1)
            throw new ShapeException($"ConvNet: {depth} poolings leave nothing of images {image}. Lower --depth.");
        int features = width * height * columns;
        Layout.AddWeightAndBias("classifier", new Shape(classes, features), features);
        Name = NameOf(width, depth, activation, layers);
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>The name of such a ConvNet.</summary>
    internal static string NameOf(int width, int depth, Activation activation, ConvNetLayers layers) =>
        $"convnet-d{depth}-w{width}" +
        (activation == Activation.Relu ? "" : $"-{activation.ToString().ToLowerInvariant()}") +
        layers.Norm.Suffix + layers.Pooling.Suffix;

    // Tensors of the size of a convolution's output that the backward walk of a block reads, without what the pooling
    // gives.
    private long CopiesOfBlock => _isFused
        ? _pooling is AveragePooling ? 1 : 2
        : 2 + _norm.Copies;

    /// <inheritdoc/>
    protected override NetworkFeatures Embed(Variable[] parameters, Variable images)
    {
        var blocks = new Variable[_depth];
        Variable x = images;
        for (int block = 0, at = 0; block < _depth; block++)
        {
            x = x.Conv2d(parameters[at++], parameters[at++], padding: block == 0 ? _firstPadding : 1);
            if (_isFused)
            {
                bool isPooled = _pooling is AveragePooling;
                x = x.NormReluPool(parameters[at++], parameters[at++], isPooled ? _pooling.Window : 1);
                blocks[block] = x = isPooled ? x : _pooling.Apply(x);
                continue;
            }
            x = _norm.Apply(x, parameters.AsSpan(at, _scales));
            at += _scales;
            blocks[block] = x = _pooling.Apply(_activation.Apply(x));
        }
        return NetworkFeatures.Of(blocks);
    }

    /// <inheritdoc/>
    protected override NetworkFeatures EmbedBeforePooling(Variable[] parameters, Variable images)
    {
        var blocks = new Variable[_depth];
        Variable x = images;
        for (int block = 0, at = 0; block < _depth; block++)
        {
            x = x.Conv2d(parameters[at++], parameters[at++], padding: block == 0 ? _firstPadding : 1);
            blocks[block] = _isFused
                ? x.NormReluPool(parameters[at], parameters[at + 1], window: 1)
                : _activation.Apply(_norm.Apply(x, parameters.AsSpan(at, _scales)));
            at += _scales;
            x = _pooling.Apply(blocks[block]);
        }
        return new NetworkFeatures(x.Flatten(), blocks);
    }
}

/// <summary>The layers of a ConvNet's blocks besides convolution and nonlinearity.</summary>
public sealed record ConvNetLayers
{
    /// <summary>The norm behind each convolution.</summary>
    public Normalisation Norm { get; init; } = new InstanceNormalisation();

    /// <summary>The pooling at the end of each block.</summary>
    public Pooling Pooling { get; init; } = new AveragePooling();
}

/// <summary>convnet, with all options.</summary>
internal sealed class ConvNetArchitecture : Architecture
{
    public override string Name => "convnet";

    public override Network Create(Shape image, int classes, NetworkOptions options) =>
        new ConvNet(image, classes, options.Width, options.Depth, layers: LayersOf(options));

    public override string Describe(NetworkOptions options) =>
        ConvNet.NameOf(options.Width, options.Depth, Activation.Relu, LayersOf(options));

    private static ConvNetLayers LayersOf(NetworkOptions options) => new()
    {
        Norm = Architectures.NormOf(options.Norm),
        Pooling = Architectures.PoolingOf(options.Pooling),
    };
}
