using InfMatch.Onnx;
using InfMatch.Tensors;

namespace InfMatch.Tests.Onnx;

/// <summary>A normalisation by stored statistics that is taken into the convolution before it.</summary>
public sealed class FoldedNormalizationTests
{
    private static readonly CpuBackend s_backend = new(1);

    private static readonly string[] s_statistics = ["scale", "shift", "mean", "variance"];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_operator_gives_what_two_gave(bool isBiased)
    {
        // Whoever asks for what lies between the two keeps both of them.
        Dictionary<string, float[]> two = Run(Model(isBiased).Output("between")), one = Run(Model(isBiased));
        Assert.Equal(2, FoldedNormalization.Of(File(Model(isBiased).Output("between"))).Nodes.Count);
        Assert.Equal("Conv", Assert.Single(FoldedNormalization.Of(File(Model(isBiased))).Nodes).Operator);
        Assert.Equal(2 * 2 * 3 * 2, one["y"].Length);
        Assert.All(one["y"].Zip(two["y"]), pair => Assert.Equal(pair.Second, pair.First, tolerance: 1e-5 * (1 + Math.Abs(pair.Second))));
    }

    [Fact]
    public void A_convolution_that_others_read_too_stays()
    {
        HandMadeModel shared = Model(true).Node("Relu", ["between"], "z").Output("z");
        Assert.Equal("Conv BatchNormalization Relu", string.Join(' ', FoldedNormalization.Of(File(shared)).Nodes.Select(n => n.Operator)));
        Dictionary<string, float[]> got = Run(shared);
        Assert.Equal(Run(Model(true).Output("between"))["between"].Select(v => Math.Max(0, v)), got["z"]);
    }

    [Fact]
    public void Statistics_of_another_number_of_channels_and_those_of_a_batch_are_left_to_the_operator()
    {
        HandMadeModel odd = Convolution(true).Numbers("scale", [1], 1).Numbers("shift", [1], 0).Numbers("mean", [1], 0)
            .Numbers("variance", [1], 1).Node("BatchNormalization", ["between", .. s_statistics], "y");
        Assert.Equal(2, FoldedNormalization.Of(File(odd)).Nodes.Count);
        HandMadeModel training = Statistics(Convolution(true)).Node(
            "BatchNormalization", ["between", .. s_statistics], "y", OnnxAttribute.Of("training_mode", 1));
        Assert.Equal(2, FoldedNormalization.Of(File(training)).Nodes.Count);
        Assert.Contains(
            "training_mode is 1", Assert.Throws<OnnxModelException>(() => Run(training)).Message, StringComparison.Ordinal);
    }

    private static HandMadeModel Model(bool isBiased) => Statistics(Convolution(isBiased)).Node(
        "BatchNormalization", ["between", .. s_statistics], "y", OnnxAttribute.Of("epsilon", 0.01f));

    private static HandMadeModel Convolution(bool isBiased)
    {
        HandMadeModel model = new HandMadeModel().Input("x", false, 2, 3, 5, 4).Output("y")
            .Numbers("w", [2, 3, 3, 3], [.. Enumerable.Range(0, 54).Select(i => (i % 7 - 3) / 4f)]);
        return (isBiased ? model.Numbers("b", [2], 1, -1) : model)
            .Node("Conv", isBiased ? ["x", "w", "b"] : ["x", "w"], "between");
    }

    private static HandMadeModel Statistics(HandMadeModel model) => model.Numbers("scale", [2], 0.5f, -2).Numbers("shift", [2], 0.1f, 3)
        .Numbers("mean", [2], 0.2f, -0.3f).Numbers("variance", [2], 1.5f, 0.7f);

    private static OnnxFile File(HandMadeModel model) => OnnxFile.Read(model.ToBytes(), "m");

    private static Dictionary<string, float[]> Run(HandMadeModel model)
    {
        using OnnxProgram program = OnnxProgram.Read(model.ToBytes(), "m", s_backend);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.From<float>(s_backend, [.. Enumerable.Range(0, 120).Select(i => (i * 53 % 120 - 59.5f) / 20)], new Shape(2, 3, 5, 4));
        OnnxValue[] made = program.Run(new Dictionary<string, OnnxValue>(StringComparer.Ordinal) { ["x"] = OnnxValue.Of(x) });
        return program.Outputs.Zip(made).ToDictionary(o => o.First, o => o.Second.Numbers.Value.ToArray<float>(), StringComparer.Ordinal);
    }
}
