namespace InfMatch.Tensors;

/// <summary>
/// One buffer of a backend, shared by a tensor and its reshapes and views. It belongs to the scope in which it was
/// made, and goes back to its backend's pool when that scope ends or when it is released.
/// </summary>
public abstract class Storage(Backend backend, DType dtype, int length)
{
    /// <summary>The backend that made the buffer.</summary>
    public Backend Backend { get; } = backend;

    /// <summary>The number type of the elements.</summary>
    public DType DType { get; } = dtype;

    /// <summary>The number of elements that can be used.</summary>
    public int Length { get; } = length;

    /// <summary>Whether the buffer has gone back to the pool.</summary>
    public bool IsReleased { get; private set; }

    internal TensorScope? Scope { get; set; }

    /// <summary>The captured graph that made the buffer and keeps it for its replays.</summary>
    internal CapturedGraph? Graph { get; set; }

    /// <summary>Gives the buffer back to the pool; a second call does nothing.</summary>
    public void Release()
    {
        if (IsReleased)
            return;
        IsReleased = true;
        Scope = null;
        if (Graph is null)
            ReturnBuffer();
    }

    /// <summary>A buffer over the first numbers of this one's memory, which goes back to the pool with this one; only where
    /// graphs are captured.</summary>
    internal virtual Storage Share(int length) => throw new NotSupportedException($"{Backend.Name} captures no graphs.");

    /// <summary>Sets all bits, which makes NaN of every number; only where graphs are captured.</summary>
    internal virtual void Poison() => throw new NotSupportedException($"{Backend.Name} captures no graphs.");

    /// <summary>Tells the buffer that kernels of this thread use it, where its view is not asked for, as by a replay.</summary>
    internal virtual void UsedHere()
    {
    }

    internal void LeaveGraph()
    {
        IsReleased = true;
        Graph = null;
        ReturnBuffer();
    }

    /// <summary>Gives the buffer back to the backend that made it.</summary>
    protected abstract void ReturnBuffer();
}
