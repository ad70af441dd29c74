using System.Numerics;
using System.Runtime.Intrinsics;

namespace InfMatch.Tensors;

/// <summary>The kernels that are compiled for one vector width, or for single numbers, behind a type that does not name the width.</summary>
internal abstract unsafe class VectorKernels<T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static VectorKernels<T> OfWidth(int bits) => bits switch
    {
        512 => new VectorKernels<T, Vector512<T>, Simd512<T>>(),
        256 => new VectorKernels<T, Vector256<T>, Simd256<T>>(),
        128 => new VectorKernels<T, Vector128<T>, Simd128<T>>(),
        _ => new VectorKernels<T, double, SimdScalar<T>>(),
    };

    /// <summary>Whether convolutions are direct sums, whatever their shape; for comparisons.</summary>
    public bool IsDirect { get; set; }

    public abstract void Affine(T* x, T scale, T shift, T* y, int count);

    public abstract void Axpy(T a, T* x, T* y, T* z, int count);

    public abstract double Dot(T* x, T* y, int count);

    public abstract double Sum(T* x, int count);

    public abstract void SgdStep(
        T* theta, T* velocity, T* gradient, T rate, T momentum, T weightDecay, T* newTheta, T* newVelocity, int count);

    public abstract void MatMul(
        WorkerPool pool, int m, int n, int k, HostBlock<T> a, bool transposeA, HostBlock<T> b, bool transposeB,
        HostBlock<T> y);

    public abstract void Conv2d(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> x, HostBlock<T> w, HostBlock<T>? bias, HostBlock<T> y);

    public abstract void Conv2dInputGradient(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> dy, HostBlock<T> w, HostBlock<T> dx);

    public abstract void Conv2dWeightGradient(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> x, HostBlock<T> dy, HostBlock<T> dw);

    public abstract void NormReluPool(
        WorkerPool pool, Pool2dGeometry g, double epsilon, HostBlock<T> x, HostBlock<T> gamma, HostBlock<T> beta,
        HostBlock<T> y);

    public abstract void NormReluPoolGradient(
        WorkerPool pool, Pool2dGeometry g, double epsilon, HostBlock<T> x, HostBlock<T> gamma, HostBlock<T> beta,
        HostBlock<T> dy, HostBlock<T>? dx, HostBlock<T>? dgamma, HostBlock<T>? dbeta);

    public abstract void AvgPool2d(WorkerPool pool, Pool2dGeometry g, HostBlock<T> x, HostBlock<T> y);

    public abstract void AvgPool2dGradient(WorkerPool pool, Pool2dGeometry g, HostBlock<T> dy, HostBlock<T> dx);
}

internal sealed unsafe class VectorKernels<T, V, S> : VectorKernels<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    public override void Affine(T* x, T scale, T shift, T* y, int count) =>
        Elementwise<T, V, S>.Affine(x, scale, shift, y, count);

    public override void Axpy(T a, T* x, T* y, T* z, int count) => Elementwise<T, V, S>.Axpy(a, x, y, z, count);

    public override double Dot(T* x, T* y, int count) => Elementwise<T, V, S>.Dot(x, y, count);

    public override double Sum(T* x, int count) => Elementwise<T, V, S>.Sum(x, count);

    public override void SgdStep(
        T* theta, T* velocity, T* gradient, T rate, T momentum, T weightDecay, T* newTheta, T* newVelocity,
        int count) =>
        Elementwise<T, V, S>.SgdStep(
            theta, velocity, gradient, rate, momentum, weightDecay, newTheta, newVelocity, count);

    public override void MatMul(
        WorkerPool pool, int m, int n, int k, HostBlock<T> a, bool transposeA, HostBlock<T> b, bool transposeB,
        HostBlock<T> y) => Gemm<T, V, S>.Run(pool, m, n, k, a, transposeA, b, transposeB, y);

    public override void Conv2d(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> x, HostBlock<T> w, HostBlock<T>? bias, HostBlock<T> y)
    {
        if (!IsDirect && Winograd<T, V, S>.Applies(g))
            Winograd<T, V, S>.Forward(pool, g, x, w, bias, y);
        else
            Convolution<T, V, S>.Forward(pool, g, x, w, bias, y);
    }

    public override void Conv2dInputGradient(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> dy, HostBlock<T> w, HostBlock<T> dx)
    {
        if (!IsDirect && Winograd<T, V, S>.Applies(g))
            Winograd<T, V, S>.InputGradient(pool, g, dy, w, dx);
        else
            Convolution<T, V, S>.InputGradient(pool, g, dy, w, dx);
    }

    public override void Conv2dWeightGradient(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> x, HostBlock<T> dy, HostBlock<T> dw)
    {
        if (!IsDirect && Winograd<T, V, S>.AppliesToWeights(g))
            Winograd<T, V, S>.WeightGradient(pool, g, x, dy, dw);
        else
            ConvolutionWeights<T, V, S>.Gradient(pool, g, x, dy, dw);
    }

    public override void NormReluPool(
        WorkerPool pool, Pool2dGeometry g, double epsilon, HostBlock<T> x, HostBlock<T> gamma, HostBlock<T> beta,
        HostBlock<T> y) => PlaneNorm<T, V, S>.Forward(pool, g, epsilon, x, gamma, beta, y);

    public override void NormReluPoolGradient(
        WorkerPool pool, Pool2dGeometry g, double epsilon, HostBlock<T> x, HostBlock<T> gamma, HostBlock<T> beta,
        HostBlock<T> dy, HostBlock<T>? dx, HostBlock<T>? dgamma, HostBlock<T>? dbeta) =>
        PlaneNorm<T, V, S>.Backward(pool, g, epsilon, x, gamma, beta, dy, dx, dgamma, dbeta);

    public override void AvgPool2d(WorkerPool pool, Pool2dGeometry g, HostBlock<T> x, HostBlock<T> y)
    {
        int area = g.H * g.W, pooled = g.OutH * g.OutW;
        pool.RunChunks(g.N * g.C, Math.Max(1, 16384 / Math.Max(1, area)), (begin, end) =>
        {
            T* plane = Scratch.Get<T>(ScratchUse.Image, area);
            for (int p = begin; p < end; p++)
            {
                new ReadOnlySpan<T>(x.Pointer + (nint)p * area, area).CopyTo(new Span<T>(plane, area));
                PlanePool<T, V, S>.Mean(g, plane, y.Pointer + (nint)p * pooled);
            }
        });
    }

    public override void AvgPool2dGradient(WorkerPool pool, Pool2dGeometry g, HostBlock<T> dy, HostBlock<T> dx)
    {
        int area = g.H * g.W, pooled = g.OutH * g.OutW;
        pool.RunChunks(g.N * g.C, Math.Max(1, 16384 / Math.Max(1, area)), (begin, end) =>
        {
            for (int p = begin; p < end; p++)
                PlanePool<T, V, S>.Spread(g, dy.Pointer + (nint)p * pooled, dx.Pointer + (nint)p * area);
        });
    }
}
