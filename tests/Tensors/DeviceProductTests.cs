using InfMatch.Autograd;
using InfMatch.Tensors;
using InfMatch.Tests.Autograd;

namespace InfMatch.Tests.Tensors;

/// <summary>
/// Both kernels of products on devices, on shapes beyond the samples of operations: several tiles, edges, cut depths,
/// places in memory that allow no access of 16 bytes. ILGPU's simulator takes the smallest.
/// </summary>
[Collection(SharedBackends.Name)]
public sealed class DeviceProductTests
{
    private static readonly Lazy<GpuBackend> s_simulator = new(() => new GpuBackend(GpuBackend.Simulator));

    private static IEnumerable<string> Devices() =>
    [
        GpuBackend.Simulator,
        .. TestBackends.All.Where(b => b is { DType: DType.Float32, IsCostly: true, IsWide: false, LacksFloat64: false })
            .Select(b => b.Name),
    ];

    private static GpuBackend Device(string name) =>
        name == GpuBackend.Simulator ? s_simulator.Value : (GpuBackend)TestBackends.Named(name).Shared;

    // Rows, columns, depth, and where the operands begin in their memory.
    private static readonly int[][] s_tiny = [[1, 1, 1, 0], [3, 4, 9, 0], [5, 4, 8, 1]];

    private static readonly int[][] s_products =
    [
        [130, 140, 20, 0], [128, 256, 32, 0], [128, 256, 32, 3], [200, 10, 2048, 0], [129, 1, 5, 2], [1, 300, 64, 0],
        [100, 100, 3000, 0], [256, 128, 7, 0], [96, 1000, 520, 4], [3, 200, 0, 0],
    ];

    public static TheoryData<string, bool, int[]> Products() => Cases(s_tiny, s_products);

    [Theory, MemberData(nameof(Products))]
    public void MatMul_matches_the_definition(string on, bool isWide, int[] sizes)
    {
        (int m, int n, int k, int offset) = (sizes[0], sizes[1], sizes[2], sizes[3]);
        for (int form = 0; form < 4; form++)
        {
            bool left = form % 2 == 1, right = form > 1;
            Shape a = left ? new(k, m) : new(m, k), b = right ? new(n, k) : new(k, n);
            Check(
                on, isWide, (t, y) => t[0].Backend.Run(new MatMulCall(
                    t[0], left, t[1], right, y)), new Shape(m, n), k, offset, a, b);
        }
    }

    // N, C, H, W, K, R, S, stride, padding, and where the operands begin in their memory.
    private static readonly int[][] s_tinyConvolutions =
        [[1, 2, 4, 4, 3, 3, 3, 1, 1, 0], [1, 1, 3, 5, 2, 3, 2, 2, 1, 1], [2, 16, 4, 4, 16, 2, 2, 1, 1, 0]];

    private static readonly int[][] s_convolutions =
    [
        [1, 1, 28, 28, 32, 3, 3, 1, 3, 0], [2, 3, 32, 32, 128, 3, 3, 1, 1, 0], [10, 32, 16, 16, 128, 3, 3, 1, 1, 4],
        [1, 32, 7, 7, 32, 3, 3, 1, 1, 0], [3, 130, 5, 5, 129, 3, 3, 2, 1, 1], [40, 3, 8, 8, 8, 3, 3, 1, 1, 0],
        [2, 5, 9, 7, 33, 5, 5, 3, 2, 2], [17, 16, 8, 8, 16, 1, 1, 1, 0, 0], [2, 3, 6, 6, 4, 3, 3, 1, 4, 0],
        [3, 16, 12, 12, 48, 3, 3, 1, 1, 0], [2, 48, 9, 8, 16, 3, 2, 2, 1, 3], [5, 130, 8, 8, 128, 3, 3, 1, 1, 0],
        [3, 16, 4, 4, 16, 5, 5, 1, 2, 0], [1, 17, 4, 28, 32, 3, 3, 1, 1, 0], [2, 32, 5, 40, 16, 3, 3, 2, 3, 4],
    ];

    public static TheoryData<string, bool, int[]> Convolutions() => Cases(s_tinyConvolutions, s_convolutions);

