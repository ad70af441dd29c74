using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>Does jobs in this process: on threads of its own, or on those of a backend, whose kernels then run on one thread each.
/// </summary>
public sealed class LocalJobRunner : IJobRunner
{
    private readonly Action<int, Action<int>> _runAll;

    /// <summary>Runs a number of jobs at a time; a single one runs on the caller's thread.</summary>
    public LocalJobRunner(int degreeOfParallelism = 1) => _runAll = (count, run) =>
    {
        if (degreeOfParallelism > 1)
            OnThreads(count, degreeOfParallelism, run);
        else
            InTurn(count, run);
    };

    /// <summary>Does as many jobs at a time as the backend runs in parallel; a single job has all its threads.</summary>
    public LocalJobRunner(Backend backend) => _runAll = (count, run) =>
    {
        if (count > 1)
            backend.RunInParallel(count, run);
        else
            InTurn(count, run);
    };

    /// <inheritdoc/>
    public void Run(IReadOnlyList<Job> jobs, Action<Job, int>? ended = null, CancellationToken cancel = default)
    {
        using var batch = new Batch(jobs, ended, cancel);
        _runAll(batch.Count, batch.Run);
        cancel.ThrowIfCancellationRequested();
        batch.ThrowFirstError();
    }

    private static void InTurn(int count, Action<int> run)
    {
        for (int i = 0; i < count; i++)
            run(i);
    }

    // One after another from the front, not in ranges: jobs differ in what they cost.
    private static void OnThreads(int count, int degree, Action<int> run) => Parallel.ForEach(
        Partitioner.Create(Enumerable.Range(0, count), EnumerablePartitionerOptions.NoBuffering),
        new ParallelOptions { MaxDegreeOfParallelism = degree }, run);

    // The jobs of one call, equal ones once.
    private sealed class Batch : IDisposable
    {
        private readonly Job[] _jobs;
        private readonly ILookup<Job, Job> _equal;
        private readonly Action<Job, int>? _ended;
        private readonly CancellationTokenSource[] _stops;
        private readonly Exception?[] _errors;
        private readonly Lock _gate = new();
        private int _done;

        public Batch(IReadOnlyList<Job> jobs, Action<Job, int>? ended, CancellationToken cancel)
        {
            (_equal, _ended) = (jobs.ToLookup(j => j), ended);
            _jobs = [.. _equal.Select(g => g.Key)];
            _stops = [.. _jobs.Select(_ => CancellationTokenSource.CreateLinkedTokenSource(cancel))];
            _errors = new Exception?[_jobs.Length];
        }

        public int Count => _jobs.Length;

        public void Run(int i)
        {
            CancellationToken stop = _stops[i].Token;
            if (stop.IsCancellationRequested)
                return;
            try
            {
                if (!_jobs[i].IsDone())
                    _jobs[i].Make(stop);
                End(_jobs[i]);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Stopped because another job failed, or by the caller, who gets the cancellation.
            }
            catch (Exception e)
            {
                _errors[i] = e;
                StopBehind(i);
            }
        }

        public void ThrowFirstError()
        {
            if (Array.Find(_errors, e => e is not null) is { } error)
                ExceptionDispatchInfo.Throw(error);
        }

        public void Dispose()
        {
            foreach (CancellationTokenSource stop in _stops)
                stop.Dispose();
        }

        private void End(Job job)
        {
            lock (_gate)
            {
                foreach (Job equal in _equal[job])
                    _ended?.Invoke(equal, ++_done);
            }
        }

        private void StopBehind(int failed)
        {
            int? group = _jobs[failed].Group;
            for (int i = 0; i < _jobs.Length; i++)
            {
                if (i > failed || (group is not null && _jobs[i].Group == group))
                    _stops[i].Cancel();
            }
        }
    }
}
