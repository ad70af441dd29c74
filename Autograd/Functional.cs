using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>Operations as methods, and functions composed of them. New behaviour is composed here first; it becomes an
/// operation of its own only when a measurement asks for it. The functions of single numbers are in
/// Ops/Elementwise.cs, next to their operations.</summary>
/// <example>
/// <code>
/// Variable logits = Variable.Of(2, 0, -1, 1, 1, 1).Reshape(new Shape(2, 3));
/// Variable labels = Variable.Of(1, 0, 0, 0, 1, 0).Reshape(new Shape(2, 3));
/// Variable loss = logits.CrossEntropy(labels);
/// Variable byHand = -(labels * logits.Softmax().Log()).Sum(axis: 1).Mean();
/// </code>
/// </example>
public static partial class Functional
{
    /// <summary>x above 0, slope·x below.</summary>
    public static Variable LeakyRelu(this Variable x, double slope = 0.01) => slope * x + (1 - slope) * x.Relu();

    /// <summary>The same numbers under another shape.</summary>
    public static Variable Reshape(this Variable x, Shape shape) => x.Shape == shape ? x : new Reshape(shape).On(x);

    /// <summary>x [N, …] as [N, F], F numbers a row.</summary>
    public static Variable Flatten(this Variable x) =>
        x.Reshape(new Shape(x.Shape[0], x.Shape.Count / Math.Max(1, x.Shape[0])));

    /// <summary>x stretched to a larger shape.</summary>
    public static Variable BroadcastTo(this Variable x, Shape shape) =>
        x.Shape == shape ? x : new BroadcastTo(shape).On(x);

    /// <summary>x summed down to a smaller shape that broadcasts to its own.</summary>
    public static Variable SumTo(this Variable x, Shape shape) => x.Shape == shape ? x : new SumTo(shape).On(x);

    /// <summary>The sum of all elements, as a scalar.</summary>
    public static Variable Sum(this Variable x) => x.SumTo(Shape.Scalar);

    /// <summary>The mean of all elements, as a scalar; NaN for none.</summary>
    public static Variable Mean(this Variable x) => x.Sum() / x.Shape.Count;

    /// <summary>Σ a_i·b_i, as a scalar.</summary>
    public static Variable Dot(this Variable a, Variable b) => (a * b).Sum();

    /// <summary>a·b for matrices, either one transposed if asked.</summary>
    public static Variable MatMul(this Variable a, Variable b, bool transposeA = false, bool transposeB = false) =>
        new MatMul(transposeA, transposeB).On(a, b);

    /// <summary>x [N, F]·wᵀ + b for w [M, F] and b [M]: a linear layer.</summary>
    public static Variable Linear(this Variable x, Variable w, Variable b) => x.MatMul(w, transposeB: true) + b;

    /// <summary>x [N, C, H, W] * w [K, C, R, S] + bias [K].</summary>
    public static Variable Conv2d(this Variable x, Variable w, Variable? bias = null, int stride = 1, int padding = 0)
    {
        var op = new Conv2d(Conv2dGeometry.Infer(x.Shape, w.Shape, stride, padding));
        return bias is null ? op.On(x, w) : op.On(x, w, bias);
    }

    /// <summary>The mean of each P×P window of x [N, C, H, W].</summary>
    public static Variable AvgPool2d(this Variable x, int window) =>
        window == 1 ? x : new AvgPool2d(Pool2dGeometry.Infer(x.Shape, window)).On(x);

    /// <summary>The largest element of each P×P window of x [N, C, H, W], the first of equal ones; NaN
    /// spreads.</summary>
    public static Variable MaxPool2d(this Variable x, int window) =>
        window == 1 ? x : new MaxPool2d(Pool2dGeometry.Infer(x.Shape, window)).On(x);

