using System.Collections.Immutable;

namespace InfMatch.Tensors;

/// <summary>What matrix products and convolutions of float32 tensors are computed in, where a shape fills a device;
/// sums of float64 tensors and all other kernels know no such choice.</summary>
public enum Precision
{
    /// <summary>float32 throughout.</summary>
    Float32,

    /// <summary>Factors rounded to TF32 (10 bits behind the leading one), sums in float32, on tensor cores.</summary>
    Tf32,

    /// <summary>Each factor as a sum of two TF32 numbers and three products of these: the error of float32, on tensor
    /// cores.</summary>
    ThreeTf32,
}

/// <summary>The precisions as --precision names them.</summary>
public static class Precisions
{
    /// <summary>float32, tf32 and 3xtf32.</summary>
    public static ImmutableArray<string> Names { get; } = ["float32", "tf32", "3xtf32"];

    /// <summary>The name of a precision.</summary>
    public static string NameOf(Precision precision) => Names[(int)precision];

    /// <summary>The precision of a name.</summary>
    /// <exception cref="DeviceException">No precision has it.</exception>
    public static Precision Named(string name) => Names.IndexOf(name) is var i and >= 0
        ? (Precision)i
        : throw new DeviceException($"The precision \"{name}\" is not known. Allowed: {string.Join(", ", Names)}.");

    // One wording for every place at which a device can turn out to lack them.
    internal static DeviceException NotOn(string device, Precision precision) => new(
        $"The precision {NameOf(precision)} was asked for on {device}, which has no tensor cores for it: it takes a " +
        "CUDA device of compute capability 8.0 or later. Use --precision float32, or such a device by --device.");
}

/// <summary>
/// Where two almost equal gradients are subtracted, on this thread: inside, no backend computes with less than the error
/// of float32, whatever its <see cref="Backend.Precision"/>. A difference divides the rounding of its gradients by a
/// small step; TF32 would leave no digit of it.
/// </summary>
public static class FullPrecision
{
    [ThreadStatic]
    private static int s_depth;

    /// <summary>Whether this thread is inside <see cref="Require"/>.</summary>
    public static bool IsRequired => s_depth > 0;

    /// <summary>Requires full precision on this thread until disposed of; it nests.</summary>
    public static IDisposable Require() => new Requirement();

    private sealed class Requirement : IDisposable
    {
        private bool _isOver;

        public Requirement() => s_depth++;

        public void Dispose()
        {
            if (!_isOver)
                s_depth--;
            _isOver = true;
        }
    }
}
