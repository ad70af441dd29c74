using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>What the run ran on.</summary>
internal sealed class EnvironmentSection : ReportSection
{
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
        key.EndsWith("Bytes", StringComparison.Ordinal) && value is JsonValue number && number.TryGetValue(out long bytes)
            ? ByteSize.Text(bytes)
            : value?.ToString() ?? "–";

    // deviceDescription → device description
    private static string Words(string key) =>
        string.Concat(key.Select(c => char.IsAsciiLetterUpper(c) ? $" {char.ToLowerInvariant(c)}" : $"{c}"));
}
