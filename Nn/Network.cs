using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// A network as a pure function of its flat parameter vector θ and a batch of images: it holds no numbers, so that
/// influence can differentiate with respect to θ like any other input. Training on the cpu computes the same network for batch
/// after batch by a <see cref="CapturedGraph"/>, so its forward pass and its loss read nothing else: constants that are copied
/// from the host are refused there, with an <see cref="InvalidOperationException"/>.
/// </summary>
public abstract class Network
{
    /// <summary>A network for images [C, H, W] and M classes.</summary>
    protected Network(Shape image, int classes)
    {
        if (image.Rank != 3)
            throw new ShapeException($"A network takes images [C, H, W], got {image}.");
        if (classes < 2)
            throw new ShapeException($"A classifier needs at least 2 classes, got {classes}.");
        Image = image;
        Classes = classes;
        ActivationCount = image.Count;
    }

    /// <summary>[C, H, W].</summary>
    public Shape Image { get; }

    /// <summary>M.</summary>
    public int Classes { get; }

    /// <summary>Names, shapes and offsets of the parameters in θ.</summary>
    public ParameterLayout Layout { get; } = new();

    /// <summary>About how many numbers the forward pass of one image keeps for the backward walk; what memory is reckoned
    /// with.</summary>
    public long ActivationCount { get; protected init; }

    /// <summary>The architecture in one line, such as convnet-d3-w128; equal text means equal functions.</summary>
    public abstract string Name { get; }

    /// <summary>Logits [N, M] of images [N, C, H, W] under θ [p].</summary>
    /// <exception cref="ShapeException">θ or the images do not fit.</exception>
    public Variable Forward(Variable theta, Variable images)
    {
        if (images.Shape.Rank != 4 || new Shape(images.Shape.Sizes[1..]) != Image)
            throw new ShapeException($"{Name} takes images [N, {string.Join(", ", Image.Sizes.ToArray())}], got {images.Shape}.");
        return Forward(Layout.Split(theta), images);
    }

    /// <summary>The mean loss of images [N, C, H, W] with labels q [N, M] under θ [p], a scalar: the cross-entropy,
    /// unless the network says otherwise. The loss of an image does not depend on the others.</summary>
    /// <exception cref="ShapeException">θ, the images or the labels do not fit.</exception>
    public virtual Variable Loss(Variable theta, Variable images, Variable labels) =>
        Forward(theta, images).CrossEntropy(labels);

    /// <summary>(1/N) Σ_i w_i·ℓ_i for weights w [N], a scalar: weights of 1 give <see cref="Loss"/>, and the divisor
    /// does not depend on them. Cross-entropy is linear in the labels, so there the weights scale these; NaN
    /// spreads.</summary>
    /// <exception cref="ShapeException">θ, the images, the labels or the weights do not fit.</exception>
    public virtual Variable WeightedLoss(Variable theta, Variable images, Variable labels, Variable weights) =>
        Loss(theta, images, labels * weights.Reshape(new Shape(labels.Shape[0], 1)));

    /// <summary>A fresh θ [p] by PyTorch's default rules.</summary>
    public Tensor Initialise(Backend backend, DType dtype, RandomKey key) => Layout.Initialise(backend, dtype, key);

    /// <summary>Logits from the parameters cut out of θ.</summary>
    protected abstract Variable Forward(Variable[] parameters, Variable images);
}
