using InfMatch.Autograd;
using InfMatch.Onnx;
using InfMatch.Tensors;

namespace InfMatch.Tests.Onnx;

/// <summary>Models as differentiable functions of their input.</summary>
public sealed class OnnxGradientTests
{
    private static readonly CpuBackend s_backend = new(1);

    private static readonly Dictionary<string, HandMadeModel> s_models = new(StringComparer.Ordinal)
    {
        ["convolution and statistics of a batch"] = On().Numbers("w", [2, 3, 3, 3], Count(54)).Numbers("b", [2], 1, -1)
            .Numbers("scale", [2], 0.5f, 2).Numbers("shift", [2], 0.1f, 0).Numbers("mean", [2], 0.2f, -0.3f).Numbers("variance", [2], 1.5f, 0.7f)
            .Node("Conv", ["x", "w", "b"], "a", OnnxAttribute.Of("pads", 1L, 0, 1, 2), OnnxAttribute.Of("strides", 2L, 2))
            .Node("BatchNormalization", ["a", "scale", "shift", "mean", "variance"], "c").Node("Tanh", ["c"], "y"),
        ["largest of overlapping windows"] = On().Node(
            "MaxPool", ["x"], "y", OnnxAttribute.Of("kernel_shape", 3L, 3), OnnxAttribute.Of("strides", 2L, 2),
            OnnxAttribute.Of("pads", 1L, 1, 1, 1)),
        ["means that count zeros"] = On().Node("Mul", ["x", "x"], "a").Node(
            "AveragePool", ["a"], "y", OnnxAttribute.Of("kernel_shape", 3L, 3), OnnxAttribute.Of("pads", 1L, 1, 0, 0),
            OnnxAttribute.Of("count_include_pad", 1)),
        ["means that do not"] = On().Node("Mul", ["x", "x"], "a").Node(
            "AveragePool", ["a"], "y", OnnxAttribute.Of("kernel_shape", 3L, 2), OnnxAttribute.Of("pads", 1L, 1, 2, 0),
            OnnxAttribute.Of("strides", 2L, 2)),
        ["planes taken apart, a sum and the global mean"] = On().Numbers("m", [1, 3, 1, 1], 1, 2, 3).Node(
                "Split", ["x"], ["r", "g", "b"], OnnxAttribute.Of("axis", 1))
            .Node("Concat", ["b", "g", "r"], "t", OnnxAttribute.Of("axis", 1))
            .Node("Sub", ["t", "m"], "s").Node("Add", ["s", "x"], "u").Node("Relu", ["u"], "v").Node("GlobalAveragePool", ["v"], "w")
            .Node("Flatten", ["w"], "y"),
    };

    public static TheoryData<string> Models() => [.. s_models.Keys];

    [Theory, MemberData(nameof(Models))]
    public void The_gradient_of_a_model_is_that_of_central_differences(string which)
    {
        using OnnxProgram program = OnnxProgram.Read(s_models[which].ToBytes(), "m", s_backend, DType.Float64);
        using var scope = TensorScope.Begin();
        Tensor x = Input();
        GradCheck.FirstOrder(at => program.Apply(at[0]), [x]);
        GradCheck.SecondOrder(at => program.Apply(at[0]), [x]);
    }

    [Theory, MemberData(nameof(Models))]
    public void A_function_gives_the_numbers_of_the_model(string which)
    {
        using OnnxProgram program = OnnxProgram.Read(s_models[which].ToBytes(), "m", s_backend);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.From<float>(s_backend, Array.ConvertAll(Input().ToArray<double>(), n => (float)n), new Shape(2, 3, 5, 4));
        var given = new Dictionary<string, OnnxValue>(StringComparer.Ordinal) { ["x"] = OnnxValue.Of(x) };
        Assert.Equal(program.Run(given)[0].Numbers.Value.ToArray<float>(), program.Apply(Variable.Leaf(x)).Value.ToArray<float>());
        Assert.False(program.Run(new Dictionary<string, OnnxValue>(StringComparer.Ordinal) { ["x"] = OnnxValue.Of(Variable.Leaf(x)) })[0]
            .Numbers.RequiresGradient);
    }

    [Theory]
    [InlineData("Transpose")]
    [InlineData("Erf")]
    public void An_operator_that_would_end_the_gradient_is_refused_where_one_is_asked_for(string kind)
    {
        using OnnxProgram program = OnnxProgram.Read(On().Node(kind, ["x"], "y").ToBytes(), "m", s_backend);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(s_backend, DType.Float32, new Shape(2, 3, 5, 4), 1);
        Assert.Equal(120, program.Apply(Variable.Constant(x)).Shape.Count);
        OnnxModelException e = Assert.Throws<OnnxModelException>(() => program.Apply(Variable.Leaf(x)));
        Assert.Contains($"operator {kind} 'y': it is computed here but not differentiated", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_function_has_one_input_and_windows_that_see_zeros_alone_are_refused()
    {
        using OnnxProgram two = OnnxProgram.Read(On().Input("z", false, 1).Node("Add", ["x", "z"], "y").ToBytes(), "m", s_backend);
        using OnnxProgram wide = OnnxProgram.Read(
            On().Node("MaxPool", ["x"], "y", OnnxAttribute.Of("kernel_shape", 2L, 2), OnnxAttribute.Of("pads", 2L, 0, 0, 0)).ToBytes(), "m",
            s_backend);
        using var scope = TensorScope.Begin();
        Variable x = Variable.Constant(Tensor.Full(s_backend, DType.Float32, new Shape(2, 3, 5, 4), 1));
        Assert.Contains("this model has 2 and 1", Assert.Throws<OnnxModelException>(() => two.Apply(x)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "a window may see zeros alone", Assert.Throws<OnnxModelException>(() => wide.Apply(x)).Message, StringComparison.Ordinal);
    }

    // Distinct numbers, so that no two of a window are near each other, and none near 0.
    private static Tensor Input() => Tensor.From<double>(
        s_backend, [.. Enumerable.Range(0, 120).Select(i => (i * 53 % 120 - 59.5) / 20)], new Shape(2, 3, 5, 4));

    private static HandMadeModel On() => new HandMadeModel().Input("x", false, 2, 3, 5, 4).Output("y");

    private static float[] Count(int count) => [.. Enumerable.Range(0, count).Select(i => (i % 7 - 3) / 4f)];
}
