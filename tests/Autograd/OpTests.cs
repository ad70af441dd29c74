using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Autograd;

/// <summary>What every operation owes, by enumeration: operation × sample × backend.</summary>
[Collection(SharedBackends.Name)]
public sealed class OpTests
{
    public static TheoryData<string> Types() => [.. AllOperations.Types.Select(type => type.FullName!)];

    public static TheoryData<string> Errors() => [.. AllOperations.Errors.Keys];

    public static TheoryData<string, string> OnAll() => Rows(TestBackends.All, _ => true);

    public static TheoryData<string, string> Capturing() =>
        Rows(TestBackends.All.Where(IsCaptured), _ => true);

    public static TheoryData<string, string> InDouble() => Rows(TestBackends.InDouble, _ => true);

    public static TheoryData<string, string> Linear() => Rows(TestBackends.All, sample => sample.LinearIn.Count > 0);

    [Theory, MemberData(nameof(Types))]
    public void Every_operation_has_samples_and_errors(string type)
    {
        Type op = AllOperations.Types.Single(t => t.FullName == type);
        Assert.True(AllOperations.IsSampled(op), $"{type} must implement IOpSamples: without samples nothing checks it.");
        Assert.Contains(AllOperations.Samples.Values, sample => sample.Op.GetType() == op);
        Assert.Contains(AllOperations.Errors.Values, error => error.Op.GetType() == op);
    }

    // Without a device its rows are missing above, which nobody would see.
    [SkippableTheory]
    [InlineData("CUDA")]
    [InlineData("OpenCL")]
    public void Operations_are_tested_on_a_device_where_there_is_one(string kind)
    {
        TestBackend? device = TestBackends.All.FirstOrDefault(
            b => b.Name.StartsWith($"{kind}:", StringComparison.OrdinalIgnoreCase));
        Skip.If(device is null, $"no {kind} device: no operation is tested on one");
        Assert.Contains(OnAll(), row => (string)row[1] == device.Name);
    }

    [Fact]
    public void The_catalogue_finds_the_operations() => Assert.True(AllOperations.Types.Count >= 30);

    [Theory, MemberData(nameof(OnAll))]
    public void Forward_equals_the_float64_reference_in_the_inferred_shape(string name, string on)
    {
        (OpSample sample, TestBackend backend) = (AllOperations.Samples[name], TestBackends.Named(on));
        AssertPassed(OpCheck.Forward(sample, backend.Shared, backend.DType));
        Shape[] inferred = sample.Op.Infer([.. sample.Inputs.Select(input => input.Shape)]);
        Tensor[] found = Forward(sample, AllOperations.Draw(sample), backend.Shared, backend.DType);
        Assert.Equal(inferred, found.Select(y => y.Shape));
    }

    [Theory, MemberData(nameof(InDouble))]
    public void First_derivatives_equal_central_differences(string name, string on) =>
        GradCheck.FirstOrder(
            AllOperations.Samples[name].Op, Inputs(name, TestBackends.Named(on)), Marks(AllOperations.Samples[name]));

    [Theory, MemberData(nameof(InDouble))]
    public void Second_derivatives_equal_central_differences(string name, string on) =>
        GradCheck.SecondOrder(
            AllOperations.Samples[name].Op, Inputs(name, TestBackends.Named(on)), Marks(AllOperations.Samples[name]));

    [Theory, MemberData(nameof(OnAll))]
    public void First_derivatives_equal_those_of_the_float64_reference(string name, string on)
    {
        TestBackend backend = TestBackends.Named(on);
        AssertPassed(OpCheck.Vjp(AllOperations.Samples[name], backend.Shared, backend.DType));
    }

    [Theory, MemberData(nameof(Linear))]
    public void Linear_operations_satisfy_the_adjoint_identity(string name, string on)
    {
        TestBackend backend = TestBackends.Named(on);
        AssertPassed(OpCheck.Adjoint(AllOperations.Samples[name], backend.Shared, backend.DType));
    }

