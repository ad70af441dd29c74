using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// A network as a pure function of its flat parameter vector θ and a batch of images: it holds no numbers, so that
/// influence can differentiate with respect to θ like any other input. Training on the cpu computes the same network
/// for batch after batch by a <see cref="CapturedGraph"/>, so its forward pass and its loss read nothing else:
/// constants that are copied from the host are refused there, with an <see cref="InvalidOperationException"/>.
/// </summary>
/// <example>
/// <code>
/// Network network = new ConvNet(new Shape(3, 32, 32), classes: 10, width: 16);
/// Tensor theta = network.Initialise(Backend.Default, DType.Float32, RandomKey.FromSeed(1));
/// Tensor images = Tensor.Normal(Backend.Default, DType.Float32, new Shape(4, 3, 32, 32), RandomKey.FromSeed(2));
/// Variable logits = network.Forward(Variable.Constant(theta), Variable.Constant(images)); // [4, 10]
/// </code>
/// </example>
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

    /// <summary>About how many numbers the forward pass of one image keeps for the backward walk; what memory is
    /// reckoned with.</summary>
    public long ActivationCount { get; protected init; }

    /// <summary>The architecture in one line, such as convnet-d3-w128; equal text means equal functions.</summary>
    public abstract string Name { get; }

    /// <summary>F, the numbers of an embedding.</summary>
    public virtual int EmbeddingSize => Layout.Parameters[^2].Shape[1];

    /// <summary>The parts of θ whose displacements are compared each by its own length; all of θ is one, unless the network says
    /// otherwise.</summary>
    public virtual IReadOnlyList<ParameterBlock> Blocks => [new("all", 0, Layout.Count)];

    /// <summary>The loss that it is trained with: cross-entropy, unless the network says otherwise.</summary>
    public virtual BatchLoss TrainingLoss { get; } = new SoftLabelCrossEntropy();

    /// <summary>Logits [N, M] of images [N, C, H, W] under θ [p].</summary>
    /// <exception cref="ShapeException">θ or the images do not fit.</exception>
    public Variable Forward(Variable theta, Variable images) => ForwardWithFeatures(theta, images).Logits;

    /// <summary>The embedding and the outputs of all blocks of images [N, C, H, W] under θ [p], without
    /// logits.</summary>
    /// <exception cref="ShapeException">θ or the images do not fit.</exception>
    public NetworkFeatures Features(Variable theta, Variable images)
    {
        CheckImages(images);
        return Embed(Layout.Split(theta), images);
    }

    /// <summary>The embedding and what each block gives before its pooling, of images [N, C, H, W] under θ [p]; the block behind
    /// its pooling where a network does not tell the two apart.</summary>
    /// <exception cref="ShapeException">θ or the images do not fit.</exception>
    public NetworkFeatures FeaturesBeforePooling(Variable theta, Variable images)
    {
        CheckImages(images);
        return EmbedBeforePooling(Layout.Split(theta), images);
    }

    /// <summary>Logits [N, M] and features of images [N, C, H, W] under θ [p], by one forward pass.</summary>
    /// <exception cref="ShapeException">θ or the images do not fit.</exception>
    public virtual (Variable Logits, NetworkFeatures Features) ForwardWithFeatures(Variable theta, Variable images)
    {
        CheckImages(images);
        Variable[] parameters = Layout.Split(theta);
        NetworkFeatures features = Embed(parameters, images);
        return (features.Embedding.Linear(parameters[^2], parameters[^1]), features);
    }

    /// <summary>The <see cref="TrainingLoss"/> of images [N, C, H, W] with labels q [N, M] under θ [p], a
    /// scalar.</summary>
    /// <exception cref="ShapeException">θ, the images or the labels do not fit.</exception>
    public Variable Loss(Variable theta, Variable images, Variable labels) =>
        TrainingLoss.Of(this, theta, new Batch(images, labels));

    /// <summary>The <see cref="TrainingLoss"/> of examples with weights w [N], a scalar; (1/N) Σ_i w_i·ℓ_i where it is a mean over
    /// them. See <see cref="WeightedLoss.Weighted"/>.</summary>
    /// <exception cref="ShapeException">θ, the images, the labels or the weights do not fit.</exception>
    /// <exception cref="InvalidOperationException">The loss is one of a whole batch, in which examples have no
    /// weights.</exception>
    public Variable WeightedLoss(Variable theta, Variable images, Variable labels, Variable weights) =>
        TrainingLoss is WeightedLoss loss
            ? loss.Weighted(this, theta, new Batch(images, labels), weights)
            : throw new InvalidOperationException(
                $"{Name} is trained with {TrainingLoss.GetType().Name}, a loss of a whole batch: its examples have " +
                "no weights of their own. Take a network whose loss is a mean over examples.");

    /// <summary>A fresh θ [p] by PyTorch's default rules.</summary>
    public Tensor Initialise(Backend backend, DType dtype, RandomKey key) => Layout.Initialise(backend, dtype, key);

    /// <summary>The features from the parameters cut out of θ, of which the last two are weight and bias of the linear
    /// layer that makes logits of the embedding.</summary>
    protected abstract NetworkFeatures Embed(Variable[] parameters, Variable images);

    /// <summary>The same embedding with the blocks before their pooling.</summary>
    protected virtual NetworkFeatures EmbedBeforePooling(Variable[] parameters, Variable images) => Embed(parameters, images);

    /// <summary>Checks the shape of images [N, C, H, W] and counts them: every forward pass begins with it.</summary>
    /// <exception cref="ShapeException">The images do not fit.</exception>
    protected void CheckImages(Variable images)
    {
        if (images.Shape.Rank != 4 || new Shape(images.Shape.Sizes[1..]) != Image)
        {
            throw new ShapeException(
                $"{Name} takes images [N, {string.Join(", ", Image.Sizes.ToArray())}], got {images.Shape}.");
        }
        images.Value.Backend.CountImages(images.Shape[0]);
    }
}
