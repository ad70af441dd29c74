namespace InfMatch.Nn;

/// <summary>
/// Does jobs that leave files together with other processes, which may come, go and be killed at any time. A job is claimed while it is
/// in work (<see cref="JobClaim"/>); one that another has claimed is passed over, and looked at again when all others are done. Only where
/// nothing else is left it waits. Jobs that leave no file are done by each process.
/// </summary>
/// <param name="inner">Does the jobs of this process.</param>
/// <param name="share">Which of the jobs are done, equal ones counted once; all without one.</param>
public sealed class SharedJobRunner(IJobRunner inner, JobShare? share = null) : IJobRunner
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(50), s_longest = TimeSpan.FromSeconds(2);

    /// <summary>Called with the number of jobs in work elsewhere when it begins to wait for them.</summary>
    public Action<int>? Waits { get; init; }

    /// <inheritdoc/>
    public void Run(IReadOnlyList<Job> jobs, Action<Job, int>? ended = null, CancellationToken cancel = default)
    {
        ILookup<Job, Job> equal = jobs.ToLookup(j => j);
        Claimed[] left = [.. equal.Select(g => g.Key).Where(_ => share is null || share.HasNext()).Select(j => new Claimed(j))];
        int done = 0;
        TimeSpan pause = s_shortest;
        bool waits = false;
        while (true)
        {
            inner.Run(left, End, cancel);
            Claimed[] passed = [.. left.Where(j => j.WasPassed)];
            if (passed.Length == 0)
                return;
            if (passed.Length == left.Length)
            {
                if (!waits)
                    Waits?.Invoke(passed.Length);
                waits = true;
                cancel.WaitHandle.WaitOne(pause);
                cancel.ThrowIfCancellationRequested();
                pause = pause * 2 < s_longest ? pause * 2 : s_longest;
            }
            left = passed;
        }

        void End(Job job, int _)
        {
            var claimed = (Claimed)job;
            if (claimed.WasPassed)
                return;
            foreach (Job one in equal[claimed.Of])
                ended?.Invoke(one, ++done);
        }
    }

    // A job that is done only under a claim.
    private sealed class Claimed(Job job) : Job
    {
        public Job Of => job;

        /// <summary>Whether another process had claimed it.</summary>
        public bool WasPassed { get; private set; }

        public override string Key => job.Key;

        public override int? Group => job.Group;

        internal override Type Kind => job.Kind;

        public override bool IsDone()
        {
            WasPassed = false;
            return job.IsDone();
        }

        public override void Make(CancellationToken cancel)
        {
            if (job is not FileJob { Result: var result })
            {
                job.Make(cancel);
                return;
            }
            using var claim = JobClaim.TryTake(result);
            WasPassed = claim is null;
            if (claim is not null && !job.IsDone())
                job.Make(cancel);
        }
    }
}
