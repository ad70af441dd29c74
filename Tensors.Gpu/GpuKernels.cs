using System.Numerics;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>The kernels of a device for one number type that are methods of the contract and no records.</summary>
internal abstract class GpuKernels
{
    public abstract void Uniform(RandomKey key, double low, double high, Tensor y);

    public abstract void Map<F>(Tensor x, Tensor y) where F : struct, IUnaryFunction;

    public abstract void Zip<F>(Tensor a, Tensor b, Tensor y) where F : struct, IBinaryFunction;
}

/// <summary>The kernels of a device for one number type: one <see cref="IKernel{K}"/> for each kind of call, which
/// chooses a launch for its shapes.</summary>
internal sealed partial class GpuKernels<T, N, X>(
    GpuBackend backend, GpuLauncher launcher, GpuMemory memory, GpuStaging staging)
    : GpuKernels, IKernel<AffineCall>, IKernel<AxpyCall>, IKernel<SgdStepCall>, IKernel<BroadcastToCall>,
        IKernel<SliceCall>, IKernel<PutSliceCall>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
    where X : unmanaged, IExtended<X, T>
{
    private const int Threads = GpuBackend.Threads;

    private ArrayView<T> View(Tensor tensor) => backend.View<T>(tensor);

    private ArrayView<T> View(Tensor? tensor, ArrayView<T> absent) => tensor is null ? absent : View(tensor);

    private static int Groups(int count) => GpuBackend.Groups(count);

    // The smallest power of two from 32 on that gives each of count numbers a thread, and 256 at most.
    private static int ThreadsFor(int count) =>
        (int)Math.Clamp(BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, count)), 32, Threads);

    public override void Uniform(RandomKey key, double low, double high, Tensor y)
    {
        if (y.Count > 0)
        {
            launcher.Launch(
                Groups((y.Count + 1) / 2), Threads, RandomKernels.Uniform<T, X>, View(y), y.Count, key.Value,
                X.OfFloat64(low), X.OfFloat64(high - low));
        }
        GC.KeepAlive(y);
    }

    public override void Map<F>(Tensor x, Tensor y)
    {
        (ArrayView<T> from, ArrayView<T> to) = (View(x), View(y));
        if (y.Count > 0)
            launcher.Launch(Groups(y.Count), Threads, ElementwiseKernels.Map<T, N, F>, from, to, y.Count);
        GC.KeepAlive((x, y));
    }

    public override void Zip<F>(Tensor a, Tensor b, Tensor y)
    {
        (ArrayView<T> p, ArrayView<T> q, ArrayView<T> to) = (View(a), View(b), View(y));
        if (y.Count > 0)
            launcher.Launch(Groups(y.Count), Threads, ElementwiseKernels.Zip<T, N, F>, p, q, to, y.Count);
        GC.KeepAlive((a, b, y));
    }

    public void Run(AffineCall call)
    {
        (ArrayView<T> from, ArrayView<T> to, int count) = (View(call.X), View(call.Y), call.Y.Count);
        if (count > 0)
        {
            launcher.Launch(
                Groups(count), Threads, ElementwiseKernels.Affine<T>, from, to, count, T.CreateTruncating(call.Scale),
                T.CreateTruncating(call.Shift));
        }
    }

    public void Run(AxpyCall call)
    {
        (ArrayView<T> p, ArrayView<T> q, ArrayView<T> to) = (View(call.X), View(call.Y), View(call.Z));
        int count = call.Z.Count;
        if (count > 0)
            launcher.Launch(Groups(count), Threads, ElementwiseKernels.Axpy<T>, p, q, to, count, T.CreateTruncating(call.A));
    }

    public void Run(SgdStepCall call)
    {
        int count = call.From.Theta.Count;
        if (count == 0)
            return;
        launcher.Launch(
            Groups(count), Threads, ElementwiseKernels.SgdStep<T>, View(call.From.Theta), View(call.From.Velocity),
            View(call.Gradient), View(call.To.Theta), View(call.To.Velocity), count, T.CreateTruncating(call.Rates.Rate),
            T.CreateTruncating(call.Rates.Momentum), T.CreateTruncating(call.Rates.WeightDecay));
    }

    public void Run(BroadcastToCall call)
    {
        (ArrayView<T> from, ArrayView<T> to) = (View(call.X), View(call.Y));
        if (call.Y.Count > 0)
        {
            launcher.Launch(
                Groups(call.Y.Count), Threads, ElementwiseKernels.BroadcastTo<T>, from, to,
                Merged.StretchOf(call.X.Shape, call.Y.Shape));
        }
    }

    public void Run(SliceCall call)
    {
        (ArrayView<T> from, ArrayView<T> to, int count) = (View(call.X), View(call.Y), call.Y.Count);
        if (count > 0)
            launcher.Launch(Groups(count), Threads, ElementwiseKernels.Slice<T>, from, to, count, PiecesOf(call.Geometry));
    }

    public void Run(PutSliceCall call)
    {
        (ArrayView<T> from, ArrayView<T> to, int count) = (View(call.X), View(call.Y), call.X.Count);
        if (count > 0)
            launcher.Launch(Groups(count), Threads, ElementwiseKernels.PutSlice<T>, from, to, count, PiecesOf(call.Geometry));
    }

    private static Pieces PiecesOf(SliceGeometry g) =>
        new() { Offset = g.Offset, Length = g.PieceLength, Stride = g.Stride };
}
