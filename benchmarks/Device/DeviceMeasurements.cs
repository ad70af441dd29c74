using System.Diagnostics;
using System.Text.Json.Nodes;
using InfMatch.Tensors;

namespace InfMatch.Benchmarks;

/// <summary>What is measured of a device, in parts that can be asked for one by one.</summary>
/// <param name="backend">The device, just opened.</param>
/// <param name="cases">Sizes of the network and its batch.</param>
/// <param name="options">Sizes of what is not a part of a network.</param>
internal sealed class DeviceMeasurements(Backend backend, IReadOnlyList<ConvNetSizes> cases, DeviceMeasurementOptions options)
{
    private readonly DeviceClock _clock = new(backend, options.Seconds);
    private double _bytesPerSecond, _flops;

    /// <summary>The parts, in the order in which they are taken.</summary>
    public static IReadOnlyList<string> Parts { get; } = ["first", "ceilings", "kernels", "steps", "resources"];

    /// <summary>Takes the parts that are asked for.</summary>
    public JsonObject Run(IEnumerable<string> asked)
    {
        var parts = asked.ToHashSet(StringComparer.Ordinal);
        using var scope = TensorScope.Begin();
        var root = new JsonObject { ["device"] = backend.Description, ["clock"] = _clock.Kind };
        if (backend is GpuBackend gpu)
            root["graphs"] = gpu.CaptureRefusal ?? (gpu.ReplaysByDriver ? "replayed by the driver" : "prepared calls, queued one by one");
        if (parts.Contains("first"))
            root["first"] = First();
        if (parts.Contains("ceilings") || parts.Contains("kernels"))
            root["ceilings"] = Ceilings();
        if (parts.Contains("kernels"))
            root["kernels"] = new JsonArray([.. cases.Select(c => (JsonNode)Kernels(c))]);
        if (parts.Contains("steps"))
            root["steps"] = new JsonArray([.. cases.Select(c => (JsonNode)Step(c))]);
        if (parts.Contains("resources"))
            root["resources"] = Resources();
        return root;
    }

    // Compiling by ILGPU and by the driver, which keeps what it compiled between processes.
    private JsonObject First()
    {
        long start = Stopwatch.GetTimestamp();
        Tensor y = Tensor.Full(backend, DType.Float32, new Shape(1), 1);
        y.ToArray<float>();
        double one = Stopwatch.GetElapsedTime(start).TotalSeconds;
        start = Stopwatch.GetTimestamp();
        using var benchmark = new ConvNetBenchmark(backend, cases[0], new Clock(1, 0));
        Train(benchmark)();
        _clock.Wait();
        double first = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new JsonObject
        {
            ["first_kernel_ms"] = Milliseconds(one), ["first_step_ms"] = Milliseconds(first),
            ["kernels"] = (backend as GpuBackend)?.Kernels.Count,
        };
    }

    private JsonObject Ceilings()
    {
        using var scope = TensorScope.Begin();
        var root = new JsonObject();
        var shape = new Shape(options.CopyMiB << 18);
        Tensor a = Tensor.Full(backend, DType.Float32, shape, 1), b = Tensor.Full(backend, DType.Float32, shape, 2);
        double bytes = 2.0 * shape.Count * sizeof(float);
        _bytesPerSecond = bytes / _clock.Seconds(() => backend.Copy(a, b));
        root["copy_gb_s"] = Math.Round(_bytesPerSecond / 1e9, 1);
        float[] host = new float[Math.Min(shape.Count, 16 << 20)];
        Tensor part = a.View(0, new Shape(host.Length));
        root["upload_gb_s"] = Math.Round(4.0 * host.Length / _clock.Host(() => backend.Upload<float>(host, part), 3) / 1e9, 2);
        root["download_gb_s"] = Math.Round(4.0 * host.Length / _clock.Host(() => backend.Download<float>(part, host), 3) / 1e9, 2);
        foreach (int n in options.Sgemm)
        {
            using var own = TensorScope.Begin();
            var square = new Shape(n, n);
            Tensor x = Tensor.Normal(backend, DType.Float32, square, RandomKey.FromSeed(1));
            Tensor w = Tensor.Normal(backend, DType.Float32, square, RandomKey.FromSeed(2)), y = backend.Empty(square, DType.Float32);
            double flops = 2.0 * n * n * n / _clock.Seconds(() => backend.Run(new MatMulCall(x, false, w, false, y)));
            root[$"sgemm_{n}_gflops"] = Math.Round(flops / 1e9, 1);
            _flops = Math.Max(_flops, flops);
        }
        if (GpuDevices.List().FirstOrDefault(d => d.Specification == backend.Name)?.Float32Gflops is { } peak)
        {
            root["float32_peak_gflops"] = Math.Round(peak);
            _flops = peak * 1e9;
        }
        return root;
    }

    private JsonObject Kernels(ConvNetSizes sizes)
    {
        using var scope = TensorScope.Begin();
        var rows = new JsonArray();
        foreach (KernelWork work in new DeviceKernels(backend, sizes).Works())
        {
            double taken = _clock.Seconds(work.Queue);
            double floor = Math.Max(work.Operations / _flops, work.Bytes / _bytesPerSecond);
            rows.Add(new JsonObject
            {
                ["name"] = work.Name, ["us"] = Microseconds(taken), ["floor_us"] = Microseconds(floor),
                ["of_floor"] = Math.Round(floor / taken, 3), ["gflops"] = Math.Round(work.Operations / taken / 1e9, 1),
                ["gb_s"] = Math.Round(work.Bytes / taken / 1e9, 1),
            });
        }
        return new JsonObject { ["width"] = sizes.Width, ["batch"] = sizes.Batch, ["rows"] = rows };
    }

