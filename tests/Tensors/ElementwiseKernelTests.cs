using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

public sealed class ElementwiseKernelTests
{
    // 0, 1, one vector less, exact, more and odd for widths from 2 to 16 numbers, and lengths of several chunks.
    private static readonly int[] s_lengths =
        [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 257, 4096, 65537];

    public static TheoryData<DType, int> Cases
    {
        get
        {
            var cases = new TheoryData<DType, int>();
            foreach (DType dtype in new[] { DType.Float32, DType.Float64 })
            foreach (int length in s_lengths)
                cases.Add(dtype, length);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Maps_match_the_definition(DType dtype, int length)
    {
        Input x = Input.Random(1, length), positive = x.Magnitude();
        CheckMap<ExpFunction>(dtype, x);
        CheckMap<TanhFunction>(dtype, x);
        CheckMap<SigmoidFunction>(dtype, x);
        CheckMap<SoftplusFunction>(dtype, x);
        CheckMap<GeluFunction>(dtype, x);
        CheckMap<GeluSlopeFunction>(dtype, x);
        CheckMap<ReluFunction>(dtype, x);
        CheckMap<StepFunction>(dtype, x);
        CheckMap<SqrtFunction>(dtype, positive);
        CheckMap<LogFunction>(dtype, new Input(x.Shape, Array.ConvertAll(positive.Values, v => v + 0.125)));
    }

    private static void CheckMap<F>(DType dtype, Input x) where F : struct, IUnaryFunction =>
        KernelCheck.Smooth(dtype, 8, (b, t) => [One(b, t[0], y => b.Map<F>(t[0], y))], x);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Zips_match_the_definition(DType dtype, int length)
    {
        Input x = Input.Random(2, length), y = Input.Random(3, length);
        CheckZip<AddFunction>(dtype, x, y);
        CheckZip<SubtractFunction>(dtype, x, y);
        CheckZip<MultiplyFunction>(dtype, x, y);
        CheckZip<DivideFunction>(dtype, x, new Input(y.Shape, Array.ConvertAll(y.Values, v => v + 2)));
    }

    private static void CheckZip<F>(DType dtype, Input x, Input y) where F : struct, IBinaryFunction =>
        KernelCheck.Smooth(dtype, 2, (b, t) => [One(b, t[0], z => b.Zip<F>(t[0], t[1], z))], x, y);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Linear_maps_match_the_definition(DType dtype, int length)
    {
        Input x = Input.Random(4, length), y = Input.Random(5, length), z = Input.Random(6, length);
        KernelCheck.Linear(dtype, (b, t) => [One(b, t[0], r => b.Run(new AffineCall(t[0], 0.75, 0.5, r)))], x);
        KernelCheck.Linear(dtype, (b, t) => [One(b, t[0], r => b.Run(new AxpyCall(0.375, t[0], t[1], r)))], x, y);
        KernelCheck.Linear(dtype, (b, t) =>
        {
            Tensor theta = KernelCheck.Destination(b, t[0].Shape, t[0].DType);
            Tensor velocity = KernelCheck.Destination(b, t[0].Shape, t[0].DType);
            b.Run(new SgdStepCall(
                new SgdTensors(t[0], t[1]), t[2], new SgdRates(-0.25, 0.875, 0.0625), new SgdTensors(theta, velocity)));
            return [theta, velocity];
        }, x, y, z);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Dot_and_total_sum_add_in_float64(DType dtype, int length)
    {
        // Float32 inputs too are held to the float64 bound: products and sums of floats lose nothing there.
        Input x = Input.Random(7, length), y = Input.Random(8, length);
        Func<Backend, Tensor[], Tensor[]> dot = (b, t) =>
        {
            Tensor result = b.Empty(Shape.Scalar, DType.Float64);
            b.Run(new DotCall(t[0], t[1], result));
            return [result];
        };
        double expected = KernelCheck.Run(KernelCheck.Reference, DType.Float64, dot, x, y)[0][0];
        foreach (CpuBackend cpu in KernelCheck.Widths)
            Assert.Equal(expected, KernelCheck.Run(cpu, dtype, dot, x, y)[0][0], 1e-13 * (length + 1));
        KernelCheck.Linear(dtype, (b, t) => [Sum(b, t[0], Shape.Scalar)], x);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Fill_copy_and_convert_keep_every_number(DType dtype, int length)
    {
        Input x = Input.Random(9, length);
        foreach (CpuBackend cpu in KernelCheck.Threads)
        {
            using TensorScope scope = TensorScope.Begin();
            Tensor t = x.On(cpu, dtype), copy = cpu.Empty(t.Shape, dtype);
            cpu.Copy(t, copy);
            Assert.Equal(x.Values, copy.ToArray<double>());
            DType other = dtype == DType.Float32 ? DType.Float64 : DType.Float32;
            Tensor converted = cpu.Empty(t.Shape, other);
            cpu.Convert(t, converted);
            Assert.Equal(x.Values, converted.ToArray<double>());
            cpu.Fill(copy, 0.5);
            Assert.All(copy.ToArray<double>(), v => Assert.Equal(0.5, v));
        }
    }

    public static TheoryData<int[], int[]> Broadcasts => new()
    {
        { [4, 3, 5, 7], [1, 3, 1, 1] }, { [4, 3], [3] }, { [4, 3], [4, 1] }, { [300, 1000], [1000] },
        { [300, 1000], [300, 1] }, { [300, 1000], [] }, { [70, 20, 10, 10], [1, 20, 1, 1] },
        { [2, 3, 4, 5], [2, 1, 4, 1] },
        { [3, 4], [3, 4] }, { [1, 5], [5] }, { [1, 1], [] }, { [], [] }, { [0, 3], [3] }, { [3, 0], [3, 1] },
        { [70000], [70000] }, { [2, 3, 4, 5, 6], [3, 1, 5, 1] },
    };

    [Theory]
    [MemberData(nameof(Broadcasts))]
    public void Stretching_and_its_adjoint_match_the_definition(int[] large, int[] small)
    {
        foreach (DType dtype in new[] { DType.Float32, DType.Float64 })
        {
            KernelCheck.Linear(dtype, (b, t) =>
            {
                Tensor y = KernelCheck.Destination(b, new Shape(large), t[0].DType);
                b.Run(new BroadcastToCall(t[0], y));
                return [y];
            }, Input.Random(10, small));
            KernelCheck.Linear(dtype, (b, t) => [Sum(b, t[0], new Shape(small))], Input.Random(11, large));
        }
    }

    private static Tensor Sum(Backend backend, Tensor x, Shape to)
    {
        Tensor y = KernelCheck.Destination(backend, to, x.DType);
        backend.Run(new SumToCall(x, y));
        return y;
    }

    private static Tensor One(Backend backend, Tensor like, Action<Tensor> kernel)
    {
        Tensor y = KernelCheck.Destination(backend, like.Shape, like.DType);
        kernel(y);
        return y;
    }
}
