using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>Special values, errors, memory, and what may run inside what.</summary>
public sealed class BackendRuleTests
{
    private static readonly double[] s_special =
        [double.NaN, double.PositiveInfinity, double.NegativeInfinity, -0.0, 0.0, 1e-40, -1e-40, 1e38, -1e38, 1, -1];

    // What a vector holds beside a number may move its exponential by a rounding where one of them overflows.
    private static double[] MapSpecial<F>(CpuBackend cpu, DType dtype, double roundings = 0) where F : struct, IUnaryFunction
    {
        // Seven times, so that each value meets vector code and the remainder.
        double[] values = [.. Enumerable.Repeat(s_special, 7).SelectMany(v => v)];
        using TensorScope scope = TensorScope.Begin();
        Tensor x = Tensor.From(cpu, dtype, values, new Shape(values.Length)), y = cpu.Empty(x.Shape, dtype);
        cpu.Map<F>(x, y);
        double[] result = y.ToArray<double>();
        for (int i = 0; i < result.Length; i++)
            Assert.Equal(result[i % s_special.Length], result[i], roundings * KernelCheck.Epsilon(dtype));
        return result[..s_special.Length];
    }

    [Theory]
    [MemberData(nameof(KernelCheck.DTypes), MemberType = typeof(KernelCheck))]
    public void Special_values_give_the_documented_results(DType dtype)
    {
        foreach (CpuBackend cpu in KernelCheck.Widths)
        {
            double[] relu = MapSpecial<ReluFunction>(cpu, dtype), step = MapSpecial<StepFunction>(cpu, dtype);
            double[] exp = MapSpecial<ExpFunction>(cpu, dtype), sigmoid = MapSpecial<SigmoidFunction>(cpu, dtype);
            double[] log = MapSpecial<LogFunction>(cpu, dtype), sqrt = MapSpecial<SqrtFunction>(cpu, dtype);
            double[] softplus = MapSpecial<SoftplusFunction>(cpu, dtype), tanh = MapSpecial<TanhFunction>(cpu, dtype);
            double[] gelu = MapSpecial<GeluFunction>(cpu, dtype, 1), slope = MapSpecial<GeluSlopeFunction>(cpu, dtype, 1);
            foreach (double[] result in new[] { relu, exp, sigmoid, log, sqrt, softplus, tanh, gelu, slope })
                Assert.True(double.IsNaN(result[0]));
            Assert.Equal([double.PositiveInfinity, 0, 0, 0], relu[1..5]);
            Assert.Equal([0, 1, 0, 0, 0, 1, 0], step[..7]);
            Assert.Equal([double.PositiveInfinity, 0], exp[1..3]);
            // The vector exponential is good to one rounding, also at 0.
            Assert.All(exp[3..7], v => Assert.Equal(1, v, 2 * KernelCheck.Epsilon(dtype)));
            Assert.Equal([1, 0], sigmoid[1..3]);
            Assert.All(sigmoid[3..7], v => Assert.Equal(0.5, v, KernelCheck.Epsilon(dtype)));
            Assert.Equal(
                [double.PositiveInfinity, double.NaN, double.NegativeInfinity, double.NegativeInfinity], log[1..5]);
            Assert.True(double.IsNaN(sqrt[2]) && double.IsNaN(log[10]));
            Assert.Equal([double.PositiveInfinity, 0], softplus[1..3]);
            Assert.Equal([1, -1], tanh[1..3]);
            Assert.All(tanh[3..7], v => Assert.Equal(0, v, KernelCheck.Epsilon(dtype)));
            Assert.Equal([double.PositiveInfinity, double.NaN, 0, 0], gelu[1..5]);
            Assert.True(double.IsNaN(slope[1]) && double.IsNaN(slope[2]));
            Assert.All(slope[3..7], v => Assert.Equal(0.5, v, KernelCheck.Epsilon(dtype)));
        }
    }

    [Fact]
    public void A_NaN_stays_in_its_plane_and_in_its_row()
    {
        foreach (CpuBackend cpu in KernelCheck.Widths)
        {
            using TensorScope scope = TensorScope.Begin();
            var g = new Pool2dGeometry(1, 2, 8, 8, 2);
            double[] values = new TestNumbers(1).Numbers(128);
            values[70] = double.NaN;
            Tensor one = Tensor.Full(cpu, DType.Float32, new Shape(2), 1), y = cpu.Empty(g.Output, DType.Float32);
            cpu.Run(new NormReluPoolCall(
                new NormReluPoolInputs(g, 1e-5, Tensor.From(cpu, DType.Float32, values, g.Input), one, one), y));
            float[] result = y.ToArray<float>();
            Assert.All(result[..16], v => Assert.False(float.IsNaN(v)));
            Assert.All(result[16..], v => Assert.True(float.IsNaN(v)));

            Tensor logits = Tensor.From(cpu, DType.Float64, [1, 2, double.NaN, 4, 1000, -1000], new Shape(3, 2));
            Tensor log = cpu.Empty(logits.Shape, DType.Float64);
            cpu.Run(new LogSoftmaxCall(logits, log));
            double[] rows = log.ToArray<double>();
            Assert.True(double.IsNaN(rows[2]) && double.IsNaN(rows[3]) && double.IsFinite(rows[0]));
            Assert.Equal([0, -2000], rows[4..]);
        }
    }

