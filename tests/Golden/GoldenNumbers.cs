using System.Text.Json;
using InfMatch.Tests.Architecture;

namespace InfMatch.Tests.Golden;

/// <summary>Numbers that PyTorch or SciPy computed once; the scripts stand in eng, the files beside this one.</summary>
internal static class GoldenNumbers
{
    public static JsonElement Protocols { get; } = Read("protocols");

    public static JsonElement Artifact { get; } = Read("artifact");

    public static JsonElement Dc { get; } = Read("dc");

    /// <summary>A list of numbers by its name.</summary>
    public static double[] Numbers(this JsonElement element, string name) =>
        [.. element.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];

    private static JsonElement Read(string name) => JsonDocument.Parse(
        File.ReadAllText(Path.Combine(Repository.Root, "tests", "Golden", name + ".json"))).RootElement;
}
