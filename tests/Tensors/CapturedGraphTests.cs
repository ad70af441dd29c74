using System.Collections.Concurrent;
using CsCheck;
using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>What a captured graph keeps, repeats and refuses; that each kernel repeats its bits is in
/// <see cref="KernelCheck"/>, and each operation in OpTests.</summary>
public sealed class CapturedGraphTests
{
    // One of each for all tests: a device compiles its kernels once.
    private static readonly ConcurrentDictionary<string, Lazy<Backend>> s_opened = new(StringComparer.Ordinal);

    public static TheoryData<string> Devices => ["cpu", "cuda:0", "opencl:0"];

    private static Backend Open(string device)
    {
        if (device != "cpu")
            TestDevice.SkipWithout(device);
        Backend opened = s_opened.GetOrAdd(
            device, name => new Lazy<Backend>(() => name == "cpu" ? new CpuBackend(2) : new GpuBackend(name))).Value;
        Assert.True(opened.CanCapture, (opened as GpuBackend)?.CaptureRefusal);
        return opened;
    }

    private static long Requests(Backend on) => on is GpuBackend gpu ? gpu.MemoryRequests : ((HostBackend)on).MemoryRequests;

    // A chain of kernels that share their working memory, the second larger than the first.
    private static Tensor[] Chain(Tensor x, Tensor w)
    {
        Variable v = Variable.Leaf(w), y = Variable.Constant(x);
        for (int i = 0; i < 3; i++)
            y = y.Conv2d(v, padding: 1).AvgPool2d(i == 0 ? 1 : 2);
        Variable sum = (y * y).Sum();
        return [sum.Value, Gradient.Of(sum, v).Value];
    }

    [SkippableTheory, MemberData(nameof(Devices))]
    public void A_replay_gives_the_bits_of_the_computation_on_the_numbers_of_now(string device)
    {
        Backend on = Open(device);
        using var scope = TensorScope.Begin();
        Tensor x = on.Empty(new Shape(3, 16, 12, 12), DType.Float32), w = on.Empty(new Shape(16, 16, 3, 3), DType.Float32);
        Write(x, 1);
        Write(w, 2);
        using CapturedGraph graph = CapturedGraph.Of(on, () => Chain(x, w));
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

    [SkippableTheory, MemberData(nameof(Devices))]
    public void Replays_allocate_nothing_and_take_no_memory(string device)
    {
        Backend on = Open(device);
        using var scope = TensorScope.Begin();
        Tensor x = on.Empty(new Shape(8, 16, 32, 32), DType.Float32), w = on.Empty(new Shape(16, 16, 3, 3), DType.Float32);
        Write(x, 1);
        Write(w, 2);
        using CapturedGraph graph = CapturedGraph.Of(on, () => Chain(x, w));
        Assert.True(graph.Count > 10);
        for (int i = 0; i < 3; i++)
            graph.Replay();
        (long allocated, long requests) = (GC.GetAllocatedBytesForCurrentThread(), Requests(on));
        for (int i = 0; i < 20; i++)
            graph.Replay();
        Assert.Equal(requests, Requests(on));
        // Waiting for a worker may make the lock's own record, once. What ILGPU allocates to queue a kernel is its own.
        if (device == "cpu")
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, 500);
    }

    [SkippableTheory, MemberData(nameof(Devices))]
    public void The_graph_owns_what_the_computation_makes_and_gives_it_back(string device)
    {
        Backend on = Open(device);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(on, DType.Float64, new Shape(5), 3);
        int before = on.Memory.LiveBuffers;
        CapturedGraph graph;
        using (TensorScope.Begin()) // results belong to no scope
        {
            graph = CapturedGraph.Of(on, () =>
            {
                Tensor twice;
                using (var inner = TensorScope.Begin())
                    twice = inner.Keep(x.Times(4).Times(0.5));
                Tensor early = x.Times(7);
                early.Dispose(); // its memory stays the graph's: nobody else may write there
                return [twice.Times(10)];
            });
        }
        Assert.Equal(before + 2, on.Memory.LiveBuffers); // a source and a destination
        Tensor other = Tensor.Full(on, DType.Float64, new Shape(5), -1);
        on.Fill(x, 5);
        graph.Replay();
        Assert.Equal([100.0, 100, 100, 100, 100], graph.Results[0].ToArray<double>());
        Assert.All(other.ToArray<double>(), v => Assert.Equal(-1, v));
        graph.Dispose();
        graph.Dispose();
        Assert.Equal(before + 1, on.Memory.LiveBuffers);
        Assert.Throws<ObjectDisposedException>(graph.Replay);
        Assert.Throws<ObjectDisposedException>(() => graph.Results[0].ToArray<double>());
    }

