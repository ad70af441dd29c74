using InfMatch.Distill;
using InfMatch.Onnx;
using InfMatch.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace InfMatch.Tests.Onnx;

/// <summary>Models of other programs give here what they give in ONNX Runtime, and damaged ones are refused.</summary>
public sealed class OnnxProgramTests
{
    private static readonly CpuBackend s_backend = new(1);

    [SkippableFact]
    public void ResNet_gives_the_features_of_onnx_runtime()
    {
        ModelFile[] models = Restored(ModelFile.UsualImageEncoder);
        var pixels = new float[3 * 224 * 224];
        RandomKey.FromSeed(3).Uniform(pixels);
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = MathF.Round(255 * (0.6f * pixels[i] + 0.4f * (i % 224) / 224));
        foreach (ModelFile model in models)
        {
            using OnnxProgram program = OnnxProgram.Read(model.Bytes, model.Path, s_backend);
            using var scope = TensorScope.Begin();
            float[] found = program.Run(new Dictionary<string, OnnxValue>(StringComparer.Ordinal)
            {
                [program.Inputs[0]] = OnnxValue.Of(Tensor.From<float>(s_backend, pixels, new Shape(1, 3, 224, 224))),
            })[0].Numbers.Value.ToArray<float>();
            using OrtValue input = OrtValue.CreateTensorValueFromMemory(pixels, [1, 3, 224, 224]);
            pixels = Runtime(model.Bytes, program.Outputs[0], (program.Inputs[0], input));
            AssertClose(pixels, found);
        }
    }