    // A training step as training takes it: what the host does, what the device does, and what passes between them.
    private JsonObject Step(ConvNetSizes sizes)
    {
        using var scope = TensorScope.Begin();
        using var benchmark = new ConvNetBenchmark(backend, sizes, new Clock(1, 0));
        Action step = Train(benchmark);
        backend.WatchPeak();
        for (int i = 0; i < 3; i++)
            step();
        _clock.Wait();
        int calls = (int)Math.Clamp(options.Seconds / Math.Max(_clock.Host(step, 1), 1e-6), 2, 50);
        var gpu = backend as GpuBackend;
        (long launches, TransferReport transfers) = (gpu?.Launches ?? 0, gpu?.Transfers ?? default);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        double queued = _clock.QueueSeconds(step, calls);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        TransferReport moved = (gpu?.Transfers ?? default) - transfers;
        double? launched = gpu is null ? null : (double)(gpu.Launches - launches) / calls;
        double wall = _clock.Host(step, calls);
        double? busy = _clock.Device(step, Math.Min(calls, 20));
        double peak = backend.Memory.WatchedPeak;
        (double uncaptured, double uncapturedHost) = Uncaptured(sizes, calls);
        double? together = backend.DegreeOfParallelism > 1 ? AtOnce(sizes, calls) : null;
        Tensor one = Tensor.Full(backend, DType.Float32, new Shape(1), 1);
        return new JsonObject
        {
            ["width"] = sizes.Width, ["batch"] = sizes.Batch, ["wall_us"] = Microseconds(wall), ["host_us"] = Microseconds(queued),
            ["device_us"] = busy is { } b ? Microseconds(b) : null, ["busy_share"] = busy is { } own ? Math.Round(own / wall, 3) : null,
            ["launches"] = launched is { } l ? Math.Round(l, 1) : null,
            ["uncaptured_us"] = Microseconds(uncaptured), ["uncaptured_host_us"] = Microseconds(uncapturedHost),
            ["at_once"] = backend.DegreeOfParallelism, ["at_once_us"] = together is { } t ? Microseconds(t) : null,
            ["launch_us"] = gpu is null ? null : Microseconds(_clock.QueueSeconds(() => backend.Fill(one, 1), 200)),
            ["uploaded_bytes"] = moved.UploadedBytes / calls, ["managed_bytes"] = allocated / calls,
            ["pool_peak_mib"] = Math.Round(peak / 1048576.0, 1),
            ["free_mib"] = gpu?.FreeBytes is { } free ? free >> 20 : null,
        };
    }

    // The same step with its operations and kernels one by one: wall time and the host's part.
    private (double Wall, double Host) Uncaptured(ConvNetSizes sizes, int calls)
    {
        using var scope = TensorScope.Begin();
        using var benchmark = new ConvNetBenchmark(backend, sizes, new Clock(1, 0)) { Captures = false };
        Action step = Train(benchmark);
        step();
        _clock.Wait();
        double host = _clock.QueueSeconds(step, calls);
        return (_clock.Host(step, calls), host);
    }

    // A step of one network, where as many train at the same time as the device takes.
    private double AtOnce(ConvNetSizes sizes, int calls)
    {
        int networks = backend.DegreeOfParallelism;
        using var ready = new Barrier(networks);
        var taken = new double[networks];
        backend.RunInParallel(networks, i =>
        {
            using var scope = TensorScope.Begin();
            using var benchmark = new ConvNetBenchmark(backend, sizes, new Clock(1, 0));
            Action step = Train(benchmark);
            Tensor one = Tensor.Full(backend, DType.Float32, new Shape(1), 1);
            step();
            one.ToArray<float>();
            ready.SignalAndWait(TimeSpan.FromMinutes(1)); // less where another piece has failed
            long start = Stopwatch.GetTimestamp();
            for (int n = 0; n < calls; n++)
                step();
            one.ToArray<float>(); // waits for what this piece has queued
            taken[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        });
        return taken.Max() / (calls * networks);
    }

    private JsonNode? Resources() => backend is not GpuBackend gpu ? null : new JsonArray(
    [
        .. gpu.Resources().Select(r => new JsonObject
        {
            ["kernel"] = r.Name, ["registers"] = r.Registers, ["local_bytes"] = r.LocalBytes, ["shared_bytes"] = r.SharedBytes,
            ["groups"] = r.GroupsPerMultiprocessor,
        }),
    ]);

    private static Action Train(ConvNetBenchmark benchmark)
    {
        Work train = benchmark.Passes().First(work => work.Name == "train");
        return () =>
        {
            using var scope = TensorScope.Begin();
            train.Run();
        };
    }

    private static double Milliseconds(double seconds) => Math.Round(seconds * 1e3, 2);

    private static double Microseconds(double seconds) => Math.Round(seconds * 1e6, 2);
}

/// <summary>Sizes of what is measured beside a network.</summary>
/// <param name="Seconds">About how long one number takes.</param>
/// <param name="CopyMiB">Mebibytes that are copied from one place to another.</param>
/// <param name="Sgemm">Sides of the matrices.</param>
internal sealed record DeviceMeasurementOptions(double Seconds, int CopyMiB, IReadOnlyList<int> Sgemm);
