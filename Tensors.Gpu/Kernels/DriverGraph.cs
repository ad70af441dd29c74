namespace InfMatch.Tensors;

/// <summary>Kernels that a driver has recorded and queues by one call.</summary>
internal sealed class DriverGraph : IDisposable
{
    private readonly string _device;
    private readonly IGraphDriver _driver;
    private nint _executable;

    private DriverGraph(string device, IGraphDriver driver, nint executable)
    {
        (_device, _driver, _executable) = (device, driver, executable);
    }

    /// <summary>Records what is queued on a stream, and runs nothing.</summary>
    /// <param name="device">The device, for errors.</param>
    /// <param name="driver">Its driver.</param>
    /// <param name="stream">A stream on which nobody else queues.</param>
    /// <param name="queue">Queues the kernels there.</param>
    /// <exception cref="DeviceException">The driver fails. Nothing of the graph is left then, nor after an exception of
    /// <paramref name="queue"/>.</exception>
    public static DriverGraph Capture(string device, IGraphDriver driver, nint stream, Action queue)
    {
        Check(device, driver, driver.BeginCapture(stream), "beginning the capture of a graph");
        nint graph;
        try
        {
            queue();
        }
        catch
        {
            // The stream would record for ever. What went wrong first is what the caller is told.
            _ = driver.EndCapture(stream, out graph);
            Free(driver, graph);
            throw;
        }
        int error = driver.EndCapture(stream, out graph);
        try
        {
            Check(device, driver, error, "ending the capture of a graph");
            Check(device, driver, driver.Instantiate(graph, out nint executable), "instantiating a captured graph");
            return new DriverGraph(device, driver, executable);
        }
        finally
        {
            Free(driver, graph);
        }
    }

    /// <summary>Queues the kernels on a stream.</summary>
    /// <exception cref="DeviceException">The driver fails.</exception>
    /// <exception cref="ObjectDisposedException">The graph was freed.</exception>
    public void Launch(nint stream)
    {
        ObjectDisposedException.ThrowIf(_executable == 0, this);
        Check(_device, _driver, _driver.Launch(_executable, stream), "launching a captured graph");
    }

    /// <summary>Frees the graph; a second call does nothing. A driver that fails here fails at the next call, too, which
    /// tells.</summary>
    public void Dispose()
    {
        if (_executable != 0)
            _ = _driver.DestroyExecutable(_executable);
        _executable = 0;
    }

    private static void Free(IGraphDriver driver, nint graph)
    {
        if (graph != 0)
            _ = driver.DestroyGraph(graph);
    }

    private static void Check(string device, IGraphDriver driver, int error, string what)
    {
        if (error != 0)
            throw GpuDriver.GraphFailure(device, driver.NameOf(error), what);
    }
}
