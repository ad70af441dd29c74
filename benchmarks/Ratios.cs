using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace InfMatch.Benchmarks;

/// <summary>How many times faster one program is than another, from the JSON objects of several alternating runs of
/// each: medians, and the least and largest ratio of a round.</summary>
internal static class Ratios
{
    /// <summary>One entry of both programs.</summary>
    /// <param name="Name">Such as train, or sgemm_1024_gflops.</param>
    /// <param name="Ours">The median of ours, in images a second or GFLOP/s.</param>
    /// <param name="Theirs">That of theirs.</param>
    /// <param name="Least">The smallest ratio of a round.</param>
    /// <param name="Largest">The largest.</param>
    public sealed record Entry(string Name, double Ours, double Theirs, double Least, double Largest)
    {
        /// <summary>Ours over theirs: above 1 we are faster.</summary>
        public double Ratio => Ours / Theirs;
    }

    /// <summary>The entries that every run of both has, in our order; round i is run i of each.</summary>
    /// <exception cref="ArgumentException">The numbers of runs differ, or there is none.</exception>
    public static IReadOnlyList<Entry> Of(IReadOnlyList<JsonObject> ours, IReadOnlyList<JsonObject> theirs)
    {
        if (ours.Count == 0 || ours.Count != theirs.Count)
        {
            throw new ArgumentException(
                $"{ours.Count} runs of ours and {theirs.Count} of theirs were given: give as many of each, at least one.",
                nameof(theirs));
        }
        var entries = new List<Entry>();
        foreach (string name in ours[0].Select(pair => pair.Key))
        {
            double?[] a = [.. ours.Select(run => SpeedOf(run[name]))], b = [.. theirs.Select(run => SpeedOf(run[name]))];
            if (name == "peak_mib" || a.Contains(null) || b.Contains(null))
                continue;
            double[] ratios = [.. a.Zip(b, (x, y) => x!.Value / y!.Value)];
            entries.Add(new Entry(name, Median(a), Median(b), ratios.Min(), ratios.Max()));
        }
        return entries;
    }

    private static double? SpeedOf(JsonNode? entry) => entry switch
    {
        JsonObject timed => timed["images_per_s"]?.GetValue<double>(),
        JsonValue value when value.GetPropertyName().EndsWith("_gflops", StringComparison.Ordinal) => value.GetValue<double>(),
        _ => null,
    };

    private static double Median(double?[] values)
    {
        double[] sorted = [.. values.Select(v => v!.Value).Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>A line an entry.</summary>
    public static string ToTable(IReadOnlyList<Entry> entries, int rounds)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{$"medians of {rounds} rounds",-24}{"ours",12}{"theirs",12}{"ratio",9}{"least",9}{"largest",9}\n");
        foreach (Entry e in entries)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{e.Name,-24}{e.Ours,12:F1}{e.Theirs,12:F1}{e.Ratio,9:F2}{e.Least,9:F2}{e.Largest,9:F2}\n");
        }
        return text.ToString();
    }

    /// <summary>One object: for each entry ours, theirs, ratio, least and largest.</summary>
    public static string ToJson(IReadOnlyList<Entry> entries) => new JsonObject(entries.Select(e =>
        KeyValuePair.Create<string, JsonNode?>(e.Name, new JsonObject
        {
            ["ours"] = e.Ours, ["theirs"] = e.Theirs, ["ratio"] = Math.Round(e.Ratio, 3), ["least"] = Math.Round(e.Least, 3),
            ["largest"] = Math.Round(e.Largest, 3),
        }))).ToJsonString();
}
