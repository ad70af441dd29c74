using System.Collections.Concurrent;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Influence;

/// <summary>
/// Carries parameter vectors from a training to a file beside it: a vector is copied on its device when it is added,
/// comes to the host with the others in one wait, when the device has just been waited for anyway, and is written by a thread of its own, in
/// order. The writer sees host memory only; the caller must leave it alone until the end.
/// </summary>
internal sealed class CheckpointStream<T> : IDisposable where T : unmanaged
{
    private const long MostDeviceBytes = 64L << 20;
    private const int MostWaitingToBeWritten = 8;
    private readonly List<Tensor> _unread = [];
    private readonly BlockingCollection<T[]> _queue = new(MostWaitingToBeWritten);
    private readonly CancellationTokenSource _failed = new();
    private readonly Task _writing;

    public CheckpointStream(Action<T[]> write) => _writing = Task.Factory.StartNew(
        () => WriteAll(write), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Takes a copy of θ [p].</summary>
    /// <exception cref="FileWriteException">An earlier vector could not be written.</exception>
    public void Add(Tensor theta)
    {
        using (TensorScope.BeginDetached())
        {
            using var scope = TensorScope.Begin();
            _unread.Add(scope.Keep(theta.Clone()));
        }
        if ((_unread.Count + 1L) * theta.Count * theta.DType.Size() > MostDeviceBytes)
            Read();
    }

    /// <summary>Copies the added checkpoints to the host and passes them to the writer; waits where it is far
    /// behind.</summary>
    /// <exception cref="FileWriteException">An earlier vector could not be written.</exception>
    public void Read()
    {
        if (_unread.Count == 0)
            return;
        foreach (T[] values in _unread[0].Backend.DownloadAll<T>(_unread))
        {
            try
            {
                _queue.Add(values, _failed.Token);
            }
            catch (OperationCanceledException)
            {
                _writing.GetAwaiter().GetResult(); // throws what stopped the writer
            }
        }
        Release();
    }

    /// <summary>Returns when everything that was added is written.</summary>
    /// <exception cref="FileWriteException">A vector could not be written.</exception>
    public void Complete()
    {
        Read();
        _queue.CompleteAdding();
        _writing.GetAwaiter().GetResult();
    }

    /// <summary>Ends the writer, also where what was added is not all written; a failure of it no longer matters.</summary>
    public void Dispose()
    {
        Release();
        _queue.CompleteAdding();
        ((IAsyncResult)_writing).AsyncWaitHandle.WaitOne();
        _queue.Dispose();
        _failed.Dispose();
    }

    private void Release()
    {
        foreach (Tensor theta in _unread)
            theta.Dispose();
        _unread.Clear();
    }

    private void WriteAll(Action<T[]> write)
    {
        try
        {
            foreach (T[] values in _queue.GetConsumingEnumerable())
                write(values);
        }
        catch
        {
            _failed.Cancel();
            throw;
        }
    }
}
