using InfMatch.Autograd;

namespace InfMatch.Onnx.Operations;

/// <summary>scale·x + shift.</summary>
internal sealed class AffineOperation : OnnxOperation<Affine>
{
    protected override string Translate(OnnxApplication at, Affine op)
    {
        string x = at.Inputs()[0];
        if (op.Scale != 1)
            x = at.Graph.Add("Mul", [x, at.Graph.AddTensor("scale", [], [(float)op.Scale])]);
        return op.Shift == 0 ? x : at.Graph.Add("Add", [x, at.Graph.AddTensor("shift", [], [(float)op.Shift])]);
    }
}

internal sealed class ExpOperation : OnnxOperation<Exp>
{
    protected override string Translate(OnnxApplication at, Exp op) => at.Add("Exp");
}

internal sealed class LogOperation : OnnxOperation<Log>
{
    protected override string Translate(OnnxApplication at, Log op) => at.Add("Log");
}

internal sealed class SqrtOperation : OnnxOperation<Sqrt>
{
    protected override string Translate(OnnxApplication at, Sqrt op) => at.Add("Sqrt");
}

internal sealed class TanhOperation : OnnxOperation<Tanh>
{
    protected override string Translate(OnnxApplication at, Tanh op) => at.Add("Tanh");
}

internal sealed class SigmoidOperation : OnnxOperation<Sigmoid>
{
    protected override string Translate(OnnxApplication at, Sigmoid op) => at.Add("Sigmoid");
}

internal sealed class SoftplusOperation : OnnxOperation<Softplus>
{
    protected override string Translate(OnnxApplication at, Softplus op) => at.Add("Softplus");
}

internal sealed class ReluOperation : OnnxOperation<Relu>
{
    protected override string Translate(OnnxApplication at, Relu op) => at.Add("Relu");
}

/// <summary>x·sigmoid(x(K + M·x²)): ONNX's own Gelu is of a later version.</summary>
internal sealed class GeluOperation : OnnxOperation<Gelu>
{
    protected override string Translate(OnnxApplication at, Gelu op)
    {
        string x = at.Inputs()[0], k = at.Graph.AddTensor("k", [], [(float)GeluFunction.K]);
        string m = at.Graph.AddTensor("m", [], [(float)GeluFunction.M]);
        string factor = at.Graph.Add("Add", [k, at.Graph.Add("Mul", [m, at.Graph.Add("Mul", [x, x])])]);
        return at.Graph.Add("Mul", [x, at.Graph.Add("Sigmoid", [at.Graph.Add("Mul", [x, factor])])]);
    }
}

internal sealed class LogSoftmaxOperation : OnnxOperation<LogSoftmax>
{
    protected override string Translate(OnnxApplication at, LogSoftmax op) =>
        at.Add("LogSoftmax", OnnxAttribute.Of("axis", -1));
}
