using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// The mean over the rows of −Σ_c q_c·log softmax(z)_c in one pass, a scalar: inputs z [N, M], logits, and q [N, M],
/// labels, hard or soft, of any sum. 0·log 0 is 0: a logit of −∞ counts nothing where its label is exactly 0, in the
/// value and in every derivative with respect to z; where the label is above 0 the value is +∞. The derivative with
/// respect to a label is −log p/N and so +∞ there. NaN, +∞ and rows of −∞ alone give NaN. A step of few images is bound
/// by the launches of kernels, and composed it is six.
/// </summary>
[Formula(
    "y = −(1/N)·Σ q·log softmax z, over rows and classes",
    "z̄ = ȳ/N·((Σ q)·softmax z − q), q̄ = −ȳ/N·log softmax z")]
public sealed record CrossEntropy : FusedOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 2);
        return inputs[0].Rank == 2 && inputs[0].Count > 0 && inputs[0] == inputs[1]
            ? Shape.Scalar
            : throw new ShapeException(
                "CrossEntropy takes logits and labels [N, M], both of one shape and not empty, " +
                $"got {inputs[0]} and {inputs[1]}.");
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new CrossEntropyCall(x[0], x[1], y));

    /// <inheritdoc/>
    public override Variable Compose(ReadOnlySpan<Variable> inputs) =>
        -new WeightOfLog().On(inputs[1], inputs[0].LogSoftmax()).Sum() / inputs[0].Shape[0];

    /// <inheritdoc/>
    protected override Tensor?[] FirstOrder(Node at)
    {
        Tensor z = at.Inputs[0].Value, q = at.Inputs[1].Value;
        Tensor?[] result = [.. at.Inputs.Select((v, i) => at.Needs(i) ? z.Backend.Empty(v.Shape, z.DType) : null)];
        z.Backend.Run(new CrossEntropyGradientCall(z, q, at.Cotangent.Value, result[0], result[1]));
        return result;
    }

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
        from z in new SampleInput[]
        {
            new Shape(3, 5), new Shape(1, 19), new Shape(4, 2), new Shape(2, 33), new(new Shape(2, 4), 700, 720),
        }
        select new OpSample(new CrossEntropy(), z, z.Shape) { LinearIn = [[1]], Terms = z.Shape.Count };

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(new CrossEntropy(), "got [2, 3] and [3, 2]", new Shape(2, 3), new Shape(3, 2)),
        new OpError(new CrossEntropy(), "got [3] and [3]", new Shape(3), new Shape(3)),
        new OpError(new CrossEntropy(), "not empty, got [0, 3] and [0, 3]", new Shape(0, 3), new Shape(0, 3)),
        new OpError(new CrossEntropy(), "takes 2 inputs, got 1", new Shape(2, 3)),
    ];
}
