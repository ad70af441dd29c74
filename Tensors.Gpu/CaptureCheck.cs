namespace InfMatch.Tensors;

/// <summary>Whether a device replays what it captured: a small graph with a product, sums and their working memory.</summary>
internal static class CaptureCheck
{
    private const int Rows = 5, Columns = 70, Outputs = 3;

    /// <summary>What is wrong; null where two replays on other numbers have the bits of kernels queued one by one.</summary>
    public static string? Refusal(GpuBackend backend)
    {
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        Tensor x = backend.Empty(new Shape(Rows, Columns), DType.Float32);
        Tensor w = backend.Empty(new Shape(Columns, Outputs), DType.Float32);
        try
        {
            Write(x, 1);
            Write(w, 2);
            using CapturedGraph graph = CapturedGraph.Of(backend, () => Chain(x, w));
            for (int turn = 0; turn < 2; turn++)
            {
                Write(x, 3 + turn);
                graph.Replay();
                Tensor[] expected = Chain(x, w);
                for (int i = 0; i < expected.Length; i++)
                {
                    if (!expected[i].ToArray<float>().AsSpan().SequenceEqual(graph.Results[i].ToArray<float>()))
                        return $"replay {turn + 1} of a small graph gave other numbers than its kernels one by one";
                }
            }
            return null;
        }
        catch (DeviceException e)
        {
            return e.Message;
        }
    }

    /// <summary>What is wrong with several at the same time; null where graphs on all lanes have the bits of kernels queued one by one
    /// on the main one.</summary>
    public static string? LaneRefusal(GpuBackend backend, int lanes)
    {
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        try
        {
            Tensor w = backend.Empty(new Shape(Columns, Outputs), DType.Float32);
            Write(w, 2);
            float[][] expected = [.. Enumerable.Range(0, lanes).Select(i => Numbers(Chain(Input(backend, 3 + i), w)))];
            var found = new float[lanes][];
            if (!backend.TryRunOnLanes(lanes, i => found[i] = OfGraph(backend, i, w)))
                return "the lanes are taken by other work";
            for (int i = 0; i < lanes; i++)
            {
                if (!expected[i].AsSpan().SequenceEqual(found[i]))
                    return $"small graphs on {lanes} lanes gave other numbers than their kernels one by one, at piece {i + 1}";
            }
            return null;
        }
        catch (DeviceException e)
        {
            return e.Message;
        }
    }

    private static float[] OfGraph(GpuBackend backend, int piece, Tensor w)
    {
        using var scope = TensorScope.Begin();
        Tensor x = Input(backend, piece + 40);
        using CapturedGraph graph = CapturedGraph.Of(backend, () => Chain(x, w));
        Write(x, 3 + piece);
        graph.Replay();
        return Numbers(graph.Results);
    }

    private static Tensor Input(Backend backend, int seed)
    {
        Tensor x = backend.Empty(new Shape(Rows, Columns), DType.Float32);
        Write(x, seed);
        return x;
    }

    private static float[] Numbers(IReadOnlyList<Tensor> tensors) => [.. tensors.SelectMany(t => t.ToArray<float>())];

    private static Tensor[] Chain(Tensor x, Tensor w)
    {
        Backend backend = x.Backend;
        Tensor y = backend.Empty(new Shape(Rows, Outputs), x.DType), scaled = backend.Empty(x.Shape, x.DType);
        Tensor sum = backend.Empty(new Shape(1, Columns), x.DType), all = backend.Empty(new Shape(1, 1), x.DType);
        backend.Run(new AffineCall(x, 0.5, 0.25, scaled));
        backend.Run(new MatMulCall(scaled, false, w, false, y));
        backend.Run(new SumToCall(scaled, sum));
        backend.Run(new SumToCall(scaled, all)); // more terms than a thread adds: by working memory
        return [y, sum, all];
    }

    private static void Write(Tensor y, int seed)
    {
        var numbers = new float[y.Count];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = (seed * 37 + i * 11) % 64 / 16f - 2;
        y.Backend.Upload<float>(numbers, y);
    }
}
