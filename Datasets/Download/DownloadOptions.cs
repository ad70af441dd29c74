namespace InfMatch.Datasets;

/// <summary>Attempts, pauses and limits of a download.</summary>
public sealed record DownloadOptions
{
    /// <summary>How often a connection is tried; each attempt resumes the partial file.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>The pause before the second attempt; each further one is twice as long.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A connection that sends nothing for so long counts as broken.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The clock of <see cref="Patience"/> once a connection is open; opening one always follows the system's
    /// clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>The largest file that is taken.</summary>
    public long MaxBytes { get; init; } = 1L << 30;

    /// <summary>Called with the name of a file, the bytes received and the bytes expected (0 if not known).</summary>
    public Action<string, long, long>? Progress { get; init; }

    /// <summary>Called with messages for a person, one line each.</summary>
    public Action<string>? Note { get; init; }

    /// <summary>Stops the download; partial data is kept and resumed later.</summary>
    public CancellationToken Cancel { get; init; }
}
