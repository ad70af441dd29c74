using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

public sealed class PlaneKernelTests
{
    public static TheoryData<DType, int[]> Pools
    {
        get
        {
            var cases = new TheoryData<DType, int[]>();
            // N, C, H, W, window
            int[][] sizes =
            [
                [2, 3, 8, 8, 2], [2, 3, 16, 16, 2], [2, 3, 32, 32, 2], [2, 3, 7, 7, 2],
                [2, 3, 9, 6, 3], [1, 2, 5, 5, 1],
                [2, 2, 4, 4, 2], [1, 2, 40, 64, 2], [2, 2, 10, 8, 2], [1, 1, 2, 2, 2],
                [1, 3, 6, 10, 2], [0, 2, 4, 4, 2],
                [1, 1, 3, 1, 1], [3, 2, 7, 16, 2], [2, 2, 6, 2, 2], [1, 1, 48, 48, 1], [40, 20, 8, 8, 2],
            ];
            foreach (DType dtype in new[] { DType.Float32, DType.Float64 })
            foreach (int[] size in sizes)
                cases.Add(dtype, size);
            return cases;
        }
    }

    private static Pool2dGeometry Geometry(int[] s) => new(s[0], s[1], s[2], s[3], s[4]);

    private static Input Of(ulong seed, Shape shape) => Input.Random(seed, shape.Sizes.ToArray());

    [Theory]
    [MemberData(nameof(Pools))]
    public void AvgPool2d_and_its_adjoint_match_the_definition(DType dtype, int[] sizes)
    {
        Pool2dGeometry g = Geometry(sizes);
        KernelCheck.Linear(dtype, (b, t) =>
        {
            Tensor y = KernelCheck.Destination(b, g.Output, t[0].DType);
            b.Run(new AvgPool2dCall(g, t[0], y));
            return [y];
        }, Of(1, g.Input));
        KernelCheck.Linear(dtype, (b, t) =>
        {
            Tensor dx = KernelCheck.Destination(b, g.Input, t[0].DType);
            b.Run(new AvgPool2dGradientCall(g, t[0], dx));
            return [dx];
        }, Of(2, g.Output));
    }

    [Theory]
    [MemberData(nameof(Pools))]
    public void NormReluPool_and_its_adjoint_match_the_definition(DType dtype, int[] sizes)
    {
        Pool2dGeometry g = Geometry(sizes);
        Input x = Of(3, g.Input), gamma = Input.Random(4, g.C), beta = Input.Random(5, g.C), dy = Of(6, g.Output);
        KernelCheck.Smooth(dtype, 32, (b, t) =>
        {
            Tensor y = KernelCheck.Destination(b, g.Output, t[0].DType);
            b.Run(new NormReluPoolCall(new NormReluPoolInputs(g, 1e-5, t[0], t[1], t[2]), y));
            return [y];
        }, x, gamma, beta);
        KernelCheck.Smooth(dtype, 64, (b, t) => Gradients(b, g, t, true, false, false), x, gamma, beta, dy);
        // Sums over a channel that may cancel: bounded by the number of their terms, not by what is left of them.
        KernelCheck.Sums(
            dtype, g.N * g.OutH * g.OutW, (b, t) => Gradients(b, g, t, false, true, true), x, gamma, beta, dy);
    }

    private static Tensor[] Gradients(
        Backend b, Pool2dGeometry g, Tensor[] t, bool needX, bool needGamma, bool needBeta)
    {
        Tensor? dx = needX ? KernelCheck.Destination(b, g.Input, t[0].DType) : null;
        Tensor? dgamma = needGamma ? KernelCheck.Destination(b, new Shape(g.C), t[0].DType) : null;
        Tensor? dbeta = needBeta ? KernelCheck.Destination(b, new Shape(g.C), t[0].DType) : null;
        b.Run(new NormReluPoolGradientCall(new NormReluPoolInputs(g, 1e-5, t[0], t[1], t[2]), t[3], dx, dgamma, dbeta));
        return [.. new[] { dx, dgamma, dbeta }.OfType<Tensor>()];
    }

