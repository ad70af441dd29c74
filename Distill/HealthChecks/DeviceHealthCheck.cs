using System.Globalization;
using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Whether a device computes what it must: products beside the float64 reference, derivatives beside differences, the
/// adjoint identity, and memory that comes back.
/// </summary>
internal sealed class DeviceHealthCheck(Backend backend)
{
    private const long MemoryBytes = 64L << 20;

    // As in the second block of a ConvNet, but with no size that a tile divides.
    private static readonly Conv2dGeometry s_convolution =
        Conv2dGeometry.Infer(new Shape(3, 19, 15, 17), new Shape(21, 19, 3, 3), stride: 1, padding: 1);

    private static readonly (string Name, OpSample Sample)[] s_products =
    [
        ("matrix product", new OpSample(new MatMul(false, true), new Shape(67, 300), new Shape(45, 300)) { Terms = 300 }),
        ("convolution", Convolution(new Conv2d(s_convolution), s_convolution.Input, s_convolution.Weight, 19 * 9)),
        ("convolution, input gradient",
            Convolution(new Conv2dInputGradient(s_convolution), s_convolution.Output, s_convolution.Weight, 21 * 9)),
        ("convolution, weight gradient",
            Convolution(new Conv2dWeightGradient(s_convolution), s_convolution.Input, s_convolution.Output, 3 * 15 * 17)),
    ];

    private readonly string _wrong =
        $"Do not compute on {backend.Name}: another --device is safe. A newer driver may help; else report this line.";

    /// <summary>The usual checks; with <paramref name="all"/> every sample of every operation in their place.</summary>
    public IEnumerable<CheckResult> CheckHealth(bool all)
    {
        // What an earlier device left to the collector.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        MemoryReport before = backend.Memory;
        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
        {
            if (!backend.Computes(dtype))
            {
                yield return CheckResult.Of(
                    backend.Name, Name(dtype), true,
                    "the device has none; it computes float32 tensors without it and refuses others (--device cpu takes both)", "");
                continue;
            }
            foreach (CheckResult result in all ? EveryOperation(dtype) : Products(dtype))
                yield return result;
        }
        if (backend.Computes(DType.Float64))
            yield return Derivatives(all);
        yield return Memory();
        if (backend is GpuBackend gpu)
        {
            yield return CapturedGraphs(gpu);
            yield return Lanes(gpu);
        }
        MemoryReport after = backend.Memory;
        bool isBack = (after.LiveBuffers, after.InUse) == (before.LiveBuffers, before.InUse);
        yield return CheckResult.Of(
            backend.Name, "memory after all checks", isBack,
            $"{after.LiveBuffers - before.LiveBuffers} buffers and {after.InUse - before.InUse} bytes not given back",
            "This is a bug of the program: report this line.");
    }

    private static CheckResult CapturedGraphs(GpuBackend gpu)
    {
        string? refusal = gpu.CaptureRefusal;
        string way = gpu.ReplaysByDriver ? "a replay is one call of the driver" : "its kernels are prepared and queued one by one";
        return CheckResult.Of(
            gpu.Name, "captured graphs", refusal is null,
            refusal is null
                ? $"two replays of a small graph have its bits; {way}"
                : $"none, kernels are queued one by one: {refusal}",
            "Numbers are the same, and steps of few images take longer. A newer driver may help.");
    }

    private static CheckResult Lanes(GpuBackend gpu)
    {
        string? refusal = gpu.LaneRefusal;
        int degree = gpu.DegreeOfParallelism;
        return CheckResult.Of(
            gpu.Name, "several networks at a time", refusal is null,
            refusal is not null ? $"none, they are trained one after the other: {refusal}"
                : degree == 1 ? "one after the other, as this device is used (--threads N asks for N at a time)"
                : $"{degree}, each on a stream of its own; small graphs on all of them have the bits of one",
            "Numbers are the same, and several small networks take longer. A newer driver may help, or --threads 1.");
    }

