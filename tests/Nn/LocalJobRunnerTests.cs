using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Nn;

public sealed class LocalJobRunnerTests
{
    public static TheoryData<string> Runners() => ["in turn", "three threads", "backend of two threads", "reference backend"];

    private static LocalJobRunner Runner(string name) => name switch
    {
        "in turn" => new LocalJobRunner(),
        "three threads" => new LocalJobRunner(3),
        "backend of two threads" => new LocalJobRunner(new CpuBackend(2)),
        _ => new LocalJobRunner(new ReferenceBackend()),
    };

    [Theory, MemberData(nameof(Runners))]
    public void Each_job_is_done_once_and_a_finished_file_is_not_made_again(string runner)
    {
        using var folder = new TemporaryFolder();
        Writing[] jobs = [.. Enumerable.Range(0, 7).Select(i => new Writing(folder.At($"{i}"), $"{i}"))];
        File.WriteAllText(jobs[4].Result, "old");
        var told = new List<int>();
        Runner(runner).Run(jobs, (_, done) => told.Add(done));
        Assert.Equal(Enumerable.Range(1, 7), told);
        Assert.Equal([1, 1, 1, 1, 0, 1, 1], jobs.Select(j => j.Times));
        Assert.Equal(
            ["0", "1", "2", "3", "old", "5", "6"], jobs.Select(j => File.ReadAllText(j.Result)), StringComparer.Ordinal);
        Runner(runner).Run(jobs);
        Assert.Equal(6, jobs.Sum(j => j.Times));
    }

    [Theory, MemberData(nameof(Runners))]
    public void Equal_jobs_are_done_once_and_each_is_told(string runner)
    {
        using var folder = new TemporaryFolder();
        Writing[] jobs = [new(folder.At("a"), "a"), new(folder.At("b"), "b"), new(folder.At("a"), "a")];
        var told = new List<Job>();
        Runner(runner).Run(jobs, (job, _) => told.Add(job));
        Assert.Equal(2, jobs.Sum(j => j.Times));
        Assert.Equal(3, told.Distinct(ReferenceEqualityComparer.Instance).Count());
        Assert.NotEqual<Job>(jobs[0], new Counting("a", _ => { }));
    }

    // The third stops those behind it; the second, which is slower and fails later, is before it: its error counts.
    [Theory, MemberData(nameof(Runners))]
    public void The_error_of_the_first_that_failed_comes_as_it_was_thrown(string runner)
    {
        using var thirdFailed = new ManualResetEventSlim();
        bool isParallel = runner == "three threads";
        Counting[] jobs =
        [
            new("0", _ => { }),
            new("1", _ =>
            {
                if (isParallel)
                    thirdFailed.Wait(CancellationToken.None);
                throw new NumericalException("first", 0, double.NaN, "");
            }),
            new("2", _ =>
            {
                thirdFailed.Set();
                throw new InvalidDataException("second");
            }),
            .. Enumerable.Range(3, 40).Select(i => new Counting($"{i}", _ => { })),
        ];
        NumericalException e = Assert.Throws<NumericalException>(() => Runner(runner).Run(jobs));
        Assert.Contains("first", e.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(The_error_of_the_first_that_failed_comes_as_it_was_thrown), e.StackTrace, StringComparison.Ordinal);
        Assert.Equal(1, jobs[0].Times);
        if (!isParallel)
            Assert.True(jobs[42].Times == 0, "jobs behind one that failed went on");
    }

    [Fact]
    public void A_group_is_stopped_with_its_member_and_the_group_before_goes_on()
    {
        using var failed = new ManualResetEventSlim();
        Counting[] jobs =
        [
            new("of the first group", _ => failed.Wait(CancellationToken.None)) { Of = 0 },
            new("waits for its group", cancel => cancel.WaitHandle.WaitOne()) { Of = 1 },
            new("fails", _ =>
            {
                failed.Set();
                throw new IOException("gone");
            })
            { Of = 1 },
        ];
        Assert.Throws<IOException>(() => new LocalJobRunner(3).Run(jobs));
        Assert.Equal([1, 0, 0], jobs.Select(j => j.Times));
    }

    [Theory, MemberData(nameof(Runners))]
    public void Who_cancels_is_told_so_and_what_is_done_stays(string runner)
    {
        using var folder = new TemporaryFolder();
        using var source = new CancellationTokenSource();
        Writing[] jobs = [.. Enumerable.Range(0, 60).Select(i => new Writing(folder.At($"{i}"), $"{i}"))];
        Assert.ThrowsAny<OperationCanceledException>(() => Runner(runner).Run(
            jobs,
            (_, done) =>
            {
                if (done == 2)
                    source.Cancel();
            },
            source.Token));
        Assert.InRange(jobs.Count(j => File.Exists(j.Result)), 2, 30);
        Runner(runner).Run(jobs);
        Assert.All(jobs, j => Assert.Equal(1, j.Times));
    }

    // An end that nobody asked for is an error and does not pass for a stop.
    [Theory, MemberData(nameof(Runners))]
    public void A_cancellation_that_nobody_asked_for_is_not_lost(string runner) =>
        Assert.Throws<OperationCanceledException>(() => Runner(runner).Run(
            [new Counting("a", _ => throw new OperationCanceledException()), new Counting("b", _ => { })]));

    private sealed class Writing(string path, string text) : FileJob
    {
        private int _times;

        public int Times => _times;

        public override string Key => text;

        public override IReadOnlyList<string> Inputs => [];

        public override string Result => path;

        public override void Make(CancellationToken cancel)
        {
            Interlocked.Increment(ref _times);
            File.WriteAllText(path, text);
        }
    }

    private sealed class Counting(string key, Action<CancellationToken> work) : Job
    {
        public int? Of { get; init; }

        public int Times { get; private set; }

        public override string Key => key;

        public override int? Group => Of;

        public override bool IsDone() => false;

        public override void Make(CancellationToken cancel)
        {
            work(cancel);
            cancel.ThrowIfCancellationRequested();
            Times++;
        }
    }
}
