using System.Runtime.InteropServices;

namespace InfMatch.Tensors;

/// <summary>The calls of CUDA's driver for graphs, which ILGPU does not have. Their thread must have the context of the
/// device (CUDA Driver API, "Stream Management" and "Graph Management").</summary>
internal sealed unsafe class CudaGraphDriver : IGraphDriver
{
    // Only what is queued on the stream is recorded, and other threads may allocate meanwhile.
    private const int RelaxedCapture = 2;

    private readonly delegate* unmanaged<nint, int, int> _beginCapture;
    private readonly delegate* unmanaged<nint, nint*, int> _endCapture;
    private readonly delegate* unmanaged<nint*, nint, ulong, int> _instantiate;
    private readonly delegate* unmanaged<nint, nint, int> _launch;
    private readonly delegate* unmanaged<nint, int> _destroyGraph;
    private readonly delegate* unmanaged<nint, int> _destroyExecutable;
    private readonly delegate* unmanaged<int, nint*, int> _nameOf;

    /// <summary>The calls of a driver's library.</summary>
    /// <param name="find">The address of a function by its name; throws <see cref="EntryPointNotFoundException"/> where a driver
    /// from before CUDA 11.4 lacks it.</param>
    public CudaGraphDriver(Func<string, nint> find)
    {
        _beginCapture = (delegate* unmanaged<nint, int, int>)find("cuStreamBeginCapture_v2");
        _endCapture = (delegate* unmanaged<nint, nint*, int>)find("cuStreamEndCapture");
        _instantiate = (delegate* unmanaged<nint*, nint, ulong, int>)find("cuGraphInstantiateWithFlags");
        _launch = (delegate* unmanaged<nint, nint, int>)find("cuGraphLaunch");
        _destroyGraph = (delegate* unmanaged<nint, int>)find("cuGraphDestroy");
        _destroyExecutable = (delegate* unmanaged<nint, int>)find("cuGraphExecDestroy");
        _nameOf = (delegate* unmanaged<int, nint*, int>)find("cuGetErrorName");
    }

    public int BeginCapture(nint stream) => _beginCapture(stream, RelaxedCapture);

    public int EndCapture(nint stream, out nint graph)
    {
        nint found = 0;
        int error = _endCapture(stream, &found);
        graph = found;
        return error;
    }

    public int Instantiate(nint graph, out nint executable)
    {
        nint found = 0;
        int error = _instantiate(&found, graph, 0);
        executable = found;
        return error;
    }

    public int Launch(nint executable, nint stream) => _launch(executable, stream);

    public int DestroyGraph(nint graph) => _destroyGraph(graph);

    public int DestroyExecutable(nint executable) => _destroyExecutable(executable);

    public string NameOf(int error)
    {
        nint text = 0;
        return _nameOf(error, &text) == 0 && Marshal.PtrToStringAnsi(text) is { } name ? name : $"error {error}";
    }
}
