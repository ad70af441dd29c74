using CsCheck;
using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>What a captured graph keeps, repeats and refuses; that each kernel repeats its bits is in
/// <see cref="KernelCheck"/>, and each operation in OpTests.</summary>
public sealed class CapturedGraphTests
{
    private readonly CpuBackend _cpu = new(2);

    // A chain of kernels that share their working memory, the second larger than the first.
    private static Tensor[] Chain(Tensor x, Tensor w)
    {
        Variable v = Variable.Leaf(w), y = Variable.Constant(x);
        for (int i = 0; i < 3; i++)
            y = y.Conv2d(v, padding: 1).AvgPool2d(i == 0 ? 1 : 2);
        Variable sum = (y * y).Sum();
        return [sum.Value, Gradient.Of(sum, v).Value];
    }

    [Fact]
    public void A_replay_gives_the_bits_of_the_computation_on_the_numbers_of_now()
    {
        using var scope = TensorScope.Begin();
        Tensor x = _cpu.Empty(new Shape(3, 16, 12, 12), DType.Float32), w = _cpu.Empty(new Shape(16, 16, 3, 3), DType.Float32);
        Write(x, 1);
        Write(w, 2);
        using CapturedGraph graph = CapturedGraph.Of(_cpu, () => Chain(x, w));
        AssertSame(Chain(x, w), graph.Results);
        for (ulong seed = 3; seed < 6; seed++)
        {
            Write(x, seed);
            Write(w, seed + 10);
            graph.Poison();
            graph.Replay();
            AssertSame(Chain(x, w), graph.Results);
        }
    }

    [Fact]
    public void Replays_allocate_nothing_and_take_no_memory()
    {
        using var scope = TensorScope.Begin();
        Tensor x = _cpu.Empty(new Shape(8, 16, 32, 32), DType.Float32), w = _cpu.Empty(new Shape(16, 16, 3, 3), DType.Float32);
        Write(x, 1);
        Write(w, 2);
        using CapturedGraph graph = CapturedGraph.Of(_cpu, () => Chain(x, w));
        Assert.True(graph.Count > 10);
        for (int i = 0; i < 3; i++)
            graph.Replay();
        (long allocated, long requests) = (GC.GetAllocatedBytesForCurrentThread(), _cpu.MemoryRequests);
        for (int i = 0; i < 20; i++)
            graph.Replay();
        Assert.Equal(requests, _cpu.MemoryRequests);
        // Waiting for a worker may make the lock's own record, once.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, 500);
    }

    [Fact]
    public void The_graph_owns_what_the_computation_makes_and_gives_it_back()
    {
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(_cpu, DType.Float64, new Shape(5), 3);
        int before = _cpu.Memory.LiveBuffers;
        CapturedGraph graph;
        using (TensorScope.Begin()) // results belong to no scope
        {
            graph = CapturedGraph.Of(_cpu, () =>
            {
                Tensor twice;
                using (var inner = TensorScope.Begin())
                    twice = inner.Keep(x.Times(4).Times(0.5));
                Tensor early = x.Times(7);
                early.Dispose(); // its memory stays the graph's: nobody else may write there
                return [twice.Times(10)];
            });
        }
        Assert.Equal(before + 2, _cpu.Memory.LiveBuffers); // a source and a destination
        Tensor other = Tensor.Full(_cpu, DType.Float64, new Shape(5), -1);
        _cpu.Fill(x, 5);
        graph.Replay();
        Assert.Equal([100.0, 100, 100, 100, 100], graph.Results[0].ToArray<double>());
        Assert.All(other.ToArray<double>(), v => Assert.Equal(-1, v));
        graph.Dispose();
        graph.Dispose();
        Assert.Equal(before + 1, _cpu.Memory.LiveBuffers);
        Assert.Throws<ObjectDisposedException>(graph.Replay);
        Assert.Throws<ObjectDisposedException>(() => graph.Results[0].ToArray<double>());
    }

