namespace InfMatch.Methods;

/// <summary>The processes, or threads, that make one distillation together: each computes a share of every update, and what they
/// gather is the same for all. MPI's word for one of them is rank.</summary>
public interface IRanks
{
    /// <summary>How many there are.</summary>
    int Count { get; }

    /// <summary>Which one this is, from 0.</summary>
    int Own { get; }

    /// <summary>Gives bytes and returns those of every rank, in their order; it waits until all have given theirs, and ranks may give
    /// different numbers of bytes. One thread of a rank calls it, and each rank equally often.</summary>
    /// <param name="own">The bytes of this rank.</param>
    /// <param name="patience">How long it waits for the others; null for as long as they take.</param>
    /// <exception cref="TimeoutException">The others did not come in time.</exception>
    byte[][] Gather(byte[] own, TimeSpan? patience = null);
}

/// <summary>A process that works alone.</summary>
public sealed class OneRank : IRanks
{
    /// <inheritdoc/>
    public int Count => 1;

    /// <inheritdoc/>
    public int Own => 0;

    /// <inheritdoc/>
    public byte[][] Gather(byte[] own, TimeSpan? patience = null) => [own];
}
