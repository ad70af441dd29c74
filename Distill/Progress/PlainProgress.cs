namespace InfMatch.Distill;

/// <summary>Progress for files, pipes and logs: at most one line every few seconds, nothing that moves.</summary>
internal sealed class PlainProgress(Action<string> write, TimeProvider clock, TimeSpan interval) : IProgressView
{
    /// <summary>How often a line is written unless said otherwise.</summary>
    public static TimeSpan DefaultInterval { get; } = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public IProgressStage Begin(string name, long total, long imagesPerUnit = 0, long done = 0) =>
        new Stage(name, total, imagesPerUnit, done, write, clock, interval);

    /// <inheritdoc/>
    public void Note(string line) => write(line);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class Stage(
        string name, long total, long imagesPerUnit, long earlier, Action<string> write, TimeProvider clock, TimeSpan interval)
        : IProgressStage
    {
        private readonly long _start = clock.GetTimestamp();
        private long _lastLine = clock.GetTimestamp();
        private readonly long _before = earlier;
        private long _done = earlier;
        private string? _detail;

        public void Report(long done, string? detail = null)
        {
            (_done, _detail) = (done, detail);
            if (clock.GetElapsedTime(_lastLine) < interval || done >= total)
                return;
            _lastLine = clock.GetTimestamp();
            TimeSpan elapsed = clock.GetElapsedTime(_start);
            string left = done > _before
                ? $", about {Durations.Text(elapsed * ((double)(total - done) / (done - _before)))} left"
                : "";
            write($"{name}: {done}/{total} ({100.0 * done / Math.Max(1, total):F0} %) in {Durations.Text(elapsed)}{left}{Rate(elapsed)}{Tail}");
        }

        public void Dispose()
        {
            string state = _done >= total ? "done" : $"stopped at {_done}/{total}";
            write($"{name}: {state} in {Durations.Text(clock.GetElapsedTime(_start))}{Tail}");
        }

        private string Rate(TimeSpan elapsed) => imagesPerUnit == 0 || _done == _before
            ? ""
            : FormattableString.Invariant($", {(_done - _before) * imagesPerUnit / Math.Max(1e-3, elapsed.TotalSeconds):F0} images/s");

        private string Tail => _detail is null ? "" : $"; {_detail}";
    }
}
