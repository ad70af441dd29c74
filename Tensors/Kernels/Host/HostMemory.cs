using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace InfMatch.Tensors;

/// <summary>
/// Pinned, 64-byte aligned arrays of host memory, kept for reuse by size class: a thousand training steps take from
/// the operating system only what the first one took. An array that nobody wanted while <see cref="HostBackend.PoolPatience"/> others
/// were rented is left to the collector: what one part of a run needed does not stay through all the others.
/// </summary>
internal sealed class HostMemory(string device, long budget)
{
    private const int Patience = HostBackend.PoolPatience, TrimEvery = Patience / 8;
    private const int Alignment = 64;
    private readonly Lock _lock = new();
    private readonly long _limit = Math.Min(budget, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
    private readonly Dictionary<(DType, int), List<Idle>> _cached = [];
    private long _inUse, _cachedBytes, _peak, _peakInUse, _watchedPeak, _rents;
    private int _live;

    /// <summary>Refuses the request with this number, from 1; 0 for none. For tests of what a refusal leaves behind.</summary>
    public long RefusedRequest { get; set; }

    /// <summary>The number of requests so far.</summary>
    public long Requests => Interlocked.Read(ref _rents);

    public MemoryReport Report
    {
        get
        {
            lock (_lock)
                return new MemoryReport(_inUse, _cachedBytes, _peak, _live, _limit) { PeakInUse = _peakInUse, WatchedPeak = _watchedPeak };
        }
    }

    /// <summary>What is held now is the largest sum until more is.</summary>
    public void WatchPeak()
    {
        lock (_lock)
            _watchedPeak = _inUse;
    }

    public T[] Rent<T>(int length) where T : unmanaged
    {
        int size = SizeClass<T>(length);
        long bytes = (long)size * Unsafe.SizeOf<T>();
        lock (_lock)
        {
            if (++_rents % TrimEvery == 0)
                Trim();
            if (_rents == RefusedRequest)
                throw Refusal(bytes);
            if (_cached.TryGetValue((DTypes.Of<T>(), size), out List<Idle>? idle) && idle.Count > 0)
            {
                var reused = (T[])idle[^1].Array;
                idle.RemoveAt(idle.Count - 1);
                _cachedBytes -= bytes;
                Count(bytes, +1);
                return reused;
            }
            // What the machine has is no bound here: the system may still find room by paging, and says so if not.
            if (_inUse + _cachedBytes + bytes > budget)
            {
                _cached.Clear();
                _cachedBytes = 0;
                if (_inUse + bytes > budget)
                    throw Refusal(bytes);
            }
            T[] array = Allocate<T>(size, bytes);
            Count(bytes, +1);
            return array;
        }
    }

    // The first refusal gives the cached arrays up and asks once more; the second is the caller's.
    private T[] Allocate<T>(int size, long bytes) where T : unmanaged
    {
        try
        {
            return GC.AllocateUninitializedArray<T>(size, pinned: true);
        }
        catch (OutOfMemoryException)
        {
            _cached.Clear();
            _cachedBytes = 0;
            GC.Collect();
        }
        try
        {
            return GC.AllocateUninitializedArray<T>(size, pinned: true);
        }
        catch (OutOfMemoryException e)
        {
            throw Refusal(bytes, e);
        }
    }

    private DeviceMemoryException Refusal(long bytes, Exception? inner = null) => new(
        device,
        new MemoryShortage(bytes, _inUse, _cachedBytes, Math.Max(0, _limit - _inUse - _cachedBytes), _limit), inner);

    public void Return<T>(T[] array) where T : unmanaged
    {
        long bytes = (long)array.Length * Unsafe.SizeOf<T>();
        lock (_lock)
        {
            var key = (DTypes.Of<T>(), array.Length);
            if (!_cached.TryGetValue(key, out List<Idle>? idle))
                _cached.Add(key, idle = []);
            idle.Add(new Idle(array, bytes, _rents));
            _cachedBytes += bytes;
            Count(-bytes, -1);
        }
    }

    // The last one returned is the first one rented, so the longest idle of each class stand at its beginning.
    private void Trim()
    {
        foreach (List<Idle> idle in _cached.Values)
        {
            int old = 0;
            for (; old < idle.Count && idle[old].Since + Patience < _rents; old++)
                _cachedBytes -= idle[old].Bytes;
            idle.RemoveRange(0, old);
        }
    }

    private readonly record struct Idle(Array Array, long Bytes, long Since);

    public void Forget(long bytes)
    {
        lock (_lock)
            Count(-bytes, -1);
    }

    /// <summary>Where the first aligned element of a pinned array is.</summary>
    public static unsafe int AlignedStart<T>(T[] array) where T : unmanaged
    {
        long address = (long)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
        return (int)((Alignment - address % Alignment) % Alignment) / Unsafe.SizeOf<T>();
    }

    /// <summary>The bytes of the array that is rented for so many numbers.</summary>
    public static long BytesTaken(DType dtype, int length) => dtype == DType.Float32
        ? (long)SizeClass<float>(length) * sizeof(float)
        : (long)SizeClass<double>(length) * sizeof(double);

    // Classes an eighth of a power of two apart: at most 12.5 % is wasted, and few classes exist.
    private static int SizeClass<T>(int length) where T : unmanaged
    {
        long wanted = (long)length + Alignment / Unsafe.SizeOf<T>();
        long step = Math.Max(64, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)wanted) / 16);
        return checked((int)Math.Min(Array.MaxLength, (wanted + step - 1) / step * step));
    }

    private void Count(long bytes, int buffers)
    {
        _inUse += bytes;
        _live += buffers;
        _peak = Math.Max(_peak, _inUse + _cachedBytes);
        _peakInUse = Math.Max(_peakInUse, _inUse);
        _watchedPeak = Math.Max(_watchedPeak, _inUse);
    }
}

