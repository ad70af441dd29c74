using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;

namespace InfMatch.Tensors;

/// <summary>Captured graphs: prepared calls, which on CUDA the driver queues by one call of its own.</summary>
public sealed partial class GpuBackend
{
    private readonly Lock _checking = new();
    private bool _isBeingChecked, _isChecked;
    private string? _captureRefusal;

    /// <inheritdoc/>
    public override bool CanCapture => CaptureRefusal is null;

    /// <summary>Why no graphs are captured here, found by a small graph that is captured when it is first asked, replayed
    /// twice and compared with kernels queued one by one; null where they are. Numbers are the same without, and steps
    /// of few images take longer.</summary>
    /// <exception cref="DeviceMemoryException">The device has no room for the small graph; it is tried again when asked
    /// again.</exception>
    public string? CaptureRefusal
    {
        get
        {
            if (_isDryRun)
                return "a dry run computes nothing";
            lock (_checking)
            {
                if (_isBeingChecked)
                    return null; // the check asks
                if (_isChecked)
                    return _captureRefusal;
                _isBeingChecked = true;
                try
                {
                    _captureRefusal = FindDriver() ?? CaptureCheck.Refusal(this);
                    _isChecked = true;
                }
                finally
                {
                    _isBeingChecked = false;
                }
                return _captureRefusal;
            }
        }
    }

    /// <summary>Whether a replay is one call of the driver, as on CUDA; elsewhere its prepared kernels are queued one by one.
    /// </summary>
    public bool ReplaysByDriver => CanCapture && _launcher.Graphs is not null;

    /// <summary>The driver's graphs; for tests of what an error of theirs leaves behind.</summary>
    internal IGraphDriver? GraphDriver
    {
        get => _launcher.Graphs;
        set => _launcher.Graphs = value;
    }

    internal override RecordedCalls NewRecordedCalls() => new GpuCalls(_launcher);

    internal override Storage Placeholder(DType dtype, int length) => GpuStorage.Placeholder(this, _memory, dtype, length);

    internal override WorkingMemory NewWorkingMemory() => new GpuWorkingMemory(this, _memory);

    internal override WorkingMemory? UseWorkingMemory(WorkingMemory? next) => GpuWorkingMemory.Use((GpuWorkingMemory?)next);

    // What keeps CUDA's driver from graphs; null where nothing does.
    private string? FindDriver()
    {
        if (_accelerator is not CudaAccelerator || _launcher.Graphs is not null)
            return null;
        if (DriverLibraries.Cuda() is not { } library)
            return "the library of CUDA's driver is not found under its name";
        try
        {
            _launcher.Graphs = new CudaGraphDriver(name => NativeLibrary.GetExport(library, name));
            return null;
        }
        catch (EntryPointNotFoundException e)
        {
            return $"the driver is too old for graphs: {e.Message}";
        }
    }
}
