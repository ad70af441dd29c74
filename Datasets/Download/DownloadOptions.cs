namespace InfMatch.Datasets;

/// <summary>How patiently a file is downloaded.</summary>
public sealed record DownloadOptions
{
    /// <summary>How often a connection that breaks is made again before it is given up; the file goes on where it was.
    /// </summary>
    public int Attempts { get; init; } = 5;

    /// <summary>The pause before the second attempt; each further one is twice as long.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A connection that sends nothing for so long counts as broken.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What patience with a connection that stands is measured by; how long making one may take is always measured
    /// by the system's time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>The largest file that is taken.</summary>
    public long MaxBytes { get; init; } = 1L << 30;

    /// <summary>Hears the name of a file, how much is there and how much there is to be (0 where that is not
    /// known).</summary>
    public Action<string, long, long>? Progress { get; init; }

    /// <summary>Hears what a person should know, one line each.</summary>
    public Action<string>? Note { get; init; }

    /// <summary>Stops the download; what there is stays and is gone on with later.</summary>
    public CancellationToken Cancel { get; init; }
}
