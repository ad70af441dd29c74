using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// Instance norm, ReLU and average pooling in one pass: inputs x [N, C, H, W], γ [C], β [C]. Between two convolutions
/// these three move eight times the memory that they need when each is an operation of its own.
/// </summary>
[Formula(
    "y = mean of each P×P window of max(γ·(x − mean)/√(var + ε) + β, 0)",
    "x̄, γ̄, β̄ = NormReluPoolGradient(x, γ, β, ȳ)")]
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
    protected override Op Adjoint => new NormReluPoolGradient(Geometry, Epsilon);

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
    internal static bool IsSmooth(Pool2dGeometry g, double epsilon, IReadOnlyList<double[]> numbers)
    {
        var backend = new ReferenceBackend();
        Variable Of(int input, Shape shape) => Variable.Constant(Tensor.From<double>(backend, numbers[input], shape));
        Variable seen = Of(0, g.Input).InstanceNorm(Of(1, new Shape(g.C)), Of(2, new Shape(g.C)), epsilon);
        return seen.Value.ToArray<double>().All(z => Math.Abs(z) >= 0.1);
    }
}

/// <summary>
/// The adjoint of <see cref="NormReluPool"/> as an operation: from x [N, C, H, W], γ, β [C] and dy [N, C, ⌊H/P⌋, ⌊W/P⌋] come dx, dγ
/// and dβ, of the shapes of x, γ and β. Products with second derivatives differentiate it, and composed that is dozens of passes over
/// memory. Its own adjoint is one kernel where no graph is recorded, and that of the composition where one is. NaN in a plane spreads
/// over the plane.
/// </summary>
[Formula(
    "dx = γ/σ·(h − mean h − x̂·mean(h·x̂)), dγ = Σ h·x̂, dβ = Σ h, h = dy/P² where the ReLU is open",
    "x̄, γ̄ and that of dy in one kernel, β̄ = 0")]
public sealed record NormReluPoolGradient(Pool2dGeometry Geometry, double Epsilon) : Op, IOpSamples
{
    private Shape Channels => new(Geometry.C);

    /// <inheritdoc/>
    public override Shape[] Infer(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 4);
        return inputs[0] == Geometry.Input && inputs[1] == Channels && inputs[2] == Channels && inputs[3] == Geometry.Output
            ? [Geometry.Input, Channels, Channels]
            : throw new ShapeException(
                $"NormReluPoolGradient: {Geometry.Input}, {Channels}, {Channels} and {Geometry.Output} were expected, " +
                $"got {inputs[0]}, {inputs[1]}, {inputs[2]} and {inputs[3]}.");
    }

    /// <inheritdoc/>
    public override Tensor[] Forward(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Shape> outputs)
    {
        Backend on = inputs[0].Backend;
        DType dtype = inputs[0].DType;
        Tensor dx = on.Empty(outputs[0], dtype), dgamma = on.Empty(outputs[1], dtype), dbeta = on.Empty(outputs[2], dtype);
        on.Run(new NormReluPoolGradientCall(
            new NormReluPoolInputs(Geometry, Epsilon, inputs[0], inputs[1], inputs[2]), inputs[3], dx, dgamma, dbeta));
        return [dx, dgamma, dbeta];
    }

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => Recording.IsOn
        ? Composed(at, Given(at))
        : [.. Second(at, Given(at)).Select(t => t is null ? null : Variable.Constant(t))];

    // Results that nothing was made of have no cotangent: zeros stand in their place.
    private static Variable[] Given(Node at) =>
        [.. at.Cotangents.Select((c, i) => c ?? Variable.Constant(at.Outputs[i].Value.ZerosLike()))];

    private Tensor?[] Second(Node at, Variable[] cotangents)
    {
        Tensor[] values = [.. at.Inputs.Select(v => v.Value)];
        Tensor? ofX = Wanted(0), ofGamma = Wanted(1), ofDy = Wanted(3);
        values[0].Backend.Run(new NormReluPoolSecondCall(
            new NormReluPoolInputs(Geometry, Epsilon, values[0], values[1], values[2]), values[3],
            new NormReluPoolCotangents(cotangents[0].Value, cotangents[1].Value, cotangents[2].Value), ofX, ofGamma, ofDy));
        return [ofX, ofGamma, null, ofDy];

        Tensor? Wanted(int input) => at.Needs(input) ? values[0].Backend.Empty(values[input].Shape, values[0].DType) : null;
    }

    // The gradient of the composition once more; its walks stop at the inputs, as in FusedOp.
    private Variable?[] Composed(Node at, Variable[] cotangents)
    {
        Variable[] inputs = [.. at.Inputs.Select(x => x.RequiresGradient ? new Reshape(x.Shape).On(x) : Variable.Leaf(x.Value))];
        Variable y = new NormReluPool(Geometry, Epsilon).Compose(inputs.AsSpan(0, 3));
        Variable[] first = Gradient.Within(y, inputs[..3], inputs[..3], inputs[3]);
        Variable along = first.Select((x, i) => x.Dot(cotangents[i])).Aggregate((a, b) => a + b);
        Variable[] found = Gradient.Within(
            along, inputs, inputs, Variable.Constant(Tensor.Full(along.Value.Backend, along.Value.DType, along.Shape, 1)));
        return [.. found.Select((x, i) => at.Needs(i) ? x : null)];
    }

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
        from g in PoolSamples.Geometries()
        from epsilon in new[] { 1e-5, 0.1 }
        let channels = new Shape(g.C)
        select new OpSample(
            new NormReluPoolGradient(g, epsilon),
            new SampleInput(g.Input, KinkAt: 0, Margin: 1), new SampleInput(channels, 0.5, 2), new SampleInput(channels, -0.2, 0.2),
            g.Output)
        {
            Terms = g.H * g.W,
            LinearIn = [[3]],
            Accepts = numbers => NormReluPool.IsSmooth(g, epsilon, numbers),
        };

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(
            new NormReluPoolGradient(PoolSamples.Small, 1e-5), "[1, 2, 4, 4], [2], [2] and [1, 2, 2, 2] were expected",
            PoolSamples.Small.Input, new Shape(2), new Shape(2), PoolSamples.Small.Input),
        new OpError(new NormReluPoolGradient(PoolSamples.Small, 1e-5), "takes 4 inputs, got 1", PoolSamples.Small.Input),
    ];
}
