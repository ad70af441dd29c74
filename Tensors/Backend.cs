using System.Buffers;

namespace InfMatch.Tensors;

/// <summary>
/// The seam between the mathematics and a device: memory, and every kernel. Destinations come last, are made by the
/// caller, have the inferred shape, and never overlap a source. All tensors of one call live on this backend and share
/// one number type unless stated otherwise. Nothing above Tensors knows which backend runs. The definition of each
/// kernel is its plain loop in <see cref="ReferenceBackend"/>; another backend must agree with it in float64 to
/// rounding, and gives the same bits again for the same call.
/// </summary>
public abstract class Backend
{
    /// <summary>A short name for messages and reports, such as "cpu" or "reference".</summary>
    public abstract string Name { get; }

    /// <summary>One line on the device: model, instruction set, threads.</summary>
    public abstract string Description { get; }

    /// <summary>What this backend holds: bytes in use, cached, and their peak.</summary>
    public abstract MemoryReport Memory { get; }

    /// <summary>What large products of float32 tensors are computed in, where no <see cref="FullPrecision"/> is
    /// required.</summary>
    public virtual Precision Precision => Precision.Float32;

    /// <summary>How many independent pieces of work are best done side by side; 1 where kernels fill the device one by
    /// one.</summary>
    public virtual int DegreeOfParallelism => 1;

    /// <summary>Whether kernel calls can be taken down and made again: see <see cref="CapturedGraph"/>.</summary>
    public virtual bool CanCapture => false;

    /// <summary>About how many numbers of a long chain of kernels are best worked on at once, so that they stay in the caches of
    /// one lane; the most there is where memory is as near for any number. It does not depend on the number of threads.</summary>
    public virtual long NumbersInCache => long.MaxValue;

    /// <summary>Runs work(0) … work(count − 1), which must not depend on each other, up to <see cref="DegreeOfParallelism"/> at a time; the
    /// kernels of each then run on its own thread. The bits are those of one after the other. Tensors that work keeps
    /// belong to no scope. The first exception comes to the caller when all that had begun has ended.</summary>
    public virtual void RunInParallel(int count, Action<int> work)
    {
        for (int i = 0; i < count; i++)
        {
            using IDisposable _ = TensorScope.BeginDetached();
            work(i);
        }
    }

    /// <summary>A new tensor whose numbers are not initialised.</summary>
    /// <exception cref="DeviceMemoryException">The device has no room.</exception>
    public Tensor Empty(Shape shape, DType dtype)
    {
        Storage storage = CapturedGraph.Current is { } graph
            ? graph.Allocate(dtype, shape.Count)
            : Allocate(dtype, shape.Count);
        TensorScope.Adopt(storage);
        return new Tensor(storage, 0, shape);
    }

    /// <summary>A buffer that is not initialised.</summary>
    /// <exception cref="DeviceMemoryException">The device has no room.</exception>
    protected abstract Storage Allocate(DType dtype, int length);

    /// <summary>The bytes that a buffer takes of the memory that is counted.</summary>
    internal virtual long BytesTaken(DType dtype, int length) => (long)length * dtype.Size();

    internal Storage AllocateBuffer(DType dtype, int length) => Allocate(dtype, length);

    /// <summary>A buffer without memory, for kernels that are not run; only where graphs are captured.</summary>
    internal virtual Storage Placeholder(DType dtype, int length) =>
        throw new NotSupportedException($"{Name} captures no graphs.");

    /// <summary>y_i = low + (high − low)·u_i with u_i number i of the key, <see cref="RandomKey.UniformAt"/>, in float64 and
    /// rounded to y's number type: the same numbers on every backend to a rounding of the sum, and none is copied there.</summary>
    public abstract void Uniform(RandomKey key, double low, double high, Tensor y);

    /// <summary>Copies from the host.</summary>
    public abstract void Upload<T>(ReadOnlySpan<T> source, Tensor y) where T : unmanaged;

    /// <summary>Copies float64 numbers from the host, rounded to y's number type.</summary>
    public void UploadRounded(ReadOnlySpan<double> source, Tensor y)
    {
        if (y.DType == DType.Float64)
        {
            Upload(source, y);
            return;
        }
        if (source.Length > MostRented)
        {
            Upload<float>(Round(source, new float[source.Length]), y);
            return;
        }
        float[] rented = ArrayPool<float>.Shared.Rent(source.Length);
        try
        {
            Upload<float>(Round(source, rented.AsSpan(0, source.Length)), y);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(rented);
        }
    }

