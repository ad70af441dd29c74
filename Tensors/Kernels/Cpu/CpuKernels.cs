using System.Numerics;
using System.Numerics.Tensors;

namespace InfMatch.Tensors;

/// <summary>The kernels of the cpu in which no vector width is written, for one number type.</summary>
internal abstract unsafe class CpuKernels<T>(HostBackend backend, WorkerPool pool)
    : HostKernels<T>(backend), IKernel<BroadcastToCall>, IKernel<LogSoftmaxCall>, IKernel<CrossEntropyCall>,
        IKernel<CrossEntropyGradientCall>, IKernel<GatherRowsCall>, IKernel<ScatterRowsCall>, IKernel<AffineSampleCall>,
        IKernel<AffineSampleGradientCall>, IKernel<MaxPool2dCall>, IKernel<MaxPool2dGradientCall>, IKernel<SliceCall>,
        IKernel<PutSliceCall>, IKernel<CholeskySolveCall>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Elements in one chunk of an elementwise kernel: long against the cost of handing it out, short enough for the
    // L2 cache.
    protected const int Chunk = 32768;

    /// <summary>Whether convolutions are direct sums, whatever their shape; for comparisons.</summary>
    public bool IsDirect { get; set; }

    protected WorkerPool Pool => pool;

    public sealed override void Map<F>(HostBlock<T> x, HostBlock<T> y) =>
        pool.RunChunks(y.Length, Chunk, (begin, end) => F.Apply<T>(x.Span[begin..end], y.Span[begin..end]));

    public sealed override void Zip<F>(HostBlock<T> a, HostBlock<T> b, HostBlock<T> y) =>
        pool.RunChunks(
            y.Length, Chunk, (begin, end) => F.Apply<T>(a.Span[begin..end], b.Span[begin..end], y.Span[begin..end]));

    public void Run(BroadcastToCall call) =>
        new Broadcasting(call.X.Shape, call.Y.Shape).Stretch(pool, Block(call.X), Block(call.Y));

    public void Run(LogSoftmaxCall call)
    {
        (int rows, int columns) = (call.X.Shape[0], call.X.Shape[1]);
        (HostBlock<T> x, HostBlock<T> y) = (Block(call.X), Block(call.Y));
        pool.RunChunks(rows, RowsOf(columns), (begin, end) =>
        {
            for (int r = begin; r < end; r++)
                RowKernels.LogSoftmax(x.Span.Slice(r * columns, columns), y.Span.Slice(r * columns, columns));
        });
    }

    public void Run(CrossEntropyCall call)
    {
        (int rows, int columns) = (call.Logits.Shape[0], call.Logits.Shape[1]);
        HostBlock<T> logits = Block(call.Logits), labels = Block(call.Labels), y = Block(call.Y);
        double* losses = Scratch.Get<double>(ScratchUse.Partials, Math.Max(1, rows));
        pool.RunChunks(rows, RowsOf(columns), (begin, end) =>
        {
            var work = new Span<double>(Scratch.Get<double>(ScratchUse.Image, columns), columns);
            for (int r = begin; r < end; r++)
            {
                losses[r] = RowKernels.CrossEntropy<T>(
                    logits.Span.Slice(r * columns, columns), labels.Span.Slice(r * columns, columns), work);
            }
        });
        WorkerPool.RunOnce(() => *y.Pointer = T.CreateTruncating(Total(losses, rows) / rows));
    }

    public void Run(CrossEntropyGradientCall call)
    {
        (int rows, int columns) = (call.Logits.Shape[0], call.Logits.Shape[1]);
        HostBlock<T> logits = Block(call.Logits), labels = Block(call.Labels), dy = Block(call.Dy);
        HostBlock<T>? dlogits = Optional(call.DLogits), dlabels = Optional(call.DLabels);
        pool.RunChunks(rows, RowsOf(columns), (begin, end) =>
        {
            var work = new Span<double>(Scratch.Get<double>(ScratchUse.Image, columns), columns);
            for (int r = begin; r < end; r++)
            {
                RowKernels.CrossEntropyGradient(
                    logits.Span.Slice(r * columns, columns), labels.Span.Slice(r * columns, columns),
                    double.CreateTruncating(*dy.Pointer) / rows, work,
                    dlogits is { } dz ? dz.Span.Slice(r * columns, columns) : default,
                    dlabels is { } dq ? dq.Span.Slice(r * columns, columns) : default);
            }
        });
    }

    protected static double Total(double* numbers, int count)
    {
        double sum = 0;
        for (int i = 0; i < count; i++)
            sum += numbers[i];
        return sum;
    }

    private static int RowsOf(int columns) => Math.Max(1, 4096 / Math.Max(1, columns));

    public void Run(GatherRowsCall call)
    {
        int row = call.X.Count / Math.Max(1, call.X.Shape[0]);
        (HostBlock<T> x, HostBlock<T> y) = (Block(call.X), Block(call.Y));
        if (CapturedGraph.Current is null)
            Gather(row, x, call.Indices.Span, y);
        else
            CaptureGather(row, x, call.Indices.ToArray(), y);
    }

    // The indices of a captured call are part of it; see WorkerPool for why this is a method of its own.
    private static void CaptureGather(int row, HostBlock<T> x, int[] indices, HostBlock<T> y) =>
        WorkerPool.RunOnce(() => Gather(row, x, indices, y));

    private static void Gather(int row, HostBlock<T> x, ReadOnlySpan<int> indices, HostBlock<T> y)
    {
        if (row == 1)
        {
            Span<T> from = x.Span, to = y.Span[..indices.Length];
            for (int i = 0; i < to.Length; i++)
                to[i] = from[indices[i]];
            return;
        }
        for (int i = 0; i < indices.Length; i++)
            x.Span.Slice(indices[i] * row, row).CopyTo(y.Span.Slice(i * row, row));
    }

    public void Run(ScatterRowsCall call)
    {
        int row = call.Dx.Count / Math.Max(1, call.Dx.Shape[0]);
        (HostBlock<T> dy, HostBlock<T> dx) = (Block(call.Dy), Block(call.Dx));
        if (CapturedGraph.Current is null)
            Scatter(row, dy, call.Indices.Span, dx);
        else
            CaptureScatter(row, dy, call.Indices.ToArray(), dx);
    }

    private static void CaptureScatter(int row, HostBlock<T> dy, int[] indices, HostBlock<T> dx) =>
        WorkerPool.RunOnce(() => Scatter(row, dy, indices, dx));

    private static void Scatter(int row, HostBlock<T> dy, ReadOnlySpan<int> indices, HostBlock<T> dx)
    {
        dx.Span.Clear();
        if (row == 1)
        {
            Span<T> from = dy.Span[..indices.Length], into = dx.Span;
            for (int i = 0; i < from.Length; i++)
                into[indices[i]] += from[i];
            return;
        }
        for (int i = 0; i < indices.Length; i++)
        {
            Span<T> to = dx.Span.Slice(indices[i] * row, row);
            TensorPrimitives.Add(to, dy.Span.Slice(i * row, row), to);
        }
    }

    public void Run(SliceCall call)
    {
        (SliceGeometry g, HostBlock<T> x, HostBlock<T> y) = (call.Geometry, Block(call.X), Block(call.Y));
        int stride = g.Stride, offset = g.Offset, length = g.PieceLength;
        pool.RunChunks(g.Pieces, RowsOf(length), (begin, end) =>
        {
            for (int i = begin; i < end; i++)
                x.Span.Slice(i * stride + offset, length).CopyTo(y.Span.Slice(i * length, length));
        });
    }

    public void Run(PutSliceCall call)
    {
        (SliceGeometry g, HostBlock<T> x, HostBlock<T> y) = (call.Geometry, Block(call.X), Block(call.Y));
        int stride = g.Stride, offset = g.Offset, length = g.PieceLength;
        pool.RunChunks(g.Pieces, RowsOf(length), (begin, end) =>
        {
            for (int i = begin; i < end; i++)
                x.Span.Slice(i * length, length).CopyTo(y.Span.Slice(i * stride + offset, length));
        });
    }

    public void Run(CholeskySolveCall call) =>
        CholeskySolving.Run(Pool, Block(call.K), call.Shift, Block(call.Y), Block(call.X), call.X.Shape[0]);

    public void Run(AffineSampleCall call) =>
        AffineSampling.Forward(pool, call.X.Shape, Block(call.X), Block(call.Transforms), Block(call.Y));

    public void Run(AffineSampleGradientCall call) =>
        AffineSampling.Backward(pool, call.Dx.Shape, Block(call.Dy), Block(call.Transforms), Block(call.Dx));

    public void Run(MaxPool2dCall call) =>
        MaxPooling.Forward(pool, call.Geometry, Block(call.X), Block(call.V), Block(call.Y));

    public void Run(MaxPool2dGradientCall call) =>
        MaxPooling.Backward(pool, call.Geometry, Block(call.X), Block(call.Dy), Block(call.Dx));
}
