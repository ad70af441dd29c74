using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>config.json: the command, and every setting with its value and the origin of that value.</summary>
internal static class ConfigFile
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>The file as text.</summary>
    public static string Write(string command, ResolvedSettings resolved)
    {
        JsonObject values = JsonSerializer.SerializeToNode(resolved.Settings, s_options)!.AsObject();
        var settings = new JsonObject();
        foreach (Setting setting in Settings.All)
        {
            string key = JsonNamingPolicy.CamelCase.ConvertName(setting.Property);
            settings[key] = new JsonObject
            {
                ["value"] = values[key]?.DeepClone(),
                ["origin"] = resolved.Origins[setting.Property],
            };
        }
        return SealedJson.Seal(new JsonObject { ["command"] = command, ["settings"] = settings }) + "\n";
    }

    /// <summary>Reads the file again. It is the record of a run and not a place to change it: an edited file is refused. The
    /// place of the data or of the experts, the device and the like can be given to 'resume'.</summary>
    /// <param name="path">The file.</param>
    /// <param name="note">Hears of a file that states no hash, because an earlier version wrote it.</param>
    /// <exception cref="DistillException">It is missing, no JSON, lacks a setting or has one too many, has a value that the
    /// command line would refuse, or is not as it was written.</exception>
    public static (string Command, ResolvedSettings Resolved) Read(string path, Action<string>? note = null)
    {
        if (!File.Exists(path))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2003", $"{path} does not exist, so this is no run folder. Name a folder that a run made.");
        }
        try
        {
            JsonObject root = ReadSealed(path, note);
            if (root.FirstOrDefault(entry => entry.Key is not ("command" or "settings")).Key is { } unknown)
                throw new JsonException($"there is no entry \"{unknown}\".");
            var values = new JsonObject();
            var origins = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach ((string key, JsonNode? entry) in root["settings"]!.AsObject())
            {
                values[key] = entry!["value"]?.DeepClone();
                Setting setting = Settings.All.Single(s => JsonNamingPolicy.CamelCase.ConvertName(s.Property) == key);
                origins[setting.Property] = entry["origin"]!.GetValue<string>();
            }
            // Settings that are younger than the file have the value that stands for how it was before them.
            foreach (Setting setting in Settings.All)
                origins.TryAdd(setting.Property, "not in the file");
            RunSettings settings = values.Deserialize<RunSettings>(s_options)!;
            RequireAcceptable(settings);
            return (root["command"]!.GetValue<string>(), new ResolvedSettings(settings, origins));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or FormatException)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2004", $"{path} is no configuration of this version: {e.Message} Start the run again.", e);
        }
    }

    private static JsonObject ReadSealed(string path, Action<string>? note)
    {
        (JsonObject root, bool? isRight) = SealedJson.Load(path);
        if (isRight == false)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2009",
                $"{path} is not as the run wrote it: its content does not have the hash that it states. A run goes on only as it " +
                "began: put the file back as it was. What may change are options of 'resume' (--data, --experts-from, --device, " +
                "--threads, --memory-limit); for other settings start a new run.");
        }
        if (isRight is null)
            note?.Invoke(OlderFile.Note(path));
        return root;
    }

    // Where a run reads and writes and on what it computes: it does not decide the numbers. Each with the value that a hash
    // has in its place; another value would make strangers of all states that were saved before.
    private static readonly Dictionary<string, Func<RunSettings, RunSettings>> s_ofMachine = new(StringComparer.Ordinal)
    {
        [nameof(RunSettings.Out)] = s => s with { Out = "" },
        [nameof(RunSettings.Data)] = s => s with { Data = null },
        [nameof(RunSettings.ExpertsFrom)] = s => s with { ExpertsFrom = null },
        [nameof(RunSettings.SaveEvery)] = s => s with { SaveEvery = 1 },
        [nameof(RunSettings.Threads)] = s => s with { Threads = 0 },
        [nameof(RunSettings.Device)] = s => s with { Device = "" },
        [nameof(RunSettings.MemoryLimit)] = s => s with { MemoryLimit = null },
    };

    /// <summary>What decides the numbers of a run, as one JSON object on one line: names of settings with their
    /// values.</summary>
    public static string WriteDecisive(RunSettings settings)
    {
        JsonObject values = JsonSerializer.SerializeToNode(settings, s_options)!.AsObject();
        foreach (string property in s_ofMachine.Keys)
            values.Remove(JsonNamingPolicy.CamelCase.ConvertName(property));
        return values.ToJsonString();
    }

    /// <summary>Reads <see cref="WriteDecisive"/> from wherever it comes: each value is checked as on the command line. What
    /// is not named has the value of the preset standard.</summary>
    /// <exception cref="JsonException">It is no such JSON.</exception>
    /// <exception cref="DistillException">A setting is unknown, or its value not acceptable.</exception>
    public static RunSettings ReadDecisive(string json)
    {
        using JsonDocument document = JsonDocument.Parse(
            json, new JsonDocumentOptions { MaxDepth = 2, AllowDuplicateProperties = false });
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new JsonException("it is no JSON object.");
        RunSettings settings = Presets.Standard;
        foreach (JsonProperty entry in document.RootElement.EnumerateObject())
        {
            Setting setting = Settings.All.FirstOrDefault(s => JsonNamingPolicy.CamelCase.ConvertName(s.Property) == entry.Name
                && !s_ofMachine.ContainsKey(s.Property))
                ?? throw new JsonException($"there is no setting \"{entry.Name}\".");
            settings = setting.Set(settings, TextOf(entry.Value));
        }
        return settings.Ipc.IsEmpty ? throw new JsonException("ipc names no number.") : settings;
    }

    // A file may have been edited by hand: each value must be one that the command line would take.
    private static void RequireAcceptable(RunSettings settings)
    {
        foreach (Setting setting in Settings.All)
        {
            if (setting.Show(settings) is { Length: > 0 } text)
                setting.Set(settings, text);
        }
        Settings.CheckTogether(settings);
    }

    private static string TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Array => string.Join(' ', value.EnumerateArray().Select(TextOf)),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => throw new JsonException($"{value.ValueKind} is no value of a setting."),
    };

    /// <summary>A hash of what decides the numbers of a run: equal hashes and software give equal sets.</summary>
    public static string Hash(RunSettings settings)
    {
        RunSettings decisive = s_ofMachine.Values.Aggregate(settings, (s, withoutIt) => withoutIt(s));
        return Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(decisive, s_options)))[..16];
    }

    /// <summary>Writes the file into a run folder.</summary>
    public static void Save(string path, string command, ResolvedSettings resolved) =>
        AtomicFile.WriteAllText(path, Write(command, resolved));
}
