using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Onnx;

/// <summary>An operator of two inputs that are broadcast to each other, on numbers or on whole numbers.</summary>
internal abstract class PairwiseOperator : OnnxOperator
{
    /// <inheritdoc/>
    public sealed override OnnxValue[] Run(OnnxUse use)
    {
        OnnxValue a = use.Input(0), b = use.Input(1);
        if (a.IsWhole != b.IsWhole)
            throw use.Fail("one input has whole numbers and one has not");
        if (!a.IsWhole)
            return [OnnxValue.Of(Of(a.Numbers, b.Numbers))];
        // Sizes: scalars, or two lists of one length.
        Shape shape = a.Shape.Count >= b.Shape.Count ? a.Shape : b.Shape;
        if ((a.Shape != shape && a.Shape.Count != 1) || (b.Shape != shape && b.Shape.Count != 1))
            throw use.Fail("whole numbers are computed for equal sizes, or with one number");
        (long[] left, long[] right) = (a.Whole.ToArray(), b.Whole.ToArray());
        return [OnnxValue.Of([.. Enumerable.Range(0, shape.Count).Select(i => Of(left[i % left.Length], right[i % right.Length]))], shape)];
    }

    protected abstract Variable Of(Variable a, Variable b);

    protected abstract long Of(long a, long b);
}

/// <summary>a + b.</summary>
internal sealed class AddOperator : PairwiseOperator
{
    public override string Name => "Add";

    protected override Variable Of(Variable a, Variable b) => a + b;

    protected override long Of(long a, long b) => checked(a + b);
}

/// <summary>a − b.</summary>
internal sealed class SubOperator : PairwiseOperator
{
    public override string Name => "Sub";

    protected override Variable Of(Variable a, Variable b) => a - b;

    protected override long Of(long a, long b) => checked(a - b);
}

/// <summary>a · b.</summary>
internal sealed class MulOperator : PairwiseOperator
{
    public override string Name => "Mul";

    protected override Variable Of(Variable a, Variable b) => a * b;

    protected override long Of(long a, long b) => checked(a * b);
}

/// <summary>a / b; whole numbers are cut.</summary>
internal sealed class DivOperator : PairwiseOperator
{
    public override string Name => "Div";

    protected override Variable Of(Variable a, Variable b) => a / b;

    protected override long Of(long a, long b) => b == 0 ? throw new ArgumentException("a division of whole numbers by 0", nameof(b)) : a / b;
}

/// <summary>xᵉ with one exponent for all elements.</summary>
internal sealed class PowOperator : OnnxOperator
{
    public override string Name => "Pow";

    public override OnnxValue[] Run(OnnxUse use)
    {
        (Variable x, Variable e) = (use.Numbers(0), use.Numbers(1));
        if (e.Shape.Count != 1)
            throw use.Fail("only one exponent is computed here");
        double exponent = e.Value.ToScalar();
        // A product is right for negative x, too.
        return [OnnxValue.Of(exponent == 2 ? x * x : x.Pow(exponent))];
    }
}

/// <summary>An operator that is one function of each number.</summary>
internal abstract class FunctionOperator : OnnxOperator
{
    public sealed override OnnxValue[] Run(OnnxUse use) => [OnnxValue.Of(Of(use.Numbers(0)))];

    protected abstract Variable Of(Variable x);
}

/// <summary>√x.</summary>
internal sealed class SqrtOperator : FunctionOperator
{
    public override string Name => "Sqrt";

    protected override Variable Of(Variable x) => x.Sqrt();
}

/// <summary>tanh x.</summary>
internal sealed class TanhOperator : FunctionOperator
{
    public override string Name => "Tanh";

    protected override Variable Of(Variable x) => x.Tanh();
}

/// <summary>max(x, 0).</summary>
internal sealed class ReluOperator : FunctionOperator
{
    public override string Name => "Relu";

    protected override Variable Of(Variable x) => x.Relu();
}

/// <summary>The error function, to 1.5e-7 (Abramowitz and Stegun, 7.1.26).</summary>
internal sealed class ErfOperator : FunctionOperator
{
    public override string Name => "Erf";

    protected override Variable Of(Variable x)
    {
        float[] values = x.Value.ToArray<float>();
        for (int i = 0; i < values.Length; i++)
        {
            float size = MathF.Abs(values[i]), t = 1 / (1 + 0.3275911f * size);
            float tail = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
            values[i] = MathF.CopySign(1 - tail * MathF.Exp(-size * size), values[i]);
        }
        return Variable.Constant(Tensor.From<float>(x.Value.Backend, values, x.Shape));
    }
}

/// <summary>Softmax along the last axis.</summary>
internal sealed class SoftmaxOperator : OnnxOperator
{
    public override string Name => "Softmax";

    public override OnnxValue[] Run(OnnxUse use)
    {
        Variable x = use.Numbers(0);
        // Before version 13 all axes from the one named on were taken together.
        int axis = use.Axis(use.Setting("axis", use.Version < 13 ? 1L : -1L), x.Shape.Rank);
        if (axis != x.Shape.Rank - 1)
            throw use.Fail("it is computed along the last axis only");
        int width = x.Shape[^1];
        return [OnnxValue.Of(x.Reshape(new Shape(x.Shape.Count / Math.Max(1, width), width)).Softmax().Reshape(x.Shape))];
    }
}

/// <summary>The mean along axes.</summary>
internal sealed class ReduceMeanOperator : OnnxOperator
{
    public override string Name => "ReduceMean";

    public override OnnxValue[] Run(OnnxUse use)
    {
        Variable x = use.Numbers(0);
        int rank = x.Shape.Rank;
        HashSet<int> axes = [.. use.List("axes")?.Select(a => use.Axis(a, rank)) ?? Enumerable.Range(0, rank)];
        int[] sizes = [.. Enumerable.Range(0, rank).Select(i => axes.Contains(i) ? 1 : x.Shape[i])];
        Variable mean = x.SumTo(new Shape(sizes)) / axes.Aggregate(1.0, (n, a) => n * x.Shape[a]);
        return use.Setting("keepdims", 1L) != 0
            ? [OnnxValue.Of(mean)]
            : [OnnxValue.Of(mean.Reshape(new Shape([.. Enumerable.Range(0, rank).Where(i => !axes.Contains(i)).Select(i => x.Shape[i])])))];
    }
}
