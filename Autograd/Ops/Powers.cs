using InfMatch.Tensors;

namespace InfMatch.Autograd;

public static partial class Functional
{
    /// <summary>xᵖ with a constant exponent; NaN where x is below 0 and p is no whole number.</summary>
    public static Variable Pow(this Variable x, double exponent) => new PowScalar(exponent).On(x);

    /// <summary>aᵇ element by element, broadcast by NumPy's rules; NaN where a is below 0 and b is no whole
    /// number.</summary>
    public static Variable Pow(this Variable a, Variable b) => Variable.Elementwise(new Pow(), a, b);
}

/// <summary>aᵇ by IEEE 754; NaN where a is below 0 and b is no whole number.</summary>
public readonly struct PowFunction : IBinaryFunction
{
    static T IBinaryFunction.Apply<T, N>(T a, T b) => N.Pow(a, b);

    static void IBinaryFunction.Apply<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> y) =>
        OneByOne.Zip<PowFunction, T>(a, b, y);
}

/// <summary>y = aᵇ; differentiable in b where a is above 0.</summary>
[Formula("y = aᵇ", "ā = ȳ·b·aᵇ⁻¹, b̄ = ȳ·y·log a")]
public sealed record Pow : ZipOp<Pow, PowFunction>
{
    /// <inheritdoc/>
    protected override IReadOnlyList<int[]> LinearIn => [];

    /// <inheritdoc/>
    protected override SampleInput DomainA => new(Shape.Scalar, Low: 0.4, High: 2.5);

    /// <inheritdoc/>
    protected override Variable VjpA(Variable a, Variable b, Variable y, Variable dy) => dy * b * a.Pow(b - 1);

    /// <inheritdoc/>
    protected override Variable VjpB(Variable a, Variable b, Variable y, Variable dy) => dy * y * a.Log();
}

/// <summary>y = xᵖ with p a parameter and no input, so that x may be below 0 where p is whole.</summary>
[Formula("y = xᵖ", "x̄ = p·ȳ·xᵖ⁻¹")]
public sealed record PowScalar(double Exponent) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        return inputs[0];
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y)
    {
        using Tensor exponents = Tensor.Full(on, y.DType, y.Shape, Exponent);
        on.Zip<PowFunction>(x[0], exponents, y);
    }

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
        [Exponent == 0 ? null : Exponent * at.Cotangent * at.Inputs[0].Pow(Exponent - 1)];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        .. UnarySamples.On(new PowScalar(3), new SampleInput(Shape.Scalar)),
        .. new[] { 0, 1, 2 }.Select(p => new OpSample(new PowScalar(p), new Shape(5))),
        new OpSample(new PowScalar(-2), new SampleInput(new Shape(5), KinkAt: 0, Margin: 0.5)),
        new OpSample(new PowScalar(-1.5), new SampleInput(new Shape(7), Low: 0.5, High: 2)),
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => UnarySamples.TwoInputs(new PowScalar(2));
}
