using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace InfMatch.Tensors;

/// <summary>What a measurement of a device asks beside the contract of a backend.</summary>
public sealed partial class GpuBackend
{
    /// <summary>Every kernel that was asked for so far, with what its driver says of the compiled code.</summary>
    /// <exception cref="DeviceException">The driver fails.</exception>
    internal IReadOnlyList<KernelResources> Resources()
    {
        try
        {
            return
            [
                .. Kernels.OrderBy(KernelResources.NameOf, StringComparer.Ordinal)
                    .Select(kernel => KernelResources.Of(_accelerator, kernel)),
            ];
        }
        catch (AcceleratorException e)
        {
            throw GpuDriver.Failure(Name, e);
        }
    }

    /// <summary>Bytes of the device that no process holds; null where the driver does not tell.</summary>
    internal long? FreeBytes => (_accelerator as CudaAccelerator)?.GetFreeMemory();

    /// <summary>The seconds that a device spends on what is queued, by its own clock: two events, the first behind work that
    /// lasts until all is queued, so that the host's part does not count. Null where the device has no such clock.</summary>
    /// <param name="before">Queues that work.</param>
    /// <param name="measured">Queues what is timed.</param>
    /// <exception cref="DeviceException">The driver fails.</exception>
    internal double? DeviceSeconds(Action before, Action measured)
    {
        if (_streams.Current.Stream is not CudaStream stream)
            return null;
        _accelerator.Bind();
        CudaAPI api = CudaAPI.CurrentAPI;
        try
        {
            CudaException.ThrowIfFailed(api.CreateEvent(out nint start, CudaEventFlags.CU_EVENT_DEFAULT));
            CudaException.ThrowIfFailed(api.CreateEvent(out nint end, CudaEventFlags.CU_EVENT_DEFAULT));
            before();
            CudaException.ThrowIfFailed(api.RecordEvent(start, stream.StreamPtr));
            measured();
            CudaException.ThrowIfFailed(api.RecordEvent(end, stream.StreamPtr));
            CudaException.ThrowIfFailed(api.SynchronizeEvent(end));
            CudaException.ThrowIfFailed(api.ElapsedTime(out float milliseconds, start, end));
            CudaException.ThrowIfFailed(api.DestroyEvent(start));
            CudaException.ThrowIfFailed(api.DestroyEvent(end));
            return milliseconds / 1e3;
        }
        catch (AcceleratorException e)
        {
            throw GpuDriver.Failure(Name, e);
        }
    }
}
