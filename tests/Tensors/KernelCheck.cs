using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>An input of a kernel under test.</summary>
internal sealed record Input(Shape Shape, double[] Values)
{
    public static Input Random(ulong seed, params int[] sizes)
    {
        var shape = new Shape(sizes);
        return new Input(shape, new TestNumbers(seed).Numbers(shape.Count));
    }

    /// <summary>Whether the magnitudes of a sum of products have these numbers themselves: they choose its terms.</summary>
    public bool ChoosesTerms { get; init; }

    public Tensor On(Backend backend, DType dtype) => Tensor.From(backend, dtype, Values, Shape);

    public Input Magnitude() => ChoosesTerms ? this : new(Shape, System.Array.ConvertAll(Values, Math.Abs));
}

/// <summary>
/// Compares a kernel of the cpu backend with its definition in float64, for every vector width, and demands the same
/// bits from one, two and three threads, and from a replay that was captured on other numbers.
/// </summary>
internal static class KernelCheck
{
    public static readonly ReferenceBackend Reference = new();

    public static readonly CpuBackend[] Widths =
        [new(2, vectorBits: 128), new(2, vectorBits: 256), new(2, vectorBits: 512), new(2, vectorBits: 64)];

    public static readonly CpuBackend[] Threads = [new(1), new(2), new(3)];

    public static TheoryData<DType> DTypes => [DType.Float32, DType.Float64];

    public static double Epsilon(DType dtype) => dtype == DType.Float32 ? 1.1920929e-7 : 2.220446e-16;

    /// <summary>
    /// For kernels that are sums of products: the error is bounded by the sum of the magnitudes of the terms, which is
    /// the kernel itself on the magnitudes of its inputs.
    /// </summary>
    public static void Linear(DType dtype, Func<Backend, Tensor[], Tensor[]> kernel, params Input[] inputs)
    {
        Input[] magnitudes = System.Array.ConvertAll(inputs, i => i.Magnitude());
        double bound = dtype == DType.Float64 ? 1e-12 : 4 * Epsilon(dtype);
        double[][] scales = Run(Reference, DType.Float64, kernel, magnitudes);
        Compare(dtype, kernel, inputs, (o, i) => bound * scales[o][i] + Epsilon(dtype) * 1e-3);
    }

    /// <summary>For sums that mix their terms before they add: the error is bounded, in roundings, by the largest sum of
    /// magnitudes.</summary>
    public static void Mixing(
        DType dtype, double roundings, Func<Backend, Tensor[], Tensor[]> kernel, params Input[] inputs)
    {
        double[][] scales = Run(Reference, DType.Float64, kernel, System.Array.ConvertAll(inputs, i => i.Magnitude()));
        double[] largest = System.Array.ConvertAll(scales, s => s.Max());
        Compare(dtype, kernel, inputs, (o, _) => roundings * Epsilon(dtype) * largest[o]);
    }

    /// <summary>For other kernels: the error is bounded relative to the largest number of the output.</summary>
    public static void Smooth(
        DType dtype, double roundings, Func<Backend, Tensor[], Tensor[]> kernel, params Input[] inputs)
    {
        double[][] expected = Run(Reference, DType.Float64, kernel, inputs);
        double bound = dtype == DType.Float64 ? 1e-12 : roundings * Epsilon(dtype);
        double[] largest = System.Array.ConvertAll(expected, e => e.Length == 0 ? 0 : e.Max(Math.Abs));
        Compare(dtype, kernel, inputs, (o, _) => bound * (largest[o] + 1e-3));
    }

    /// <summary>For sums of a known number of terms of about 1, in any order.</summary>
    public static void Sums(DType dtype, int terms, Func<Backend, Tensor[], Tensor[]> kernel, params Input[] inputs) =>
        Compare(dtype, kernel, inputs, (_, _) => 4 * Epsilon(dtype) * terms);

    private static void Compare(
        DType dtype, Func<Backend, Tensor[], Tensor[]> kernel, Input[] inputs, Func<int, int, double> bound)
    {
        double[][] expected = Run(Reference, DType.Float64, kernel, inputs);
        foreach (CpuBackend cpu in Widths)
        {
            double[][] actual = Run(cpu, dtype, kernel, inputs);
            Assert.Equal(expected.Length, actual.Length);
            for (int o = 0; o < expected.Length; o++)
            for (int i = 0; i < expected[o].Length; i++)
            {
                double error = Math.Abs(actual[o][i] - expected[o][i]);
                Assert.True(
                    error <= bound(o, i),
                    $"{dtype}, {cpu.VectorBits} bits, inputs {string.Join(" ", inputs.Select(x => x.Shape))}, output " +
                    $"{o}, element {i}: {actual[o][i]:R}, expected {expected[o][i]:R}, " +
                    $"error {error:g3} above {bound(o, i):g3}.");
            }
        }
        double[][] one = Run(Threads[0], dtype, kernel, inputs);
        foreach (CpuBackend cpu in Threads)
        {
            double[][] again = Run(cpu, dtype, kernel, inputs);
            for (int o = 0; o < one.Length; o++)
                Assert.Equal(Bits(one[o]), Bits(again[o]));
            double[][] replayed = Replayed(cpu, dtype, kernel, inputs);
            for (int o = 0; o < one.Length; o++)
                Assert.Equal(Bits(one[o]), Bits(replayed[o]));
        }
    }

    public static long[] Bits(double[] values) => System.Array.ConvertAll(values, BitConverter.DoubleToInt64Bits);

    public static double[][] Run(
        Backend backend, DType dtype, Func<Backend, Tensor[], Tensor[]> kernel, params Input[] inputs)
    {
        using TensorScope scope = TensorScope.Begin();
        Tensor[] outputs = kernel(backend, System.Array.ConvertAll(inputs, i => i.On(backend, dtype)));
        return System.Array.ConvertAll(outputs, o => o.ToArray<double>());
    }

    /// <summary>The kernel captured on zeros, then replayed on the inputs behind NaN in all that the capture had
    /// computed.</summary>
    private static double[][] Replayed(
        CpuBackend cpu, DType dtype, Func<Backend, Tensor[], Tensor[]> kernel, Input[] inputs)
    {
        using TensorScope scope = TensorScope.Begin();
        Tensor[] read = System.Array.ConvertAll(inputs, i => Tensor.Full(cpu, dtype, i.Shape, 0));
        using CapturedGraph graph = CapturedGraph.Of(cpu, () => kernel(cpu, read));
        for (int i = 0; i < inputs.Length; i++)
            cpu.Copy(inputs[i].On(cpu, dtype), read[i]);
        graph.Poison();
        graph.Replay();
        return [.. graph.Results.Select(r => r.ToArray<double>())];
    }

    /// <summary>A destination filled with NaN, so that an element that a kernel forgets is seen.</summary>
    public static Tensor Destination(Backend backend, Shape shape, DType dtype) =>
        Tensor.Full(backend, dtype, shape, double.NaN);
}
