using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>Devices that a machine may have or not.</summary>
internal static class TestDevice
{
    /// <summary>Opens a device; the test is skipped where it is absent or cannot run the kernels.</summary>
    public static GpuBackend OpenOrSkip(string device, int lanes = 0)
    {
        SkipWithout(device);
        return new GpuBackend(device, lanes: lanes);
    }

    /// <summary>Skips the test where a device is absent or cannot run the kernels.</summary>
    public static void SkipWithout(string device)
    {
        GpuDevice? present = GpuDevices.List().FirstOrDefault(d => d.Specification == device);
        Skip.If(present is null, $"no {(device.StartsWith("cuda", StringComparison.Ordinal) ? "CUDA" : "OpenCL")} device: {device} is not there");
        Skip.If(present.Refusal is not null, $"{device} cannot run the kernels: {present.Refusal}");
    }
}
