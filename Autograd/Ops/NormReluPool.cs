using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// Instance norm, ReLU and average pooling in one pass: inputs x [N, C, H, W], γ [C], β [C]. Between two convolutions
/// these three move eight times the memory that they need when each is an operation of its own.
/// </summary>
[Formula(
    "y = mean of each P×P window of max(γ·(x − mean)/√(var + ε) + β, 0)",
    "that of the composition, in one kernel for x, γ and β")]
public sealed record NormReluPool(Pool2dGeometry Geometry, double Epsilon) : FusedOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 3);
        var channels = new Shape(Geometry.C);
        return inputs[0] == Geometry.Input && inputs[1] == channels && inputs[2] == channels
            ? Geometry.Output
            : throw new ShapeException(
                $"NormReluPool: {Geometry.Input}, {channels} and {channels} were expected, " +
                $"got {inputs[0]}, {inputs[1]} and {inputs[2]}.");
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new NormReluPoolCall(new NormReluPoolInputs(Geometry, Epsilon, x[0], x[1], x[2]), y));

    /// <inheritdoc/>
    public override Variable Compose(ReadOnlySpan<Variable> inputs) =>
        inputs[0].InstanceNorm(inputs[1], inputs[2], Epsilon).Relu().AvgPool2d(Geometry.Window);

    /// <inheritdoc/>
    protected override Tensor?[] FirstOrder(Node at)
    {
        Tensor x = at.Inputs[0].Value, gamma = at.Inputs[1].Value, beta = at.Inputs[2].Value;
        Tensor?[] result = [.. at.Inputs.Select((v, i) => at.Needs(i) ? x.Backend.Empty(v.Shape, x.DType) : null)];
        x.Backend.Run(new NormReluPoolGradientCall(
            new NormReluPoolInputs(Geometry, Epsilon, x, gamma, beta), at.Cotangent.Value, result[0], result[1],
            result[2]));
        return result;
    }

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
        from g in PoolSamples.Geometries()
        from epsilon in new[] { 1e-5, 0.1 }
        let channels = new Shape(g.C)
        select new OpSample(
            new NormReluPool(g, epsilon),
            new SampleInput(g.Input, KinkAt: 0, Margin: 1),
            new SampleInput(channels, 0.5, 2), new SampleInput(channels, -0.2, 0.2))
        {
            Terms = g.H * g.W,
            Accepts = numbers => IsSmooth(g, epsilon, numbers),
        };

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(
            new NormReluPool(PoolSamples.Small, 1e-5), "[1, 2, 4, 4], [2] and [2] were expected",
            PoolSamples.Small.Input, new Shape(2), new Shape(1, 2)),
        new OpError(new NormReluPool(PoolSamples.Small, 1e-5), "takes 3 inputs, got 1", PoolSamples.Small.Input),
    ];

    // Whether everything that the ReLU sees is at least 0.1 away from 0.
    private static bool IsSmooth(Pool2dGeometry g, double epsilon, IReadOnlyList<double[]> numbers)
    {
        var backend = new ReferenceBackend();
        Variable Of(int input, Shape shape) => Variable.Constant(Tensor.From<double>(backend, numbers[input], shape));
        Variable seen = Of(0, g.Input).InstanceNorm(Of(1, new Shape(g.C)), Of(2, new Shape(g.C)), epsilon);
        return seen.Value.ToArray<double>().All(z => Math.Abs(z) >= 0.1);
    }
}
