namespace InfMatch.Tensors;

/// <summary>The kernel calls of a <see cref="CapturedGraph"/>, recorded and replayed in the way of a backend.</summary>
internal abstract class RecordedCalls : IDisposable
{
    /// <summary>The kernel calls of a replay.</summary>
    public abstract int Count { get; }

    /// <summary>Ends the recording, and makes the calls where recording them did not.</summary>
    public virtual void Complete()
    {
    }

    /// <summary>Makes the calls again.</summary>
    public abstract void Replay();

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>Calls that are functions of the host.</summary>
internal sealed class RecordedFunctions : RecordedCalls
{
    private readonly List<Action> _calls = [];

    public override int Count => _calls.Count;

    public void Add(Action call) => _calls.Add(call);

    public override void Replay()
    {
        foreach (Action call in _calls)
            call();
    }

    public override void Dispose() => _calls.Clear();
}
