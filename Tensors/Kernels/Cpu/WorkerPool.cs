using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace InfMatch.Tensors;

/// <summary>
/// Runs the chunks of one job on the calling thread and a fixed number of workers. What a chunk is must not depend on
/// the number of threads: then it does not matter who runs it, and results have the same bits for any thread count.
/// </summary>
internal sealed class WorkerPool
{
    private readonly Crew _crew;

    public WorkerPool(int threads)
    {
        Threads = threads;
        Crew crew = _crew = new Crew(threads);
        for (int i = 1; i < threads; i++)
        {
            int member = i;
            new Thread(() => crew.Work(member)) { IsBackground = true, Name = $"InfMatch worker {i}" }.Start();
        }
    }

    // The workers hold the crew and not the pool, so a pool that nobody holds is collected and sends them home.
#pragma warning disable MA0055 // nobody disposes of a backend
    ~WorkerPool() => _crew.Dismiss();
#pragma warning restore MA0055

    public int Threads { get; }

    /// <summary>Runs body(0) … body(count − 1) in any order and waits for all. Each thread begins with a share of its own, the
    /// same part of a batch in every kernel, so that it reads what it wrote while that is in its cache; then it helps the
    /// others. The first exception of a chunk comes to the caller; chunks that had not begun are then left out.</summary>
    public void Run(int count, Action<int> body)
    {
        if (CapturedGraph.Current is { } graph)
            Capture(graph, count, body);
        else
            RunNow(count, body, inOrder: false);
    }

    /// <summary>As <see cref="Run"/>, but chunks begin one behind the other, each on the first thread that is free: for pieces of
    /// work of which the first are wanted first.</summary>
    public void RunInOrder(int count, Action<int> body) => RunNow(count, body, inOrder: true);

    /// <summary>Runs what a kernel does besides its chunks. What it computes must be computed inside this or a chunk, so that a
    /// <see cref="CapturedGraph"/> repeats it; outside belong shapes and the choice of memory alone.</summary>
    public static void RunOnce(Action work)
    {
        if (CapturedGraph.Current is { } graph)
            graph.Call(work);
        else
            work();
    }

    // Methods of their own: what a lambda holds is made where the method begins, captured or not.
    private void Capture(CapturedGraph graph, int count, Action<int> body) =>
        graph.Call(() => RunNow(count, body, inOrder: false));

    private static void Capture(CapturedGraph graph, int length, Action<int, int> body) => graph.Call(() => body(0, length));

    private void RunNow(int count, Action<int> body, bool inOrder)
    {
        if (count <= 1 || Threads == 1 || !_crew.TryRun(count, body, inOrder))
        {
            for (int i = 0; i < count; i++)
                body(i);
        }
        GC.KeepAlive(this);
    }

    /// <summary>Runs body(start, end) over [0, length) in chunks of <paramref name="chunk"/>.</summary>
    public void RunChunks(int length, int chunk, Action<int, int> body)
    {
        if (length > chunk)
            RunSplit(length, chunk, body);
        else if (length > 0 && CapturedGraph.Current is { } graph)
            Capture(graph, length, body);
        else if (length > 0)
            body(0, length);
    }

    private void RunSplit(int length, int chunk, Action<int, int> body)
    {
        int count = (int)(((long)length + chunk - 1) / chunk);
        Run(count, i => body(i * chunk, (int)Math.Min(length, (i + 1L) * chunk)));
    }

    private sealed class Crew(int members)
    {
        // About 20 µs: longer than the gap between two kernels of one training step, short enough to leave a shared
        // machine to others.
        private const int Spins = 400;

        [ThreadStatic]
        private static bool s_inside;

        // The chunks of a member that nobody has begun; in a cache line of its own.
        [StructLayout(LayoutKind.Explicit, Size = 128)]
        private struct Share
        {
            [FieldOffset(64)]
            public int Next;

            [FieldOffset(68)]
            public int End;
        }

        private readonly object _gate = new();
        private Action<int>? _body;
        private readonly Share[] _shares = new Share[members];
        private int _joined, _sleeping, _busy;
        private volatile int _generation;
        private volatile bool _dismissed;
        private ExceptionDispatchInfo? _error;

        /// <summary>False when this thread is itself inside a chunk, or another thread's job has the workers.</summary>
        public bool TryRun(int count, Action<int> body, bool inOrder)
        {
            if (s_inside || Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
                return false;
            lock (_gate)
            {
                _body = body;
                for (int m = 0; m < members; m++)
                {
                    _shares[m].Next = inOrder ? 0 : (int)((long)count * m / members);
                    _shares[m].End = !inOrder ? (int)((long)count * (m + 1) / members) : m == 0 ? count : 0;
                }
                _error = null;
                _generation++;
                if (_sleeping > 0)
                    Monitor.PulseAll(_gate);
            }
            RunChunks(body, 0);
            ExceptionDispatchInfo? error;
            lock (_gate)
            {
                // Every chunk is taken, so nobody joins from here on; those who joined are finishing their last.
                _body = null;
                while (_joined > 0)
                    Monitor.Wait(_gate);
                error = _error;
            }
            Volatile.Write(ref _busy, 0);
            error?.Throw();
            return true;
        }

        public void Dismiss()
        {
            lock (_gate)
            {
                _dismissed = true;
                Monitor.PulseAll(_gate);
            }
        }

        public void Work(int member)
        {
            int seen = 0;
            while (!_dismissed)
            {
                for (int i = 0; i < Spins && _generation == seen; i++)
                    Thread.SpinWait(4);
                Action<int>? body;
                lock (_gate)
                {
                    while (_generation == seen && !_dismissed)
                    {
                        _sleeping++;
                        Monitor.Wait(_gate);
                        _sleeping--;
                    }
                    seen = _generation;
                    body = _body;
                    if (body is null)
                        continue;
                    _joined++;
                }
                RunChunks(body, member);
                lock (_gate)
                {
                    if (--_joined == 0)
                        Monitor.PulseAll(_gate);
                }
            }
        }

        private void RunChunks(Action<int> body, int member)
        {
            s_inside = true;
            try
            {
                // Its own share first, then what is left of the others'.
                for (int other = 0; other < members; other++)
                {
                    ref Share share = ref _shares[(member + other) % members];
                    for (int i = Interlocked.Increment(ref share.Next) - 1; i < share.End;
                        i = Interlocked.Increment(ref share.Next) - 1)
                    {
                        body(i);
                    }
                }
            }
#pragma warning disable CA1031 // whatever a chunk throws is thrown again on the caller's thread
            catch (Exception e)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref _error, ExceptionDispatchInfo.Capture(e), null);
                for (int m = 0; m < members; m++)
                    Volatile.Write(ref _shares[m].Next, _shares[m].End);
            }
            finally
            {
                s_inside = false;
            }
        }
    }
}
