using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace InfMatch.Distill;

/// <summary>A value that a file or --set gives.</summary>
/// <param name="Setting">Of which setting.</param>
/// <param name="Value">The value as JSON has it; a text from the command line.</param>
/// <param name="Place">Where it stands, for errors.</param>
/// <param name="Origin">Where it came from, for config.json.</param>
internal sealed record InputValue(Setting Setting, object Value, string Place, string Origin)
{
    /// <summary>The preset of which a run had it whose own file this is; null where somebody gave it.</summary>
    public string? OfPreset { get; init; }

    /// <summary>The settings with this value.</summary>
    /// <exception cref="DistillException">It is not acceptable; the message says where it stands and what is expected.</exception>
    public RunSettings In(RunSettings settings)
    {
        try
        {
            return Value is string text ? Setting.Set(settings, text) : FromJson(settings, (JsonElement)Value);
        }
        catch (DistillException e) when (e.Expected is not null)
        {
            throw DistillException.BadValue(Place, Value is JsonElement json ? Shown(json) : (string)Value, e.Expected);
        }
    }

    private RunSettings FromJson(RunSettings settings, JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Null && Setting is RunSetting { IsOptional: true } optional)
            return optional.Without(settings);
        bool isList = Setting.Many;
        string? text = json.ValueKind switch
        {
            JsonValueKind.String when Setting.ValueType == typeof(string) => JsonFile.TextOf(json),
            JsonValueKind.Number when Setting.ValueType != typeof(string) => json.GetRawText(),
            JsonValueKind.String => Setting.WordOf(json),
            JsonValueKind.Array when isList && json.EnumerateArray().All(v => v.ValueKind == JsonValueKind.Number) =>
                string.Join(' ', json.EnumerateArray().Select(v => v.GetRawText())),
            _ => null,
        };
        // What JSON cannot mean is asked for all the same where it is refused: the refusal says what is expected.
        RunSettings set = Setting.Set(settings, text ?? json.GetRawText());
        return text is not null ? set : throw DistillException.BadValue(Place, Shown(json), isList ? "whole numbers from 1" : "text");
    }

    private static string Shown(JsonElement json) => json.GetRawText().ReplaceLineEndings(" ");
}

/// <summary>
/// What --config and --set give. The file is JSON that people write: comments and a comma behind the last value are fine, keys are
/// those of config.json or the options' names, and the config.json of a run is such a file, too.
/// </summary>
internal sealed class ConfigInput
{
    /// <summary>The options.</summary>
    public const string FileOption = "--config", SetOption = "--set";

    private const string PresetKey = "preset", SettingsKey = "settings", ValueKey = "value", OriginKey = "origin";

    private const long MostBytes = 1 << 20;

    private readonly Dictionary<Setting, InputValue> _ofFile = [], _ofSet = [];

    private ConfigInput()
    {
    }

    /// <summary>The preset that the file names, or null.</summary>
    public string? Preset { get; private set; }

    /// <summary>The preset with which a run began whose own file this is, or null.</summary>
    public string? PresetOfRun => _ofFile.Values.Select(value => value.OfPreset).FirstOrDefault(name => name is not null);

    /// <summary>The value that the file has for a setting, or null.</summary>
    public InputValue? OfFile(Setting setting) => _ofFile.GetValueOrDefault(setting);

    /// <summary>The value that --set gives a setting, or null.</summary>
    public InputValue? OfSet(Setting setting) => _ofSet.GetValueOrDefault(setting);

    /// <summary>Reads both.</summary>
    /// <param name="path">The file; null for none.</param>
    /// <param name="sets">Each text behind --set.</param>
    /// <param name="isOfCommand">Whether the command has a setting: others are fine in a file, and no mistake goes unnoticed on
    /// the command line.</param>
    /// <exception cref="DistillException">The file cannot be read, or a key is not known.</exception>
    public static ConfigInput Read(string? path, IEnumerable<string> sets, Func<Setting, bool> isOfCommand)
    {
        var input = new ConfigInput();
        foreach (string text in sets)
            input.Add(text, isOfCommand);
        if (path is not null)
            input.ReadFile(path);
        return input;
    }

    /// <summary>The same without what is of other settings.</summary>
    public ConfigInput Only(Func<Setting, bool> isWanted) => Only((setting, _) => isWanted(setting));

    /// <summary>The same without what a run had of a preset and nobody gave.</summary>
    public ConfigInput Without(string preset) => Only((_, value) => value.OfPreset != preset);

    private ConfigInput Only(Func<Setting, InputValue, bool> isWanted)
    {
        var input = new ConfigInput { Preset = Preset };
        foreach ((Dictionary<Setting, InputValue> from, Dictionary<Setting, InputValue> to) in new[] { (_ofFile, input._ofFile), (_ofSet, input._ofSet) })
        {
            foreach ((Setting setting, InputValue value) in from.Where(entry => isWanted(entry.Key, entry.Value)))
                to.Add(setting, value);
        }
        return input;
    }

