using System.Numerics;
using System.Runtime.Intrinsics;

namespace InfMatch.Tensors;

/// <summary>Chooses the kernels that are compiled for one vector width, or for single numbers.</summary>
internal static class VectorKernels
{
    public static CpuKernels<T> OfWidth<T>(int bits, HostBackend backend, WorkerPool pool)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => bits switch
        {
            512 => new VectorKernels<T, Vector512<T>, Simd512<T>>(backend, pool),
            256 => new VectorKernels<T, Vector256<T>, Simd256<T>>(backend, pool),
            128 => new VectorKernels<T, Vector128<T>, Simd128<T>>(backend, pool),
            _ => new VectorKernels<T, double, SimdScalar<T>>(backend, pool),
        };
}

/// <summary>The kernels of the cpu that are written in vectors of one width.</summary>
internal sealed unsafe partial class VectorKernels<T, V, S>(HostBackend backend, WorkerPool pool)
    : CpuKernels<T>(backend, pool), IKernel<AffineCall>, IKernel<AxpyCall>, IKernel<DotCall>, IKernel<SumToCall>,
        IKernel<SgdStepCall>, IKernel<MatMulCall>, IKernel<Conv2dCall>, IKernel<Conv2dInputGradientCall>,
        IKernel<Conv2dWeightGradientCall>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    public void Run(AffineCall call)
    {
        (HostBlock<T> x, HostBlock<T> y) = (Block(call.X), Block(call.Y));
        (T scale, T shift) = (T.CreateTruncating(call.Scale), T.CreateTruncating(call.Shift));
        Pool.RunChunks(y.Length, Chunk, (begin, end) =>
            Elementwise<T, V, S>.Affine(x.Pointer + begin, scale, shift, y.Pointer + begin, end - begin));
    }

    public void Run(AxpyCall call)
    {
        HostBlock<T> x = Block(call.X), y = Block(call.Y), z = Block(call.Z);
        T a = T.CreateTruncating(call.A);
        Pool.RunChunks(z.Length, Chunk, (begin, end) =>
            Elementwise<T, V, S>.Axpy(a, x.Pointer + begin, y.Pointer + begin, z.Pointer + begin, end - begin));
    }

    public void Run(DotCall call)
    {
        (HostBlock<T> x, HostBlock<T> y) = (Block(call.X), Block(call.Y));
        HostBlock<double> result = Float64(call.Result);
        int chunks = (x.Length + Chunk - 1) / Chunk;
        double* sums = Scratch.Get<double>(ScratchUse.Partials, Math.Max(1, chunks));
        Pool.RunChunks(x.Length, Chunk, (begin, end) =>
            sums[begin / Chunk] = Elementwise<T, V, S>.Dot(x.Pointer + begin, y.Pointer + begin, end - begin));
        WorkerPool.RunOnce(() => *result.Pointer = Total(sums, chunks));
    }

    public void Run(SumToCall call) =>
        new Broadcasting(call.Y.Shape, call.X.Shape).Sum(Pool, Block(call.X), Block(call.Y), Elementwise<T, V, S>.Sum);

    public void Run(SgdStepCall call)
    {
        HostBlock<T> theta = Block(call.From.Theta), velocity = Block(call.From.Velocity);
        HostBlock<T> gradient = Block(call.Gradient), newTheta = Block(call.To.Theta), newVelocity = Block(call.To.Velocity);
        T rate = T.CreateTruncating(call.Rates.Rate), momentum = T.CreateTruncating(call.Rates.Momentum);
        T weightDecay = T.CreateTruncating(call.Rates.WeightDecay);
        Pool.RunChunks(theta.Length, Chunk, (begin, end) => Elementwise<T, V, S>.SgdStep(
            theta.Pointer + begin, velocity.Pointer + begin, gradient.Pointer + begin, rate, momentum, weightDecay,
            newTheta.Pointer + begin, newVelocity.Pointer + begin, end - begin));
    }

    public void Run(MatMulCall call)
    {
        int m = call.Y.Shape[0], n = call.Y.Shape[1], k = call.TransposeA ? call.A.Shape[0] : call.A.Shape[1];
        Gemm<T, V, S>.Run(
            Pool, m, n, k, Block(call.A), call.TransposeA, Block(call.B), call.TransposeB, Block(call.Y));
    }

    public void Run(Conv2dCall call)
    {
        Conv2dGeometry g = call.Geometry;
        if (!IsDirect && Winograd<T, V, S>.Applies(g))
            Winograd<T, V, S>.Forward(Pool, g, Block(call.X), Block(call.W), Optional(call.Bias), Block(call.Y));
        else
            Convolution<T, V, S>.Forward(Pool, g, Block(call.X), Block(call.W), Optional(call.Bias), Block(call.Y));
    }

    public void Run(Conv2dInputGradientCall call)
    {
        Conv2dGeometry g = call.Geometry;
        if (!IsDirect && Winograd<T, V, S>.Applies(g))
            Winograd<T, V, S>.InputGradient(Pool, g, Block(call.Dy), Block(call.W), Block(call.Dx));
        else
            Convolution<T, V, S>.InputGradient(Pool, g, Block(call.Dy), Block(call.W), Block(call.Dx));
    }

    public void Run(Conv2dWeightGradientCall call)
    {
        Conv2dGeometry g = call.Geometry;
        if (!IsDirect && Winograd<T, V, S>.AppliesToWeights(g))
            Winograd<T, V, S>.WeightGradient(Pool, g, Block(call.X), Block(call.Dy), Block(call.Dw));
        else
            ConvolutionWeights<T, V, S>.Gradient(Pool, g, Block(call.X), Block(call.Dy), Block(call.Dw));
    }
}
