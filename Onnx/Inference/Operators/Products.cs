using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Onnx;

/// <summary>Products of matrices, also of stacks of them: [.., M, K] · [K, N] or [.., K, N].</summary>
internal sealed class MatMulOperator : OnnxOperator
{
    public override string Name => "MatMul";

    public override OnnxValue[] Run(OnnxUse use)
    {
        (Variable a, Variable b) = (use.Numbers(0), use.Numbers(1));
        if (a.Shape.Rank < 2 || b.Shape.Rank < 2 || a.Shape[^1] != b.Shape[^2])
            throw use.Fail("[.., M, K] and [.., K, N] were expected");
        (int m, int k, int n) = (a.Shape[^2], a.Shape[^1], b.Shape[^1]);
        ReadOnlySpan<int> outer = a.Shape.Sizes[..^2];
        var shape = new Shape([.. outer, m, n]);
        if (b.Shape.Rank == 2)
            return [OnnxValue.Of(a.Reshape(new Shape(a.Shape.Count / Math.Max(1, k), k)).MatMul(b).Reshape(shape))];
        if (!outer.SequenceEqual(b.Shape.Sizes[..^2]))
            throw use.Fail("stacks of matrices must have the same sizes");
        Tensor y = use.Backend.Empty(shape, DType.Float32);
        for (int i = 0; i < shape.Count / Math.Max(1, m * n); i++)
        {
            use.Backend.Run(new MatMulCall(
                a.Value.View(i * m * k, new Shape(m, k)), false, b.Value.View(i * k * n, new Shape(k, n)), false,
                y.View(i * m * n, new Shape(m, n))));
        }
        return [OnnxValue.Of(y)];
    }
}

/// <summary>α·A·B + β·C, with A and B transposed where that is set.</summary>
internal sealed class GemmOperator : OnnxOperator
{
    public override string Name => "Gemm";

    public override OnnxValue[] Run(OnnxUse use)
    {
        Variable y = use.Setting("alpha", 1f) * use.Numbers(0).MatMul(
            use.Numbers(1), use.Setting("transA", 0L) != 0, use.Setting("transB", 0L) != 0);
        return [OnnxValue.Of(use.Has(2) ? y + use.Setting("beta", 1f) * use.Numbers(2) : y)];
    }
}
