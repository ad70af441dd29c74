using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>What a driver reports, as our own error: whichever call happens to bring it.</summary>
internal static class GpuDriver
{
    /// <summary>The error of a device whose driver failed.</summary>
    public static DeviceException Failure(string device, AcceleratorException e) => new(
        $"{device}: the driver reports {e.Message} It is told here, but may come from any kernel queued before. The " +
        "device cannot be used by this process any more: start it again, and check the device with 'doctor'.", e);

    /// <summary>The error of a driver that cannot capture or launch a graph.</summary>
    public static DeviceException GraphFailure(string device, string error, string what) => new(
        $"{device}: the driver reports {error} when {what}. It is told here, but may come from any kernel queued before. " +
        "Start the program again, and check the device with 'doctor'.");
}
