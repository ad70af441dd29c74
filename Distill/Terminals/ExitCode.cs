namespace InfMatch.Distill;

/// <summary>What the process ends with; each has one meaning, so that scripts can act on it.</summary>
internal enum ExitCode
{
    /// <summary>Everything asked for was done.</summary>
    Done = 0,

    /// <summary>An error nobody foresaw: a bug.</summary>
    Bug = 1,

    /// <summary>The command line or a configuration is wrong.</summary>
    Usage = 2,

    /// <summary>Data is missing, damaged or too small, or a set does not keep what it claims.</summary>
    Data = 3,

    /// <summary>The device or its driver is absent or failed.</summary>
    Device = 4,

    /// <summary>There is not enough memory.</summary>
    Memory = 5,

    /// <summary>A number stopped being finite.</summary>
    Numerical = 6,

    /// <summary>A file or folder cannot be written, or the disk is full.</summary>
    FileSystem = 7,

    /// <summary>Everything was done and is on disk, but a distillation destroyed its set.</summary>
    Diverged = 8,

    /// <summary>Stopped by Ctrl-C or SIGTERM.</summary>
    Interrupted = 130,
}