    [Fact]
    public void What_a_replay_could_not_repeat_is_refused_and_nothing_is_left()
    {
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(_cpu, DType.Float32, new Shape(5), 3);
        int before = _cpu.Memory.LiveBuffers;
        void Refused(string what, Func<Tensor> computation)
        {
            InvalidOperationException refusal = Assert.Throws<InvalidOperationException>(
                () => CapturedGraph.Of(_cpu, () => [x.Times(2), computation()]));
            Assert.StartsWith(what, refusal.Message, StringComparison.Ordinal);
            Assert.Equal(before, _cpu.Memory.LiveBuffers);
        }
        Refused("A copy from the host", () => Tensor.From<float>(_cpu, [1], new Shape(1)));
        Refused("A copy to the host", () => x.Times(x.Norm()));
        Refused("A draw of random numbers", () =>
        {
            Tensor y = _cpu.Empty(x.Shape, x.DType);
            _cpu.Uniform(RandomKey.FromSeed(1), 0, 1, y);
            return y;
        });
        Assert.Throws<DeviceException>(() => CapturedGraph.Of(
            _cpu, () => [x.Times(2)], CapturedGraph.Of(new CpuBackend(1), () => [])));
        Refused("Another capture", () => CapturedGraph.Of(_cpu, () => [x]).Results[0]);
        using CapturedGraph other = CapturedGraph.Of(_cpu, () => [x.Times(3)]);
        before = _cpu.Memory.LiveBuffers;
        Refused("A replay", () =>
        {
            other.Replay();
            return x;
        });
        foreach (int threads in new[] { 1, 2 }) // also where nothing would run in parallel
        {
            var cpu = new CpuBackend(threads);
            Tensor y = Tensor.Full(cpu, DType.Float32, new Shape(5), 3);
            Assert.StartsWith("Parallel work", Assert.Throws<InvalidOperationException>(() => CapturedGraph.Of(cpu, () =>
            {
                using var inner = TensorScope.Begin();
                return inner.InParallel(cpu, 2, _ => [y.Times(2)])[0];
            })).Message, StringComparison.Ordinal);
        }
        Assert.Throws<NotSupportedException>(() => CapturedGraph.Of(new ReferenceBackend(), () => []));
        Assert.Equal(6, x.Times(2).ToArray<float>()[0]); // the thread captures no more
    }

    [Fact]
    public void A_computation_that_fails_leaves_nothing()
    {
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(_cpu, DType.Float32, new Shape(300000), 3);
        int before = _cpu.Memory.LiveBuffers;
        Assert.Throws<ArithmeticException>(() => CapturedGraph.Of(_cpu, () =>
        {
            x.Times(2);
            throw new ArithmeticException();
        }));
        _cpu.RefusedMemoryRequest = _cpu.MemoryRequests + 2;
        Assert.Throws<DeviceMemoryException>(() => CapturedGraph.Of(_cpu, () => [x.Times(2), x.Times(3)]));
        Assert.Equal(before, _cpu.Memory.LiveBuffers);
        using CapturedGraph graph = CapturedGraph.Of(_cpu, () => [x.Times(2)]);
        Assert.Equal(6, graph.Results[0].ToArray<float>()[299999]);
    }