    // What is sent each step is smaller; larger arrays would stay in the runtime's pool.
    private const int MostRented = 1 << 20;

    private static Span<float> Round(ReadOnlySpan<double> source, Span<float> rounded)
    {
        for (int i = 0; i < rounded.Length; i++)
            rounded[i] = (float)source[i];
        return rounded;
    }

    /// <summary>Copies to the host; waits for the device.</summary>
    public abstract void Download<T>(Tensor x, Span<T> destination) where T : unmanaged;

    /// <summary>Copies several tensors to the host; waits for the device once. <typeparamref name="T"/> is their number
    /// type.</summary>
    public virtual T[][] DownloadAll<T>(IReadOnlyList<Tensor> tensors) where T : unmanaged =>
        [.. tensors.Select(x => x.ToArray<T>())];

    /// <summary>y = value everywhere.</summary>
    public abstract void Fill(Tensor y, double value);

    /// <summary>y = x, in memory order; the shapes may differ, the counts not.</summary>
    public abstract void Copy(Tensor x, Tensor y);

    /// <summary>y = the numbers of all parts one behind the other; one <see cref="Copy"/> a part unless a backend has a
    /// better way.</summary>
    public virtual void Concat(ReadOnlySpan<Tensor> parts, Tensor y)
    {
        int start = 0;
        foreach (Tensor part in parts)
        {
            Copy(part, y.View(start, part.Shape));
            start += part.Count;
        }
    }

    /// <summary>y = x, rounded to y's number type, which may differ.</summary>
    public abstract void Convert(Tensor x, Tensor y);

    /// <summary>y_i = f(x_i).</summary>
    public abstract void Map<F>(Tensor x, Tensor y) where F : struct, IUnaryFunction;

    /// <summary>y_i = f(a_i, b_i), all of one shape.</summary>
    public abstract void Zip<F>(Tensor a, Tensor b, Tensor y) where F : struct, IBinaryFunction;

    /// <summary>y = scale·x + shift.</summary>
    public abstract void Affine(Tensor x, double scale, double shift, Tensor y);

    /// <summary>z = a·x + y.</summary>
    public abstract void Axpy(double a, Tensor x, Tensor y, Tensor z);

    /// <summary>result = Σ x_i·y_i, summed in float64; result is a float64 scalar.</summary>
    public abstract void Dot(Tensor x, Tensor y, Tensor result);

    /// <summary>y = x stretched to y's shape by NumPy's rules.</summary>
    public abstract void BroadcastTo(Tensor x, Tensor y);

    /// <summary>y = x summed over the dimensions in which y has size 1 or which y lacks, in float64: the adjoint of
    /// <see cref="BroadcastTo"/>.</summary>
    public abstract void SumTo(Tensor x, Tensor y);

    /// <summary>y [M, N] = op(a)·op(b), where op transposes if asked.</summary>
    public abstract void MatMul(Tensor a, bool transposeA, Tensor b, bool transposeB, Tensor y);

    /// <summary>y [N, K, OH, OW] = x [N, C, H, W] cross-correlated with w [K, C, R, S], plus bias [K] if given.</summary>
    public abstract void Conv2d(Conv2dGeometry g, Tensor x, Tensor w, Tensor? bias, Tensor y);

    /// <summary>dx [N, C, H, W]: the adjoint of <see cref="Conv2d"/> in x, applied to dy [N, K, OH, OW].</summary>
    public abstract void Conv2dInputGradient(Conv2dGeometry g, Tensor dy, Tensor w, Tensor dx);

    /// <summary>dw [K, C, R, S]: the adjoint of <see cref="Conv2d"/> in w, applied to dy [N, K, OH, OW].</summary>
    public abstract void Conv2dWeightGradient(Conv2dGeometry g, Tensor x, Tensor dy, Tensor dw);

    /// <summary>y = the mean of each P×P window of x.</summary>
    public abstract void AvgPool2d(Pool2dGeometry g, Tensor x, Tensor y);

    /// <summary>dx: the adjoint of <see cref="AvgPool2d"/>; zero where no window reaches.</summary>
    public abstract void AvgPool2dGradient(Pool2dGeometry g, Tensor dy, Tensor dx);

    /// <summary>y [N, C, ⌊H/P⌋, ⌊W/P⌋] = of each P×P window the element of v [N, C, H, W] that stands where x [N, C, H, W] is
    /// largest; v may be x itself. Of equal elements the first counts, row by row, and a NaN counts as the largest, so that it
    /// spreads.</summary>
    public abstract void MaxPool2d(Pool2dGeometry g, Tensor x, Tensor v, Tensor y);