    [SkippableTheory, MemberData(nameof(Devices))]
    public void What_a_replay_could_not_repeat_is_refused_and_nothing_is_left(string device)
    {
        Backend on = Open(device);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(on, DType.Float32, new Shape(5), 3);
        int before = on.Memory.LiveBuffers;
        void Refused(string what, Func<Tensor> computation)
        {
            InvalidOperationException refusal = Assert.Throws<InvalidOperationException>(
                () => CapturedGraph.Of(on, () => [x.Times(2), computation()]));
            Assert.StartsWith(what, refusal.Message, StringComparison.Ordinal);
            Assert.Equal(before, on.Memory.LiveBuffers);
        }
        Refused("A copy from the host", () => Tensor.From<float>(on, [1], new Shape(1)));
        Refused("A copy to the host", () => x.Times(x.Norm()));
        Refused("A draw of random numbers", () =>
        {
            Tensor y = on.Empty(x.Shape, x.DType);
            on.Uniform(RandomKey.FromSeed(1), 0, 1, y);
            return y;
        });
        Assert.Throws<DeviceException>(() => CapturedGraph.Of(
            on, () => [x.Times(2)], CapturedGraph.Of(new CpuBackend(1), () => [])));
        Refused("Another capture", () => CapturedGraph.Of(on, () => [x]).Results[0]);
        using CapturedGraph other = CapturedGraph.Of(on, () => [x.Times(3)]);
        before = on.Memory.LiveBuffers;
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

    [SkippableTheory, MemberData(nameof(Devices))]
    public void A_computation_that_fails_leaves_nothing(string device)
    {
        Backend on = Open(device);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(on, DType.Float32, new Shape(300000), 3);
        int before = on.Memory.LiveBuffers;
        Assert.Throws<ArithmeticException>(() => CapturedGraph.Of(on, () =>
        {
            x.Times(2);
            throw new ArithmeticException();
        }));
        if (on is GpuBackend gpu)
            gpu.RefusedMemoryRequest = gpu.MemoryRequests + 2;
        else
            ((HostBackend)on).RefusedMemoryRequest = Requests(on) + 2;
        Assert.Throws<DeviceMemoryException>(() => CapturedGraph.Of(on, () => [x.Times(2), x.Times(3)]));
        Assert.Equal(before, on.Memory.LiveBuffers);
        using CapturedGraph graph = CapturedGraph.Of(on, () => [x.Times(2)]);
        Assert.Equal(6, graph.Results[0].ToArray<float>()[299999]);
    }

    [SkippableTheory, MemberData(nameof(Devices))]
    public void An_input_that_went_back_to_the_pool_is_named(string device)
    {
        Backend on = Open(device);
        Tensor x = Tensor.Full(on, DType.Float32, new Shape(5), 3);
        using CapturedGraph graph = CapturedGraph.Of(on, () => [x.Times(2)]);
        x.Dispose();
        Assert.Contains(
            "An input of a captured graph", Assert.Throws<ObjectDisposedException>(graph.Replay).Message, StringComparison.Ordinal);
    }

    [SkippableTheory, MemberData(nameof(Devices))]
    public void Another_thread_may_replay_and_capture_in_between(string device)
    {
        Backend on = Open(device);
        using var scope = TensorScope.Begin();
        Tensor x = on.Empty(new Shape(3, 16, 12, 12), DType.Float32), w = on.Empty(new Shape(16, 16, 3, 3), DType.Float32);
        Write(x, 1);
        Write(w, 2);
        using CapturedGraph graph = CapturedGraph.Of(on, () => Chain(x, w));
        Write(x, 3);
        var thread = new Thread(() =>
        {
            using (TensorScope.Begin())
            using (CapturedGraph.Of(on, () => Chain(x, w)))
                graph.Replay();
        });
        thread.Start();
        thread.Join();
        AssertSame(Chain(x, w), graph.Results);
    }

    [SkippableTheory, MemberData(nameof(Devices))]
    public void Graphs_that_share_memory_take_no_more_than_the_larger_and_give_their_own_results(string device)
    {
        Backend on = Open(device);
        using var scope = TensorScope.Begin();
        Tensor w = on.Empty(new Shape(16, 16, 3, 3), DType.Float32);
        Tensor many = on.Empty(new Shape(5, 16, 12, 12), DType.Float32), few = on.Empty(new Shape(2, 16, 12, 12), DType.Float32);
        Write(w, 1);
        Write(many, 2);
        Write(few, 3);
        int before = on.Memory.LiveBuffers;
        CapturedGraph large = CapturedGraph.Of(on, () => Chain(many, w));
        int after = on.Memory.LiveBuffers;
        CapturedGraph small = CapturedGraph.Of(on, () => Chain(few, w), large);
        Assert.Equal(after, on.Memory.LiveBuffers);
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
        Assert.Equal(after, on.Memory.LiveBuffers);
        Check(small, few);
        Assert.Throws<ObjectDisposedException>(() => CapturedGraph.Of(on, () => Chain(few, w), large));
        small.Dispose();
        Assert.Equal(before, on.Memory.LiveBuffers);
    }

    [SkippableTheory, MemberData(nameof(Devices))]
    public void What_is_no_result_cannot_be_read_behind_the_capture(string device)
    {
        Backend on = Open(device);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(on, DType.Float32, new Shape(5), 3);
        Tensor? escaped = null;
        using CapturedGraph graph = CapturedGraph.Of(on, () =>
        {
            using (TensorScope.BeginDetached())
                escaped = x.Times(2);
            return [escaped.Times(2).Reshape(new Shape(5, 1))];
        });
        Assert.Throws<ObjectDisposedException>(() => escaped!.ToArray<float>());
        Assert.Equal(12, graph.Results[0].ToArray<float>()[4]);
    }

    [SkippableTheory, MemberData(nameof(Devices))]
    public void A_computation_that_changes_its_mind_is_refused(string device)
    {
        Backend on = Open(device);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(on, DType.Float32, new Shape(5), 3);
        int before = on.Memory.LiveBuffers;
        foreach ((int first, int then) in new[] { (5, 4), (1, 2), (2, 1) })
        {
            int runs = 0;
            Tensor Made(int i) => x.View(0, new Shape(first == 5 ? 5 - runs : 5)).Times(i);
            InvalidOperationException refusal = Assert.Throws<InvalidOperationException>(() => CapturedGraph.Of(
                on, () => [.. Enumerable.Range(0, runs++ == 0 ? first : then).Select(Made)]));
            Assert.Contains("made other tensors", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(before, on.Memory.LiveBuffers);
        }
    }

    [Fact]
    public void Tensors_that_are_needed_at_once_never_share_a_buffer() => Gen.Select(
        Gen.Int[1, 9].Array[0, 40], Gen.Int[0, 6].Array[40], Gen.Bool.Array[40]).Sample((lengths, spans, wide) =>
    {
        var cpu = new CpuBackend(1);
        using var scope = TensorScope.Begin();
        LiveRange[] ranges =
        [
            .. lengths.Select((n, i) => new LiveRange(wide[i] ? DType.Float64 : DType.Float32, 10 * n, i, i + spans[i])),
        ];
        var memory = new GraphMemory(working: null);
        memory.Enter();
        Storage[] buffers = memory.Assign(ranges, cpu.AllocateBuffer);
        for (int i = 0; i < ranges.Length; i++)
        {
            Assert.Equal(ranges[i].DType, buffers[i].DType);
            Assert.True(buffers[i].Length >= ranges[i].Length);
            for (int j = 0; j < i; j++)
                Assert.False(buffers[i] == buffers[j] && ranges[i].First <= ranges[j].Last && ranges[j].First <= ranges[i].Last);
        }
        memory.Leave();
        Assert.Equal(0, cpu.Memory.LiveBuffers);
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
