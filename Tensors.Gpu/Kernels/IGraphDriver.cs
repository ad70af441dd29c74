namespace InfMatch.Tensors;

/// <summary>A driver's calls for graphs of kernels. Each returns 0, or the driver's number of an error.</summary>
internal interface IGraphDriver
{
    /// <summary>From now on what is queued on the stream is recorded and does not run.</summary>
    int BeginCapture(nint stream);

    /// <summary>Ends the recording, whose graph is the caller's; 0 where what was queued could not be recorded.</summary>
    int EndCapture(nint stream, out nint graph);

    /// <summary>What can be launched of a graph, and needs the graph no more.</summary>
    int Instantiate(nint graph, out nint executable);

    /// <summary>Queues all kernels of a graph on a stream.</summary>
    int Launch(nint executable, nint stream);

    /// <summary>Frees a graph.</summary>
    int DestroyGraph(nint graph);

    /// <summary>Frees what was instantiated, once what it has queued has run.</summary>
    int DestroyExecutable(nint executable);

    /// <summary>The name of an error, such as CUDA_ERROR_STREAM_CAPTURE_INVALIDATED.</summary>
    string NameOf(int error);
}
