using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>y [M, N] = op(a)·op(b), where op transposes if asked; closed under differentiation.</summary>
public sealed record MatMul(bool TransposeA = false, bool TransposeB = false) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs) =>
        Shape.MatMul(inputs[0], TransposeA, inputs[1], TransposeB);

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.MatMul(x[0], TransposeA, x[1], TransposeB, y);

    /// <inheritdoc/>
    // y = A·B with A = op(a), B = op(b):  Ā = ȳ·Bᵀ,  B̄ = Aᵀ·ȳ, each transposed again where op transposes.
    public override Variable?[] Vjp(Application at)
    {
        (Variable a, Variable b, Variable g) = (at.Inputs[0], at.Inputs[1], at.Cotangent);
        return
        [
            !at.Needs(0) ? null
                : TransposeA ? new MatMul(TransposeB, true).On(b, g)
                : new MatMul(false, !TransposeB).On(g, b),
            !at.Needs(1) ? null
                : TransposeB ? new MatMul(true, TransposeA).On(g, a)
                : new MatMul(!TransposeA, false).On(a, g),
        ];
    }
}
