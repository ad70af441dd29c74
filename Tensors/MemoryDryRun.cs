namespace InfMatch.Tensors;

/// <summary>
/// A backend that takes no memory and computes nothing: it counts what the same computation would hold on another
/// backend. Buffers count in the size classes of that backend's pool. Parallel pieces count as if each held its peak at
/// the same time, captured graphs by their shared buffers. All numbers read from it are 1. Not counted are the working
/// memory of kernels, and the pool's cache, which is given up where memory ends.
/// </summary>
/// <param name="of">The backend that is meant.</param>
/// <param name="captures">Whether graphs are captured where that backend captures them: the work of a replay is not counted.</param>
public sealed class MemoryDryRun(Backend of, bool captures = true) : Backend
{
    // A number that is read or written takes as long as so many multiplications in a product of matrices: memory is slower.
    private const long ProductsPerNumber = 16;

    private readonly int _degree = of.DegreeOfParallelism;
    private long _inUse, _peak;
    private int _live, _depth;

    /// <inheritdoc/>
    public override string Name { get; } = of.Name;

    /// <inheritdoc/>
    public override string Description => $"a dry run of {Name}";

    /// <summary>What would be held now and at most since <see cref="ForgetPeak"/>; nothing is cached, and there is no
    /// limit.</summary>
    public override MemoryReport Memory => new(_inUse, 0, _peak, _live, long.MaxValue) { PeakInUse = _peak };

    /// <inheritdoc/>
    public override Precision Precision { get; } = of.Precision;

    /// <inheritdoc/>
    public override int DegreeOfParallelism => _degree;

    /// <inheritdoc/>
    public override bool RunsFewInTurn { get; } = of.RunsFewInTurn;

    /// <inheritdoc/>
    public override bool CanCapture { get; } = captures && of.CanCapture;

    /// <inheritdoc/>
    public override long NumbersInCache { get; } = of.NumbersInCache;

    /// <summary>How much has been computed so far, in multiplications of products and convolutions: every number that a kernel reads
    /// or writes counts as some of them. A measure to compare steps of like networks by, and no time.</summary>
    public long Work { get; private set; }

    /// <summary>Lets the peak begin again at what is held now.</summary>
    public void ForgetPeak() => _peak = _inUse;

    /// <summary>One piece after the other; their peak is that of as many as run at once, each at its most, beside what all
    /// keep.</summary>
    public override void RunInParallel(int count, Action<int> work)
    {
        CapturedGraph.Refuse("Parallel work");
        long start = _inUse, before = _peak;
        var above = new List<long>(count);
        _depth++;
        try
        {
            for (int i = 0; i < count; i++)
            {
                long held = _inUse;
                ForgetPeak();
                using (TensorScope.BeginDetached())
                    work(i);
                above.Add(_peak - Math.Max(held, _inUse));
            }
        }
        finally
        {
            _depth--;
        }
        // Pieces inside a piece run one after the other.
        int atOnce = _depth > 0 ? 1 : _degree;
        long together = above.OrderDescending().Take(atOnce).Sum();
        _peak = Math.Max(before, Math.Max(start, _inUse) + together);
    }

    /// <inheritdoc/>
    protected override Storage Allocate(DType dtype, int length) =>
        new PlaceholderStorage(this, dtype, length, of.BytesTaken(dtype, length));

    internal override Storage Placeholder(DType dtype, int length) => new PlaceholderStorage(this, dtype, length, 0);

    private void Count(long bytes, int buffers)
    {
        _inUse += bytes;
        _live += buffers;
        _peak = Math.Max(_peak, _inUse);
    }

    private void Uses(params ReadOnlySpan<Tensor?> tensors)
    {
        foreach (Tensor? tensor in tensors)
        {
            if (tensor is null)
                continue;
            ObjectDisposedException.ThrowIf(tensor.Storage.IsReleased, tensor);
            CapturedGraph.Uses(tensor.Storage);
            Work += ProductsPerNumber * tensor.Count;
        }
    }

    // As direct sums: each number of a map of K channels takes the weights of one of them.
    private static long Products(IKernelCall call) => call switch
    {
        MatMulCall c => (long)c.Y.Count * (c.A.Count / Math.Max(1, c.Y.Shape[0])),
        Conv2dCall c => (long)c.Y.Count * (c.W.Count / Math.Max(1, c.W.Shape[0])),
        Conv2dInputGradientCall c => (long)c.Dy.Count * (c.W.Count / Math.Max(1, c.W.Shape[0])),
        Conv2dWeightGradientCall c => (long)c.Dy.Count * (c.Dw.Count / Math.Max(1, c.Dw.Shape[0])),
        _ => 0,
    };

    // A buffer that is only counted; one that shares another's memory, or is a tensor of a graph, counts nothing.
    private sealed class PlaceholderStorage : Storage
    {
        private readonly MemoryDryRun _owner;
        private readonly long _bytes;

        public PlaceholderStorage(MemoryDryRun owner, DType dtype, int length, long bytes) : base(owner, dtype, length)
        {
            (_owner, _bytes) = (owner, bytes);
            if (bytes > 0)
                owner.Count(bytes, +1);
        }

        internal override Storage Share(int length) => new PlaceholderStorage(_owner, DType, length, 0);

        internal override void Poison()
        {
            // There are no numbers.
        }

        protected override void ReturnBuffer()
        {
            if (_bytes > 0)
                _owner.Count(-_bytes, -1);
        }
    }

    /// <inheritdoc/>
    public override void Uniform(RandomKey key, double low, double high, Tensor y) => Uses(y);

    /// <inheritdoc/>
    public override void Upload<T>(ReadOnlySpan<T> source, Tensor y) => Uses(y);

    /// <inheritdoc/>
    public override void Download<T>(Tensor x, Span<T> destination)
    {
        Uses(x);
        if (typeof(T) == typeof(float))
            System.Runtime.InteropServices.MemoryMarshal.Cast<T, float>(destination).Fill(1);
        else
            System.Runtime.InteropServices.MemoryMarshal.Cast<T, double>(destination).Fill(1);
    }

    /// <inheritdoc/>
    public override void Fill(Tensor y, double value) => Uses(y);

    /// <inheritdoc/>
    public override void Copy(Tensor x, Tensor y) => Uses(x, y);

    /// <inheritdoc/>
    public override void Convert(Tensor x, Tensor y) => Uses(x, y);

    /// <inheritdoc/>
    public override void Map<F>(Tensor x, Tensor y) => Uses(x, y);

    /// <inheritdoc/>
    public override void Zip<F>(Tensor a, Tensor b, Tensor y) => Uses(a, b, y);

    /// <inheritdoc/>
    public override void Run<K>(K call)
    {
        Uses(call.Tensors);
        Work += Products(call);
    }
}