    [Fact]
    public void An_infinity_beside_a_pixel_does_not_leak_into_an_identity_sample()
    {
        CpuBackend cpu = KernelCheck.Threads[0];
        using TensorScope scope = TensorScope.Begin();
        Tensor x = Tensor.From(cpu, DType.Float64, [1, double.PositiveInfinity, 3, 4], new Shape(1, 1, 2, 2));
        Tensor identity = Tensor.From(cpu, DType.Float64, [1, 0, 0, 0, 1, 0], new Shape(1, 6));
        Tensor y = cpu.Empty(x.Shape, DType.Float64);
        cpu.Run(new AffineSampleCall(x, identity, y));
        Assert.Equal([1, double.PositiveInfinity, 3, 4], y.ToArray<double>());
    }

    private readonly struct Throwing : IUnaryFunction
    {
        static T IUnaryFunction.Apply<T, N>(T x) => x;

        static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y) =>
            throw new NotSupportedException("from a chunk");
    }

    private readonly struct Nested : IUnaryFunction
    {
        static T IUnaryFunction.Apply<T, N>(T x) => x;

        static void IUnaryFunction.Apply<T>(ReadOnlySpan<T> x, Span<T> y)
        {
            CpuBackend cpu = KernelCheck.Threads[2];
            using TensorScope scope = TensorScope.Begin();
            Tensor inner = Tensor.Full(cpu, DType.Float64, new Shape(200000), 1);
            Tensor sum = cpu.Empty(Shape.Scalar, DType.Float64);
            cpu.Run(new DotCall(inner, inner, sum));
            y.Fill(T.CreateTruncating(sum.ToScalar()));
        }
    }

    [Fact]
    public void An_exception_in_a_chunk_reaches_the_caller_and_the_workers_go_on()
    {
        foreach (CpuBackend cpu in KernelCheck.Threads)
        {
            using TensorScope scope = TensorScope.Begin();
            Tensor x = Tensor.Full(cpu, DType.Float32, new Shape(300000), 2), y = cpu.Empty(x.Shape, DType.Float32);
            Assert.Equal("from a chunk", Assert.Throws<NotSupportedException>(() => cpu.Map<Throwing>(x, y)).Message);
            cpu.Run(new AffineCall(x, 3, 1, y));
            Assert.All(y.ToArray<float>(), v => Assert.Equal(7, v));
        }
    }

    [Fact]
    public void A_kernel_inside_a_chunk_runs_on_its_own_thread()
    {
        CpuBackend cpu = KernelCheck.Threads[2];
        using TensorScope scope = TensorScope.Begin();
        Tensor x = Tensor.Full(cpu, DType.Float64, new Shape(300000), 2), y = cpu.Empty(x.Shape, DType.Float64);
        cpu.Map<Nested>(x, y);
        Assert.All(y.ToArray<double>(), v => Assert.Equal(200000, v));
    }

    [Fact]
    public void Callers_on_several_threads_share_one_backend()
    {
        var cpu = new CpuBackend(3);
        double[] sums = new double[8];
        Parallel.For(0, sums.Length, i =>
        {
            for (int repeat = 0; repeat < 50; repeat++)
            {
                using TensorScope scope = TensorScope.Begin();
                Tensor x = Tensor.Full(cpu, DType.Float32, new Shape(100000), i);
                Tensor sum = cpu.Empty(Shape.Scalar, DType.Float64);
                cpu.Run(new DotCall(x, x, sum));
                sums[i] += sum.ToScalar();
            }
        });
        for (int i = 0; i < sums.Length; i++)
            Assert.Equal(50.0 * 100000 * i * i, sums[i]);
    }

    [Fact]
    public void Tensors_of_another_backend_or_type_are_refused()
    {
        CpuBackend cpu = KernelCheck.Threads[0];
        Tensor mine = Tensor.Full(cpu, DType.Float32, new Shape(2), 1);
        Tensor other = Tensor.Full(KernelCheck.Reference, DType.Float32, new Shape(2), 1);
        Tensor wide = Tensor.Full(cpu, DType.Float64, new Shape(2), 1);
        Assert.Contains(
            "reference", Assert.Throws<DeviceException>(() => cpu.Run(new AffineCall(other, 1, 0, mine))).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "Float64", Assert.Throws<DTypeException>(() => cpu.Run(new AffineCall(wide, 1, 0, mine))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_memory_limit_is_an_error_that_states_its_numbers()
    {
        var cpu = new CpuBackend(1, memoryLimit: 4 << 20);
        Tensor held = cpu.Empty(new Shape(1 << 19), DType.Float32);
        var error = Assert.Throws<DeviceMemoryException>(() => cpu.Empty(new Shape(1 << 20), DType.Float32));
        Assert.Contains("of a limit of 4.0 MiB", error.Message, StringComparison.Ordinal);
        Assert.True(error.InUse >= 2 << 20);
        held.Dispose();
        cpu.Empty(new Shape(900000), DType.Float32).Dispose();
    }

    [Fact]
    public void Memory_that_nobody_wants_any_more_leaves_the_pool_and_what_a_loop_uses_stays()
    {
        var cpu = new CpuBackend(1);
        for (int i = 0; i < 3; i++)
            cpu.Empty(new Shape(1 << 20), DType.Float32).Dispose();
        long large = cpu.Memory.Cached;
        Assert.True(large >= 4 << 20);
        long Loop(int rents)
        {
            for (int i = 0; i < rents; i++)
                cpu.Empty(new Shape(10), DType.Float32).Dispose();
            return cpu.Memory.Cached;
        }
        long both = Loop(HostBackend.PoolPatience / 2);
        Assert.True(both > large);
        Assert.Equal(both - large, Loop(HostBackend.PoolPatience));
        Assert.Equal(both - large, Loop(4 * HostBackend.PoolPatience));
        long peak = cpu.Memory.Peak;
        for (int i = 0; i < 100; i++)
        {
            cpu.Empty(new Shape(1 << 20), DType.Float32).Dispose();
            Loop(HostBackend.PoolPatience / 2);
        }
        Assert.Equal(both, cpu.Memory.Cached);
        Assert.Equal(peak, cpu.Memory.Peak);
    }

    [Theory]
    [InlineData(-1, 0, "-1 threads")]
    [InlineData(1, 100, "100 bits")]
    [InlineData(1, 32, "32 bits")]
    public void Impossible_settings_are_refused(int threads, int bits, string fragment) => Assert.Contains(
        fragment, Assert.Throws<DeviceException>(() => new CpuBackend(threads, vectorBits: bits)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void The_description_names_width_and_threads()
    {
        Assert.Contains("256-bit vectors, 2 threads", KernelCheck.Widths[1].Description, StringComparison.Ordinal);
        Assert.EndsWith("1 thread", KernelCheck.Threads[0].Description, StringComparison.Ordinal);
        Assert.Equal(Environment.ProcessorCount, new CpuBackend().Threads);
    }

    [Theory]
    [InlineData("cpu", "cpu", "asked for")]
    [InlineData("reference", "reference", "asked for")]
    public void Devices_open_by_name_and_say_why(string specification, string name, string reason)
    {
        OpenedDevice device = Devices.Open(specification, 1);
        Assert.Equal(name, device.Backend.Name);
        Assert.Contains(reason, device.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Auto_takes_the_fastest_and_says_why()
    {
        OpenedDevice device = Devices.Open("auto", 1);
        IReadOnlyList<GpuDevice> present = GpuDevices.List();
        Assert.Contains($"{device.Backend.Name} was chosen", device.Reason, StringComparison.Ordinal);
        if (!present.Any(d => d.IsGpu && d.Refusal is null))
        {
            Assert.Equal("cpu", device.Backend.Name);
            Assert.Contains(
                present.Count == 0 ? "because there is no CUDA device" : "because no GPU can be used", device.Reason,
                StringComparison.Ordinal);
        }
        (device.Backend as IDisposable)?.Dispose();
    }

    [Theory]
    [InlineData("cuda:99", "The device cuda:99 was asked for, but")]
    [InlineData("opencl:99", "The device opencl:99 was asked for, but")]
    [InlineData("cuda:x", "Allowed: auto, cpu")]
    [InlineData("cpu:0", "Allowed: auto, cpu")]
    [InlineData("", "Allowed: auto, cpu")]
    public void Devices_that_are_absent_or_unknown_are_refused(string specification, string fragment) =>
        Assert.Contains(
            fragment, Assert.Throws<DeviceException>(() => Devices.Open(specification)).Message,
            StringComparison.Ordinal);
}
