using InfMatch.Nn;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Nn;

public sealed class SharedJobRunnerTests
{
    [Theory]
    [InlineData("0/1", 0, 1)]
    [InlineData("3/10", 3, 10)]
    public void A_part_is_read_as_it_is_written(string text, int index, int count)
    {
        Assert.Equal(new Part(index, count), Part.Parse(text));
        Assert.Equal(text, new Part(index, count).ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1/1")]
    [InlineData("-1/2")]
    [InlineData("0/0")]
    [InlineData("0/2/4")]
    [InlineData(" 0/2")]
    [InlineData("1e0/2")]
    [InlineData("0/99999999999")]
    public void Other_texts_name_no_part(string text) => Assert.Null(Part.Parse(text));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(9)]
    public void Parts_do_each_job_once_and_number_on_over_calls(int parts)
    {
        using var folder = new TemporaryFolder();
        Writing[] jobs = [.. Enumerable.Range(0, 7).Select(i => new Writing(folder.At($"{i}"), $"{i}"))];
        for (int i = 0; i < parts; i++)
        {
            var runner = new SharedJobRunner(new LocalJobRunner(), new JobShare(new Part(i, parts)));
            var told = new List<int>();
            // Equal ones count once, and what is done has its number all the same.
            runner.Run([jobs[0], jobs[1], jobs[1], jobs[2]], (_, done) => told.Add(done));
            runner.Run(jobs[3..], (_, done) => told.Add(done));
            Assert.All(jobs.Select((j, n) => (j, n)), j => Assert.Equal(j.n % parts <= i ? 1 : 0, j.j.Times));
            Assert.True(told.Count(t => t == 1) <= 2, "numbers of a call do not ascend from 1");
        }
    }

    [Fact]
    public void Jobs_of_two_kinds_are_two_although_their_keys_are_equal()
    {
        using var folder = new TemporaryFolder();
        Writing[] jobs = [new(folder.At("one"), "key"), new OtherWriting(folder.At("two"), "key")];
        var told = new List<Job>();
        new SharedJobRunner(new LocalJobRunner()).Run(jobs, (job, _) => told.Add(job));
        Assert.Equal<Job>(jobs, told, ReferenceEqualityComparer.Instance);
        Assert.Equal(["one", "two"], folder.Names.Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    [Fact]
    public void Workers_that_run_at_once_share_the_jobs_and_each_ends_with_all()
    {
        using var folder = new TemporaryFolder();
        const int workers = 4, jobs = 40;
        var times = new int[jobs];
        var ended = new int[workers];
        Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, w => new SharedJobRunner(new LocalJobRunner(2)).Run(
            [.. Enumerable.Range(0, jobs).Select(i => new Writing(folder.At($"{i}"), $"{i}") { Then = () => Interlocked.Increment(ref times[i]) })],
            (_, done) => ended[w] = done));
        Assert.All(times, t => Assert.Equal(1, t));
        Assert.All(ended, e => Assert.Equal(jobs, e));
        Assert.Equal(jobs, folder.Names.Length); // and no claim is left
    }

    [Fact]
    public void A_claimed_job_is_passed_over_and_looked_at_again_when_the_others_are_done()
    {
        using var folder = new TemporaryFolder();
        Writing[] jobs = [.. Enumerable.Range(0, 3).Select(i => new Writing(folder.At($"{i}"), $"{i}"))];
        JobClaim other = JobClaim.TryTake(jobs[0].Result)!;
        var order = new List<string>();
        int waited = 0;
        var runner = new SharedJobRunner(new LocalJobRunner())
        {
            Waits = left =>
            {
                waited = left;
                other.Dispose(); // as when its process is killed
            },
        };
        runner.Run(jobs, (job, _) => order.Add(job.Key));
        Assert.Equal(["1", "2", "0"], order, StringComparer.Ordinal);
        Assert.Equal(1, waited);
        Assert.All(jobs, j => Assert.Equal(1, j.Times));
    }

    [Fact]
    public void What_another_has_made_meanwhile_is_not_made_again()
    {
        using var folder = new TemporaryFolder();
        Writing[] jobs = [new(folder.At("0"), "0"), new(folder.At("1"), "1")];
        JobClaim other = JobClaim.TryTake(jobs[0].Result)!;
        var runner = new SharedJobRunner(new LocalJobRunner())
        {
            Waits = _ =>
            {
                File.WriteAllText(jobs[0].Result, "0");
                other.Dispose();
            },
        };
        int told = 0;
        runner.Run(jobs, (_, done) => told = done);
        Assert.Equal((0, 1, 2), (jobs[0].Times, jobs[1].Times, told));
    }

    [Fact]
    public void Who_waits_can_be_stopped()
    {
        using var folder = new TemporaryFolder();
        using var source = new CancellationTokenSource();
        using JobClaim other = JobClaim.TryTake(folder.At("0"))!;
        var runner = new SharedJobRunner(new LocalJobRunner()) { Waits = _ => source.Cancel() };
        Assert.ThrowsAny<OperationCanceledException>(() => runner.Run([new Writing(folder.At("0"), "0")], cancel: source.Token));
    }

    [Fact]
    public void A_job_that_fails_frees_its_claim()
    {
        using var folder = new TemporaryFolder();
        Writing failing = new(folder.At("0"), "0") { Then = () => throw new InvalidDataException("gone") };
        Assert.Throws<InvalidDataException>(() => new SharedJobRunner(new LocalJobRunner()).Run([failing]));
        using JobClaim? again = JobClaim.TryTake(failing.Result);
        Assert.NotNull(again);
    }

    [Fact]
    public void Of_many_that_take_and_free_a_claim_never_two_have_it()
    {
        using var folder = new TemporaryFolder();
        int inside = 0, most = 0, taken = 0;
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ =>
        {
            for (int i = 0; i < 300; i++)
            {
                using var claim = JobClaim.TryTake(folder.At("result"));
                if (claim is null)
                    continue;
                int now = Interlocked.Increment(ref inside);
                InterlockedMax(ref most, now);
                Interlocked.Increment(ref taken);
                Interlocked.Decrement(ref inside);
            }
        });
        Assert.Equal(1, most);
        Assert.InRange(taken, 1, 2400);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void A_claim_through_a_link_or_in_a_folder_that_is_none_is_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("target"), "kept");
        File.CreateSymbolicLink(folder.At("result" + JobClaim.Suffix), folder.At("target"));
        Assert.Contains("is a link", Assert.Throws<IOException>(() => JobClaim.TryTake(folder.At("result"))).Message, StringComparison.Ordinal);
        Assert.Equal("kept", File.ReadAllText(folder.At("target")));
        Assert.ThrowsAny<IOException>(() => JobClaim.TryTake(Path.Combine(folder.At("target"), "result")));
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, seen) != seen)
        {
            // Another was faster; look again.
        }
    }

    private sealed class OtherWriting(string path, string text) : Writing(path, text);

    private class Writing(string path, string text) : FileJob
    {
        private int _times;

        public int Times => _times;

        public Action? Then { get; init; }

        public override string Key => text;

        public override IReadOnlyList<string> Inputs => [];

        public override string Result => path;

        public override void Make(CancellationToken cancel)
        {
            Then?.Invoke();
            Interlocked.Increment(ref _times);
            File.WriteAllText(path, text);
        }
    }
}
