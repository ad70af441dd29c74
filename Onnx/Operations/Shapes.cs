using InfMatch.Autograd;

namespace InfMatch.Onnx.Operations;

internal sealed class ReshapeOperation : OnnxOperation<Reshape>
{
    protected override string Translate(OnnxApplication at, Reshape op) =>
        at.Graph.Add("Reshape", [at.Inputs()[0], at.OutputSizes()]);
}

/// <summary>A stretching that arithmetic does not take over.</summary>
internal sealed class BroadcastToOperation : OnnxOperation<BroadcastTo>
{
    protected override string Translate(OnnxApplication at, BroadcastTo op)
    {
        long[] sizes = at.SizesOf(at.Node.Outputs[0]), before = at.SizesOf(at.Node.Inputs[0]);
        int added = sizes.Length - before.Length;
        for (int i = 0; i < sizes.Length; i++)
        {
            if (sizes[i] >= 0)
                continue;
            if (i < added || before[i - added] >= 0)
                throw new NotSupportedException($"{op} stretches one number to all images, which is not translated to ONNX.");
            sizes[i] = 1; // Expand keeps the larger of the two
        }
        return at.Graph.Add("Expand", [at.Inputs()[0], at.Graph.AddSizes(sizes)]);
    }
}

internal sealed class SumToOperation : OnnxOperation<SumTo>
{
    protected override string Translate(OnnxApplication at, SumTo op)
    {
        Variable x = at.Node.Inputs[0];
        int added = x.Shape.Rank - op.Shape.Rank;
        long[] axes =
        [
            .. Enumerable.Range(0, x.Shape.Rank).Where(i => i < added || op.Shape[i - added] != x.Shape[i]).Select(i => (long)i),
        ];
        if (axes.Length == 0)
            return at.NameOf(x);
        string sum = at.Graph.Add(
            "ReduceSum", [at.NameOf(x), at.Graph.AddSizes(axes)], OnnxAttribute.Of("keepdims", 1));
        return added == 0 ? sum : at.Graph.Add("Reshape", [sum, at.OutputSizes()]);
    }
}