    [Fact]
    public void An_input_that_went_back_to_the_pool_is_named()
    {
        Tensor x = Tensor.Full(_cpu, DType.Float32, new Shape(5), 3);
        using CapturedGraph graph = CapturedGraph.Of(_cpu, () => [x.Times(2)]);
        x.Dispose();
        Assert.Contains(
            "An input of a captured graph", Assert.Throws<ObjectDisposedException>(graph.Replay).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_thread_may_replay_and_capture_in_between()
    {
        using var scope = TensorScope.Begin();
        Tensor x = _cpu.Empty(new Shape(3, 16, 12, 12), DType.Float32), w = _cpu.Empty(new Shape(16, 16, 3, 3), DType.Float32);
        Write(x, 1);
        Write(w, 2);
        using CapturedGraph graph = CapturedGraph.Of(_cpu, () => Chain(x, w));
        Write(x, 3);
        var thread = new Thread(() =>
        {
            using (TensorScope.Begin())
            using (CapturedGraph.Of(_cpu, () => Chain(x, w)))
                graph.Replay();
        });
        thread.Start();
        thread.Join();
        AssertSame(Chain(x, w), graph.Results);
    }

    [Fact]
    public void Graphs_that_share_memory_take_no_more_than_the_larger_and_give_their_own_results()
    {
        using var scope = TensorScope.Begin();
        Tensor w = _cpu.Empty(new Shape(16, 16, 3, 3), DType.Float32);
        Tensor many = _cpu.Empty(new Shape(5, 16, 12, 12), DType.Float32), few = _cpu.Empty(new Shape(2, 16, 12, 12), DType.Float32);
        Write(w, 1);
        Write(many, 2);
        Write(few, 3);
        int before = _cpu.Memory.LiveBuffers;
        CapturedGraph large = CapturedGraph.Of(_cpu, () => Chain(many, w));
        int after = _cpu.Memory.LiveBuffers;
        CapturedGraph small = CapturedGraph.Of(_cpu, () => Chain(few, w), large);
        Assert.Equal(after, _cpu.Memory.LiveBuffers);
        void Check(CapturedGraph graph, Tensor x)
        {
            using var inner = TensorScope.Begin();
            graph.Replay();
            AssertSame(Chain(x, w), graph.Results);
        }
        for (int i = 0; i < 2; i++)
        {
            Check(large, many);
            Check(small, few);
        }
        large.Dispose(); // the other still has the memory
        Assert.Equal(after, _cpu.Memory.LiveBuffers);
        Check(small, few);
        Assert.Throws<ObjectDisposedException>(() => CapturedGraph.Of(_cpu, () => Chain(few, w), large));
        small.Dispose();
        Assert.Equal(before, _cpu.Memory.LiveBuffers);
    }

    [Fact]
    public void What_is_no_result_cannot_be_read_behind_the_capture()
    {
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(_cpu, DType.Float32, new Shape(5), 3);
        Tensor? escaped = null;
        using CapturedGraph graph = CapturedGraph.Of(_cpu, () =>
        {
            using (TensorScope.BeginDetached())
                escaped = x.Times(2);
            return [escaped.Times(2).Reshape(new Shape(5, 1))];
        });
        Assert.Throws<ObjectDisposedException>(() => escaped!.ToArray<float>());
        Assert.Equal(12, graph.Results[0].ToArray<float>()[4]);
    }

    [Fact]
    public void A_computation_that_changes_its_mind_is_refused()
    {
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(_cpu, DType.Float32, new Shape(5), 3);
        int before = _cpu.Memory.LiveBuffers;
        foreach ((int first, int then) in new[] { (5, 4), (1, 2), (2, 1) })
        {
            int runs = 0;
            InvalidOperationException refusal = Assert.Throws<InvalidOperationException>(() => CapturedGraph.Of(_cpu, () =>
                [.. Enumerable.Range(0, runs++ == 0 ? first : then).Select(i => x.View(0, new Shape(first == 5 ? 5 - runs : 5)).Times(i))]));
            Assert.Contains("made other tensors", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(before, _cpu.Memory.LiveBuffers);
        }
    }

    [Fact]
    public void Tensors_that_are_needed_at_once_never_share_a_buffer() => Gen.Select(
        Gen.Int[1, 9].Array[0, 40], Gen.Int[0, 6].Array[40], Gen.Bool.Array[40]).Sample((lengths, spans, wide) =>
    {
        using var scope = TensorScope.Begin();
        LiveRange[] ranges =
        [
            .. lengths.Select((n, i) => new LiveRange(wide[i] ? DType.Float64 : DType.Float32, 10 * n, i, i + spans[i])),
        ];
        var memory = new GraphMemory(working: null);
        memory.Enter();
        Storage[] buffers = memory.Assign(ranges, _cpu.AllocateBuffer);
        for (int i = 0; i < ranges.Length; i++)
        {
            Assert.Equal(ranges[i].DType, buffers[i].DType);
            Assert.True(buffers[i].Length >= ranges[i].Length);
            for (int j = 0; j < i; j++)
                Assert.False(buffers[i] == buffers[j] && ranges[i].First <= ranges[j].Last && ranges[j].First <= ranges[i].Last);
        }
        memory.Leave();
        Assert.Equal(0, _cpu.Memory.LiveBuffers);
    }, iter: 200, threads: 1); // its buffers are counted

    private static void Write(Tensor x, ulong seed) =>
        x.Backend.Copy(Tensor.From(x.Backend, x.DType, new TestNumbers(seed).Numbers(x.Count), x.Shape), x);

    private static void AssertSame(IReadOnlyList<Tensor> expected, IReadOnlyList<Tensor> found)
    {
        Assert.Equal(expected.Count, found.Count);
        for (int i = 0; i < expected.Count; i++)
            Assert.Equal(KernelCheck.Bits(expected[i].ToArray<double>()), KernelCheck.Bits(found[i].ToArray<double>()));
    }
}
