namespace InfMatch.Distill;

/// <summary>Shows how far the work is. Stages follow one another, nest or overlap, and reports of
/// overlapping ones come one at a time; each is ended by disposing of it.</summary>
internal interface IProgressView : IDisposable
{
    /// <summary>Begins a stage of so many units of work, each on so many images; 0 for work that is not on images. Units
    /// that an earlier sitting has done count to the total, and not to the speed.</summary>
    IProgressStage Begin(string name, long total, long imagesPerUnit = 0, long done = 0);

    /// <summary>Writes a line that stays.</summary>
    void Note(string line);
}

/// <summary>One stage of the work.</summary>
internal interface IProgressStage : IDisposable
{
    /// <summary>So many units are done in all; the detail is a short text such as a loss.</summary>
    void Report(long done, string? detail = null);
}

/// <summary>Times as people read them.</summary>
internal static class Durations
{
    /// <summary>"42 s", "3 min 05 s" or "2 h 07 min".</summary>
    public static string Text(TimeSpan time)
    {
        long seconds = (long)Math.Round(time.TotalSeconds);
        return seconds switch
        {
            < 60 => $"{seconds} s",
            < 3600 => $"{seconds / 60} min {seconds % 60:00} s",
            _ => $"{seconds / 3600} h {seconds % 3600 / 60:00} min",
        };
    }
}