    private IEnumerable<CheckResult> Products(DType dtype)
    {
        foreach ((string name, OpSample sample) in s_products)
            yield return Compare($"{name}, {Name(dtype)}", () => OpCheck.Forward(sample, backend, dtype));
        yield return Compare(
            $"convolution, adjoint, {Name(dtype)}", () => OpCheck.Adjoint(s_products[1].Sample, backend, dtype));
    }

    // One line for all samples of an operation: the worst of them.
    private IEnumerable<CheckResult> EveryOperation(DType dtype)
    {
        foreach (Type op in OpCatalogue.Types(typeof(Op).Assembly).Where(OpCatalogue.IsSampled))
        {
            OpSample[] samples = [.. OpCatalogue.Samples(op)];
            yield return Compare(
                $"{op.Name}, {samples.Length} samples, {Name(dtype)}",
                () => samples.SelectMany(sample => new[]
                {
                    OpCheck.Forward(sample, backend, dtype), OpCheck.Vjp(sample, backend, dtype),
                    OpCheck.Adjoint(sample, backend, dtype),
                }).MaxBy(report => report.Error / report.Tolerance)!);
        }
    }

    private CheckResult Derivatives(bool all) => Try("derivatives beside differences, float64", () =>
    {
        Type[] ops = all
            ? [.. OpCatalogue.Types(typeof(Op).Assembly).Where(OpCatalogue.IsSampled)]
            : [typeof(MatMul), typeof(Conv2d), typeof(NormReluPool), typeof(LogSoftmax)];
        double worst = 0;
        foreach (Type op in ops)
        {
            OpSample sample = OpCatalogue.Samples(op).First();
            using TensorScope scope = TensorScope.Begin();
            double[][] numbers = OpCatalogue.Draw(sample);
            Tensor[] inputs = [.. sample.Inputs.Select((input, i) => Tensor.From<double>(backend, numbers[i], input.Shape))];
            var options = new GradCheckOptions(OneDirection: true)
            {
                Differentiable = [.. sample.Inputs.Select(input => input.Differentiable)],
            };
            worst = Math.Max(worst, GradCheck.FirstOrder(sample.Op, inputs, options).Ratio);
            worst = Math.Max(worst, GradCheck.SecondOrder(sample.Op, inputs, options).Ratio);
        }
        string names = all ? $"{ops.Length} operations" : string.Join(", ", ops.Select(op => op.Name));
        return (true, $"{names}, first and second order: {Number(worst)} of the tolerance 1e-7 + 1e-6·|x|");
    });

    private CheckResult Memory() => Try("memory", () =>
    {
        MemoryReport before = backend.Memory;
        long bytes = Math.Clamp(before.Limit / 8, 1 << 10, MemoryBytes);
        var shape = new Shape((int)(bytes / sizeof(float)));
        MemoryReport held = default;
        double sum = 0;
        for (int i = 0; i < 2; i++)
        {
            using Tensor block = Tensor.Full(backend, DType.Float32, shape, 1);
            sum = block.Dot(block);
            held = i == 0 ? backend.Memory : held;
        }
        MemoryReport after = backend.Memory;
        bool passed = sum == shape.Count && held.InUse >= before.InUse + bytes && after.InUse == before.InUse
            && after.Peak == held.Peak;
        return (passed,
            $"{ByteSize.Text(bytes)} taken, filled, summed, given back and taken again from the pool; peak " +
            $"{ByteSize.Text(after.Peak)} of {ByteSize.Text(after.Limit)}");
    });

    private CheckResult Compare(string check, Func<OpReport> compare) => Try(check, () =>
    {
        OpReport report = compare();
        return (report.Passed, $"{report.What} differ by {Number(report.Error)}, tolerance {Number(report.Tolerance)}");
    });

    private CheckResult Try(string check, Func<(bool Passed, string Detail)> run) =>
        CheckResult.Try(backend.Name, check, _wrong, run);

    private static string Number(double x) => x == 0 ? "0" : x.ToString("0.0e-0", CultureInfo.InvariantCulture);

    private static string Name(DType dtype) => dtype == DType.Float32 ? "float32" : "float64";

    private static OpSample Convolution(Op op, Shape a, Shape b, int terms) => new(op, a, b) { LinearIn = [[0], [1]], Terms = terms };
}
