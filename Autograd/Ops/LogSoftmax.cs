using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>y [N, M] = x − log Σ exp x along each row; safe against overflow.</summary>
public sealed record LogSoftmax : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => inputs[0].Rank == 2
        ? inputs[0]
        : throw new ShapeException($"LogSoftmax takes logits [N, M], got {inputs[0]}.");

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.LogSoftmax(x[0], y);

    /// <inheritdoc/>
    // ȳ given, softmax p = eʸ:  x̄ = ȳ − p·Σ_row ȳ.
    public override Variable?[] Vjp(Application at) =>
        [at.Cotangent - at.Outputs[0].Exp() * at.Cotangent.SumTo(new Shape(at.Outputs[0].Shape[0], 1))];
}