    [Theory, MemberData(nameof(OnAll))]
    public void The_vjp_is_linear_in_the_cotangent(string name, string on)
    {
        (OpSample sample, TestBackend backend) = (AllOperations.Samples[name], TestBackends.Named(on));
        Variable[] x = Variables(sample, backend.Shared, backend.DType, AllOperations.Draw(sample));
        Variable[] asked = [.. x.Where(v => v.RequiresGradient)];
        Variable[] y = sample.Op.Apply(x);
        Variable[] u = Cotangents(y, seed: 5), v = Cotangents(y, seed: 6);
        Variable[] mixed = [.. u.Zip(v, (a, b) => 2 * a - 3 * b)];
        Variable[] ofU = Gradient.Of(Contract(y, u), asked), ofV = Gradient.Of(Contract(y, v), asked);
        Variable[] ofMixed = Gradient.Of(Contract(y, mixed), asked);
        for (int i = 0; i < asked.Length; i++)
        {
            double[] expected =
                [.. ofU[i].Value.ToArray<double>().Zip(ofV[i].Value.ToArray<double>(), (a, b) => 2 * a - 3 * b)];
            AssertClose(
                expected, ofMixed[i].Value.ToArray<double>(), backend.DType == DType.Float64 ? 1e-12 : 2e-5,
                $"{sample.Op}, input {i}");
        }
    }

    [Theory, MemberData(nameof(OnAll))]
    public void A_second_run_gives_the_same_bits(string name, string on)
    {
        (OpSample sample, TestBackend backend) = (AllOperations.Samples[name], TestBackends.Named(on));
        double[][] numbers = AllOperations.Draw(sample);
        double[][] first = [.. Forward(sample, numbers, backend.Shared, backend.DType).Select(y => y.ToArray<double>())];
        double[][] again = [.. Forward(sample, numbers, backend.Shared, backend.DType).Select(y => y.ToArray<double>())];
        AssertSameBits(first, again);
        AssertSameBits(
            Pullback(sample, backend.Shared, backend.DType, seed: 3),
            Pullback(sample, backend.Shared, backend.DType, seed: 3));
    }

    // Captured on zeros, replayed on the sample behind NaN in all that the capture had computed.
    [Theory, MemberData(nameof(Capturing))]
    public void A_replay_gives_the_bits_of_values_and_of_both_orders_of_derivatives(string name, string on)
    {
        (OpSample sample, TestBackend backend) = (AllOperations.Samples[name], TestBackends.Named(on));
        using TensorScope scope = TensorScope.Begin();
        Tensor[] numbers = Tensors(sample, backend.Shared, backend.DType, AllOperations.Draw(sample));
        Tensor[] read = [.. numbers.Select(x => x.ZerosLike())];
        Variable[] y = sample.Op.Apply([.. read.Select(Variable.Constant)]);
        Variable[] weights = Cotangents(y, seed: 3);
        Variable[] asked = [.. sample.Inputs.Zip(read).Where(p => p.First.Differentiable).Select(p => Variable.Constant(p.Second))];
        Variable[] directions = Cotangents(asked, seed: 4);
        using CapturedGraph graph = CapturedGraph.Of(backend.Shared, () => BothOrders(sample, read, weights, directions));
        for (int i = 0; i < read.Length; i++)
            backend.Shared.Copy(numbers[i], read[i]);
        graph.Poison();
        graph.Replay();
        Tensor[] expected = BothOrders(sample, numbers, weights, directions);
        AssertSameBits(
            [.. expected.Select(x => x.ToArray<double>())], [.. graph.Results.Select(x => x.ToArray<double>())]);
    }

    private static Tensor[] BothOrders(OpSample sample, Tensor[] numbers, Variable[] weights, Variable[] directions)
    {
        Variable[] x =
            [.. numbers.Select((n, i) => sample.Inputs[i].Differentiable ? Variable.Leaf(n) : Variable.Constant(n))];
        Variable[] y = sample.Op.Apply(x), asked = [.. x.Where(v => v.RequiresGradient)];
        Variable[] first = Gradient.Of(Contract(y, weights), asked, createGraph: true);
        Variable along = Contract(first, directions);
        IEnumerable<Variable> second = along.RequiresGradient ? Gradient.Of(along, asked) : [];
        return [.. y.Concat(first).Concat(second).Select(v => v.Value)];
    }

