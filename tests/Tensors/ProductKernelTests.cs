using System.Runtime.Intrinsics;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

public sealed class ProductKernelTests
{
    public static TheoryData<DType, int, int, int> Products
    {
        get
        {
            var cases = new TheoryData<DType, int, int, int>();
            (int, int, int)[] sizes =
            [
                (1, 1, 1), (0, 3, 2), (3, 0, 2), (3, 2, 0), (7, 15, 5), (8, 16, 16), (8, 32, 256), (9, 33, 257),
                (6, 8, 3), (100, 10, 513), (17, 65, 31), (65, 1, 70), (1, 130, 9), (70, 300, 300), (140, 40, 200),
                // Several blocks that share what is packed, and a product too deep to be packed at once.
                (133, 151, 300), (2, 30, 120_000),
            ];
            foreach (DType dtype in new[] { DType.Float32, DType.Float64 })
            foreach ((int m, int n, int k) in sizes)
                cases.Add(dtype, m, n, k);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Products))]
    public void MatMul_matches_the_definition_for_all_transposes(DType dtype, int m, int n, int k)
    {
        for (int form = 0; form < 4; form++)
        {
            bool left = form % 2 == 1, right = form > 1;
            KernelCheck.Linear(dtype, (b, t) =>
            {
                Tensor y = KernelCheck.Destination(b, Shape.MatMul(t[0].Shape, left, t[1].Shape, right), t[0].DType);
                b.Run(new MatMulCall(t[0], left, t[1], right, y));
                return [y];
            },
            left ? Input.Random(1, k, m) : Input.Random(1, m, k),
            right ? Input.Random(2, n, k) : Input.Random(2, k, n));
        }
    }

    public static TheoryData<DType, int[]> Convolutions
    {
        get
        {
            var cases = new TheoryData<DType, int[]>();
            // N, C, H, W, K, R, S, stride, padding
            int[][] sizes =
            [
                [1, 1, 1, 1, 1, 1, 1, 1, 0], [2, 3, 8, 8, 32, 3, 3, 1, 1], [1, 1, 28, 28, 8, 3, 3, 1, 3],
                [3, 5, 7, 9, 33, 3, 3, 2, 1], [2, 4, 16, 16, 9, 5, 5, 1, 2], [2, 3, 6, 6, 1, 1, 1, 1, 0],
                [20, 3, 8, 8, 5, 3, 3, 1, 0], [2, 3, 9, 5, 17, 3, 2, 3, 2], [1, 20, 10, 10, 50, 1, 1, 1, 1],
                [2, 40, 4, 4, 16, 3, 3, 1, 1], [1, 3, 32, 32, 4, 3, 3, 1, 1], [17, 2, 16, 16, 3, 3, 3, 1, 1],
                [2, 1, 12, 20, 5, 4, 3, 1, 1], [1, 64, 3, 3, 40, 3, 3, 1, 1], [3, 2, 5, 5, 2, 5, 5, 1, 3],
                [2, 2, 11, 13, 3, 1, 1, 2, 0], [1, 33, 16, 32, 6, 3, 3, 1, 1], [2, 2, 4, 4, 2, 3, 3, 1, 4],
                [0, 2, 4, 4, 3, 3, 3, 1, 1], [2, 0, 4, 4, 3, 3, 3, 1, 1], [2, 1, 32, 32, 33, 3, 3, 1, 1],
                [17, 1, 16, 32, 5, 3, 3, 1, 1], [1, 40, 32, 32, 1, 3, 3, 1, 1],
                // Gradients in images of one channel: rows that are no multiple of a vector, in several blocks of the depth;
                // borders that are cut off, on both axes and on one.
                [1, 1, 28, 28, 200, 3, 3, 1, 3], [17, 1, 20, 28, 5, 3, 3, 1, 3], [2, 1, 33, 35, 4, 3, 3, 1, 2],
                [2, 5, 12, 37, 1, 3, 3, 1, 1], [1, 2, 6, 6, 2, 2, 2, 1, 3], [2, 2, 6, 7, 3, 1, 3, 1, 1],
            ];
            foreach (DType dtype in new[] { DType.Float32, DType.Float64 })
            foreach (int[] size in sizes)
                cases.Add(dtype, size);
            return cases;
        }
    }

    // Shapes for Winograd's form: edges of tiles, channels beside whole vectors, few and many tiles, every padding.
    public static TheoryData<int[]> WinogradShapes =>
    [
        [2, 16, 8, 8, 16, 3, 3, 1, 1], [1, 17, 7, 7, 33, 3, 3, 1, 1], [3, 40, 14, 14, 20, 3, 3, 1, 1],
        [2, 16, 9, 8, 24, 3, 3, 1, 2], [2, 31, 10, 6, 16, 3, 3, 1, 0], [33, 16, 4, 4, 18, 3, 3, 1, 1],
        [1, 16, 33, 70, 16, 3, 3, 1, 1], [6, 16, 32, 32, 17, 3, 3, 1, 1], [1, 300, 6, 6, 16, 3, 3, 1, 1], [9, 64, 16, 16, 64, 3, 3, 1, 1],
    ];

    [Theory]
    [MemberData(nameof(WinogradShapes))]
    public void Winograd_and_both_adjoints_match_the_definition(int[] sizes)
    {
        Assert.True(Winograd<float, Vector256<float>, Simd256<float>>.AppliesToWeights(Geometry(sizes)));
        Conv2d_and_both_adjoints_match_the_definition(DType.Float32, sizes);
    }

    [Fact]
    public void Other_convolutions_are_direct_sums()
    {
        int[][] others =
        [
            [2, 3, 32, 32, 128, 3, 3, 1, 1], [2, 16, 8, 8, 16, 3, 3, 2, 1], [2, 16, 8, 8, 16, 5, 5, 1, 2],
            [2, 16, 2, 2, 16, 3, 3, 1, 1], [2, 16, 8, 8, 16, 3, 3, 1, 3], [0, 16, 8, 8, 16, 3, 3, 1, 1],
        ];
        foreach (int[] sizes in others)
            Assert.False(Winograd<float, Vector256<float>, Simd256<float>>.Applies(Geometry(sizes)));
        // Weights that no cache holds need many tiles.
        Conv2dGeometry wide = Geometry([16, 512, 8, 8, 512, 3, 3, 1, 1]);
        Assert.True(Winograd<float, Vector256<float>, Simd256<float>>.Applies(wide));
        Assert.False(Winograd<float, Vector256<float>, Simd256<float>>.Applies(wide with { N = 15 }));
        Assert.False(Winograd<double, Vector256<double>, Simd256<double>>.Applies(wide));
        // Sums at all points of each chunk would take hundreds of megabytes.
        Assert.False(Winograd<float, Vector256<float>, Simd256<float>>.AppliesToWeights(wide));
    }

    private static Conv2dGeometry Geometry(int[] s) => new(s[0], s[1], s[2], s[3], new Conv2dFilter(s[4], s[5], s[6], s[7], s[8]));

    [Theory]
    [MemberData(nameof(Convolutions))]
    public void Conv2d_and_both_adjoints_match_the_definition(DType dtype, int[] sizes)
    {
        Conv2dGeometry g = Geometry(sizes);
        Input x = Of(3, g.Input), w = Of(4, g.Weight), bias = Input.Random(5, g.K), dy = Of(6, g.Output);
        bool mixes = dtype == DType.Float32 && Winograd<float, Vector256<float>, Simd256<float>>.Applies(g);
        void Check(Func<Backend, Tensor[], Tensor[]> kernel, params Input[] inputs)
        {
            if (mixes)
                KernelCheck.Mixing(dtype, 6, kernel, inputs);
            else
                KernelCheck.Linear(dtype, kernel, inputs);
        }
        Check((b, t) =>
        {
            Tensor y = KernelCheck.Destination(b, g.Output, t[0].DType);
            Tensor biased = KernelCheck.Destination(b, g.Output, t[0].DType);
            b.Run(new Conv2dCall(g, t[0], t[1], null, y));
            b.Run(new Conv2dCall(g, t[0], t[1], t[2], biased));
            return [y, biased];
        }, x, w, bias);
        Check((b, t) =>
        {
            Tensor dx = KernelCheck.Destination(b, g.Input, t[0].DType);
            b.Run(new Conv2dInputGradientCall(g, t[0], t[1], dx));
            return [dx];
        }, dy, w);
        Check((b, t) =>
        {
            Tensor dw = KernelCheck.Destination(b, g.Weight, t[0].DType);
            b.Run(new Conv2dWeightGradientCall(g, t[0], t[1], dw));
            return [dw];
        }, x, dy);
    }

    private static Input Of(ulong seed, Shape shape) => Input.Random(seed, shape.Sizes.ToArray());

    [Fact]
    public void A_weight_gradient_of_many_images_is_the_sum_over_its_halves()
    {
        // 40 images are more than the chunks of the kernel, so several share one partial sum.
        Conv2dGeometry all = new(40, 3, 6, 6, new Conv2dFilter(10, 3, 3, 1, 1)), half = all with { N = 20 };
        Input x = Of(7, all.Input), dy = Of(8, all.Output);
        CpuBackend cpu = KernelCheck.Threads[1];
        using TensorScope scope = TensorScope.Begin();
        Tensor xs = x.On(cpu, DType.Float64), dys = dy.On(cpu, DType.Float64);
        double[] whole = Gradient(all, xs, dys);
        double[] first = Gradient(half, xs.View(0, half.Input), dys.View(0, half.Output));
        double[] second = Gradient(
            half, xs.View(half.Input.Count, half.Input), dys.View(half.Output.Count, half.Output));
        for (int i = 0; i < whole.Length; i++)
            Assert.Equal(first[i] + second[i], whole[i], 1e-11);

        double[] Gradient(Conv2dGeometry g, Tensor a, Tensor b)
        {
            Tensor dw = KernelCheck.Destination(cpu, g.Weight, DType.Float64);
            cpu.Run(new Conv2dWeightGradientCall(g, a, b, dw));
            return dw.ToArray<double>();
        }
    }
}