    [SkippableFact]
    public void MiniLm_gives_the_hidden_states_of_onnx_runtime_also_with_padding()
    {
        ModelFile model = Restored(() => (ModelFile[])[ModelFile.UsualTextEncoder(".onnx"), ModelFile.UsualTextEncoder("vocab.txt")])[0];
        long[] ids = [101, 1037, 2775, 1999, 1037, 5061, 102, 101, 2048, 6077, 102, 0, 0, 0], mask = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0];
        var shape = new Shape(2, 7);
        using OnnxProgram program = OnnxProgram.Read(model.Bytes, model.Path, s_backend, "last_hidden_state");
        using var scope = TensorScope.Begin();
        OnnxValue found = program.Run(new Dictionary<string, OnnxValue>(StringComparer.Ordinal)
        {
            ["input_ids"] = OnnxValue.Of(ids, shape), ["attention_mask"] = OnnxValue.Of(mask, shape),
            ["token_type_ids"] = OnnxValue.Of(new long[14], shape),
        })[0];
        Assert.Equal(new Shape(2, 7, 384), found.Shape);
        using OrtValue i = OrtValue.CreateTensorValueFromMemory(ids, [2, 7]), m = OrtValue.CreateTensorValueFromMemory(mask, [2, 7]),
            t = OrtValue.CreateTensorValueFromMemory(new long[14], [2, 7]);
        AssertClose(
            Runtime(model.Bytes, "last_hidden_state", ("input_ids", i), ("attention_mask", m), ("token_type_ids", t)),
            found.Numbers.Value.ToArray<float>());
    }

    public static TheoryData<string> Models() => [.. s_models.Keys];

    // Operators in forms that the two encoders do not have, on an input x [2, 3, 5, 4].
    private static readonly Dictionary<string, HandMadeModel> s_models = new(StringComparer.Ordinal)
    {
        ["convolution with a bias and equal zeros"] = On().Numbers("w", [2, 3, 3, 3], Count(54)).Numbers("b", [2], 1, -1)
            .Node("Conv", ["x", "w", "b"], "y", OnnxAttribute.Of("pads", 1L, 1, 1, 1), OnnxAttribute.Of("strides", 2L, 2)),
        ["convolution with unequal zeros"] = On().Numbers("w", [2, 3, 2, 3], Count(36))
            .Node("Conv", ["x", "w"], "y", OnnxAttribute.Of("pads", 1L, 2, 0, 1)),
        ["largest of overlapping windows"] = On().Node(
            "MaxPool", ["x"], "y", OnnxAttribute.Of("kernel_shape", 3L, 2), OnnxAttribute.Of("strides", 2L, 2), OnnxAttribute.Of("pads", 1L, 0, 1, 1)),
        ["means that count zeros"] = On().Node(
            "AveragePool", ["x"], "y", OnnxAttribute.Of("kernel_shape", 3L, 3), OnnxAttribute.Of("pads", 1L, 1, 0, 0),
            OnnxAttribute.Of("count_include_pad", 1)),
        ["means that do not"] = On().Node("AveragePool", ["x"], "y", OnnxAttribute.Of("kernel_shape", 3L, 3), OnnxAttribute.Of("pads", 1L, 1, 0, 0)),
        ["global mean, flattened"] = On().Node("GlobalAveragePool", ["x"], "a").Node("Flatten", ["a"], "y"),
        ["error function and softmax"] = On().Node("Erf", ["x"], "a").Node("Softmax", ["a"], "y"),
        ["tanh, relu and powers"] = On().Numbers("three", [], 3).Numbers("two", [1], 2).Node("Tanh", ["x"], "a").Node("Relu", ["a"], "b")
            .Node("Pow", ["b", "three"], "c").Node("Pow", ["x", "two"], "d").Node("Add", ["c", "d"], "y"),
        ["axes in another order, and back"] = On().Node("Transpose", ["x"], "a", OnnxAttribute.Of("perm", 3L, 0, 2, 1))
            .Node("Transpose", ["a"], "y"),
        ["a mean without its axes"] = On().Node("ReduceMean", ["x"], "y", OnnxAttribute.Of("axes", -1L, 1), OnnxAttribute.Of("keepdims", 0)),
        ["sizes that follow from sizes"] = On().Whole("one", [1], 1).Whole("minus", [1], -1).Whole("zero", [1], 0).Node("Shape", ["x"], "s")
            .Node("Slice", ["s", "one", "minus"], "middle").Node("Mul", ["middle", "one"], "m").Node("Div", ["m", "one"], "d")
            .Node("Concat", ["zero", "d", "minus"], "r", OnnxAttribute.Of("axis", 0)).Node("Reshape", ["x", "r"], "y"),
        ["rows by negative indices"] = On().Whole("i", [2, 1], -1, 0).Node("Gather", ["x", "i"], "y"),
        ["parts joined in another order"] = On().Whole("parts", [2], 1, 2).Node("Split", ["x", "parts"], ["a", "b"], OnnxAttribute.Of("axis", 1))
            .Node("Concat", ["b", "a"], "y", OnnxAttribute.Of("axis", 1)),
        ["a range of the last axis"] = On().Whole("from", [1], -3).Whole("to", [1], 100).Whole("axes", [1], -1)
            .Node("Slice", ["x", "from", "to", "axes"], "y"),
        ["a product with stacks"] = On().Node("Transpose", ["x"], "a", OnnxAttribute.Of("perm", 0L, 1, 3, 2)).Node("MatMul", ["x", "a"], "y"),
        ["a product with a sum"] = On().Numbers("w", [20, 3], Count(60)).Numbers("c", [3], 1, 2, 3).Whole("s", [2], -1, 20)
            .Node("Reshape", ["x", "s"], "a").Node("Gemm", ["a", "w", "c"], "y", OnnxAttribute.Of("alpha", 0.5f)),
        ["new axes"] = On().Whole("a", [2], 0, -1).Node("Unsqueeze", ["x", "a"], "y"),
    };

    [Theory, MemberData(nameof(Models))]
    public void Other_forms_of_operators_give_what_onnx_runtime_gives(string which)
    {
        byte[] model = s_models[which].ToBytes();
        float[] x = [.. Enumerable.Range(0, 120).Select(i => MathF.Sin(i * i) - 0.2f)];
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(x, [2, 3, 5, 4]);
        using var scope = TensorScope.Begin();
        float[] expected = Runtime(model, "y", ("x", input)), found = Run(model).Numbers.Value.ToArray<float>();
        AssertClose(expected, found);
        Assert.True(expected.Distinct().Count() > 2);
    }

    [Fact]
    public void What_is_not_computed_is_named_with_its_place()
    {
        Refused("operator LSTM '' is not known here; known are Add, ", On().Node("LSTM", ["x"], "y"));
        Refused("operator other.Relu '' is not known", On().Node("other.Relu", ["x"], "y"));
        Refused("version 99 of ONNX's operators; 7 to 17", new HandMadeModel { Version = 99 }.Input("x", false).Output("y").Node("Relu", ["x"], "y"));
        Refused("version 0", new HandMadeModel { Version = 0 }.Input("x", false).Output("y").Node("Relu", ["x"], "y"));
        Refused("the setting group is 3; only 1", On().Numbers("w", [3, 1, 1, 1], 1, 1, 1).Node("Conv", ["x", "w"], "y", OnnxAttribute.Of("group", 3)));
        Refused("Conv 'y': it cannot be computed (Conv2d: the input", On().Numbers("w", [1, 2, 1, 1], 1, 1).Node("Conv", ["x", "w"], "y"));
        Refused("the index 7 is not among 2 rows", On().Whole("i", [1], 7).Node("Gather", ["x", "i"], "y"));
        Refused("the sizes [7] do not fit 120 numbers", On().Whole("s", [1], 7).Node("Reshape", ["x", "s"], "y"));
        Refused("input 1 is float32, whole numbers were expected", On().Node("Reshape", ["x", "x"], "y"));
        Refused("input 0 has whole numbers, float32 was expected", On().Whole("i", [1], 7).Node("Relu", ["i"], "y"));
        Refused("input 1 is missing", On().Node("Add", ["x", ""], "y"));
        Refused("the input 'z' is not given; the inputs are x", On().Node("Relu", ["z"], "y"));
        Refused("there is no axis 4 among 4", On().Node("Concat", ["x"], "y", OnnxAttribute.Of("axis", 4)));
        Refused("has 2 numbers, its sizes [3] need 3", On().Numbers("w", [3], 1, 2).Node("Add", ["x", "w"], "y"));
        Refused("no graph", () => OnnxProgram.Read([8, 7], "m", s_backend));
        Refused("there is no output 'z'; the outputs are y", () => OnnxProgram.Read(On().Node("Relu", ["x"], "y").ToBytes(), "m", s_backend, "z"));
        byte[] model = On().Node("Relu", ["x"], "y").ToBytes();
        using OnnxProgram program = OnnxProgram.Read(model, "m", s_backend);
        using var scope = TensorScope.Begin();
        OnnxValue small = OnnxValue.Of(Tensor.From<float>(s_backend, new float[6], new Shape(2, 3)));
        Refused("the input 'x' is float32 [2, 3]; float32 [2, 3, 5, 4] were expected", () => program.Run(Inputs("x", small)));
        Refused("the input 'x' is whole numbers [1]", () => program.Run(Inputs("x", OnnxValue.Of([1L], new Shape(1)))));
        Refused("there is no input 'z'; the inputs are x", () => program.Run(Inputs("z", small)));
    }

    [Fact]
    public void A_file_that_is_cut_or_changed_is_refused_or_computed_but_never_worse()
    {
        byte[] model = s_models["sizes that follow from sizes"].ToBytes();
        for (int length = 0; length < model.Length; length++)
            Assert.Throws<OnnxModelException>(() => OnnxProgram.Read(model[..length], "cut", s_backend));
        RandomKey key = RandomKey.FromSeed(9);
        int refused = 0;
        for (int i = 0; i < 2_000; i++)
        {
            byte[] changed = [.. model];
            changed[key.Below(changed.Length, 2 * i)] = (byte)key.Below(256, 2 * i + 1);
            try
            {
                using var scope = TensorScope.Begin();
                Run(changed);
            }
            catch (OnnxModelException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 100, 1_999);
    }

    private static void Refused(string told, HandMadeModel model) => Refused(told, () => Run(model.ToBytes()));

    private static void Refused(string told, Action action)
    {
        using var scope = TensorScope.Begin();
        Assert.Contains(told, Assert.Throws<OnnxModelException>(action).Message, StringComparison.Ordinal);
    }

    private static HandMadeModel On() => new HandMadeModel().Input("x", false, 2, 3, 5, 4).Output("y");

    private static float[] Count(int count) => [.. Enumerable.Range(0, count).Select(i => (i % 7 - 3) / 4f)];

    private static Dictionary<string, OnnxValue> Inputs(string name, OnnxValue value) =>
        new(StringComparer.Ordinal) { [name] = value };

    private static OnnxValue Run(byte[] model)
    {
        using OnnxProgram program = OnnxProgram.Read(model, "m", s_backend);
        float[] x = [.. Enumerable.Range(0, 120).Select(i => MathF.Sin(i * i) - 0.2f)];
        return program.Run(Inputs("x", OnnxValue.Of(Tensor.From<float>(s_backend, x, new Shape(2, 3, 5, 4)))))[0];
    }

    private static float[] Runtime(byte[] model, string output, params (string Name, OrtValue Value)[] inputs)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        using var session = new InferenceSession(model, options);
        using var run = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> found = session.Run(
            run, inputs.ToDictionary(i => i.Name, i => i.Value, StringComparer.Ordinal), [output]);
        return found[0].GetTensorDataAsSpan<float>().ToArray();
    }

    private static void AssertClose(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        double size = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - found[i]) <= 1e-4 * size, $"number {i} is {found[i]}, expected {expected[i]} of at most {size}");
    }

    private static ModelFile[] Restored(Func<ModelFile[]> models)
    {
        try
        {
            return models();
        }
        catch (InfMatch.Datasets.DatasetException e) when (e.Fault == InfMatch.Datasets.DatasetFault.NotFound)
        {
            Skip.If(true, e.Message);
            throw;
        }
    }
}
