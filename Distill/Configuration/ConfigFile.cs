using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>config.json: the command, and every setting with its value and the origin of that value.</summary>
internal static class ConfigFile
{
    private const string CommandKey = "command", SettingsKey = "settings", ValueKey = "value", OriginKey = "origin", MethodKey = "method", DatasetKey = "dataset";

    private const int LongestKey = 80;

    // The commands that make a run folder.
    private static readonly ImmutableArray<string> s_commands = ["demo", "distill", "train", "ablate", "evaluate", "benchmark"];

    private static readonly Dictionary<string, Setting> s_ofKey = Settings.All.ToDictionary(s => s.Key, StringComparer.Ordinal);

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
        JsonObject settings = ToJson(resolved)[SettingsKey]!.DeepClone().AsObject();
        return SealedJson.Seal(new JsonObject { [CommandKey] = command, [SettingsKey] = settings }) + "\n";
    }

    /// <summary>Every setting with its value and where that comes from, under "settings".</summary>
    public static JsonObject ToJson(ResolvedSettings resolved)
    {
        JsonObject values = JsonSerializer.SerializeToNode(resolved.Settings, s_options)!.AsObject();
        var settings = new JsonObject();
        foreach (Setting setting in Settings.All.Where(s => s.IsOf(resolved.Settings)))
        {
            settings[setting.Key] = new JsonObject
            {
                [ValueKey] = setting.Json(resolved.Settings, values),
                [OriginKey] = resolved.Origins[setting.Property],
            };
        }
        return new JsonObject { [SettingsKey] = settings };
    }

    /// <summary>Reads the file again: every value exactly as it stands there, or an error that names its key. It is the record of
    /// a run and not a place to change it: an edited file is refused. The place of the data or of the experts, the device and
    /// the like can be given to 'resume'.</summary>
    /// <param name="path">The file.</param>
    /// <param name="note">Called where the file has no hash, because an earlier version wrote it.</param>
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
            using JsonDocument document = JsonFile.Open(path);
            (string, ResolvedSettings) read = Read(document.RootElement);
            RequireSeal(path, document.RootElement, note);
            return read;
        }
        catch (JsonException e)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2004",
                $"{path} is no configuration of this version: {e.Message} Put it back as it was, or start the run again.", e);
        }
        catch (DistillException e) when (e.Expected is not null) // two settings that do not go together
        {
            string key = Settings.All.FirstOrDefault(s => s.Name == e.Option) is { } setting ? PlaceOf(setting.Key) : e.Option!;
            throw new DistillException(
                ExitCode.Usage, "IM2004",
                $"{path} is no configuration of this version: {key} is {e.Got}; expected {e.Expected}. Put it back as it was, or " +
                "start the run again.", e);
        }
    }

    private static void RequireSeal(string path, JsonElement root, Action<string>? note)
    {
        switch (SealedJson.IsRight(root))
        {
            case false:
                throw new DistillException(
                    ExitCode.Usage, "IM2009",
                    $"{path} is not as the run wrote it: its content does not have the hash that it states. A run goes on only as " +
                    "it began: put the file back as it was. What may change are options of 'resume' (--data, --experts-from, " +
                    "--start-from, --label-from, --device, --threads, --memory-limit); for other settings start a new run.");
            case null:
                note?.Invoke(OlderFile.Note(path));
                break;
        }
    }

    private static (string Command, ResolvedSettings Resolved) Read(JsonElement root)
    {
        string? command = null;
        RunSettings? settings = null;
        var origins = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string name, JsonElement value) in JsonFile.Members(root, ""))
        {
            if (name == CommandKey)
            {
                command = JsonFile.TextOf(value) is { } text && s_commands.Contains(text, StringComparer.Ordinal)
                    ? text
                    : throw JsonFile.Wrong(CommandKey, value, $"one of {string.Join(", ", s_commands)}");
            }
            else if (name == SettingsKey)
            {
                settings = ReadSettings(value, origins);
            }
            else if (name != SealedJson.Key)
            {
                throw JsonFile.Unknown(name);
            }
        }
        if (command is null || settings is null)
            throw JsonFile.Missing(command is null ? CommandKey : SettingsKey);
        Settings.CheckTogether(settings);
        return (command, new ResolvedSettings(settings, origins));
    }

    private static RunSettings ReadSettings(JsonElement json, Dictionary<string, string> origins)
    {
        // Settings that are younger than the file have the value that stands for how it was before them.
        RunSettings settings = Settings.All.OfType<RunSetting>().Where(setting => setting.IsOptional)
            .Aggregate(Presets.Standard, (rest, setting) => setting.Without(rest));
        settings = WithoutYounger(settings);
        IReadOnlyList<(string Name, JsonElement Value)> entries = JsonFile.Members(json, SettingsKey);
        foreach ((string key, JsonElement entry) in entries.OrderBy(e => OrderOf(e.Name)))
        {
            string place = $"{SettingsKey}.{key}";
            Setting setting = s_ofKey.GetValueOrDefault(OlderNames.KeyOf(key)) ?? throw JsonFile.Unknown(place);
            settings = ReadSetting(entry, setting, settings, place, origins);
            if (key == MethodKey)
                settings = WithoutYounger(settings);
        }
        foreach (Setting setting in Settings.All.Where(s => s.IsOf(settings)))
        {
            if (!origins.TryAdd(setting.Property, "not in the file"))
                continue;
            if (!setting.IsOptionalIn(settings))
                throw JsonFile.Missing($"{SettingsKey}.{setting.Key}");
        }
        return settings;
    }

    private static RunSettings ReadSetting(
        JsonElement entry, Setting setting, RunSettings settings, string place, Dictionary<string, string> origins)
    {
        IReadOnlyList<(string Name, JsonElement Value)> members = JsonFile.Members(entry, place);
        foreach ((string name, JsonElement value) in members)
        {
            if (name == ValueKey)
                settings = SetFrom(value, setting, settings, $"{place}.{ValueKey}");
            else if (name == OriginKey)
                origins[setting.Property] = JsonFile.TextOf(value) ?? throw JsonFile.Wrong($"{place}.{OriginKey}", value, "text");
            else
                throw JsonFile.Unknown($"{place}.{name}");
        }
        foreach (string name in (string[])[ValueKey, OriginKey])
        {
            if (!members.Any(m => m.Name == name))
                throw JsonFile.Missing($"{place}.{name}");
        }
        return settings;
    }

    // The method's settings that a file may lack, as runs from before them had them.
    private static RunSettings WithoutYounger(RunSettings settings) => settings with
    {
        OfMethod = settings.MethodKind.Settings.Where(s => s.Neutral is not null)
            .Aggregate(settings.OfMethod, (values, s) => values.With(s, s.Neutral!)),
    };

    // What the data set and the method are decides which settings there are.
    private static int OrderOf(string key) => key switch
    {
        DatasetKey => 0,
        MethodKey => 1,
        _ => 2,
    };

    // The settings with one of them exactly as JSON has it.
    private static RunSettings SetFrom(JsonElement value, Setting setting, RunSettings settings, string place)
    {
        Type type = setting.ValueType;
        string orNull = setting.IsOptional ? ", or null" : "";
        if (value.ValueKind == JsonValueKind.Null && setting.IsOptional)
            return settings; // it begins as null
        string? text = type == typeof(string) ? JsonFile.TextOf(value)
            : IsList(type) || (setting.Many && value.ValueKind == JsonValueKind.Array) ? ListText(value)
            : value.ValueKind == JsonValueKind.Number ? value.GetRawText()
            : setting.WordOf(value);
        try
        {
            // What JSON cannot mean is asked for all the same where it is refused: the refusal says what is expected.
            RunSettings set = setting.Set(settings, text ?? value.GetRawText());
            if (text is not null && (!IsList(type) || CountOf(setting.Show(set)) == value.GetArrayLength()))
                return set;
        }
        catch (DistillException e) when (e.Expected is not null)
        {
            string plugin = setting.Choices.Count > 0 ? $", or a name that an assembly of {Plugins.Variable} brings" : "";
            throw JsonFile.Wrong(place, value, e.Expected + plugin + orNull);
        }
        throw JsonFile.Wrong(
            place, value, (IsList(type) ? "a list of different whole numbers from 1" : "text") + orNull);
    }

    private static bool IsList(Type type) => (Nullable.GetUnderlyingType(type) ?? type) == typeof(ImmutableArray<int>);

    private static int CountOf(string list) => list.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;

    private static string? ListText(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.Number)
            ? string.Join(' ', value.EnumerateArray().Select(v => v.GetRawText()))
            : null;

    private static string PlaceOf(string key) => $"{SettingsKey}.{key}.{ValueKey}";

    // Where a run reads and writes and on what it computes: it does not decide the numbers. Each with the value that a hash
    // has in its place; another value would make strangers of all states that were saved before.
    private static readonly Dictionary<string, Func<RunSettings, RunSettings>> s_ofMachine = new(StringComparer.Ordinal)
    {
        [nameof(RunSettings.Out)] = s => s with { Out = "" },
        [nameof(RunSettings.Data)] = s => s with { Data = null },
        [nameof(RunSettings.ExpertsFrom)] = s => s with { ExpertsFrom = null },
        [nameof(RunSettings.StartFrom)] = s => s with { StartFrom = null }, // the hash of the start stands for it
        [nameof(RunSettings.LabelFrom)] = s => s with { LabelFrom = null }, // as above: the start has its labels
        [nameof(RunSettings.ImageEncoder)] = s => s with { ImageEncoder = null }, // as above: its hash is part of that of the start
        [nameof(RunSettings.BaselinesFrom)] = s => s with { BaselinesFrom = null }, // rows have the same bits wherever they are measured
        [nameof(RunSettings.SaveEvery)] = s => s with { SaveEvery = 1 },
        [nameof(RunSettings.EvaluateEpochs)] = s => s with { EvaluateEpochs = null },
        [nameof(RunSettings.ProbeEvery)] = s => s with { ProbeEvery = null },
        [nameof(RunSettings.Threads)] = s => s with { Threads = 0 },
        [nameof(RunSettings.Device)] = s => s with { Device = "" },
        [nameof(RunSettings.MemoryLimit)] = s => s with { MemoryLimit = null },
    };

    /// <summary>What decides the numbers of a run, as one JSON object on one line: names of settings with their
    /// values.</summary>
    public static string WriteDecisive(RunSettings settings)
    {
        JsonObject values = Values(settings);
        foreach (string property in s_ofMachine.Keys)
            values.Remove(Settings.Of(property).Key);
        return values.ToJsonString();
    }

    // Every setting with its value; what is as it was before there was the setting is left out.
    private static JsonObject Values(RunSettings settings)
    {
        JsonObject values = JsonSerializer.SerializeToNode(settings, s_options)!.AsObject();
        foreach (MethodSetting setting in settings.MethodKind.Settings)
        {
            if (settings.OfMethod[setting] != setting.Neutral)
                values.Add(JsonNamingPolicy.CamelCase.ConvertName(setting.Name), OptionOfMethods.JsonOf(setting, settings.OfMethod[setting]));
        }
        foreach (Setting setting in Settings.All.OfType<RunSetting>().Where(s => !s.IsOf(settings)))
            values.Remove(setting.Key);
        return values;
    }

    /// <summary>Reads <see cref="WriteDecisive"/> from wherever it comes: each value is checked as on the command line. What
    /// is not named has the value of the preset standard.</summary>
    /// <exception cref="JsonException">It is no such JSON, or a setting is unknown, or its value not acceptable.</exception>
    public static RunSettings ReadDecisive(string json)
    {
        using JsonDocument document = JsonFile.Parse(json, maxDepth: 2);
        RunSettings settings = WithoutYounger(Presets.Standard);
        foreach ((string key, JsonElement value) in
            JsonFile.Members(document.RootElement, "").OrderBy(m => OrderOf(m.Name)))
        {
            if (!s_ofKey.TryGetValue(OlderNames.KeyOf(key), out Setting? setting) || s_ofMachine.ContainsKey(setting.Property))
                throw new JsonException($"there is no setting {PrintableText.Quoted(PrintableText.Of(key, LongestKey))}.");
            if (value.ValueKind == JsonValueKind.Null)
                throw JsonFile.Wrong(key, value, "a value: what has none is left out");
            settings = SetFrom(value, setting, settings, key);
        }
        return settings.Ipc.IsEmpty ? throw new JsonException("ipc names no number.") : settings;
    }

    /// <summary>A hash of what decides the numbers of a run: equal hashes and software give equal sets.</summary>
    public static string Hash(RunSettings settings)
    {
        RunSettings decisive = s_ofMachine.Values.Aggregate(settings, (s, withoutIt) => withoutIt(s));
        return Convert.ToHexStringLower(SHA256.HashData(
            Encoding.UTF8.GetBytes(OlderNames.Of(Values(decisive)).ToJsonString(s_options))))[..16];
    }

    /// <summary>Settings that decide numbers and are not as a run began, in words.</summary>
    public static IReadOnlyList<string> Others(RunSettings began, RunSettings now)
    {
        if (Hash(began) == Hash(now))
            return [];
        string[] others =
        [
            .. Settings.All.Where(s => s.IsOf(began) && s.IsOf(now) && !s_ofMachine.ContainsKey(s.Property) && s.Show(began) != s.Show(now))
                .Select(s => $"{s.Name} is {Shown(s, now)}, and was {Shown(s, began)}"),
        ];
        return others.Length > 0 ? others : ["they have another hash"];

        static string Shown(Setting setting, RunSettings settings) => setting.Show(settings) is { Length: > 0 } text ? text : "not given";
    }

    /// <summary>Writes the file into a run folder.</summary>
    public static void Save(string path, string command, ResolvedSettings resolved) =>
        AtomicFile.WriteAllText(path, Write(command, resolved));
}
