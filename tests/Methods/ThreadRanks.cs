using InfMatch.Methods;

namespace InfMatch.Tests.Methods;

/// <summary>Ranks that are threads of one process and gather in its memory.</summary>
internal sealed class ThreadRanks : IDisposable
{
    // A rank that is gone would keep the others waiting for ever.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly byte[][] _given;
    private readonly Barrier _barrier;

    private ThreadRanks(int count) => (_given, _barrier) = (new byte[count][], new Barrier(count));

    /// <summary>What each of some ranks returns, or the exception that ended it.</summary>
    public static (T? Result, Exception? Error)[] Run<T>(int count, Func<IRanks, T> work)
    {
        using var ranks = new ThreadRanks(count);
        var ended = new (T? Result, Exception? Error)[count];
        Thread[] threads = [.. Enumerable.Range(0, count).Select(own => new Thread(() =>
        {
            try
            {
                ended[own] = (work(new Rank(ranks, own)), null);
            }
            catch (Exception e)
            {
                ended[own] = (default, e);
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        return ended;
    }

    public void Dispose() => _barrier.Dispose();

    private sealed class Rank(ThreadRanks all, int own) : IRanks
    {
        public int Count => all._given.Length;

        public int Own => own;

        public byte[][] Gather(byte[] bytes, TimeSpan? patience = null)
        {
            all._given[own] = bytes;
            Meet(patience);
            byte[][] gathered = [.. all._given];
            Meet(patience);
            return gathered;
        }

        private void Meet(TimeSpan? patience)
        {
            if (!all._barrier.SignalAndWait(patience ?? s_patience))
                throw new TimeoutException($"rank {own} waited in vain.");
        }
    }
}
