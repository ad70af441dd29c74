namespace InfMatch.Nn;

/// <summary>Numbers the jobs of a command in the order in which they come, over all calls of a runner, and tells those of a part. Every
/// process must number the same jobs, done or not, for the parts together to be all of them.</summary>
/// <param name="part">The part.</param>
public sealed class JobShare(Part part)
{
    private long _numbered;

    /// <summary>How many of the jobs that are numbered next are of the part; none is numbered by that.</summary>
    /// <param name="count">How many jobs.</param>
    /// <param name="behind">How many come before them.</param>
    public int CountNext(int count, int behind = 0) => Enumerable.Range(behind, count).Count(i => part.Has(_numbered + i));

    /// <summary>Numbers the next job, and tells whether it is of the part.</summary>
    public bool HasNext() => part.Has(_numbered++);
}
