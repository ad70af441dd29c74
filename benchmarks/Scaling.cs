using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using InfMatch.Tensors;

namespace InfMatch.Benchmarks;

/// <summary>
/// How much faster several threads are than one: both take the same work in turn in one process, and each ratio is that of two
/// neighbours. A processor that is shared with others changes its speed within seconds; runs one behind the other would
/// measure that.
/// </summary>
internal static class Scaling
{
    private const int WarmUps = 3;
    private const double SecondsOfMeasurement = 0.05;

    /// <summary>One piece of work, in quartiles over the rounds.</summary>
    /// <param name="Name">As in convnet.</param>
    /// <param name="Images">The images that it takes.</param>
    /// <param name="One">The median time on one thread, in seconds.</param>
    /// <param name="Many">That on all threads.</param>
    /// <param name="Ratio">The median of the ratios, with the quartiles.</param>
    /// <param name="Rounds">How many there were.</param>
    public sealed record Entry(string Name, int Images, double One, double Many, Quartiles Ratio, int Rounds);

    /// <summary>The quartiles of some numbers.</summary>
    /// <param name="Low">A quarter is below it.</param>
    /// <param name="Median">Half is below it.</param>
    /// <param name="High">A quarter is above it.</param>
    public readonly record struct Quartiles(double Low, double Median, double High);

    /// <summary>Times every pass of a ConvNet for so many seconds.</summary>
    public static IReadOnlyList<Entry> Of(ConvNetSizes sizes, int threads, double seconds)
    {
        using var scope = TensorScope.Begin();
        var clock = new Clock(1, 0);
        using var one = new ConvNetBenchmark(new CpuBackend(1), sizes, clock);
        using var many = new ConvNetBenchmark(new CpuBackend(threads), sizes, clock);
        return [.. one.Passes().Zip(many.Passes(), (a, b) => Compare(a, b, seconds))];
    }

    /// <summary>Times two pieces of work in turn, the one that begins changing from round to round.</summary>
    public static Entry Compare(Work one, Work many, double seconds)
    {
        double once = 0;
        for (int i = 0; i < WarmUps; i++)
            once = Math.Max(Time(one, 1), Time(many, 1));
        int calls = (int)Math.Ceiling(SecondsOfMeasurement / Math.Max(once, 1e-6));
        List<double> ones = [], manys = [];
        for (long start = Stopwatch.GetTimestamp();
            ones.Count < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds;)
        {
            if (ones.Count % 2 == 0)
            {
                ones.Add(Time(one, calls));
                manys.Add(Time(many, calls));
            }
            else
            {
                manys.Add(Time(many, calls));
                ones.Add(Time(one, calls));
            }
        }
        return Summarise(one.Name, one.Images, ones, manys);
    }

    /// <summary>The entry of the seconds that both took, round by round.</summary>
    public static Entry Summarise(string name, int images, IReadOnlyList<double> ones, IReadOnlyList<double> manys)
    {
        double[] ratios = [.. ones.Zip(manys, (a, b) => a / b)];
        return new Entry(
            name, images, Quantile(ones, 0.5), Quantile(manys, 0.5),
            new Quartiles(Quantile(ratios, 0.25), Quantile(ratios, 0.5), Quantile(ratios, 0.75)), ratios.Length);
    }

    private static double Time(Work work, int calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
        {
            using var scope = TensorScope.Begin();
            work.Run();
        }
        return Stopwatch.GetElapsedTime(start).TotalSeconds / calls;
    }

    /// <summary>The q-quantile, interpolated between neighbours.</summary>
    public static double Quantile(IReadOnlyList<double> values, double q)
    {
        double[] sorted = [.. values.Order()];
        double at = q * (sorted.Length - 1);
        int below = (int)at;
        return below + 1 < sorted.Length ? sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]) : sorted[below];
    }

    /// <summary>A line an entry.</summary>
    public static string ToTable(IReadOnlyList<Entry> entries, int threads)
    {
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"{"images/s",-12}{"1 thread",12}{$"{threads} threads",12}{"ratio",9}{"quartiles",14}{"rounds",9}\n");
        foreach (Entry e in entries)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{e.Name,-12}{e.Images / e.One,12:F1}{e.Images / e.Many,12:F1}{e.Ratio.Median,9:F2}{$"{e.Ratio.Low:F2}–{e.Ratio.High:F2}",14}{e.Rounds,9}\n");
        }
        return text.ToString();
    }

    /// <summary>One object: for each entry ms_one, ms_many, ratio and its quartiles.</summary>
    public static string ToJson(IReadOnlyList<Entry> entries, int threads)
    {
        var root = new JsonObject { ["threads"] = threads };
        foreach (Entry e in entries)
        {
            root[e.Name] = new JsonObject
            {
                ["ms_one"] = Math.Round(e.One * 1e3, 3), ["ms_many"] = Math.Round(e.Many * 1e3, 3),
                ["ratio"] = Math.Round(e.Ratio.Median, 3), ["low"] = Math.Round(e.Ratio.Low, 3),
                ["high"] = Math.Round(e.Ratio.High, 3),
                ["rounds"] = e.Rounds,
            };
        }
        return root.ToJsonString();
    }
}
