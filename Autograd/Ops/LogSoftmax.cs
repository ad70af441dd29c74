using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>y [N, M] = x − log Σ exp x along each row; safe against overflow.</summary>
[Formula("y = x − log Σ eˣ along each row", "x̄ = ȳ − eʸ·Σ ȳ along each row")]
public sealed record LogSoftmax : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        return inputs[0].Rank == 2
            ? inputs[0]
            : throw new ShapeException($"LogSoftmax takes logits [N, M], got {inputs[0]}.");
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new LogSoftmaxCall(x[0], y));

    /// <inheritdoc/>
    // ȳ given, softmax p = eʸ:  x̄ = ȳ − p·Σ_row ȳ.
    public override Variable?[] Vjp(Node at) =>
        [at.Cotangent - at.Outputs[0].Exp() * at.Cotangent.SumTo(new Shape(at.Outputs[0].Shape[0], 1))];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        new OpSample(new LogSoftmax(), new Shape(3, 5)) { Terms = 5 },
        new OpSample(new LogSoftmax(), new Shape(1, 19)) { Terms = 19 },
        new OpSample(new LogSoftmax(), new Shape(4, 1)),
        new OpSample(new LogSoftmax(), new SampleInput(new Shape(2, 4), 700, 720)) { Terms = 4 },
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(new LogSoftmax(), "takes logits [N, M], got [3]", new Shape(3)),
        new OpError(new LogSoftmax(), "takes 1 input, got 2", new Shape(2, 3), new Shape(2, 3)),
    ];
}
