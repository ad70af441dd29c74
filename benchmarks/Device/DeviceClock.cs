using System.Diagnostics;
using InfMatch.Tensors;

namespace InfMatch.Benchmarks;

/// <summary>
/// Times what is queued on a device. On CUDA the device's own clock counts, behind work that lasts until all is queued; on
/// others the host's, from the first call to the end of the last.
/// </summary>
/// <param name="backend">The device.</param>
/// <param name="seconds">About how long one number takes.</param>
internal sealed class DeviceClock(Backend backend, double seconds)
{
    // A driver's queue holds about a thousand kernels, and a call may queue two.
    private const int MostCalls = 256, Repeats = 3;

    private const int BallastSide = 1024;

    private readonly Tensor _one = Tensor.Full(backend, DType.Float32, new Shape(1), 1);
    private readonly Lazy<Tensor[]> _ballast = new(() =>
    [
        .. Enumerable.Range(0, 3).Select(i => Tensor.Normal(
            backend, DType.Float32, new Shape(BallastSide, BallastSide), RandomKey.FromSeed((ulong)i))),
    ]);

    private double _ballastSeconds;

    /// <summary>Whose clock it is: "device" or "host".</summary>
    public string Kind => backend is GpuBackend { Name: var name } && name.StartsWith("cuda", StringComparison.Ordinal) ? "device" : "host";

    /// <summary>Returns when all that was queued is done.</summary>
    public void Wait() => _one.ToArray<float>();

    /// <summary>The seconds of one call: the median of three repeats of as many calls as the time allows.</summary>
    public double Seconds(Action call)
    {
        for (int i = 0; i < 2; i++)
            call();
        Wait();
        double once = Host(call, 1);
        int calls = (int)Math.Clamp(seconds / Repeats / Math.Max(once, 1e-7), 1, MostCalls);
        double[] times = [.. Enumerable.Range(0, Repeats).Select(_ => Device(call, calls) ?? Host(call, calls)).Order()];
        return times[Repeats / 2];
    }

    /// <summary>The seconds that the host takes to queue one call, the device being behind.</summary>
    public double QueueSeconds(Action call, int calls)
    {
        Wait();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
            call();
        double taken = Stopwatch.GetElapsedTime(start).TotalSeconds / calls;
        Wait();
        return taken;
    }

    /// <summary>Seconds of one call by the host's clock, waited for at the end.</summary>
    public double Host(Action call, int calls)
    {
        Wait();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
            call();
        Wait();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / calls;
    }

    /// <summary>Seconds of one call by the device's clock; null where it has none.</summary>
    public double? Device(Action call, int calls)
    {
        if (Kind != "device")
            return null;
        if (_ballastSeconds == 0)
        {
            Ballast();
            _ballastSeconds = Host(Ballast, 8);
        }
        int ballast = (int)Math.Ceiling(2 * QueueSeconds(call, calls) * calls / _ballastSeconds) + 1;
        double? all = ((GpuBackend)backend).DeviceSeconds(
            () => Repeat(Ballast, ballast), () => Repeat(call, calls));
        return all / calls;
    }

    private void Ballast()
    {
        Tensor[] m = _ballast.Value;
        backend.Run(new MatMulCall(m[0], false, m[1], false, m[2]));
    }

    private static void Repeat(Action call, int calls)
    {
        for (int i = 0; i < calls; i++)
            call();
    }
}
