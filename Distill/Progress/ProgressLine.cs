namespace InfMatch.Distill;

/// <summary>What a line of progress tells.</summary>
/// <param name="Name">The stage.</param>
/// <param name="Detail">The number that matters, such as a loss or an accuracy; null for none.</param>
/// <param name="Done">Units of work done.</param>
/// <param name="Total">Units in all.</param>
/// <param name="Elapsed">Since the stage began.</param>
/// <param name="Left">Time left; null where it is not known, or the stage has ended.</param>
internal readonly record struct StageState(
    string Name, string? Detail, long Done, long Total, TimeSpan Elapsed, TimeSpan? Left)
{
    /// <summary>Whether it is over, complete or not.</summary>
    public bool HasEnded { get; init; }

    /// <summary>Images that a unit of work is on; 0 where it is not on images.</summary>
    public long ImagesPerUnit { get; init; }

    /// <summary>Units that an earlier sitting had done.</summary>
    public long Before { get; init; }

    /// <summary>Whether all of it was done.</summary>
    public bool IsComplete => Done >= Total;
}

/// <summary>One line of progress for a terminal of any width: a bar, then text, of which what matters least goes first
/// where there is no room: the speed, the steps, the time, then the end of the name; the detail stays whole as long as it can.
/// </summary>
internal static class ProgressLine
{
    /// <summary>Columns at the right that stay free: a terminal echoes ^C there, and must not begin a new line for it.</summary>
    public const int Free = 3;

    private const int LongBar = 20, Bar = 10, ShortBar = 6, LeastName = 12;

    /// <summary>The length of the bar on a terminal of so many columns.</summary>
    public static int BarOf(int width) => width >= 110 ? LongBar : width >= 90 ? Bar : ShortBar;

    /// <summary>How much of a bar is filled, at most all.</summary>
    public static int FilledOf(in StageState state, int bar) =>
        (int)(bar * Math.Clamp((double)state.Done / Math.Max(1, state.Total), 0, 1));

    /// <summary>The text behind the bar, at most width − <see cref="Free"/> columns with it.</summary>
    public static string Text(in StageState state, int width)
    {
        int room = Math.Max(1, width - Free - BarOf(width) - 1);
        string detail = state.Detail is null ? "" : $"; {state.Detail}";
        string steps = $"; {state.Done}/{state.Total}", time = Time(state), rate = Rate(state);
        foreach (string tail in (string[])[detail + steps + rate + time, detail + steps + time, detail + time, detail])
        {
            if (state.Name.Length + tail.Length <= room)
                return state.Name + tail;
        }
        int left = Math.Max(LeastName, room - detail.Length);
        string name = state.Name.Length <= left ? state.Name : $"{state.Name[..(left - 1)]}…";
        string text = name + detail;
        return text.Length <= room ? text : $"{text[..(room - 1)]}…";
    }

    /// <summary>"0:07", "12:05" or "1:02:05".</summary>
    public static string Clock(TimeSpan time)
    {
        long seconds = (long)Math.Round(time.TotalSeconds);
        return seconds < 3600
            ? $"{seconds / 60}:{seconds % 60:00}"
            : $"{seconds / 3600}:{seconds % 3600 / 60:00}:{seconds % 60:00}";
    }

    private static string Time(in StageState state) => state switch
    {
        { HasEnded: true, IsComplete: true } => $"; in {Clock(state.Elapsed)}",
        { HasEnded: true } => $"; stopped after {Clock(state.Elapsed)}",
        { Left: { } left } => $"; {Clock(left)} left",
        _ => $"; {Clock(state.Elapsed)}",
    };

    // Of a stage whose steps are counted in thousands the speed says more than a bar that stands still.
    private static string Rate(in StageState state)
    {
        double perSecond = (state.Done - state.Before) / Math.Max(1e-3, state.Elapsed.TotalSeconds);
        return state.Done == state.Before || state.Elapsed < TimeSpan.FromSeconds(1) ? ""
            : state.ImagesPerUnit > 0 ? FormattableString.Invariant($"; {perSecond * state.ImagesPerUnit:F0} images/s")
            : perSecond >= 1 ? FormattableString.Invariant($"; {perSecond:F1}/s")
            : FormattableString.Invariant($"; {1 / perSecond:F1} s each");
    }
}
