using InfMatch.Tensors;
using InfMatch.Tests.Autograd;
using Xunit.Abstractions;

namespace InfMatch.Tests.Tensors;

/// <summary>
/// The products of tensor cores without one: the kernel's text and index arithmetic on an emulated warp. Where there is
/// a CUDA device of sm_80 or later, values on it too.
/// </summary>
public sealed class TensorCoreTests(ITestOutputHelper output)
{
    private const int Tile = WideProductKernels.Tile, Depth = WideProductKernels.Depth;

    private static readonly string[] s_right =
    [
        TensorCoreCode.Right0, TensorCoreCode.Right1, TensorCoreCode.Right2, TensorCoreCode.Right3,
        TensorCoreCode.Right4, TensorCoreCode.Right5, TensorCoreCode.Right6, TensorCoreCode.Right7,
    ];

    private static readonly string[] s_rightSplit =
    [
        TensorCoreCode.RightSplit0, TensorCoreCode.RightSplit1, TensorCoreCode.RightSplit2, TensorCoreCode.RightSplit3,
        TensorCoreCode.RightSplit4, TensorCoreCode.RightSplit5, TensorCoreCode.RightSplit6, TensorCoreCode.RightSplit7,
    ];

    private static readonly string[] s_store =
    [
        TensorCoreCode.Store00, TensorCoreCode.Store01, TensorCoreCode.Store10, TensorCoreCode.Store11,
        TensorCoreCode.Store20, TensorCoreCode.Store21, TensorCoreCode.Store30, TensorCoreCode.Store31,
        TensorCoreCode.Store40, TensorCoreCode.Store41, TensorCoreCode.Store50, TensorCoreCode.Store51,
        TensorCoreCode.Store60, TensorCoreCode.Store61, TensorCoreCode.Store70, TensorCoreCode.Store71,
    ];

    [Theory]
    [InlineData(1f, 1f)]
    [InlineData(1.00048828125f, 1.0009765625f)] // 1 + 2^-11, a tie
    [InlineData(-1.00048828125f, -1.0009765625f)]
    [InlineData(1.00048816204071044921875f, 1f)] // the float below the tie
    [InlineData(1.99999988079071044921875f, 2f)]
    [InlineData(1.00146484375f, 1.001953125f)] // a tie that goes to the even neighbour too
    [InlineData(0f, 0f)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    public void Rounding_goes_to_the_nearest_and_from_ties_away_from_zero(float x, float expected) =>
        Assert.Equal(expected, WarpEmulation.Round(x));

    [Fact]
    public void Big_and_small_leave_two_bits_of_float32_at_most()
    {
        foreach (double number in new TestNumbers(3).Numbers(2000))
        {
            float x = (float)number, big = WarpEmulation.Round(x), small = WarpEmulation.Round(x - big);
            Assert.True(Math.Abs((double)x - big - small) <= Math.Abs(x) * Math.Pow(2, -22), $"{x:R}");
        }
    }

    // The kernel finds an element from its lane's first one by a constant.
    [Fact]
    public void The_place_of_an_element_is_that_of_the_first_and_a_constant()
    {
        for (int lane = 0; lane < WarpEmulation.Lanes; lane++)
        for (int n = 0; n < 8; n++)
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(
                TensorCoreLayout.SlotOfA(lane, n & 1, i),
                TensorCoreLayout.SlotOfA(lane, 0, 0) + TensorCoreLayout.SlotOfA(0, n & 1, i));
            Assert.Equal(
                TensorCoreLayout.SlotOfB(lane, n, i & 1),
                TensorCoreLayout.SlotOfB(lane, 0, 0) + TensorCoreLayout.SlotOfB(0, n, i & 1));
        }
    }

