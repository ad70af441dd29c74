using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Autograd;

/// <summary>The harness must be able to fail: each planted defect is one that real libraries have shipped.</summary>
public sealed class GradCheckTests
{
    private static readonly GradCheckOptions s_direction = new(OneDirection: true);
    private readonly ReferenceBackend _backend = new();

    [Theory, InlineData(false), InlineData(true)]
    public void A_wrong_pooling_factor_is_caught_at_first_order(bool oneDirection)
    {
        Tensor x = Draw(new Shape(1, 1, 4, 4));
        var op = new WrongPool(new Pool2dGeometry(1, 1, 4, 4, 2));
        GradCheckReport report = Assert.Throws<GradCheckException>(
            () => GradCheck.FirstOrder(op, [x], new GradCheckOptions(OneDirection: oneDirection))).Report;
        Assert.Equal((1, 0), (report.Order, report.Input));
        Assert.Equal(report.Numeric, report.Analytic * 4, 1e-6);
        Assert.Contains(nameof(WrongPool), report.ToString(), StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_vjp_that_leaves_the_graph_is_caught_at_second_order_only(bool oneDirection)
    {
        Tensor x = Draw(new Shape(2, 3));
        var options = new GradCheckOptions(OneDirection: oneDirection);
        GradCheckReport first = GradCheck.FirstOrder(new CutOff(), [x], options);
        Assert.True(first.Ratio < 0.1 && first.Comparisons == (oneDirection ? 1 : 6));
        GradCheckReport second =
            Assert.Throws<GradCheckException>(() => GradCheck.SecondOrder(new CutOff(), [x], options)).Report;
        Assert.Equal((2, 0, 0.0), (second.Order, second.Input, second.Analytic));
        Assert.True(Math.Abs(second.Numeric) > 0.1);
    }

    [Fact]
    public void A_forgotten_input_is_caught()
    {
        GradCheckReport report = Assert.Throws<GradCheckException>(
            () => GradCheck.FirstOrder(new Forgetful(), [Draw(new Shape(3)), Draw(new Shape(3))])).Report;
        Assert.Equal((1, 0.0), (report.Input, report.Analytic));
    }

    [Fact]
    public void Not_a_number_is_caught() => Assert.Equal(double.PositiveInfinity, Assert.Throws<GradCheckException>(
        () => GradCheck.FirstOrder(new Log(), [Tensor.From<double>(_backend, [-1.0], new Shape(1))])).Report.Ratio);

    [Fact]
    public void A_function_of_several_inputs_passes_both_orders()
    {
        Tensor[] inputs = [Draw(new Shape(3, 2)), Draw(new Shape(2)), Draw(new Shape(3, 1))];
        Variable Function(IReadOnlyList<Variable> x) => ((x[0] * x[1] + x[2]).Tanh() / (x[1].Exp() + 1)).Gelu();
        Assert.Equal(11, GradCheck.FirstOrder(Function, inputs).Comparisons);
        Assert.Equal(17, GradCheck.SecondOrder(Function, inputs).Comparisons);
        Assert.Equal(3, GradCheck.FirstOrder(Function, inputs, s_direction).Comparisons);
        Assert.Equal(4, GradCheck.SecondOrder(Function, inputs, s_direction).Comparisons);
    }

    [Fact]
    public void An_identity_that_hands_its_input_on_passes() =>
        Assert.Equal(2, GradCheck.FirstOrder(x => x[0], [Draw(new Shape(2))]).Comparisons);

    [Fact]
    public void Constants_are_left_alone()
    {
        var options = new GradCheckOptions { Differentiable = [true, false] };
        Tensor[] inputs = [Draw(new Shape(3)), Draw(new Shape(3))];
        Assert.Equal(3, GradCheck.FirstOrder(new Multiply(), inputs, options).Comparisons);
        Assert.Equal(6, GradCheck.SecondOrder(new Multiply(), inputs, options).Comparisons);
    }

    [Fact]
    public void Wrong_use_is_refused()
    {
        Tensor single = Tensor.From<float>(_backend, [1f], new Shape(1));
        Assert.Throws<DTypeException>(() => GradCheck.FirstOrder(new Exp(), [single]));
        Assert.Throws<ArgumentException>(() => GradCheck.FirstOrder(
            new Exp(), [Draw(new Shape(1))], new GradCheckOptions { Differentiable = [false] }));
        Assert.Throws<ArgumentException>(() => GradCheck.SecondOrder(
            new Exp(), [Draw(new Shape(1))], new GradCheckOptions { Differentiable = [true, true] }));
    }

    [Fact]
    public void All_memory_comes_back()
    {
        using Tensor x = Draw(new Shape(3));
        GradCheck.SecondOrder(new Exp(), [x]);
        Assert.Throws<GradCheckException>(() => GradCheck.SecondOrder(new CutOff(), [x]));
        Assert.Equal(1, _backend.Memory.LiveBuffers);
    }

    private Tensor Draw(Shape shape) => Tensor.From<double>(_backend, new TestNumbers(9).Numbers(shape.Count), shape);

    // The adjoint divides by the window once more: the mean of the mask of a window, found in two libraries.
    private sealed record WrongPool(Pool2dGeometry Geometry) : SingleOutputOp
    {
        protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => Geometry.Output;

        protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
            on.Run(new AvgPool2dCall(Geometry, x[0], y));

        public override Variable?[] Vjp(Node at) => [0.25 * new AvgPool2dGradient(Geometry).On(at.Cotangent)];
    }

    // y = x², its VJP computed from the numbers of x: right at first order, a constant at second.
    private sealed record CutOff : SingleOutputOp
    {
        protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => inputs[0];

        protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
            on.Zip<MultiplyFunction>(x[0], x[0], y);

        public override Variable?[] Vjp(Node at) => [2 * at.Cotangent * at.Inputs[0].Detach()];
    }

    private sealed record Forgetful : SingleOutputOp
    {
        protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => inputs[0];

        protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
            on.Zip<AddFunction>(x[0], x[1], y);

        public override Variable?[] Vjp(Node at) => [at.Cotangent, null];
    }
}
