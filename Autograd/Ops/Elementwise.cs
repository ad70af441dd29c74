using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>A function applied to each element.</summary>
public abstract record MapOp<F> : SingleOutputOp where F : struct, IUnaryFunction
{
    /// <inheritdoc/>
    protected sealed override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        return inputs[0];
    }

    /// <inheritdoc/>
    protected sealed override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.Map<F>(x[0], y);
}

/// <summary>y = eˣ.</summary>
public sealed record Exp : MapOp<ExpFunction>, IOpSamples
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [at.Cotangent * at.Outputs[0]];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => UnarySamples.On(new Exp());

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => UnarySamples.TwoInputs(new Exp());
}

/// <summary>y = log x.</summary>
public sealed record Log : MapOp<LogFunction>, IOpSamples
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [at.Cotangent / at.Inputs[0]];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => UnarySamples.On(new Log(), low: 0.3, high: 3);

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => UnarySamples.TwoInputs(new Log());
}

/// <summary>y = √x.</summary>
public sealed record Sqrt : MapOp<SqrtFunction>, IOpSamples
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [0.5 * at.Cotangent / at.Outputs[0]];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => UnarySamples.On(new Sqrt(), low: 0.3, high: 3);

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => UnarySamples.TwoInputs(new Sqrt());
}

/// <summary>y = tanh x.</summary>
public sealed record Tanh : MapOp<TanhFunction>, IOpSamples
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [at.Cotangent * (1 - at.Outputs[0] * at.Outputs[0])];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => UnarySamples.On(new Tanh());

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => UnarySamples.TwoInputs(new Tanh());
}

/// <summary>y = 1/(1 + e⁻ˣ).</summary>
public sealed record Sigmoid : MapOp<SigmoidFunction>, IOpSamples
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [at.Cotangent * at.Outputs[0] * (1 - at.Outputs[0])];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => UnarySamples.On(new Sigmoid());

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => UnarySamples.TwoInputs(new Sigmoid());
}

/// <summary>y = log(1 + eˣ).</summary>
public sealed record Softplus : MapOp<SoftplusFunction>, IOpSamples
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [at.Cotangent * at.Inputs[0].Sigmoid()];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => UnarySamples.On(new Softplus());

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => UnarySamples.TwoInputs(new Softplus());
}

/// <summary>y = max(x, 0), with ReLU'(0) = 0; the derivative is piecewise constant.</summary>
public sealed record Relu : MapOp<ReluFunction>, IOpSamples
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [at.Cotangent * new Step().On(at.Inputs[0])];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => UnarySamples.On(new Relu(), kinkAt: 0);

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => UnarySamples.TwoInputs(new Relu());
}

/// <summary>y = 1 where x &gt; 0, else 0; piecewise constant, so its derivative is zero everywhere.</summary>
public sealed record Step : MapOp<StepFunction>, IOpSamples
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [null];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => UnarySamples.On(new Step(), kinkAt: 0);

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => UnarySamples.TwoInputs(new Step());
}

/// <summary>y = scale·x + shift.</summary>
public sealed record Affine(double Scale, double Shift) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        return inputs[0];
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.Affine(x[0], Scale, Shift, y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [Scale * at.Cotangent];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        .. UnarySamples.On(new Affine(-1.5, 0.25)),
        OpSample.Linear(new Affine(3, 0), new Shape(2, 3)),
        OpSample.Linear(new Affine(-1, 0), Shape.Scalar),
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => UnarySamples.TwoInputs(new Affine(2, 1));
}

internal static class UnarySamples
{
    // A scalar, nothing at all, a matrix, and a length that is a multiple of no vector register.
    public static IEnumerable<OpSample> On(Op op, double low = -2, double high = 2, double kinkAt = double.NaN) =>
        new[] { Shape.Scalar, new Shape(0), new Shape(2, 3), new Shape(37) }
            .Select(shape => new OpSample(op, new SampleInput(shape, low, high, kinkAt)));

    public static IEnumerable<OpError> TwoInputs(Op op) =>
        [new OpError(op, "takes 1 input, got 2", new Shape(2), new Shape(2))];
}
