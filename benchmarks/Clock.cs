using System.Diagnostics;
using InfMatch.Tensors;

namespace InfMatch.Benchmarks;

/// <summary>Times work as a median over repeats, after a warm-up in which kernels are compiled and pools filled.</summary>
/// <param name="Repeats">How often the time is taken.</param>
/// <param name="Seconds">About how long all repeats take together.</param>
internal sealed record Clock(int Repeats, double Seconds)
{
    private const int WarmUps = 3;

    /// <summary>Seconds a call. What a call gives is read in part at the end of each repeat: only that waits for a
    /// device.</summary>
    public double Time(Func<Tensor> work)
    {
        for (int i = 0; i < WarmUps; i++)
            Many(work, 1);
        double once = Many(work, 1);
        int calls = (int)Math.Ceiling(Math.Max(1, Seconds / Repeats / Math.Max(once, 1e-6)));
        double[] times = [.. Enumerable.Range(0, Repeats).Select(_ => Many(work, calls)).Order()];
        int middle = Repeats / 2;
        return Repeats % 2 == 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
    }

    private static double Many(Func<Tensor> work, int calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
        {
            using var scope = TensorScope.Begin();
            Tensor result = work();
            if (i == calls - 1)
                result.View(0, new Shape(1)).ToScalar();
        }
        return Stopwatch.GetElapsedTime(start).TotalSeconds / calls;
    }
}
