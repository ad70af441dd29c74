using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

// Configurations that are sound, to be changed in one place.
public sealed partial class JsonFileTests
{
    private static JsonObject Sound(string preset, string? method = null) => JsonNode.Parse(Unsealed(ConfigFile.Write(
        "distill", Settings.Resolve(preset, s => s.Property == "Method" ? method : null, _ => null))))!.AsObject();

    // Those with a setting: of presets, or of a method that it belongs to.
    private static IEnumerable<JsonObject> SoundsWith(string property) => Settings.Of(property).IsOf(Presets.Standard)
        ? s_presets.Select(p => Sound(p))
        : [IsOfPairs(property) ? Sound("pairs") : Sound("standard", MethodWith(property))];

    private static bool IsOfPairs(string property) => Settings.Of(property) is RunSetting { Task: SettingTask.Pairs };

    private static string MethodWith(string property) =>
        Kinds.Of<DistillationMethod>().First(m => m.Settings.Any(s => s.Name == property)).Name;

    // Without the hash, which any change would break: as earlier versions wrote it.
    private static string Unsealed(string json)
    {
        JsonObject root = JsonNode.Parse(json)!.AsObject();
        Assert.True(root.Remove(SealedJson.Key));
        return root.ToJsonString(JsonText.Options);
    }

    // What the presets say, and every choice of an option that they do not have; some choices ask for others beside them.
    private static IEnumerable<string> OwnValues(string key)
    {
        Setting setting = Settings.All.Single(s => s.Key == key);
        IEnumerable<string> choices = setting.IsOf(Presets.Standard) ? [] : setting.Choices.Select(choice => JsonSerializer.Serialize(choice));
        return [.. s_presets.Select(p => OwnValue(Sound(p), key)), .. choices];
    }

    private static string OwnValue(JsonObject sound, string key) => sound["settings"]![key]?["value"]?.ToJsonString() ?? "null";
}