    private void Add(string text, Func<Setting, bool> isOfCommand)
    {
        int at = text.IndexOf('=', StringComparison.Ordinal);
        if (at <= 0)
            throw DistillException.BadValue(SetOption, text, "KEY=VALUE, such as lrImg=500");
        string key = text[..at];
        if (key == PresetKey)
            throw DistillException.BadValue(SetOption, text, "the key of a setting; a preset is named with --preset");
        Setting setting = Find(key) ?? throw Unknown(key, SetOption);
        if (!isOfCommand(setting))
        {
            throw DistillException.BadValue(
                SetOption, text, $"the key of a setting that this command has; {setting.Key} is none of them");
        }
        _ofSet[setting] = new InputValue(setting, text[(at + 1)..], $"{SetOption} {key}", $"command line ({SetOption} {setting.Key})");
    }

    private void ReadFile(string path)
    {
        string shown = ShownPath.Of(path);
        ReadOnlyMemory<byte> bytes = BytesOf(path, shown);
        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false,
            });
            ReadRoot(document.RootElement, LinesOf(bytes.Span), shown);
        }
        catch (JsonException e)
        {
            string line = e.LineNumber is { } number ? $", line {number + 1}" : "";
            string what = e.Message.Split(" LineNumber:")[0].Split(" Path:")[0];
            throw new DistillException(
                ExitCode.Usage, "IM2016",
                $"{shown}{line}: {what} Expected JSON such as {{ \"ipc\": 10, \"lrImg\": 500 }}; 'config new FILE' writes one to fill in.", e);
        }
    }

    private static ReadOnlyMemory<byte> BytesOf(string path, string shown)
    {
        try
        {
            if (Directory.Exists(path))
                path = Path.Combine(path, "config.json"); // of a run
            var file = new FileInfo(path);
            if (file.Exists && file.Length > MostBytes)
                throw DistillException.BadValue(FileOption, shown, $"a file of settings, of at most {MostBytes} bytes");
            ReadOnlyMemory<byte> bytes = File.ReadAllBytes(path);
            return bytes.Span.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string why = e is FileNotFoundException or DirectoryNotFoundException ? "it does not exist" : e.Message.TrimEnd('.');
            throw new DistillException(
                ExitCode.Usage, "IM2016",
                $"{FileOption} names {shown}, which cannot be read: {why}. Correct the path, or write a file with 'config new'.", e);
        }
    }

    private void ReadRoot(JsonElement root, Dictionary<string, int> lines, string file)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new JsonException("it is no object.");
        foreach (JsonProperty member in root.EnumerateObject())
        {
            string place = Place(member.Name, file, lines.GetValueOrDefault(member.Name));
            if (member.Name == PresetKey)
            {
                Preset = Presets.Require(
                    place, member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString()! : member.Value.GetRawText());
            }
            else if (member.Name == SettingsKey && member.Value.ValueKind == JsonValueKind.Object)
            {
                foreach (JsonProperty inner in member.Value.EnumerateObject())
                    Add(inner, file, lines.GetValueOrDefault($"{SettingsKey}.{inner.Name}"));
            }
            else if (member.Name is not ("command" or SealedJson.Key)) // as a run's own file has them
            {
                Add(member, file, lines.GetValueOrDefault(member.Name));
            }
        }
    }

    private void Add(JsonProperty member, string file, int line)
    {
        Setting setting = Find(member.Name) ?? throw Unknown(member.Name, $"line {line} of {file}");
        JsonElement value = member.Value;
        string? ofPreset = null;
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty(ValueKey, out JsonElement inner))
        {
            // A run's own file: what followed from the method, the protocol or the budget follows from it again, but for what protocol B
            // no longer means.
            string[] source = value.TryGetProperty(OriginKey, out JsonElement origin) && JsonFile.TextOf(origin) is { } text ? text.Split(' ') : [""];
            ofPreset = source is [PresetKey, string preset] ? Presets.Find(preset)?.Name : null;
            if (source[0] is "method" or "protocol" or "budget"
                && !(setting.Property == nameof(RunSettings.Augment) && inner.ValueEquals(Protocols.WithCutout)))
            {
                return;
            }
            value = inner;
        }
        _ofFile[setting] = new InputValue(
            setting, value.Clone(), Place(setting.Key, file, line), $"file {file} (line {line})") { OfPreset = ofPreset };
    }

    private static string Place(string key, string file, int line) => $"{key} at line {line} of {file}";

    // By its key in config.json, also an older one, or by its option.
    private static Setting? Find(string key) =>
        Settings.All.FirstOrDefault(s => s.Key == OlderNames.KeyOf(key) || s.Name == $"--{key}");

    private static DistillException Unknown(string key, string place)
    {
        string near = Nearest.To(Plain(key), Settings.All.Select(s => Plain(s.Key))) is { } word
            ? $" (did you mean \"{Settings.All.First(s => Plain(s.Key) == word).Key}\"?)" : "";
        return new DistillException(
            ExitCode.Usage, "IM2017", $"unknown key \"{key}\" at {place}{near}. 'config show' lists all keys.");
    }

    private static string Plain(string key) => string.Concat(key.Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant();

    // The line of each key, by its path.
    private static Dictionary<string, int> LinesOf(ReadOnlySpan<byte> bytes)
    {
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(
            bytes, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        var path = new List<string>();
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
                continue;
            path.RemoveRange(reader.CurrentDepth - 1, Math.Max(0, path.Count - reader.CurrentDepth + 1));
            path.Add(reader.GetString() ?? "");
            lines[string.Join('.', path)] = 1 + bytes[..(int)reader.TokenStartIndex].Count((byte)'\n');
        }
        return lines;
    }
}
