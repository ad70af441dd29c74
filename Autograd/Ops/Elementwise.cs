using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>A function applied to each element.</summary>
public abstract record MapOp<F> : SingleOutputOp where F : struct, IUnaryFunction
{
    /// <inheritdoc/>
    protected sealed override Shape InferOne(ReadOnlySpan<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    protected sealed override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.Map<F>(x[0], y);
}

/// <summary>A function applied to each pair of elements of two equal shapes.</summary>
public abstract record ZipOp<F> : SingleOutputOp where F : struct, IBinaryFunction
{
    /// <inheritdoc/>
    protected sealed override Shape InferOne(ReadOnlySpan<Shape> inputs) => inputs[0] == inputs[1]
        ? inputs[0]
        : throw new ShapeException($"{this}: the shapes {inputs[0]} and {inputs[1]} differ. Broadcast one first.");

    /// <inheritdoc/>
    protected sealed override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.Zip<F>(x[0], x[1], y);
}

/// <summary>y = eˣ.</summary>
public sealed record Exp : MapOp<ExpFunction>
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [at.Cotangent * at.Outputs[0]];
}

/// <summary>y = log x.</summary>
public sealed record Log : MapOp<LogFunction>
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [at.Cotangent / at.Inputs[0]];
}

/// <summary>y = √x.</summary>
public sealed record Sqrt : MapOp<SqrtFunction>
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [0.5 * at.Cotangent / at.Outputs[0]];
}

/// <summary>y = tanh x.</summary>
public sealed record Tanh : MapOp<TanhFunction>
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [at.Cotangent * (1 - at.Outputs[0] * at.Outputs[0])];
}

/// <summary>y = 1/(1 + e⁻ˣ).</summary>
public sealed record Sigmoid : MapOp<SigmoidFunction>
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [at.Cotangent * at.Outputs[0] * (1 - at.Outputs[0])];
}

/// <summary>y = log(1 + eˣ).</summary>
public sealed record Softplus : MapOp<SoftplusFunction>
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [at.Cotangent * at.Inputs[0].Sigmoid()];
}

/// <summary>y = max(x, 0), with ReLU'(0) = 0; the derivative is piecewise constant.</summary>
public sealed record Relu : MapOp<ReluFunction>
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [at.Cotangent * new Step().On(at.Inputs[0])];
}

/// <summary>y = 1 where x &gt; 0, else 0; piecewise constant, so its derivative is zero everywhere.</summary>
public sealed record Step : MapOp<StepFunction>
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [null];
}

/// <summary>y = scale·x + shift.</summary>
public sealed record Affine(double Scale, double Shift) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => inputs[0];

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.Affine(x[0], Scale, Shift, y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [Scale * at.Cotangent];
}

/// <summary>y = a + b.</summary>
public sealed record Add : ZipOp<AddFunction>
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [at.Cotangent, at.Cotangent];
}

/// <summary>y = a − b.</summary>
public sealed record Subtract : ZipOp<SubtractFunction>
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [at.Cotangent, at.Needs(1) ? -at.Cotangent : null];
}

/// <summary>y = a·b.</summary>
public sealed record Multiply : ZipOp<MultiplyFunction>
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) =>
    [
        at.Needs(0) ? at.Cotangent * at.Inputs[1] : null,
        at.Needs(1) ? at.Cotangent * at.Inputs[0] : null,
    ];
}

/// <summary>y = a/b.</summary>
public sealed record Divide : ZipOp<DivideFunction>
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) =>
    [
        at.Needs(0) ? at.Cotangent / at.Inputs[1] : null,
        at.Needs(1) ? -at.Cotangent * at.Outputs[0] / at.Inputs[1] : null,
    ];
}
