using System.Text.Json.Nodes;

namespace InfMatch.Distill;

/// <summary>
/// Names and words of earlier versions, in files and on the command line. What is read is brought to today's; the hash by which a
/// state knows its settings is taken of the older form, so that states and sets that were saved before keep theirs.
/// </summary>
internal static class OlderNames
{
    private static readonly Dictionary<string, string> s_keys = new(StringComparer.Ordinal)
    {
        ["mass"] = "weight", ["partition"] = "classWise",
    };

    private static readonly Dictionary<string, string> s_options = new(StringComparer.Ordinal)
    {
        ["--mass"] = "--weight", ["--partition"] = "--class-wise",
    };

    // Today's word of a setting, and the older one.
    private static readonly Dictionary<(string Key, string Word), string> s_words = new()
    {
        [("estimator", "trajectory-matching")] = "retrained", [("classWise", "off")] = "whole", [("classWise", "on")] = "classes",
    };

    // The order in which settings were hashed; younger ones follow it by name.
    private static readonly string[] s_order =
    [
        "dataset", "data", "imageSize", "zca", "ipc", "estimator", "iterations", "model", "norm", "pooling", "width", "depth",
        "lrImg", "lrLabel", "momentumImg", "momentumLabel", "rateSchedule", "mass", "partition", "matchAugment", "threshold",
        "temperature", "labelStart", "imageStart", "labels", "syntheticRate", "realBatch", "factor", "window", "startFirst",
        "startLast", "startGrowth", "experts", "expertsFrom", "expertEpochs", "expertSteps", "expertBatch", "expertRate",
        "expertAugment", "expertSchedule", "expertCutmix", "checkpoints", "denseSteps", "protocol", "bestEvery", "cutmix", "epochs",
        "repeats", "evalWidth", "evalRate", "augment", "evaluateEvery", "saveEvery", "seed", "threads", "device", "memoryLimit",
        "precision", "out",
    ];

    /// <summary>Today's key of a setting.</summary>
    public static string KeyOf(string key) => s_keys.GetValueOrDefault(key, key);

    /// <summary>Arguments with the older options replaced, also in the form --mass=fixed.</summary>
    public static string[] Options(IEnumerable<string> args) =>
    [
        .. args.Select(arg =>
        {
            string[] parts = arg.Split('=', 2);
            return s_options.TryGetValue(parts[0], out string? name) ? string.Join('=', [name, .. parts[1..]]) : arg;
        }),
    ];

    /// <summary>The word that an earlier version had for a value.</summary>
    public static string WordOf(string key, string word) => s_words.GetValueOrDefault((key, word), word);

    /// <summary>Today's word for a value.</summary>
    public static string TodayOf(string key, string word) =>
        s_words.FirstOrDefault(pair => pair.Key.Key == key && pair.Value == word).Key.Word ?? word;

    /// <summary>Settings as earlier versions wrote them: their names, words and order.</summary>
    public static JsonObject Of(JsonObject settings)
    {
        var older = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach ((string key, JsonNode? value) in settings)
        {
            string name = s_keys.FirstOrDefault(pair => pair.Value == key).Key ?? key;
            older.Add(
                name,
                value is JsonValue v && v.TryGetValue(out string? word) ? JsonValue.Create(WordOf(key, word)) : value?.DeepClone());
        }
        return new JsonObject(
            older.OrderBy(pair => Array.IndexOf(s_order, pair.Key) is >= 0 and int at ? at : int.MaxValue)
                .ThenBy(pair => pair.Key, StringComparer.Ordinal)
                .Select(pair => KeyValuePair.Create(pair.Key, pair.Value)));
    }
}
