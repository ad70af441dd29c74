namespace InfMatch.Tensors;

/// <summary>
/// A kind of device, by its name for --device, and how one is opened. It is written next to its backend and found by
/// enumeration, so a new backend edits no list.
/// </summary>
public abstract class DeviceKind : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>What to call one of this kind where none is present, such as "CUDA device"; null of a kind that is
    /// always present.</summary>
    public virtual string? Noun => null;

    /// <summary>Those of this kind on this machine that are named by a number, as cuda:1.</summary>
    public virtual IReadOnlyList<PresentDevice> Present() => [];

    /// <summary>Of the kind that auto falls back to, all that its speed follows from beside the program; null of
    /// others.</summary>
    public virtual string? Fallback => null;

    /// <summary>Opens one.</summary>
    /// <param name="asked">What was asked for: the name, for a kind that has a <see cref="Noun"/> with or without a
    /// number.</param>
    /// <param name="options">Threads, memory and precision.</param>
    /// <exception cref="DeviceException">It is absent, cannot run the kernels, or lacks what the options
    /// take.</exception>
    public abstract OpenedDevice Open(string asked, DeviceOptions options);
}

/// <summary>How a device is to be opened.</summary>
/// <param name="Threads">Threads of the cpu backend; 0 for one per processor. On other devices the pieces of work that run at
/// the same time; 0 for what suits the device.</param>
/// <param name="MemoryLimit">Bytes that tensors may take.</param>
/// <param name="Precision">What products of float32 tensors are computed in.</param>
public sealed record DeviceOptions(
    int Threads = 0, long MemoryLimit = long.MaxValue, Precision Precision = Precision.Float32);

/// <summary>A device of this machine beside its processor.</summary>
/// <param name="Specification">The text for --device, such as cuda:0.</param>
/// <param name="Name">Its model.</param>
/// <param name="IsGpu">Whether it is a graphics processor; an OpenCL driver may also serve the processor.</param>
public abstract record PresentDevice(string Specification, string Name, bool IsGpu)
{
    /// <summary>Why kernels cannot run here; null where they can.</summary>
    public abstract string? Refusal { get; }

    /// <summary>All that its speed follows from beside the program: its place, its model, its driver.</summary>
    public abstract string Identity { get; }

    /// <summary>Whether it computes in a precision.</summary>
    public abstract bool Has(Precision precision);
}

/// <summary>A backend that was opened, and why it was this one.</summary>
/// <param name="Backend">Where tensors live and kernels run.</param>
/// <param name="Reason">One sentence for the log of a run.</param>
public sealed record OpenedDevice(Backend Backend, string Reason);
