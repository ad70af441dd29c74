using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Onnx.Operations;

/// <summary>ONNX's arithmetic stretches its inputs by itself, so that what was stretched here goes in as it was before.</summary>
internal static class Stretched
{
    public static string Add(OnnxApplication at, string type)
    {
        Variable[] plain = [.. at.Node.Inputs.Select(x => x.Source is { Op: BroadcastTo } by ? by.Inputs[0] : x)];
        bool isSame = Shape.Broadcast(plain[0].Shape, plain[1].Shape) == at.Node.Outputs[0].Shape;
        return isSame ? at.Graph.Add(type, [.. plain.Select(at.NameOf)]) : at.Add(type);
    }
}

internal sealed class AddOperation : OnnxOperation<Add>
{
    protected override string Translate(OnnxApplication at, Add op) => Stretched.Add(at, "Add");
}

internal sealed class SubtractOperation : OnnxOperation<Subtract>
{
    protected override string Translate(OnnxApplication at, Subtract op) => Stretched.Add(at, "Sub");
}

internal sealed class MultiplyOperation : OnnxOperation<Multiply>
{
    protected override string Translate(OnnxApplication at, Multiply op) => Stretched.Add(at, "Mul");
}

internal sealed class DivideOperation : OnnxOperation<Divide>
{
    protected override string Translate(OnnxApplication at, Divide op) => Stretched.Add(at, "Div");
}
