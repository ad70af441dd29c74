using InfMatch.Autograd;

namespace InfMatch.Onnx.Operations;

internal sealed class MatMulOperation : OnnxOperation<MatMul>
{
    protected override string Translate(OnnxApplication at, MatMul op) => at.Add(
        "Gemm", OnnxAttribute.Of("transA", op.TransposeA ? 1 : 0), OnnxAttribute.Of("transB", op.TransposeB ? 1 : 0));
}

internal sealed class Conv2dOperation : OnnxOperation<Conv2d>
{
    protected override string Translate(OnnxApplication at, Conv2d op) => at.Add(
        "Conv",
        OnnxAttribute.Of("kernel_shape", [op.Geometry.R, op.Geometry.S]),
        OnnxAttribute.Of("strides", [op.Geometry.Stride, op.Geometry.Stride]),
        OnnxAttribute.Of(
            "pads", [op.Geometry.Padding, op.Geometry.Padding, op.Geometry.Padding, op.Geometry.Padding]));
}

/// <summary>Windows that do not overlap, on either side of which nothing is added.</summary>
internal static class Windows
{
    public static string Add(OnnxGraph graph, string type, string x, int window) => graph.Add(
        type, [x], OnnxAttribute.Of("kernel_shape", [window, window]), OnnxAttribute.Of("strides", [window, window]));
}

internal sealed class AvgPool2dOperation : OnnxOperation<AvgPool2d>
{
    protected override string Translate(OnnxApplication at, AvgPool2d op) =>
        Windows.Add(at.Graph, "AveragePool", at.Inputs()[0], op.Geometry.Window);
}

internal sealed class MaxPool2dOperation : OnnxOperation<MaxPool2d>
{
    protected override string Translate(OnnxApplication at, MaxPool2d op) =>
        Windows.Add(at.Graph, "MaxPool", at.Inputs()[0], op.Geometry.Window);
}

internal sealed class NormReluPoolOperation : OnnxOperation<NormReluPool>
{
    protected override string Translate(OnnxApplication at, NormReluPool op)
    {
        string x = at.Add("InstanceNormalization", OnnxAttribute.Of("epsilon", (float)op.Epsilon));
        x = at.Graph.Add("Relu", [x]);
        return op.Geometry.Window == 1 ? x : Windows.Add(at.Graph, "AveragePool", x, op.Geometry.Window);
    }
}