    /// <summary>dx: the adjoint of <see cref="MaxPool2d"/> in v, applied to dy [N, C, ⌊H/P⌋, ⌊W/P⌋]; zero where x is not the
    /// largest of its window.</summary>
    public abstract void MaxPool2dGradient(Pool2dGeometry g, Tensor x, Tensor dy, Tensor dx);

    /// <summary>
    /// One block of a ConvNet behind its convolution, in one pass over memory: instance norm over each [H, W] plane
    /// (biased variance, x̂ = (x − mean)/√(var + ε)), y' = γ_c·x̂ + β_c, ReLU, mean of P×P windows.
    /// </summary>
    public abstract void NormReluPool(Pool2dGeometry g, double epsilon, Tensor x, Tensor gamma, Tensor beta, Tensor y);

    /// <summary>The adjoint of <see cref="NormReluPool"/> at x, applied to dy [N, C, ⌊H/P⌋, ⌊W/P⌋]; a null destination
    /// is not computed. ReLU'(0) = 0.</summary>
    public abstract void NormReluPoolGradient(
        Pool2dGeometry g, double epsilon, Tensor x, Tensor gamma, Tensor beta, Tensor dy,
        Tensor? dx, Tensor? dgamma, Tensor? dbeta);

    /// <summary>y [N, M] = x − log Σ exp x along each row, safe against overflow.</summary>
    public abstract void LogSoftmax(Tensor x, Tensor y);

    /// <summary>y, a scalar = the mean over the rows of −Σ_c q_c·log softmax(z)_c, z = logits and q = labels, both
    /// [N, M], summed in float64; safe against overflow. 0·log 0 is 0: a logit of −∞ counts nothing where its label is 0, and
    /// makes +∞ where it is above 0. NaN, +∞ and a row of −∞ alone give NaN.</summary>
    public abstract void CrossEntropy(Tensor logits, Tensor labels, Tensor y);

    /// <summary>The adjoint of <see cref="CrossEntropy"/> at z and q, applied to the scalar dy: dlogits
    /// = dy/N·((Σ_c q_c)·softmax(z) − q) and dlabels = −dy/N·log softmax(z), both [N, M]; a null destination is not
    /// computed. At a logit of −∞ dlogits is −dy/N·q and finite, and dlabels is infinite, or 0 where dy is 0.</summary>
    public abstract void CrossEntropyGradient(
        Tensor logits, Tensor labels, Tensor dy, Tensor? dlogits, Tensor? dlabels);

    /// <summary>y = the rows (outermost slices) of x named by <paramref name="indices"/>.</summary>
    public abstract void GatherRows(Tensor x, ReadOnlySpan<int> indices, Tensor y);

    /// <summary>dx = for each row of x the sum of the rows of dy that were gathered from it, in order.</summary>
    public abstract void ScatterRows(Tensor dy, ReadOnlySpan<int> indices, Tensor dx);

    /// <summary>
    /// y [N, C, H, W]: bilinear samples of x [N, C, H, W] at source = A_n·(column, row, 1), where A_n are the six
    /// numbers n of transforms [N, 6] (row-major 2×3) and coordinates are in pixels from the image centre
    /// ((W−1)/2, (H−1)/2). What lies outside x is zero.
    /// </summary>
    public abstract void AffineSample(Tensor x, Tensor transforms, Tensor y);

    /// <summary>dx: the adjoint of <see cref="AffineSample"/> in x.</summary>
    public abstract void AffineSampleGradient(Tensor dy, Tensor transforms, Tensor dx);

    /// <summary>v' = μ·v + g + λ·θ and θ' = θ − η·v': one step of SGD with momentum and weight decay.</summary>
    public abstract void SgdStep(
        Tensor theta, Tensor velocity, Tensor gradient, double rate, double momentum, double weightDecay,
        Tensor newTheta, Tensor newVelocity);
}

/// <summary>What a backend holds, in bytes.</summary>
/// <param name="InUse">Held by tensors.</param>
/// <param name="Cached">Held by the pool for reuse.</param>
/// <param name="Peak">The largest sum of both so far.</param>
/// <param name="LiveBuffers">The number of buffers held by tensors.</param>
/// <param name="Limit">What tensors may take: the memory of the device, or a lower budget.</param>
public readonly record struct MemoryReport(long InUse, long Cached, long Peak, int LiveBuffers, long Limit)
{
    /// <summary>The largest <see cref="InUse"/> so far: what a limit must leave room for, because the cache is given up where
    /// memory ends.</summary>
    public long PeakInUse { get; init; }
}