    /// <summary>
    /// γ·(x − mean)/√(var + ε) + β over each [H, W] plane of x [N, C, H, W], with the biased variance (Ulyanov et al.,
    /// "Instance Normalization", 2016).
    /// </summary>
    public static Variable InstanceNorm(this Variable x, Variable gamma, Variable beta, double epsilon = 1e-5)
    {
        (int n, int c) = (x.Shape[0], x.Shape[1]);
        var perChannel = new Shape(1, c, 1, 1);
        Variable normal = x.Standardise(new Shape(n, c, 1, 1), epsilon);
        return gamma.Reshape(perChannel) * normal + beta.Reshape(perChannel);
    }

    /// <summary>
    /// γ_c·(x − mean)/√(var + ε) + β_c over each of the given number of groups of neighbouring channels of x [N, C, H,
    /// W], with γ and β [C] and the biased variance (Wu and He, "Group Normalization", ECCV 2018).
    /// </summary>
    /// <exception cref="ShapeException">C is no multiple of the number of groups.</exception>
    public static Variable GroupNorm(
        this Variable x, int groups, Variable gamma, Variable beta, double epsilon = 1e-5)
    {
        (int n, int c) = (x.Shape[0], x.Shape[1]);
        if (groups < 1 || c % groups != 0)
            throw new ShapeException($"GroupNorm: {c} channels cannot be cut into {groups} equal groups.");
        var perChannel = new Shape(1, c, 1, 1);
        Variable normal = x.Reshape(new Shape(n, groups, c / groups * x.Shape[2] * x.Shape[3]))
            .Standardise(new Shape(n, groups, 1), epsilon).Reshape(x.Shape);
        return gamma.Reshape(perChannel) * normal + beta.Reshape(perChannel);
    }

    /// <summary>
    /// γ·(x − mean)/√(var + ε) + β over each image of x [N, C, H, W], element by element with γ and β [C, H, W] and the
    /// biased variance (Ba et al., "Layer Normalization", 2016).
    /// </summary>
    public static Variable LayerNorm(this Variable x, Variable gamma, Variable beta, double epsilon = 1e-5) =>
        gamma * x.Standardise(new Shape(x.Shape[0], 1, 1, 1), epsilon) + beta;

    // (x − mean)/√(var + ε), mean and biased variance over the dimensions that are 1 in the shape of the statistics.
    private static Variable Standardise(this Variable x, Shape statistics, double epsilon)
    {
        double size = x.Shape.Count / Math.Max(1, statistics.Count);
        Variable centred = x - x.SumTo(statistics) / size;
        Variable variance = (centred * centred).SumTo(statistics) / size;
        return centred / (variance + epsilon).Sqrt();
    }

    /// <summary>Instance norm, ReLU and P×P average pooling of x [N, C, H, W] in one pass.</summary>
    public static Variable NormReluPool(
        this Variable x, Variable gamma, Variable beta, int window, double epsilon = 1e-5) =>
        new NormReluPool(Pool2dGeometry.Infer(x.Shape, window), epsilon).On(x, gamma, beta);

    /// <summary>log softmax of logits [N, M] along each row.</summary>
    public static Variable LogSoftmax(this Variable logits) => new LogSoftmax().On(logits);

    /// <summary>Softmax of logits [N, M] along each row.</summary>
    public static Variable Softmax(this Variable logits) => logits.LogSoftmax().Exp();

    /// <summary>
    /// The mean over the rows of −Σ_c q_c·log p_c, p = softmax(logits): cross-entropy with labels q [N, M], hard
    /// (one-hot) or soft.
    /// </summary>
    public static Variable CrossEntropy(this Variable logits, Variable labels) =>
        new CrossEntropy().On(logits, labels);

    /// <summary>The rows of x at the given indices.</summary>
    public static Variable GatherRows(this Variable x, IReadOnlyList<int> indices) => new GatherRows(indices).On(x);

    /// <summary>Images [N, C, H, W], each resampled through its own affine map; transforms [N, 6].</summary>
    public static Variable AffineSample(this Variable images, Variable transforms) =>
        new AffineSample().On(images, transforms);
}