    [Theory, MemberData(nameof(OnAll))]
    public void All_memory_comes_back_after_the_scope(string name, string on)
    {
        OpSample sample = AllOperations.Samples[name];
        TestBackend backend = TestBackends.Named(on);
        Backend used = backend.Create();
        MemoryReport before = used.Memory;
        if (before.LiveBuffers > 0) // on a shared instance other tests may have left tensors to the collector
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            before = used.Memory;
        }
        using (TensorScope.Begin())
        {
            Pullback(sample, used, backend.DType, seed: 3);
            Assert.True(used.Memory.LiveBuffers > before.LiveBuffers);
        }
        Assert.Equal((before.LiveBuffers, before.InUse), (used.Memory.LiveBuffers, used.Memory.InUse));
        Assert.True(backend.IsCostly || before.LiveBuffers == 0);
    }

    [Theory, MemberData(nameof(Errors))]
    public void Bad_inputs_are_refused_by_name(string name)
    {
        OpError error = AllOperations.Errors[name];
        var backend = new ReferenceBackend();
        Variable[] inputs =
            [.. error.Inputs.Select(s => Variable.Leaf(Tensor.Full(backend, DType.Float64, s, 1)))];
        ShapeException thrown = Assert.Throws<ShapeException>(() => error.Op.Apply(inputs));
        Assert.Contains(error.MessagePart, thrown.Message, StringComparison.Ordinal);
        Assert.Contains(error.Op.GetType().Name, name, StringComparison.Ordinal);
    }

    // A costly one is a device, and is not opened here. A replay repeats calls, whichever kernel they start: the further kinds of
    // float32 would only compile all kernels once more.
    private static bool IsCaptured(TestBackend backend) =>
        backend.IsCostly ? !backend.IsWide && !backend.LacksFloat64 : backend.Shared.CanCapture;

    private static TheoryData<string, string> Rows(IEnumerable<TestBackend> backends, Func<OpSample, bool> choose)
    {
        var rows = new TheoryData<string, string>();
        foreach (TestBackend backend in backends)
        {
            foreach ((string name, OpSample sample) in AllOperations.Samples)
            {
                if (choose(sample))
                    rows.Add(name, backend.Name);
            }
        }
        return rows;
    }

    private static Tensor[] Inputs(string name, TestBackend backend)
    {
        OpSample sample = AllOperations.Samples[name];
        return Tensors(sample, backend.Shared, backend.DType, AllOperations.Draw(sample));
    }

    private static GradCheckOptions Marks(OpSample sample) =>
        new() { Differentiable = [.. sample.Inputs.Select(input => input.Differentiable)] };

    private static Tensor[] Tensors(OpSample sample, Backend backend, DType dtype, double[][] numbers) =>
        [.. sample.Inputs.Select((input, i) => Tensor.From(backend, dtype, numbers[i], input.Shape))];

    private static Variable[] Variables(OpSample sample, Backend backend, DType dtype, double[][] numbers) =>
    [
        .. Tensors(sample, backend, dtype, numbers)
            .Select((x, i) => sample.Inputs[i].Differentiable ? Variable.Leaf(x) : Variable.Constant(x)),
    ];

    private static Tensor[] Forward(OpSample sample, double[][] numbers, Backend backend, DType dtype) =>
        sample.Op.Forward(
            Tensors(sample, backend, dtype, numbers), sample.Op.Infer([.. sample.Inputs.Select(i => i.Shape)]));

    private static double[][] Pullback(OpSample sample, Backend backend, DType dtype, ulong seed)
    {
        Variable[] x = Variables(sample, backend, dtype, AllOperations.Draw(sample));
        Variable[] y = sample.Op.Apply(x);
        return
        [
            .. Gradient.Of(Contract(y, Cotangents(y, seed)), [.. x.Where(v => v.RequiresGradient)])
                .Select(g => g.Value.ToArray<double>()),
        ];
    }

    private static Variable[] Cotangents(Variable[] outputs, ulong seed)
    {
        var random = new TestNumbers(seed);
        return
        [
            .. outputs.Select(y => Variable.Constant(
                Tensor.From(y.Value.Backend, y.Value.DType, random.Numbers(y.Shape.Count), y.Shape))),
        ];
    }

    private static Variable Contract(Variable[] outputs, Variable[] cotangents) =>
        outputs.Select((y, o) => y.Dot(cotangents[o])).Aggregate((sum, term) => sum + term);

    private static void AssertPassed(OpReport report) =>
        Assert.True(report.Passed, $"{report.Op}, {report.What}: error {report.Error:G3}, tolerance {report.Tolerance:G3}.");

    private static void AssertClose(double[] expected, double[] found, double tolerance, string what)
    {
        Assert.Equal(expected.Length, found.Length);
        double scale = expected.Select(Math.Abs).Append(1).Max();
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(
                Math.Abs(expected[i] - found[i]) <= tolerance * scale,
                $"{what}, element {i}: expected {expected[i]:G17}, found {found[i]:G17}, tolerance {tolerance * scale:G3}.");
        }
    }

    private static void AssertSameBits(double[][] first, double[][] again)
    {
        for (int i = 0; i < first.Length; i++)
        {
            Assert.Equal(
                first[i].Select(BitConverter.DoubleToInt64Bits), again[i].Select(BitConverter.DoubleToInt64Bits));
        }
    }
}
