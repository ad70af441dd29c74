using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace InfMatch.Benchmarks;

/// <summary>The results of a benchmark, as JSON or as a table beside those of another program.</summary>
internal sealed class Timings(string device, ConvNetSizes sizes)
{
    private readonly List<(string Name, int Images, double Seconds)> _entries = [];
    private readonly List<(string Name, double Gflops)> _rates = [];

    /// <summary>The most memory that was held at once, in bytes.</summary>
    public long PeakBytes { get; set; }

    /// <summary>What the device does in float32 at most, in GFLOP/s; null where that is not known.</summary>
    public double? PeakGflops { get; init; }

    /// <summary>Adds work on so many images.</summary>
    public void Add(string name, int images, double seconds) => _entries.Add((name, images, seconds));

    /// <summary>Adds work of so many multiplications and additions, counted as in a direct sum.</summary>
    public void AddProduct(string name, double operations, double seconds) =>
        _rates.Add(($"{name}_gflops", operations / seconds / 1e9));

    /// <summary>One object: for each entry ms and images_per_s.</summary>
    public string ToJson()
    {
        var root = new JsonObject
        {
            ["device"] = device, ["width"] = sizes.Width, ["depth"] = sizes.Depth, ["size"] = sizes.Size, ["batch"] = sizes.Batch,
            ["syn"] = sizes.Syn,
        };
        foreach ((string name, int images, double seconds) in _entries)
        {
            root[name] = new JsonObject
            {
                ["ms"] = Math.Round(seconds * 1e3, 3), ["images_per_s"] = Math.Round(images / seconds, 1),
            };
        }
        foreach ((string name, double gflops) in _rates)
            root[name] = Math.Round(gflops, 1);
        if (PeakGflops is { } peak)
            root["float32_peak_gflops"] = Math.Round(peak);
        root["peak_mib"] = Math.Round(PeakBytes / 1048576.0, 1);
        return root.ToJsonString();
    }

    /// <summary>A line an entry; beside it the times of other programs and how many times faster this one is.</summary>
    public string ToTable(IReadOnlyList<(string Name, JsonObject Times)> others)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{device}: width {sizes.Width}, depth {sizes.Depth}, {sizes.Size}×{sizes.Size}; ")
            .Append(CultureInfo.InvariantCulture, $"memory {PeakBytes / 1048576.0:F1} MiB at most\n")
            .Append(CultureInfo.InvariantCulture, $"{"",-20}{"ms",12}{"images/s",12}");
        foreach ((string name, _) in others)
            text.Append(CultureInfo.InvariantCulture, $"{name,20}{"×",8}");
        text.Append('\n');
        foreach ((string name, int images, double seconds) in _entries)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name,-20}{seconds * 1e3,12:F3}{images / seconds,12:F1}");
            foreach ((_, JsonObject times) in others)
                Append(text, times[name]?["ms"], ms => ms / (seconds * 1e3), "F3");
            text.Append('\n');
        }
        foreach ((string name, double gflops) in _rates)
        {
            string share = PeakGflops is { } peak
                ? string.Create(CultureInfo.InvariantCulture, $"{100 * gflops / peak:F1} %")
                : "";
            text.Append(CultureInfo.InvariantCulture, $"{name,-32}{gflops,12:F1}");
            foreach ((_, JsonObject times) in others)
            {
                JsonNode? theirs = times[name] ?? (name.StartsWith("sgemm", StringComparison.Ordinal) ? times["sgemm"]?["gflops"] : null);
                Append(text, theirs, value => gflops / value, "F1");
            }
            text.Append(share.Length > 0 ? $"  {share} of the float32 peak\n" : "\n");
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, JsonNode? theirs, Func<double, double> ratio, string format)
    {
        if (theirs?.GetValue<double>() is { } value)
        {
            text.Append(
                CultureInfo.InvariantCulture, $"{value.ToString(format, CultureInfo.InvariantCulture),20}{ratio(value),8:F2}");
        }
        else
        {
            text.Append(CultureInfo.InvariantCulture, $"{"-",20}{"-",8}");
        }
    }
}
