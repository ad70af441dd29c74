using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>Pieces of work at the same time on a device, each with its kernels on a stream of its own.</summary>
public sealed class LaneTests
{
    private static GpuBackend Open(string device, int lanes)
    {
        if (device != GpuBackend.Simulator)
            return TestDevice.OpenOrSkip(device, lanes);
        return new GpuBackend(device, lanes: lanes);
    }

    // A launch takes some 50 ms in the simulator.
    [SkippableTheory]
    [InlineData(GpuBackend.Simulator, 2)]
    [InlineData("opencl:0", 1)]
    [InlineData("opencl:0", 2)]
    [InlineData("opencl:0", 4)]
    [InlineData("cuda:0", 1)]
    [InlineData("cuda:0", 2)]
    [InlineData("cuda:0", 4)]
    public void Pieces_have_the_bits_of_one_after_the_other(string device, int lanes)
    {
        bool isFast = device != GpuBackend.Simulator;
        using GpuBackend one = Open(device, 1), many = Open(device, lanes);
        Assert.Null(many.LaneRefusal);
        Assert.Equal((1, lanes), (one.DegreeOfParallelism, many.DegreeOfParallelism));
        int before = many.Memory.LiveBuffers;
        (int rounds, int count) = isFast ? (6, 300_000) : (2, 500);
        float[][] expected = Rounds(one, rounds, count), found = Rounds(many, rounds, count);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], found[i]);
        Assert.Equal(before, many.Memory.LiveBuffers);
    }

    // Nothing is waited for but at the end. Each round reads what the round before has made, in buffers that go round.
    private static float[][] Rounds(GpuBackend backend, int rounds, int count)
    {
        using var all = TensorScope.Begin();
        Tensor x = Tensor.From<float>(backend, [.. Enumerable.Range(0, count).Select(i => i % 97 / 50f)], new Shape(count));
        var ends = new List<Tensor>();
        for (int round = 0; round < rounds; round++)
        {
            using var scope = TensorScope.Begin();
            Tensor shared = x.Times(1.01);
            Tensor[][] results = scope.InParallel(backend, 5, piece =>
            {
                Tensor y = shared.Times(0.1 * (piece + 1));
                for (int i = 0; i < 2; i++)
                    y = y.Plus(shared).Times(0.5);
                return [y];
            });
            Tensor next = results[0][0];
            foreach (Tensor[] result in results.Skip(1))
                next = next.Plus(result[0]).Times(0.5);
            ends.Add(scope.Keep(results[^1][0]));
            x = scope.Keep(next);
        }
        return [.. ends.Append(x).Select(t => t.ToArray<float>())];
    }

    [SkippableTheory]
    [InlineData("opencl:0", 4)]
    [InlineData("cuda:0", 2)]
    [InlineData("cuda:0", 4)]
    public void Networks_that_train_at_the_same_time_end_with_the_bits_of_one_after_the_other(string device, int lanes)
    {
        using GpuBackend one = Open(device, 1), many = Open(device, lanes);
        float[][] alone = Trainings(one), together = Trainings(many);
        for (int i = 0; i < alone.Length; i++)
            Assert.Equal(alone[i], together[i]);
        Assert.NotEqual(alone[0], alone[1]);
    }

    private static float[][] Trainings(GpuBackend backend)
    {
        using var scope = TensorScope.Begin();
        LabelledImages data = new(
            Tensor.From<float>(backend, [.. Enumerable.Range(0, 12 * 64).Select(i => i * 7 % 23 / 23f)], new Shape(12, 1, 8, 8)),
            LabelledImages.OneHot(backend, DType.Float32, [.. Enumerable.Range(0, 12).Select(i => i % 3)], 3));
        var network = new ConvNet(new Shape(1, 8, 8), 3, width: 4, depth: 1);
        var plan = new TrainingPlan(30, 4, 0.1, 0.9, 0, RateSchedule.Constant);
        var found = new float[6][];
        backend.RunInParallel(found.Length, i =>
        {
            using var own = TensorScope.Begin();
            RandomKey key = RandomKey.FromSeed((ulong)i);
            Tensor start = network.Initialise(backend, DType.Float32, key.Split("init"));
            found[i] = new Trainer(network, data, plan, key.Split("train")).Run(start).ToArray<float>();
        });
        return found;
    }

    [SkippableTheory]
    [InlineData(GpuBackend.Simulator)]
    [InlineData("opencl:0")]
    [InlineData("cuda:0")]
    public void A_piece_reads_what_another_one_has_queued_a_moment_ago(string device)
    {
        int count = device == GpuBackend.Simulator ? 300 : 2_000_000, steps = device == GpuBackend.Simulator ? 3 : 40;
        using GpuBackend backend = Open(device, 2);
        using var made = new Barrier(2);
        Tensor? long_ = null;
        float[] found = [];
        Assert.True(backend.TryRunOnLanes(2, piece =>
        {
            using var scope = TensorScope.Begin();
            if (piece == 0)
            {
                Tensor y = Tensor.Full(backend, DType.Float32, new Shape(count), 1);
                for (int i = 0; i < steps; i++)
                    y = y.Plus(y).Times(0.5).Plus(y);
                long_ = y;
                Meet(made);
                Meet(made);
            }
            else
            {
                Meet(made);
                found = long_!.ToArray<float>();
                Meet(made);
            }
        }));
        Assert.Equal(count, found.Length);
        Assert.Equal(0, found.Count(value => value != MathF.Pow(2, steps)));
    }

    private static void Meet(Barrier barrier) =>
        Assert.True(barrier.SignalAndWait(TimeSpan.FromSeconds(60)), "the other piece did not come");

    [Fact]
    public void A_buffer_that_two_pieces_have_used_is_nobodys_until_both_have_ended()
    {
        using var backend = new GpuBackend(GpuBackend.Simulator, lanes: 2);
        object BufferOf(Tensor t) => ((GpuStorage)t.Storage).Buffer;
        Tensor Make() => backend.Empty(new Shape(70_000), DType.Float32);
        using var steps = new Barrier(2);
        Tensor? shared = null;
        object? given = null;
        Tensor input = Make();
        object ofInput = BufferOf(input);
        Assert.True(backend.TryRunOnLanes(2, piece =>
        {
            if (piece == 0)
            {
                Tensor own = Make();
                object first = BufferOf(own);
                own.Dispose();
                using (Tensor again = Make())
                    Assert.Same(first, BufferOf(again)); // nobody else had it
                shared = Make();
                given = BufferOf(shared);
                Meet(steps);
                Meet(steps);
                shared.Dispose();
                input.Dispose();
                using Tensor a = Make(), b = Make(), c = Make();
                Assert.DoesNotContain(given, new[] { BufferOf(a), BufferOf(b), BufferOf(c) });
                Assert.DoesNotContain(ofInput, new[] { BufferOf(a), BufferOf(b), BufferOf(c) });
            }
            else
            {
                Meet(steps);
                backend.View<float>(shared!); // as a kernel of this piece does
                backend.View<float>(input);
                Meet(steps);
            }
        }));
        // Then the main lane has them, behind whatever of it used them, and lanes once it has been waited for.
        using Tensor x = Make(), y = Make();
        Assert.Equal([given!, ofInput], new[] { BufferOf(x), BufferOf(y) }.OrderBy(b => b == ofInput).ToArray());
        Assert.Equal(2, backend.Memory.LiveBuffers);
    }

    [SkippableTheory]
    [InlineData(GpuBackend.Simulator, 2)]
    [InlineData("opencl:0", 4)]
    [InlineData("cuda:0", 4)]
    public void A_piece_that_fails_ends_all_and_leaves_the_device_usable(string device, int lanes)
    {
        using GpuBackend backend = Open(device, lanes);
        Assert.Equal(lanes, backend.DegreeOfParallelism);
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.Full(backend, DType.Float32, new Shape(1000), 3);
        (int live, long used) = (backend.Memory.LiveBuffers, backend.Memory.InUse);
        const int Pieces = 400;
        int begun = 0;
        Assert.Equal("piece 1", Assert.Throws<ArithmeticException>(() => backend.RunInParallel(Pieces, piece =>
        {
            Interlocked.Increment(ref begun);
            using var own = TensorScope.Begin();
            x.Times(2);
            if (piece == 1)
                throw new ArithmeticException("piece 1");
            SpinWait.SpinUntil(() => Volatile.Read(ref begun) > 1, TimeSpan.FromSeconds(20));
            Thread.Sleep(20); // an exception takes its time to be caught, and pieces like this one pass in none
        })).Message);
        Assert.InRange(begun, 2, Pieces - 1);
        Assert.Equal((live, used), (backend.Memory.LiveBuffers, backend.Memory.InUse));

        // A device that is full, in the middle of a piece.
        backend.RefusedMemoryRequest = backend.MemoryRequests + 3;
        using (var inner = TensorScope.Begin())
            Assert.Throws<DeviceMemoryException>(() => inner.InParallel(backend, 4, _ => [x.Times(2).Plus(x)]));
        Assert.Equal((live, used), (backend.Memory.LiveBuffers, backend.Memory.InUse));

        Tensor[][] after = scope.InParallel(backend, 4, piece => [x.Times(piece)]);
        Assert.Equal([0f, 3, 6, 9], after.Select(r => r[0].ToArray<float>()[999]));
    }

    // So that buffers which pieces gave back are free of kernels, and an error of theirs is told here.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_main_lane_is_waited_for_before_pieces_and_all_others_behind_them(bool fails)
    {
        using var backend = new GpuBackend(GpuBackend.Simulator, lanes: 3);
        long before = backend.Transfers.Waits;
        Exception? error = Record.Exception(() => backend.TryRunOnLanes(5, _ =>
        {
            if (fails)
                throw new ArithmeticException();
        }));
        Assert.Equal(fails, error is ArithmeticException);
        Assert.Equal(1 + 3, backend.Transfers.Waits - before);
    }

    [Fact]
    public void Pieces_inside_a_piece_and_those_of_another_thread_are_done_in_turn()
    {
        using var backend = new GpuBackend(GpuBackend.Simulator, lanes: 2);
        Assert.Equal(2, backend.DegreeOfParallelism);
        var order = new List<int>[2];
        Thread? other = null;
        var ofOther = new List<int>();
        Ends(() => backend.RunInParallel(2, piece =>
        {
            order[piece] = [];
            backend.RunInParallel(3, order[piece].Add);
            if (piece == 0)
            {
                other = new Thread(() => backend.RunInParallel(3, ofOther.Add));
                other.Start();
                Assert.True(other.Join(TimeSpan.FromSeconds(60)));
            }
        }));
        Assert.All(order.Append(ofOther), list => Assert.Equal([0, 1, 2], list));
    }

    // A piece asks for what the check of graphs has a lock for, too.
    [SkippableTheory]
    [InlineData(GpuBackend.Simulator, false)]
    [InlineData(GpuBackend.Simulator, true)]
    [InlineData("opencl:0", false)]
    [InlineData("opencl:0", true)]
    [InlineData("cuda:0", false)]
    [InlineData("cuda:0", true)]
    public void A_device_is_closed_with_kernels_under_way_on_its_lanes(string device, bool fails)
    {
        GpuBackend backend = Open(device, 2);
        Ends(() =>
        {
            using (TensorScope.Begin())
            {
                Tensor x = Tensor.Full(backend, DType.Float32, new Shape(1000), 3);
                void Piece(int piece)
                {
                    using CapturedGraph graph = CapturedGraph.Of(backend, () => [x.Times(2)]);
                    graph.Replay();
                    if (fails && piece == 1)
                        throw new ArithmeticException();
                }
                if (fails)
                    Assert.Throws<ArithmeticException>(() => backend.RunInParallel(2, Piece));
                else
                    backend.RunInParallel(2, Piece);
                x.Times(2);
            }
            backend.Dispose();
        });
    }

    private static void Ends(Action action)
    {
        Exception? error = null;
        var thread = new Thread(() => error = Record.Exception(action)) { IsBackground = true };
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromSeconds(120)), "It waits for ever.");
        Assert.Null(error);
    }

    [Theory]
    [InlineData(true, 0, 80L << 30, 4)]
    [InlineData(true, 0, 24L << 30, 3)]
    [InlineData(true, 0, 12L << 30, 1)]
    [InlineData(true, 0, 2L << 30, 1)]
    [InlineData(true, 2, 2L << 30, 2)]
    [InlineData(true, 16, 80L << 30, 4)]
    [InlineData(true, 1, 80L << 30, 1)]
    [InlineData(false, 0, 80L << 30, 1)]
    [InlineData(false, 3, 2L << 30, 3)]
    public void A_device_has_so_many_lanes(bool isCuda, int wanted, long memory, int lanes) =>
        Assert.Equal(lanes, GpuBackend.LanesFor(isCuda, wanted, memory));

    [Fact]
    public void A_device_whose_graphs_are_wrong_works_on_one_piece_at_a_time_and_says_why()
    {
        using var backend = new GpuBackend(GpuBackend.Simulator, lanes: 2) { GraphDriver = new NotingDriver() };
        Assert.Equal(1, backend.DegreeOfParallelism);
        Assert.Contains("gave other numbers", backend.LaneRefusal, StringComparison.Ordinal);
        var order = new List<int>();
        backend.RunInParallel(3, order.Add);
        Assert.Equal([0, 1, 2], order);
        using var alone = new GpuBackend(GpuBackend.Simulator);
        Assert.Equal((1, null), (alone.DegreeOfParallelism, alone.LaneRefusal));
    }

    // The simulator computes while it is captured; what matters is on which stream the driver is asked to launch.
    [Fact]
    public void Graphs_of_two_pieces_are_captured_one_by_one_and_launched_on_two_streams()
    {
        using var backend = new GpuBackend(GpuBackend.Simulator, lanes: 2);
        Assert.Null(backend.LaneRefusal);
        var driver = new NotingDriver();
        backend.GraphDriver = driver;
        using var captured = new Barrier(2);
        backend.RunInParallel(2, _ =>
        {
            using var scope = TensorScope.Begin();
            Tensor x = Tensor.Full(backend, DType.Float32, new Shape(5), 3);
            using CapturedGraph graph = CapturedGraph.Of(backend, () => [x.Times(2)]);
            Meet(captured);
            graph.Replay();
        });
        string[] calls = [.. driver.Calls];
        Assert.Equal(4, calls.Count(IsLaunch));
        // Each graph on the stream of its piece, both times.
        Assert.All(calls.Where(IsLaunch).GroupBy(c => c, StringComparer.Ordinal), same => Assert.Equal(2, same.Count()));
        Assert.Equal(2, calls.Where(IsLaunch).Select(c => c[^1]).Distinct().Count());
        // Nobody queues into the capture of another.
        for (int i = 0; i < calls.Length; i++)
        {
            if (calls[i] == "begin 0")
                Assert.Equal("end 0", calls[i + 1]);
        }
        Assert.Equal(0, driver.Living);

        static bool IsLaunch(string call) => call.StartsWith("launch", StringComparison.Ordinal);
    }
}
