using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>
/// Copies between host and device. An upload is queued behind the kernels and does not wait: its numbers are kept in
/// pinned memory until the device has been waited for.
/// </summary>
internal sealed class GpuStaging(Accelerator accelerator)
{
    private const long MostBytes = 64L << 20;
    private readonly Lock _lock = new();
    private readonly List<Array> _inFlight = [];
    private long _bytes;

    public void Upload<T>(ReadOnlySpan<T> source, ArrayView<T> destination) where T : unmanaged
    {
        if (source.IsEmpty)
            return;
        T[] pinned = GC.AllocateUninitializedArray<T>(source.Length, pinned: true);
        source.CopyTo(pinned);
        lock (_lock)
        {
            destination.CopyFromCPU(accelerator.DefaultStream, ref MemoryMarshal.GetArrayDataReference(pinned), source.Length);
            _inFlight.Add(pinned);
            _bytes += (long)source.Length * System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
            if (_bytes > MostBytes)
                Wait();
        }
    }

    // Pinned until the device has been waited for: the copy is only queued when ILGPU's call returns.
    public unsafe void Download<T>(ArrayView<T> source, Span<T> destination) where T : unmanaged
    {
        fixed (T* pinned = destination)
        {
            lock (_lock)
            {
                source.CopyToCPU(accelerator.DefaultStream, ref *pinned, destination.Length);
                Wait();
            }
        }
    }

    private void Wait()
    {
        accelerator.DefaultStream.Synchronize();
        _inFlight.Clear();
        _bytes = 0;
    }
}
