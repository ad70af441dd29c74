using System.Text.Json;

namespace InfMatch.Distill;

/// <summary>How JSON for people and scripts is written.</summary>
internal static class JsonText
{
    /// <summary>camelCase names, indented.</summary>
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
    };
}
