using InfMatch.Tensors;
using Spectre.Console;

namespace InfMatch.Distill;

/// <summary>Progress for a person at a terminal: one bar a stage, with the time left.</summary>
internal sealed class BarProgress : IProgressView
{
    private const int BarWidth = 16, WidthOfOtherColumns = BarWidth + 32, SmallestDescription = 24;

    private readonly IAnsiConsole _console;
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _display;
    private readonly ProgressContext _context;

    public BarProgress(IAnsiConsole console)
    {
        _console = console;
        var started = new TaskCompletionSource<ProgressContext>(TaskCreationOptions.RunContinuationsAsynchronously);
        _display = Task.Run(() => console.Progress()
            .AutoClear(false)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = BarWidth },
                new PercentageColumn(), new RemainingTimeColumn(), new ElapsedTimeColumn())
            .StartAsync(async context =>
            {
                started.SetResult(context);
                await _end.Task;
            }));
        _context = started.Task.GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public IProgressStage Begin(string name, long total) =>
        new Stage(
            name, _context.AddTask(Markup.Escape(PrintableText.Of(name)), autoStart: true, maxValue: Math.Max(1, total)),
            Math.Max(SmallestDescription, _console.Profile.Width - WidthOfOtherColumns));

    /// <inheritdoc/>
    public void Note(string line) => _console.WriteLine(PrintableText.Of(line));

    /// <inheritdoc/>
    public void Dispose()
    {
        _end.TrySetResult();
        _display.GetAwaiter().GetResult();
    }

    private sealed class Stage(string name, ProgressTask task, int width) : IProgressStage
    {
        public void Report(long done, string? detail = null)
        {
            task.Value = done;
            if (detail is null)
                return;
            task.Description = Markup.Escape(PrintableText.Of($"{name}; {detail}", width));
        }

        public void Dispose() => task.StopTask();
    }
}
