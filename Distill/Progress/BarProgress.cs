using System.Text;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Progress for a person at a terminal: a line that moves for each stage at work, below what has been written. A stage that
/// ends leaves its last line. Everything that is written while stages are at work goes through <see cref="Note"/>: the
/// moving lines are taken away, the text is written, and they are drawn again below it.
/// </summary>
internal sealed class BarProgress : IProgressView
{
    private const string EraseLine = "\r\e[2K", Up = "\e[1A", WrapOff = "\e[?7l", WrapOn = "\e[?7h";

    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200), s_patience = TimeSpan.FromMilliseconds(500);

    private readonly TextWriter _writer;
    private readonly Func<(int Width, int Height)> _size;
    private readonly BarStyle _style;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private readonly List<Stage> _stages = [];
    private readonly Action? _whenEnded;
    private IReadOnlyList<int> _drawn = []; // the length of each moving line on the screen
    private string _last = "";
    private bool _hasEnded;

    /// <summary>Draws on a terminal that knows the usual control sequences.</summary>
    /// <param name="writer">The terminal.</param>
    /// <param name="size">Its columns and rows, asked at each drawing, since they change.</param>
    /// <param name="style">Colours and characters.</param>
    /// <param name="clock">Tells the time, and when to draw.</param>
    /// <param name="whenEnded">Called when nothing moves any more.</param>
    public BarProgress(
        TextWriter writer, Func<(int Width, int Height)> size, BarStyle style, TimeProvider clock, Action? whenEnded = null)
    {
        (_writer, _size, _style, _clock, _whenEnded) = (writer, size, style, clock, whenEnded);
        _timer = clock.CreateTimer(_ => Tick(), null, s_interval, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public IProgressStage Begin(string name, long total, long imagesPerUnit = 0, long done = 0)
    {
        lock (_gate)
        {
            var stage = new Stage(this, PrintableText.Of(name), Math.Max(1, total), imagesPerUnit, done);
            _stages.Add(stage);
            Draw("");
            return stage;
        }
    }

    /// <inheritdoc/>
    public void Note(string line)
    {
        lock (_gate)
            Draw(string.Concat(TextLines.Broken(PrintableText.Of(line), _size().Width).Select(l => l + "\n")));
    }

    /// <summary>Leaves the moving lines as they are and puts the cursor below them: the process is about to be ended.</summary>
    public void Abandon()
    {
        if (!_gate.TryEnter(s_patience))
            return;
        try
        {
            if (_drawn.Count > 0 && !_hasEnded)
                _writer.Write("\n");
            _writer.Flush();
            _hasEnded = true;
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_hasEnded)
                return;
            _stages.Clear();
            Draw("");
            _hasEnded = true;
        }
        _timer.Dispose();
        _whenEnded?.Invoke();
    }

    private void Tick()
    {
        lock (_gate)
        {
            if (_hasEnded)
                return;
            Draw("", onlyChanged: true);
            _timer.Change(s_interval, Timeout.InfiniteTimeSpan);
        }
    }

    private void End(Stage stage)
    {
        lock (_gate)
        {
            if (!_stages.Remove(stage))
                return;
            int width = _size().Width;
            Draw(Line(stage.State(hasEnded: true), width).Text + "\n");
        }
    }

    // Takes the moving lines away, writes a text that stays, and draws them again; in one piece, so that nothing flickers.
    private void Draw(string text, bool onlyChanged = false)
    {
        if (_hasEnded)
        {
            _writer.Write(text);
            return;
        }
        (int width, int height) = _size();
        (string Text, int Length)[] lines =
            [.. _stages.TakeLast(Math.Max(1, height - 1)).Select(s => Line(s.State(hasEnded: false), width))];
        string moving = string.Join('\n', lines.Select(l => l.Text));
        if (onlyChanged && moving == _last)
            return;
        var all = new StringBuilder();
        // A terminal that has become narrower has broken the lines that were drawn.
        int rows = _drawn.Sum(length => Math.Max(1, (length + width - 1) / width));
        if (rows > 0)
            all.Append(EraseLine);
        for (int i = 1; i < rows; i++)
            all.Append(Up).Append(EraseLine);
        all.Append(text);
        if (lines.Length > 0)
            all.Append(WrapOff).Append(moving).Append(WrapOn);
        (_drawn, _last) = ([.. lines.Select(l => l.Length)], moving);
        _writer.Write(all.ToString());
        _writer.Flush();
    }

    private (string Text, int Length) Line(in StageState state, int width)
    {
        int bar = ProgressLine.BarOf(width);
        string text = ProgressLine.Text(state, width);
        return ($"{_style.Bar(ProgressLine.FilledOf(state, bar), bar)} {text}", bar + 1 + text.Length);
    }

    private sealed class Stage(BarProgress view, string name, long total, long imagesPerUnit, long earlier) : IProgressStage
    {
        private readonly long _start = view._clock.GetTimestamp();
        private readonly Queue<(TimeSpan At, long Done)> _recent = new([(TimeSpan.Zero, earlier)]);
        private readonly long _before = earlier;
        private long _done = earlier;
        private string? _detail;

        public void Report(long done, string? detail = null)
        {
            lock (view._gate)
            {
                (_done, _detail) = (done, detail is null ? _detail : PrintableText.Of(detail));
                TimeSpan now = view._clock.GetElapsedTime(_start);
                if (now - _recent.Last().At >= TimeSpan.FromSeconds(0.5))
                    _recent.Enqueue((now, done));
                // The first steps take longer than all others: the time left follows from the later half.
                while (_recent.Count > 2 && _recent.Peek().At < now / 2)
                    _recent.Dequeue();
            }
        }

        public StageState State(bool hasEnded)
        {
            TimeSpan now = view._clock.GetElapsedTime(_start);
            (TimeSpan at, long before) = _recent.Peek();
            TimeSpan? left = hasEnded || _done <= before || _done >= total
                ? null
                : (now - at) * ((double)(total - _done) / (_done - before));
            return new StageState(name, _detail, _done, total, now, left)
            {
                HasEnded = hasEnded,
                ImagesPerUnit = imagesPerUnit,
                Before = _before,
            };
        }

        public void Dispose() => view.End(this);
    }
}

/// <summary>How bars look.</summary>
/// <param name="Colours">Whether there are colours.</param>
/// <param name="Unicode">Whether there are characters beyond ASCII.</param>
internal readonly record struct BarStyle(bool Colours, bool Unicode)
{
    /// <summary>A bar of which so much is filled.</summary>
    public string Bar(int filled, int length)
    {
        string full = new(Unicode ? '━' : '#', filled), rest = new(Unicode ? '─' : '-', length - filled);
        return Colours ? $"\e[32m{full}\e[90m{rest}\e[0m" : full + rest;
    }
}
