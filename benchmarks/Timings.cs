using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace InfMatch.Benchmarks;

/// <summary>The results of a benchmark, as JSON or as a table beside those of another program.</summary>
internal sealed class Timings(string device, ConvNetSizes sizes)
{
    private readonly List<(string Name, int Images, double Seconds)> _entries = [];
    private double _productSeconds;

    /// <summary>The most memory that was held at once, in bytes.</summary>
    public long PeakBytes { get; set; }

    private double Gflops => 2.0 * sizes.Sgemm * sizes.Sgemm * sizes.Sgemm / _productSeconds / 1e9;

    private string ProductName => $"sgemm_{sizes.Sgemm}_gflops";

    /// <summary>Adds work on so many images.</summary>
    public void Add(string name, int images, double seconds) => _entries.Add((name, images, seconds));

    /// <summary>Adds the matrix product.</summary>
    public void AddProduct(double seconds) => _productSeconds = seconds;

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
        root[ProductName] = Math.Round(Gflops, 1);
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
        text.Append(CultureInfo.InvariantCulture, $"{ProductName,-20}{"",12}{Gflops,12:F1}");
        foreach ((_, JsonObject times) in others)
            Append(text, times["sgemm"]?["gflops"] ?? times[ProductName], theirs => Gflops / theirs, "F1");
        return text.Append('\n').ToString();
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
