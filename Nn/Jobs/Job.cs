namespace InfMatch.Nn;

/// <summary>
/// A piece of work that can be done on any thread and in any order among others, because what it gives follows from its key alone.
/// Jobs of one kind and key are equal: what one of them gives is what all of them give, to the bit, so that it is done once.
/// </summary>
public abstract class Job : IEquatable<Job>
{
    /// <summary>Everything that tells it from the jobs beside it, as text.</summary>
    public abstract string Key { get; }

    /// <summary>Jobs of one group are of use together only: where one fails, all others of its group are stopped, too. Groups count
    /// up in the order of the jobs; a job is in one of its own unless it says otherwise.</summary>
    public virtual int? Group => null;

    /// <summary>What kind of job it is; one that wraps another is of that one's kind.</summary>
    internal virtual Type Kind => GetType();

    /// <summary>Whether the result is there already, and sound; it is then not made again.</summary>
    public abstract bool IsDone();

    /// <summary>Makes the result.</summary>
    /// <exception cref="OperationCanceledException">It was stopped; nothing half-made is left.</exception>
    public abstract void Make(CancellationToken cancel);

    /// <summary>Whether the other is of the same kind and key.</summary>
    public bool Equals(Job? other) => other is not null && other.Kind == Kind && other.Key == Key;

    /// <inheritdoc/>
    public sealed override bool Equals(object? obj) => Equals(obj as Job);

    /// <inheritdoc/>
    public sealed override int GetHashCode() => HashCode.Combine(Kind, StringComparer.Ordinal.GetHashCode(Key));
}
