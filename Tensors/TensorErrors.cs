namespace InfMatch.Tensors;

/// <summary>The base of every error that Tensors and the projects above raise about tensors and devices.</summary>
public class TensorException : Exception
{
    /// <summary>An error with its whole message: what, where, got and expected, and the likely fix.</summary>
    public TensorException(string message) : base(message) { }

    /// <summary>An error with its message and its cause.</summary>
    public TensorException(string message, Exception inner) : base(message, inner) { }
}

/// <summary>Shapes that do not fit an operation.</summary>
public sealed class ShapeException(string message) : TensorException(message);

/// <summary>Number types that do not fit an operation.</summary>
public sealed class DTypeException(string message) : TensorException(message);

/// <summary>A device that is unknown, absent, or not the one a tensor lives on.</summary>
public sealed class DeviceException : TensorException
{
    /// <summary>An error with its whole message.</summary>
    public DeviceException(string message) : base(PrintableText.Of(message)) { }

    /// <summary>An error of a driver, with its cause.</summary>
    public DeviceException(string message, Exception inner) : base(PrintableText.Of(message), inner) { }
}

/// <summary>A request for memory that a device could not meet, all in bytes.</summary>
/// <param name="Requested">What was asked for.</param>
/// <param name="InUse">What live tensors held.</param>
/// <param name="Cached">What the pool held for reuse.</param>
/// <param name="Free">What was left of the limit.</param>
/// <param name="Limit">What there may be at most; <see cref="long.MaxValue"/> for no limit.</param>
public readonly record struct MemoryShortage(long Requested, long InUse, long Cached, long Free, long Limit);

/// <summary>Memory that a device could not give.</summary>
public sealed class DeviceMemoryException : TensorException
{
    /// <summary>States what was asked, what is in use, cached and free, in bytes.</summary>
    public DeviceMemoryException(
        string device, MemoryShortage shortage, Exception? inner = null)
        : base(
            $"{device}: {Mebibytes(shortage.Requested)} ({shortage.Requested} bytes) more were asked for, " +
            $"{Mebibytes(shortage.InUse)} are in use, {Mebibytes(shortage.Cached)} are cached" +
            (shortage.Limit < long.MaxValue
                ? $" and {Mebibytes(shortage.Free)} are free of a limit of {Mebibytes(shortage.Limit)}. "
                : ". ") +
            "Lower the batch size, the network width or the images per class.",
            inner!)
    {
        (Requested, InUse, Cached, Free, Limit) = shortage;
    }

    /// <summary>Bytes that were asked for.</summary>
    public long Requested { get; }

    /// <summary>Bytes held by live tensors at that moment.</summary>
    public long InUse { get; }

    /// <summary>Bytes that the pool held for reuse at that moment.</summary>
    public long Cached { get; }

    /// <summary>Bytes that could still be had at that moment.</summary>
    public long Free { get; }

    /// <summary>What tensors may take: the memory of the device, or a lower budget.</summary>
    public long Limit { get; }

    private static string Mebibytes(long bytes) => FormattableString.Invariant($"{bytes / 1048576.0:F1} MiB");
}
