namespace InfMatch.Methods;

/// <summary>Another rank failed, so that this one cannot go on.</summary>
/// <param name="rank">Which.</param>
/// <param name="code">The exit code that its error leads to.</param>
/// <param name="message">What it says.</param>
public sealed class OtherRankException(int rank, int code, string message) : Exception($"rank {rank}: {message}")
{
    /// <summary>Which rank failed.</summary>
    public int Rank { get; } = rank;

    /// <summary>The exit code that its error leads to.</summary>
    public int Code { get; } = code;
}