    [Theory]
    [MemberData(nameof(Pools))]
    public void The_adjoint_of_the_gradient_of_NormReluPool_matches_the_definition(DType dtype, int[] sizes)
    {
        Pool2dGeometry g = Geometry(sizes);
        Input[] inputs =
        [
            Of(3, g.Input), Input.Random(4, g.C), Input.Random(5, g.C), Of(6, g.Output), Of(7, g.Input), Input.Random(8, g.C),
            Input.Random(9, g.C),
        ];
        KernelCheck.Smooth(dtype, 64, (b, t) => Second(b, g, t, true, false, true), inputs);
        KernelCheck.Sums(dtype, 4 * g.N * g.H * g.W, (b, t) => Second(b, g, t, false, true, false), inputs);
        double[][] all = KernelCheck.Run(KernelCheck.Threads[1], dtype, (b, t) => Second(b, g, t, true, true, true), inputs);
        for (int i = 0; i < 3; i++)
        {
            int only = i;
            Assert.Equal(all[i], Assert.Single(KernelCheck.Run(
                KernelCheck.Threads[0], dtype, (b, t) => Second(b, g, t, only == 0, only == 1, only == 2), inputs)));
        }
    }

    private static Tensor[] Second(Backend b, Pool2dGeometry g, Tensor[] t, bool needX, bool needGamma, bool needDy)
    {
        Tensor? ofX = needX ? KernelCheck.Destination(b, g.Input, t[0].DType) : null;
        Tensor? ofGamma = needGamma ? KernelCheck.Destination(b, new Shape(g.C), t[0].DType) : null;
        Tensor? ofDy = needDy ? KernelCheck.Destination(b, g.Output, t[0].DType) : null;
        b.Run(new NormReluPoolSecondCall(
            new NormReluPoolInputs(g, 1e-5, t[0], t[1], t[2]), t[3], new NormReluPoolCotangents(t[4], t[5], t[6]), ofX, ofGamma, ofDy));
        return [.. new[] { ofX, ofGamma, ofDy }.OfType<Tensor>()];
    }

