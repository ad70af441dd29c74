namespace InfMatch.Tensors;

/// <summary>A backend that was opened, and why it was this one.</summary>
/// <param name="Backend">Where tensors live and kernels run.</param>
/// <param name="Reason">One sentence for the log of a run.</param>
public sealed record OpenedDevice(Backend Backend, string Reason);

/// <summary>From the text of a --device option to a backend.</summary>
public static class Devices
{
    private static readonly string[] s_gpus = ["cuda", "opencl"];

    /// <summary>
    /// Opens auto, cpu or reference. Nothing else is tried in place of a device that was named and is not there.
    /// </summary>
    /// <param name="specification">The value of --device.</param>
    /// <param name="threads">Threads of the cpu backend; 0 for one per processor.</param>
    /// <exception cref="DeviceException">The device is unknown, or this build cannot use it.</exception>
    public static OpenedDevice Open(string specification, int threads = 0)
    {
        string[] parts = specification.Split(':');
        bool indexed = parts.Length == 2 && int.TryParse(parts[1], out int index) && index >= 0;
        if (s_gpus.Contains(parts[0]) && (parts.Length == 1 || indexed))
        {
            throw new DeviceException(
                $"The device {specification} was asked for, but this build has no GPU backend yet. Use --device auto " +
                "or --device cpu.");
        }
        return specification switch
        {
            "auto" => new OpenedDevice(
                new CpuBackend(threads), "The cpu was chosen because this build has no GPU backend yet."),
            "cpu" => new OpenedDevice(new CpuBackend(threads), "The cpu was asked for."),
            "reference" => new OpenedDevice(
                new ReferenceBackend(), "The reference backend was asked for: plain loops, for checking only."),
            _ => throw new DeviceException(
                $"The device \"{specification}\" is not known. Allowed: auto, cpu, reference, cuda, cuda:<index>, " +
                "opencl, opencl:<index>."),
        };
    }
}
