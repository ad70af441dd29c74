using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace InfMatch.Tensors;

/// <summary>
/// The streams of a device. None is CUDA's default stream, which cannot be captured and waits for all others.
/// </summary>
internal sealed class GpuStreams(Accelerator accelerator)
{
    /// <summary>Where this thread queues its kernels and copies.</summary>
    public AcceleratorStream Current { get; } = accelerator.CreateStream();

    /// <summary>Where graphs are captured: nothing else is queued there, so nothing else gets into one.</summary>
    public AcceleratorStream Capture { get; } = accelerator.CreateStream();

    /// <summary>The driver's name for <see cref="Current"/>; 0 where the device is not CUDA's.</summary>
    public nint CurrentPointer => Current is CudaStream cuda ? cuda.StreamPtr : 0;

    /// <summary>The driver's name for <see cref="Capture"/>; 0 where the device is not CUDA's.</summary>
    public nint CapturePointer => Capture is CudaStream cuda ? cuda.StreamPtr : 0;
}
