namespace InfMatch.Nn;

/// <summary>A job that leaves a file behind, whose bytes follow from the key and the files that it reads: also another process, or
/// another machine that sees the files, can do it.</summary>
public abstract class FileJob : Job
{
    /// <summary>The files that it reads.</summary>
    public abstract IReadOnlyList<string> Inputs { get; }

    /// <summary>The file that it makes, which has this name only when it is whole.</summary>
    public abstract string Result { get; }

    /// <summary>Whether the file exists; a job that can tell a sound file from a damaged one also reads it.</summary>
    public override bool IsDone() => File.Exists(Result);
}
