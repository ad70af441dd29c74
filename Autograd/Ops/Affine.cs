using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>y = scale·x + shift.</summary>
[Formula("y = a·x + c", "x̄ = a·ȳ")]
public sealed record Affine(double Scale, double Shift) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        return inputs[0];
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new AffineCall(x[0], Scale, Shift, y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [Scale * at.Cotangent];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        .. UnarySamples.On(new Affine(-1.5, 0.25), new SampleInput(Shape.Scalar)),
        OpSample.Linear(new Affine(3, 0), new Shape(2, 3)),
        OpSample.Linear(new Affine(-1, 0), Shape.Scalar),
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => UnarySamples.TwoInputs(new Affine(2, 1));
}