    [Theory, MemberData(nameof(Convolutions))]
    public void Convolutions_and_both_adjoints_match_the_definition(string on, bool isWide, int[] s)
    {
        var g = new Conv2dGeometry(s[0], s[1], s[2], s[3], new Conv2dFilter(s[4], s[5], s[6], s[7], s[8]));
        int offset = s[9], area = g.R * g.S;
        Check(on, isWide, (t, y) => t[0].Backend.Run(new Conv2dCall(g, t[0], t[1], t[2], y)),
            g.Output, g.C * area + 1, offset, g.Input, g.Weight, new Shape(g.K));
        Check(on, isWide, (t, y) => t[0].Backend.Run(new Conv2dCall(g, t[0], t[1], null, y)),
            g.Output, g.C * area, offset, g.Input, g.Weight);
        Check(on, isWide, (t, y) => t[0].Backend.Run(new Conv2dInputGradientCall(g, t[0], t[1], y)),
            g.Input, g.K * area, offset, g.Output, g.Weight);
        Check(on, isWide, (t, y) => t[0].Backend.Run(new Conv2dWeightGradientCall(g, t[0], t[1], y)),
            g.Weight, g.N * g.OutH * g.OutW, offset, g.Input, g.Output);
    }

    [Fact]
    public void Large_products_take_the_wide_kernel_and_small_ones_the_narrow()
    {
        using var backend = new GpuBackend(GpuBackend.Simulator, long.MaxValue, isDryRun: true);
        using TensorScope scope = TensorScope.Begin();
        void Multiply(int m, int n, int k, DType dtype) => backend.Run(new MatMulCall(
            backend.Empty(new Shape(m, k), dtype), false, backend.Empty(new Shape(k, n), dtype), false,
            backend.Empty(new Shape(m, n), dtype)));
        bool IsWideUsed() => backend.Kernels.Any(k => k.DeclaringType == typeof(WideProductKernels));
        Multiply(10, 2048, 2048, DType.Float32);
        Multiply(256, 256, 64, DType.Float32);
        Multiply(1024, 1024, 1024, DType.Float64);
        Assert.False(IsWideUsed());
        Multiply(128, 65536, 27, DType.Float32);
        Assert.True(IsWideUsed());
    }

    private static TheoryData<string, bool, int[]> Cases(int[][] tiny, int[][] others)
    {
        var cases = new TheoryData<string, bool, int[]>();
        foreach (string name in Devices())
        foreach (bool isWide in new[] { false, true })
        foreach (int[] sizes in name == GpuBackend.Simulator ? tiny : [.. tiny, .. others])
            cases.Add(name, isWide, sizes);
        return cases;
    }

    // In float32 against the reference in float64, twice with the same bits. Rounding is evaluated against the sum of the
    // magnitudes of the terms, which is the kernel itself on the magnitudes of its inputs.
    private static void Check(
        string on, bool isWide, Action<Tensor[], Tensor> kernel, Shape result, int terms, int offset,
        params Shape[] shapes)
    {
        GpuBackend device = Device(on);
        double[][] numbers = [.. shapes.Select((s, i) => Array.ConvertAll(
            new TestNumbers((ulong)i + 5).Numbers(s.Count), x => (double)(float)x))];
        double[] expected = Run(KernelCheck.Reference, DType.Float64, 0, numbers);
        double[] scale = Run(
            KernelCheck.Reference, DType.Float64, 0, [.. numbers.Select(x => Array.ConvertAll(x, Math.Abs))]);
        device.Tiling = isWide ? ProductTiling.Wide : ProductTiling.Narrow;
        try
        {
            double[] found = Run(device, DType.Float32, offset, numbers);
            Assert.Equal(KernelCheck.Bits(found), KernelCheck.Bits(Run(device, DType.Float32, offset, numbers)));
            double unit = 4 * KernelCheck.Epsilon(DType.Float32) * Math.Sqrt(terms + 1);
            for (int i = 0; i < expected.Length; i++)
            {
                double error = Math.Abs(found[i] - expected[i]);
                Assert.True(
                    error <= unit * scale[i] + 1e-10,
                    $"{string.Join(" ", shapes)}, element {i}: {found[i]:R}, expected {expected[i]:R}.");
            }
        }
        finally
        {
            device.Tiling = ProductTiling.ByShape;
        }

        double[] Run(Backend backend, DType dtype, int first, double[][] values)
        {
            using TensorScope scope = TensorScope.Begin();
            Tensor[] inputs =
            [
                .. values.Select((x, i) => Tensor.From(
                    backend, dtype, [.. Enumerable.Repeat(double.NaN, first), .. x, double.NaN],
                    new Shape(first + x.Length + 1)).View(first, shapes[i])),
            ];
            Tensor y = KernelCheck.Destination(backend, new Shape(first + result.Count + 1), dtype).View(first, result);
            kernel(inputs, y);
            return y.ToArray<double>();
        }
    }
}
