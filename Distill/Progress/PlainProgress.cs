namespace InfMatch.Distill;

/// <summary>Progress for files, pipes and logs: at most one line every few seconds, nothing that moves.</summary>
internal sealed class PlainProgress(Action<string> write, TimeProvider clock, TimeSpan interval) : IProgressView
{
    /// <summary>How often a line is written unless said otherwise.</summary>
    public static TimeSpan DefaultInterval { get; } = TimeSpan.FromSeconds(5);

    private readonly Action<string> _write = write;
    private readonly TimeProvider _clock = clock;
    private readonly TimeSpan _interval = interval;

    /// <inheritdoc/>
    public IProgressStage Begin(string name, long total, long imagesPerUnit = 0, long done = 0) =>
        new Stage(this, name, total, imagesPerUnit, done);

    /// <inheritdoc/>
    public void Note(string line) => _write(line);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class Stage(PlainProgress view, string name, long total, long imagesPerUnit, long earlier) : IProgressStage
    {
        private readonly long _start = view._clock.GetTimestamp();
        private long _lastLine = view._clock.GetTimestamp();
        private readonly long _before = earlier;
        private long _done = earlier;
        private string? _detail;

        public void Report(long done, string? detail = null)
        {
            (_done, _detail) = (done, detail);
            if (view._clock.GetElapsedTime(_lastLine) < view._interval || done >= total)
                return;
            _lastLine = view._clock.GetTimestamp();
            TimeSpan elapsed = view._clock.GetElapsedTime(_start);
            string left = done > _before
                ? $", about {Durations.Text(elapsed * ((double)(total - done) / (done - _before)))} left"
                : "";
            view._write($"{name}: {done}/{total} ({100.0 * done / Math.Max(1, total):F0} %) in {Durations.Text(elapsed)}{left}{Rate(elapsed)}{Tail}");
        }

        public void Dispose()
        {
            string state = _done >= total ? "done" : $"stopped at {_done}/{total}";
            view._write($"{name}: {state} in {Durations.Text(view._clock.GetElapsedTime(_start))}{Tail}");
        }

        private string Rate(TimeSpan elapsed) => imagesPerUnit == 0 || _done == _before
            ? ""
            : FormattableString.Invariant($", {(_done - _before) * imagesPerUnit / Math.Max(1e-3, elapsed.TotalSeconds):F0} images/s");

        private string Tail => _detail is null ? "" : $"; {_detail}";
    }
}
