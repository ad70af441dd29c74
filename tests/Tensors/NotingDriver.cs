using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>A driver of graphs that only notes its calls: graphs get the numbers from 100 on, what is instantiated those from
/// 200 on.</summary>
internal sealed class NotingDriver : IGraphDriver
{
    private int _made;

    public List<string> Calls { get; } = [];

    public string? Failing { get; set; }

    public int Living { get; private set; }

    public bool InvalidatesCaptures { get; init; }

    private int Note(string call)
    {
        lock (Calls)
            Calls.Add(call);
        return Failing is not null && call.StartsWith(Failing, StringComparison.Ordinal) ? 901 : 0;
    }

    private nint Make(int error, int from)
    {
        if (error != 0)
            return 0;
        Living++;
        return from + _made++ / 2;
    }

    public int BeginCapture(nint stream) => Note($"begin {stream}");

    public int EndCapture(nint stream, out nint graph)
    {
        int error = Note($"end {stream}");
        graph = Make(InvalidatesCaptures ? 1 : error, 100);
        return error;
    }

    public int Instantiate(nint graph, out nint executable)
    {
        int error = Note($"instantiate {graph}");
        executable = Make(error, 200);
        return error;
    }

    public int Launch(nint executable, nint stream) => Note($"launch {executable} on {stream}");

    public int DestroyGraph(nint graph)
    {
        Living--;
        return Note($"destroy graph {graph}");
    }

    public int DestroyExecutable(nint executable)
    {
        Living--;
        return Note($"destroy {executable}");
    }

    public string NameOf(int error) => $"CUDA_ERROR_{error}";
}