    [Fact]
    public void A_destination_that_is_not_asked_for_changes_nothing_for_the_others()
    {
        var g = new Pool2dGeometry(3, 4, 8, 8, 2);
        Input[] inputs = [Of(7, g.Input), Input.Random(8, 4), Input.Random(9, 4), Of(10, g.Output)];
        CpuBackend cpu = KernelCheck.Threads[1];
        double[][] all = KernelCheck.Run(cpu, DType.Float32, (b, t) => Gradients(b, g, t, true, true, true), inputs);
        for (int i = 0; i < 3; i++)
        {
            int only = i;
            double[][] one = KernelCheck.Run(
                cpu, DType.Float32, (b, t) => Gradients(b, g, t, only == 0, only == 1, only == 2), inputs);
            Assert.Equal(all[i], Assert.Single(one));
        }
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1000.0)]
    public void A_large_mean_costs_NormReluPool_no_more_than_its_own_rounding(double mean)
    {
        // The deviations are multiples of 1/1024, exact beside 1000 in float32: nothing may be lost but in the result.
        var g = new Pool2dGeometry(1, 1, 32, 32, 2);
        double[] values = Array.ConvertAll(
            new TestNumbers(11).Numbers(1024), v => mean + Math.Round(v * 1024) / 1024);
        KernelCheck.Smooth(DType.Float32, 32, (b, t) =>
        {
            Tensor y = KernelCheck.Destination(b, g.Output, t[0].DType);
            b.Run(new NormReluPoolCall(new NormReluPoolInputs(g, 1e-5, t[0], t[1], t[2]), y));
            return [y];
        }, new Input(g.Input, values), Input.Random(12, 1), Input.Random(13, 1));
    }

    [Theory]
    [MemberData(nameof(KernelCheck.DTypes), MemberType = typeof(KernelCheck))]
    public void LogSoftmax_matches_the_definition(DType dtype)
    {
        foreach ((int rows, int columns) in new[] { (1, 1), (3, 10), (257, 10), (2, 1000), (0, 5) })
        {
            double[] logits = Array.ConvertAll(new TestNumbers(14).Numbers(rows * columns), v => 50 * v);
            KernelCheck.Smooth(dtype, 4, (b, t) =>
            {
                Tensor y = KernelCheck.Destination(b, t[0].Shape, t[0].DType);
                b.Run(new LogSoftmaxCall(t[0], y));
                return [y];
            }, new Input(new Shape(rows, columns), logits));
        }
    }

    [Theory]
    [MemberData(nameof(KernelCheck.DTypes), MemberType = typeof(KernelCheck))]
    public void CrossEntropy_and_its_adjoint_match_the_definition(DType dtype)
    {
        foreach ((int rows, int columns) in new[] { (1, 1), (3, 10), (257, 10), (2, 1000) })
        {
            // Exact in float32, or the rounding of a large logit would be evaluated with that of the kernel.
            double[] Exact(ulong seed, double size) =>
                Array.ConvertAll(new TestNumbers(seed).Numbers(rows * columns), v => (double)(float)(size * v));
            var shape = new Shape(rows, columns);
            Input[] inputs = [new(shape, Exact(14, 50)), new(shape, Exact(15, 1)), new(Shape.Scalar, [1.5])];
            KernelCheck.Smooth(dtype, 4, (b, t) =>
            {
                Tensor y = KernelCheck.Destination(b, Shape.Scalar, t[0].DType);
                b.Run(new CrossEntropyCall(t[0], t[1], y));
                return [y];
            }, inputs);
            foreach ((bool needsLogits, bool needsLabels) in new[] { (true, true), (true, false), (false, true) })
            {
                KernelCheck.Smooth(dtype, 4, (b, t) =>
                {
                    Tensor? dz = needsLogits ? KernelCheck.Destination(b, t[0].Shape, t[0].DType) : null;
                    Tensor? dq = needsLabels ? KernelCheck.Destination(b, t[0].Shape, t[0].DType) : null;
                    b.Run(new CrossEntropyGradientCall(t[0], t[1], t[2], dz, dq));
                    return [.. new[] { dz, dq }.OfType<Tensor>()];
                }, inputs);
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelCheck.DTypes), MemberType = typeof(KernelCheck))]
    public void Rows_are_gathered_and_scattered_by_the_definition(DType dtype)
    {
        int[] indices = [4, 0, 4, 2, 4];
        KernelCheck.Linear(dtype, (b, t) =>
        {
            Tensor y = KernelCheck.Destination(b, new Shape(5, 3, 7), t[0].DType);
            b.Run(new GatherRowsCall(t[0], indices, y));
            return [y];
        }, Input.Random(15, 6, 3, 7));
        KernelCheck.Linear(dtype, (b, t) =>
        {
            Tensor dx = KernelCheck.Destination(b, new Shape(6, 3, 7), t[0].DType);
            b.Run(new ScatterRowsCall(t[0], indices, dx));
            return [dx];
        }, Input.Random(16, 5, 3, 7));
    }

    [Theory]
    [MemberData(nameof(KernelCheck.DTypes), MemberType = typeof(KernelCheck))]
    public void AffineSample_and_its_adjoint_match_the_definition(DType dtype)
    {
        double[] transforms = new TestNumbers(17).Numbers(5 * 6);
        for (int n = 0; n < 5; n++)
        {
            transforms[6 * n + 2] *= 4;
            transforms[6 * n + 5] *= 16;
        }
        Func<Backend, Tensor[], Tensor[]> Kernel(bool adjoint) => (b, t) =>
        {
            Tensor y = KernelCheck.Destination(b, t[0].Shape, t[0].DType);
            if (adjoint)
                b.Run(new AffineSampleGradientCall(t[0], t[1], y));
            else
                b.Run(new AffineSampleCall(t[0], t[1], y));
            return [y];
        };
        var a = new Input(new Shape(5, 6), transforms) { ChoosesTerms = true };
        KernelCheck.Linear(dtype, Kernel(false), Input.Random(18, 5, 3, 8, 9), a);
        KernelCheck.Linear(dtype, Kernel(true), Input.Random(19, 5, 3, 8, 9), a);
    }

    [Theory]
    [InlineData(1, 0, 0, 0, 1, 0, 0, 0, false)]
    [InlineData(-1, 0, 0, 0, 1, 0, 0, 0, true)]
    [InlineData(1, 0, 2, 0, 1, -1, 2, -1, false)]
    public void Identity_flip_and_whole_shifts_move_numbers_exactly(
        double a, double b, double c, double d, double e, double f, int right, int down, bool flip)
    {
        Input x = Input.Random(20, 1, 2, 6, 5);
        foreach (CpuBackend cpu in KernelCheck.Widths)
        {
            using TensorScope scope = TensorScope.Begin();
            Tensor transform = Tensor.From(cpu, DType.Float32, [a, b, c, d, e, f], new Shape(1, 6));
            Tensor y = KernelCheck.Destination(cpu, x.Shape, DType.Float32);
            cpu.Run(new AffineSampleCall(x.On(cpu, DType.Float32), transform, y));
            double[] values = y.ToArray<double>();
            for (int plane = 0; plane < 2; plane++)
            for (int h = 0; h < 6; h++)
            for (int w = 0; w < 5; w++)
            {
                int row = h + down, column = flip ? 4 - w : w + right;
                bool inside = row is >= 0 and < 6 && column is >= 0 and < 5;
                Assert.Equal(inside ? x.Values[(plane * 6 + row) * 5 + column] : 0, values[(plane * 6 + h) * 5 + w]);
            }
        }
    }
}