    [Fact]
    public void The_lanes_of_a_fragment_meet_different_banks()
    {
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(32, Enumerable.Range(0, 32).Select(l => TensorCoreLayout.SlotOfA(l, 0, i) % 32).Distinct().Count());
            Assert.Equal(
                32, Enumerable.Range(0, 32).Select(l => TensorCoreLayout.SlotOfB(l, 0, i & 1) % 32).Distinct().Count());
        }
    }

    // Small whole numbers: every product and sum is exact, so that one wrong place anywhere is a wrong number. The tile
    // is cut at its edges, and each row has another bias.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_warps_of_a_group_compute_and_store_a_whole_tile(bool isSplit)
    {
        const int Rows = 117, Columns = 123, Steps = 2;
        static float A(int row, int k) => (row * 7 + k * 5) % 13 - 6;
        static float B(int k, int column) => (k * 11 + column * 3) % 17 - 8;
        static float Bias(int row) => row;
        var found = new Dictionary<long, float>();
        for (int warp = 0; warp < 8; warp++)
        {
            var emulation = new WarpEmulation();
            emulation.Run(TensorCoreCode.Declare);
            for (int step = 0; step < Steps; step++)
                Accumulate(emulation, warp, isSplit, (r, k) => A(r, step * Depth + k), (k, c) => B(step * Depth + k, c));
            Store(emulation, warp, Rows, Columns, Bias);
            foreach ((long address, float value) in emulation.Memory)
                found.Add(address, value);
        }
        Assert.Equal(Rows * Columns, found.Count);
        for (int row = 0; row < Rows; row++)
        for (int column = 0; column < Columns; column++)
        {
            float expected = Bias(row);
            for (int k = 0; k < Steps * Depth; k++)
                expected += A(row, k) * B(k, column);
            Assert.Equal(expected, found[4L * (row * Columns + column)]);
        }
    }

    // Depth 1152 is that of 128 channels and 3 × 3; rounding of the tensor core is the worst that is known of any.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Three_products_have_the_error_of_float32_and_one_has_not(bool isPositive)
    {
        const int Terms = 1152, Rows = TensorCoreLayout.WarpRows, Columns = TensorCoreLayout.WarpColumns;
        float Number(double x) => (float)(isPositive ? Math.Abs(x) : x);
        float[] a = [.. new TestNumbers(1).Numbers(Rows * Terms).Select(Number)];
        float[] b = [.. new TestNumbers(2).Numbers(Terms * Columns).Select(Number)];
        var exact = new double[Rows * Columns];
        var single = new double[Rows * Columns];
        for (int row = 0; row < Rows; row++)
        for (int column = 0; column < Columns; column++)
        {
            float sum = 0;
            for (int k = 0; k < Terms; k++)
            {
                exact[row * Columns + column] += (double)a[row * Terms + k] * b[k * Columns + column];
                sum = MathF.FusedMultiplyAdd(a[row * Terms + k], b[k * Columns + column], sum);
            }
            single[row * Columns + column] = sum;
        }
        double[] OnTensorCores(bool isSplit)
        {
            var emulation = new WarpEmulation();
            emulation.Run(TensorCoreCode.Declare);
            for (int d = 0; d < Terms; d += Depth)
                Accumulate(emulation, 0, isSplit, (r, k) => a[r * Terms + d + k], (k, c) => b[(d + k) * Columns + c]);
            Store(emulation, 0, Rows, Columns, _ => 0);
            return [.. Enumerable.Range(0, Rows * Columns).Select(i => (double)emulation.Memory[4L * i])];
        }
        double float32 = Error(single, exact), tf32 = Error(OnTensorCores(false), exact);
        double three = Error(OnTensorCores(true), exact);
        output.WriteLine(FormattableString.Invariant(
            $"depth {Terms}, {(isPositive ? "positive" : "mixed")}: float32 {float32:E2}, tf32 {tf32:E2}, 3xtf32 {three:E2}"));
        Assert.True(tf32 > 20 * float32, $"tf32 {tf32:E2}, float32 {float32:E2}");
        Assert.True(three < 2 * float32, $"3xtf32 {three:E2}, float32 {float32:E2}");
        Assert.InRange(tf32, 0, 2e-3);
    }

    // Root of the mean square, of the error against the values.
    private static double Error(double[] found, double[] exact) => Math.Sqrt(
        found.Zip(exact, (f, e) => (f - e) * (f - e)).Sum() / exact.Sum(e => e * e));

    // What a warp does with a tile: TensorCoreKernels.Accumulate, its places taken from the same functions.
    private static void Accumulate(
        WarpEmulation emulation, int warp, bool isSplit, Func<int, int, float> a, Func<int, int, float> b)
    {
        var tileA = new float[Depth * TensorCoreLayout.Pitch];
        var tileB = new float[Depth * TensorCoreLayout.Pitch];
        (int firstA, int firstB) = (TensorCoreLayout.RowOfWarp(warp), TensorCoreLayout.ColumnOfWarp(warp));
        for (int k = 0; k < Depth; k++)
        {
            for (int i = 0; i < TensorCoreLayout.WarpRows; i++)
                tileA[k * TensorCoreLayout.Pitch + firstA + i] = a(firstA + i, k);
            for (int i = 0; i < TensorCoreLayout.WarpColumns; i++)
                tileB[k * TensorCoreLayout.Pitch + firstB + i] = b(k, firstB + i);
        }
        long[] OfA(int m, int i) => WarpEmulation.Floats(
            l => tileA[firstA + TensorCoreLayout.SlotOfA(l, 0, 0) + TensorCoreLayout.SlotOfA(0, m, i)]);
        long[] OfB(int n, int i) => WarpEmulation.Floats(
            l => tileB[firstB + TensorCoreLayout.SlotOfB(l, 0, 0) + TensorCoreLayout.SlotOfB(0, n, i)]);
        emulation.Run(
            isSplit ? TensorCoreCode.LeftSplit : TensorCoreCode.Left, OfA(0, 0), OfA(0, 1), OfA(0, 2), OfA(0, 3), OfA(1, 0),
            OfA(1, 1), OfA(1, 2), OfA(1, 3));
        for (int n = 0; n < 8; n++)
            emulation.Run(isSplit ? s_rightSplit[n] : s_right[n], OfB(n, 0), OfB(n, 1));
    }

    // TensorCoreKernels.Store for a matrix.
    private static void Store(WarpEmulation emulation, int warp, int rows, int columns, Func<int, float> bias)
    {
        int Row(int lane) => TensorCoreLayout.RowOfWarp(warp) + TensorCoreLayout.RowOfC(lane, 0);
        int Column(int lane, int i) => TensorCoreLayout.ColumnOfWarp(warp) + TensorCoreLayout.ColumnOfC(lane, 0) + i / 2 * 8 + i % 2;
        long[] Bias(int k) => WarpEmulation.Floats(l => bias(Row(l) + 8 * k));
        for (int i = 0; i < s_store.Length; i++)
        {
            int now = i;
            emulation.Run(
                s_store[i],
                WarpEmulation.Numbers(l => 4L * (Row(l) * columns + Column(l, now))), WarpEmulation.Numbers(_ => 32L * columns),
                WarpEmulation.Numbers(l => Column(l, now) < columns ? (rows - Row(l) + 7) / 8 : 0),
                Bias(0), Bias(1), Bias(2), Bias(3));
        }
    }

    [Theory]
    [InlineData("cpu", Precision.Tf32, "tf32")]
    [InlineData("reference", Precision.ThreeTf32, "3xtf32")]
    public void A_device_without_tensor_cores_is_refused_and_never_replaced(string device, Precision precision, string name)
    {
        string message = Assert.Throws<DeviceException>(() => Devices.Open(device, precision: precision)).Message;
        Assert.StartsWith($"The precision {name} was asked for on {device}, which", message, StringComparison.Ordinal);
        Assert.Contains("compute capability 8.0", message, StringComparison.Ordinal);
        Assert.Contains("Use --precision float32", message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_gpu_backend_without_tensor_cores_is_refused()
    {
        foreach (string device in (string[])
            [GpuBackend.Simulator, .. GpuDevices.List().Where(d => !d.HasTf32).Select(d => d.Specification)])
        {
            Assert.Contains(
                $"on {device} (",
                Assert.Throws<DeviceException>(() => new GpuBackend(device, precision: Precision.Tf32)).Message,
                StringComparison.Ordinal);
        }
        Skip.If(GpuDevices.List().Any(d => d.IsGpu), "auto takes a GPU here");
        Assert.Contains(
            "auto took", Assert.Throws<DeviceException>(() => Devices.Open("auto", precision: Precision.Tf32)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Precisions_have_the_names_of_the_option()
    {
        foreach (Precision precision in Enum.GetValues<Precision>())
            Assert.Equal(precision, Precisions.Named(Precisions.NameOf(precision)));
        Assert.Contains(
            "float32, tf32, 3xtf32", Assert.Throws<DeviceException>(() => Precisions.Named("bf16")).Message,
            StringComparison.Ordinal);
    }

    public static TheoryData<Precision, int[]> ProductsOnCuda()
    {
        var cases = new TheoryData<Precision, int[]>();
        foreach (Precision precision in new[] { Precision.Tf32, Precision.ThreeTf32 })
        foreach (int[] sizes in (int[][])[[128, 256, 32], [129, 131, 7], [5, 4, 8], [200, 100, 3000], [1, 300, 1152]])
            cases.Add(precision, sizes);
        return cases;
    }

    [SkippableTheory, MemberData(nameof(ProductsOnCuda))]
    public void Values_on_cuda_match_the_definition(Precision precision, int[] sizes)
    {
        GpuDevice? cuda = GpuDevices.List().FirstOrDefault(d => d.HasTf32);
        Skip.If(cuda is null, "no CUDA device");
        (int m, int n, int k) = (sizes[0], sizes[1], sizes[2]);
        using var gpu = new GpuBackend(cuda.Specification, precision: precision) { Tiling = ProductTiling.Wide };
        double[] a = new TestNumbers(1).Numbers(m * k), b = new TestNumbers(2).Numbers(k * n);
        double[] Run(Backend backend, DType dtype)
        {
            using TensorScope scope = TensorScope.Begin();
            Tensor y = backend.Empty(new Shape(m, n), dtype);
            backend.Run(new MatMulCall(
                Tensor.From(backend, dtype, a, new Shape(m, k)), false, Tensor.From(backend, dtype, b, new Shape(k, n)),
                false, y));
            return y.ToArray<double>();
        }
        double[] found = Run(gpu, DType.Float32);
        Assert.Equal(KernelCheck.Bits(found), KernelCheck.Bits(Run(gpu, DType.Float32)));
        double error = Error(found, Run(KernelCheck.Reference, DType.Float64));
        output.WriteLine(FormattableString.Invariant($"{Precisions.NameOf(precision)}, {m}x{n}x{k}: {error:E2}"));
        Assert.InRange(error, precision == Precision.Tf32 ? 1e-5 : 0, precision == Precision.Tf32 ? 2e-3 : 2e-6);
    }

    // The makers' own figures: V100 15.7, A100 19.5, RTX 3090 35.6, H100 PCIe 51.2 TFLOP/s.
    [Theory]
    [InlineData(7, 0, 80, 1.53, 15.7)]
    [InlineData(8, 0, 108, 1.41, 19.5)]
    [InlineData(8, 6, 82, 1.695, 35.6)]
    [InlineData(9, 0, 114, 1.755, 51.2)]
    [InlineData(6, 0, 56, 1.48, 10.6)]
    public void The_float32_peak_of_a_device_is_the_one_its_maker_states(
        int major, int minor, int multiprocessors, double gigahertz, double teraflops) =>
        Assert.Equal(teraflops, GpuDevices.Float32PeakGflops(major, minor, multiprocessors, gigahertz) / 1e3, 0.1);
}
