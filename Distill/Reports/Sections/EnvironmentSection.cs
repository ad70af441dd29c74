using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>What the run ran on.</summary>
internal sealed class EnvironmentSection : ReportSection
{
    private const string BytesEnding = "Bytes";

    // In MiB these would be 0.0.
    private const long FewBytes = 1 << 16;

    /// <inheritdoc/>
    public override string Name => "environment";

    /// <inheritdoc/>
    public override string Title => "Environment";

    /// <inheritdoc/>
    public override int Place => 9;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        if (source.Run.Environment is not { } environment)
            return [Html.Missing("The run did not record what it ran on.")];
        return
        [
            Html.Table(
                "What the run ran on", ["what", "value"],
                environment.Select(entry => (IReadOnlyList<object?>)[Words(entry.Key), Shown(entry.Key, entry.Value)])),
        ];
    }

    private static string Shown(string key, JsonNode? value) =>
        !key.EndsWith(BytesEnding, StringComparison.Ordinal) || value is not JsonValue number || !number.TryGetValue(out long bytes)
            ? value?.ToString() ?? "–"
            : bytes < FewBytes ? $"{bytes} bytes" : ByteSize.Text(bytes);

    // deviceDescription → device description, memoryBytes → memory
    private static string Words(string key)
    {
        string name = key.EndsWith(BytesEnding, StringComparison.Ordinal) ? key[..^BytesEnding.Length] : key;
        return string.Concat(name.Select(c => char.IsAsciiLetterUpper(c) ? $" {char.ToLowerInvariant(c)}" : $"{c}"));
    }
}
