using System.Globalization;
using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>What can be chosen of a <see cref="PairNetwork"/>.</summary>
public sealed record PairNetworkOptions
{
    /// <summary>d, the size of the space that images and texts share.</summary>
    public int Size { get; init; } = 256;

    /// <summary>The head of the images and that of the texts.</summary>
    public ProjectionHead Head { get; init; } = new ResidualHead();

    /// <summary>What it is trained with.</summary>
    public PairLoss Loss { get; init; } = new InfoNce();

    /// <summary>τ, by which cosines are divided; it is not learned.</summary>
    public double Temperature { get; init; } = 0.07;

    /// <summary>α of the low-rank part of a learned similarity (<see cref="PairLabels"/>); 3 is LoRS' for 100 pairs.</summary>
    public double SimilarityScale { get; init; } = 3;
}

/// <summary>Images and texts in the space that they share: rows of length 1.</summary>
/// <param name="Images">u [N, d].</param>
/// <param name="Texts">w [N, d].</param>
public readonly record struct PairEmbeddings(Variable Images, Variable Texts);

/// <summary>
/// Two heads on frozen features: of an image, features [F, 1, 1], and of a text, G features that stand where a classifier has
/// labels. Each head gives a unit vector, and a pair's score is the cosine of its two by τ. θ is the image head, then the text
/// head. There are no classes, so there are no logits.
/// </summary>
/// <example>
/// <code>
/// var network = new PairNetwork(imageFeatures: 512, textFeatures: 384);
/// Tensor theta = network.Initialise(Backend.Default, DType.Float32, RandomKey.FromSeed(1));
/// Variable images = Variable.Constant(Tensor.Normal(
///     Backend.Default, DType.Float32, new Shape(4, 512, 1, 1), RandomKey.FromSeed(2)));
/// Variable texts = Variable.Constant(Tensor.Normal(Backend.Default, DType.Float32, new Shape(4, 384), RandomKey.FromSeed(3)));
/// Variable loss = network.Loss(Variable.Constant(theta), images, texts); // InfoNCE of four pairs
/// </code>
/// </example>
public sealed class PairNetwork : Network
{
    private readonly int _ofImages;

    /// <summary>Two heads on F features of an image and G of a text.</summary>
    /// <exception cref="ShapeException">A size is below 1, or G below 2.</exception>
    public PairNetwork(int imageFeatures, int textFeatures, PairNetworkOptions? options = null)
        : base(new Shape(imageFeatures, 1, 1), textFeatures)
    {
        Options = options ?? new PairNetworkOptions();
        if (imageFeatures < 1 || Options.Size < 1)
        {
            throw new ShapeException(
                $"A network of pairs takes features and a size from 1, got {imageFeatures} features of an image and size {Options.Size}.");
        }
        Options.Head.AddTo(Layout, "image", imageFeatures, Options.Size);
        _ofImages = Layout.Parameters.Count;
        int boundary = Layout.Count;
        Options.Head.AddTo(Layout, "text", textFeatures, Options.Size);
        Blocks = [new("image", 0, boundary), new("text", boundary, Layout.Count - boundary)];
        ActivationCount = imageFeatures + textFeatures + 32L * Options.Size;
        FormattableString name =
            $"pairs-{imageFeatures}-{textFeatures}-{Options.Head.Name}-d{Options.Size}-{Options.Loss.Name}-t{Options.Temperature:R}";
        Name = name.ToString(CultureInfo.InvariantCulture) + (Options.Loss.UsesSimilarity
            ? string.Create(CultureInfo.InvariantCulture, $"-a{Options.SimilarityScale:R}")
            : "");
    }

    /// <summary>What was chosen.</summary>
    public PairNetworkOptions Options { get; }

    /// <summary>F.</summary>
    public int ImageFeatures => Image[0];

    /// <summary>G.</summary>
    public int TextFeatures => Classes;

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override int EmbeddingSize => Options.Size;

    /// <inheritdoc/>
    public override BatchLoss TrainingLoss => Options.Loss;

    /// <inheritdoc/>
    public override IReadOnlyList<ParameterBlock> Blocks { get; }

    /// <summary>The same heads, trained with another loss.</summary>
    public PairNetwork With(PairLoss loss) => new(ImageFeatures, TextFeatures, Options with { Loss = loss });

    /// <summary>A network as one of pairs.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static PairNetwork Of(Network network) => network as PairNetwork
        ?? throw new ArgumentException($"{network.Name} has no head for texts. Take a PairNetwork.", nameof(network));

    /// <summary>Unit embeddings of image features [N, F, 1, 1] and text features [N, G] under θ [p].</summary>
    /// <exception cref="ShapeException">θ or the features do not fit.</exception>
    public PairEmbeddings Embed(Variable theta, Variable images, Variable texts)
    {
        CheckImages(images);
        CheckTexts(texts);
        Variable[] parameters = Layout.Split(theta);
        return new PairEmbeddings(OfImages(parameters, images), OfTexts(parameters, texts));
    }

    /// <summary>Unit embeddings [N, d] of text features [N, G] alone.</summary>
    /// <exception cref="ShapeException">θ or the features do not fit.</exception>
    public Variable EmbedTexts(Variable theta, Variable texts)
    {
        CheckTexts(texts);
        return OfTexts(Layout.Split(theta), texts);
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override (Variable Logits, NetworkFeatures Features) ForwardWithFeatures(Variable theta, Variable images) =>
        throw new NotSupportedException($"{Name} has no classes, so it gives no logits. Take Embed and compare embeddings.");

    /// <inheritdoc/>
    protected override NetworkFeatures Embed(Variable[] parameters, Variable images) => new(OfImages(parameters, images), []);

    private Variable OfImages(Variable[] parameters, Variable images) =>
        Options.Head.Project(parameters.AsSpan(0, _ofImages), images.Flatten()).ToUnitRows();

    private Variable OfTexts(Variable[] parameters, Variable texts) =>
        Options.Head.Project(parameters.AsSpan(_ofImages), texts).ToUnitRows();

    private void CheckTexts(Variable texts)
    {
        if (texts.Shape.Rank != 2 || texts.Shape[1] != TextFeatures)
            throw new ShapeException($"{Name} takes text features [N, {TextFeatures}], got {texts.Shape}.");
    }
}