#pragma warning disable MA0055, CA1816 // the finalizer corrects the accounts; the memory itself is the collector's
/// <summary>A host buffer. One that nobody released is forgotten by the accounts when it is collected.</summary>
internal sealed class HostStorage<T> : Storage where T : unmanaged
{
    private readonly HostMemory? _memory; // null where the array is another buffer's, or empty
    private T[]? _array;

    public HostStorage(Backend backend, HostMemory memory, int length)
        : base(backend, DTypes.Of<T>(), length)
    {
        _memory = memory;
        _array = memory.Rent<T>(length);
        Start = HostMemory.AlignedStart(_array);
    }

    private HostStorage(Backend backend, T[] array, int start, int length)
        : base(backend, DTypes.Of<T>(), length)
    {
        GC.SuppressFinalize(this);
        (_array, Start) = (array, start);
    }

    public static HostStorage<T> Placeholder(Backend backend, int length) => new(backend, [], 0, length);

    ~HostStorage()
    {
        if (_array is { } array)
            _memory!.Forget((long)array.Length * Unsafe.SizeOf<T>());
    }

    public int Start { get; }

    public T[] Array => !IsReleased && _array is { } array ? array : throw new ObjectDisposedException(
        nameof(Tensor), "This tensor's memory went back to the pool when its scope ended. Keep() it in that scope.");

    internal override Storage Share(int length) => new HostStorage<T>(Backend, Array, Start, length);

    internal override void Poison() => MemoryMarshal.AsBytes(_array.AsSpan(Start, Length)).Fill(0xff);

    protected override void ReturnBuffer()
    {
        GC.SuppressFinalize(this);
        T[] array = _array!;
        _array = null;
        _memory?.Return(array);
    }
}
#pragma warning restore MA0055, CA1816

/// <summary>
/// The numbers of a host tensor as a kernel sees them. The array is pinned, so the pointer stays true while the tensor
/// is alive; the array itself is carried along so that a block in a closure keeps its memory.
/// </summary>
internal readonly unsafe struct HostBlock<T> where T : unmanaged
{
    private readonly T[] _array;
    private readonly int _start;

    internal HostBlock(T[] array, int start, int length)
    {
        _array = array;
        _start = start;
        Length = length;
    }

    /// <summary>The number of elements.</summary>
    public int Length { get; }

    /// <summary>The first element.</summary>
    public T* Pointer => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_array)) + _start;

    /// <summary>All elements.</summary>
    public Span<T> Span => _array.AsSpan(_start, Length);
}
