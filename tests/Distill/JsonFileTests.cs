using System.Globalization;
using System.Numerics;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

/// <summary>Every JSON value in every place of every JSON file that is read back: either it is read as what it says, or one
/// error names the file, the place, what is there and what should be.</summary>
public sealed partial class JsonFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static readonly string[] s_presets = ["demo", "standard", "trajectory"];

    public static TheoryData<string> Properties() => [.. Settings.All.Select(s => s.Property)];

    [Fact]
    public void Every_property_of_the_settings_has_an_entry() => Assert.Equal(
        typeof(RunSettings).GetProperties()
            .Where(p => p.GetCustomAttribute<JsonIgnoreAttribute>()?.Condition != JsonIgnoreCondition.Always).Select(p => p.Name)
            .Concat(Kinds.Of<DistillationMethod>().SelectMany(m => m.Settings).Select(s => s.Name).Distinct(StringComparer.Ordinal))
            .Order(StringComparer.Ordinal),
        Settings.All.Select(s => s.Property).Order(StringComparer.Ordinal), StringComparer.Ordinal);

    [Theory, MemberData(nameof(Properties))]
    public void Any_value_of_a_setting_is_that_value_or_an_error_with_its_key(string property)
    {
        Setting setting = Settings.All.Single(s => s.Property == property);
        string key = JsonNamingPolicy.CamelCase.ConvertName(property);
        int read = 0, refused = 0;
        // What is no value of the setting is none beside whatever others: it is tried beside those of one preset.
        IEnumerable<string> values = JsonValues.All;
        foreach (JsonObject sound in SoundsWith(property))
        {
            foreach (string json in (IEnumerable<string>)[.. values, OwnValue(sound, key), .. OwnValues(key)])
            {
                JsonNode changed = With(sound, root => root["settings"]![key]!.AsObject()["value"] = Marker, json, out string text);
                if (TryReadConfig(text, [$"settings.{key}", setting.Name], out ResolvedSettings? resolved))
                {
                    read++;
                    RequireValue(setting, resolved!.Settings, json);
                    // Nothing else has moved.
                    JsonObject again = JsonNode.Parse(Unsealed(ConfigFile.Write("distill", resolved)))!.AsObject();
                    again["settings"]![key]!.AsObject().Remove("value");
                    changed["settings"]![key]!.AsObject().Remove("value");
                    Assert.True(JsonNode.DeepEquals(again, changed), $"{key} = {json}");
                }
                else
                {
                    refused++;
                }
            }
            values = [];
        }
        Assert.True(read > 0 && refused > 20, $"{key}: {read} were read, {refused} refused");
    }

    [Theory, MemberData(nameof(Properties))]
    public void Any_value_of_an_entry_or_an_origin_is_that_value_or_an_error_with_its_key(string property)
    {
        string key = JsonNamingPolicy.CamelCase.ConvertName(property);
        JsonObject sound = SoundsWith(property).First();
        // What stands around a value is read alike for all settings: each has its quarter of the values.
        const int Quarters = 4;
        int own = Settings.All.TakeWhile(setting => setting.Property != property).Count() % Quarters;
        foreach (string json in JsonValues.All.Where((_, i) => i % Quarters == own))
        {
            With(sound, root => root["settings"]!.AsObject()[key] = Marker, json, out string entry);
            Assert.False(TryReadConfig(entry, [$"settings.{key}"], out _), json);
            With(sound, root => root["settings"]![key]!.AsObject()["origin"] = Marker, json, out string origin);
            if (TryReadConfig(origin, [$"settings.{key}.origin"], out ResolvedSettings? read))
                Assert.Equal(JsonSerializer.Deserialize<string>(json), read!.Origins[property], StringComparer.Ordinal);
            With(sound, root => root["settings"]![key]!.AsObject()["more"] = Marker, json, out string more);
            Assert.False(TryReadConfig(more, [$"settings.{key}"], out _), json);
        }
        foreach (string gone in (string[])["value", "origin"])
        {
            JsonObject without = sound.DeepClone().AsObject();
            without["settings"]![key]!.AsObject().Remove(gone);
            Assert.False(TryReadConfig(without.ToJsonString(), [$"settings.{key}.{gone} is missing"], out _));
        }
        JsonObject missing = sound.DeepClone().AsObject();
        missing["settings"]!.AsObject().Remove(key);
        bool isYounger = TryReadConfig(missing.ToJsonString(), [$"settings.{key} is missing"], out ResolvedSettings? older);
        if (isYounger)
            Assert.True(IsAsBefore(Settings.Of(property), older!.Settings));
        JsonObject cased = sound.DeepClone().AsObject();
        JsonNode value = cased["settings"]![key]!.DeepClone();
        cased["settings"]!.AsObject().Remove(key);
        cased["settings"]![property] = value;
        Assert.False(TryReadConfig(cased.ToJsonString(), [$"settings.{property} is not known"], out _));
    }

    [Fact]
    public void Any_value_around_the_settings_is_an_error_with_its_key()
    {
        JsonObject sound = Sound("demo");
        foreach (string json in JsonValues.All)
        {
            foreach (string key in (string[])["command", "settings", "more"])
            {
                With(sound, root => root[key] = Marker, json, out string text);
                Assert.False(TryReadConfig(text, [key], out _), $"{key} = {json}");
            }
        }
        foreach (string command in (string[])["demo", "distill", "train", "ablate", "evaluate"])
        {
            With(sound, root => root["command"] = Marker, $"\"{command}\"", out string text);
            Assert.True(TryReadConfig(text, [], out _));
        }
        foreach ((string what, byte[] bytes) in JsonValues.BrokenFiles(sound.ToJsonString()))
            Assert.False(TryReadConfig(bytes, [], out _), what);
        byte[] marked = [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(sound.ToJsonString())];
        Assert.True(TryReadConfig(marked, [], out _), "byte order mark");
    }

    // The settings in the metadata of a set: as config.json, without what the machine decides.
    [Theory, MemberData(nameof(Properties))]
    public void Any_value_in_the_configuration_of_a_set_is_that_value_or_an_error_with_its_key(string property)
    {
        Setting setting = Settings.All.Single(s => s.Property == property);
        string key = JsonNamingPolicy.CamelCase.ConvertName(property);
        RunSettings begin = Presets.Of("trajectory");
        JsonObject sound = JsonNode.Parse(ConfigFile.WriteDecisive(
            setting.IsOf(begin) ? begin : IsOfPairs(property) ? Presets.Of("pairs") : begin.With("Method", MethodWith(property))))!.AsObject();
        foreach (string json in JsonValues.All)
        {
            With(sound, root => root[key] = Marker, json, out string text);
            RunSettings read;
            try
            {
                read = ConfigFile.ReadDecisive(text);
            }
            catch (JsonException e)
            {
                bool isOfMachine = !sound.ContainsKey(key) && e.Message.Contains("no setting", StringComparison.Ordinal);
                bool isNoJson = json.Contains("[[", StringComparison.Ordinal) || json.Contains("{\"", StringComparison.Ordinal);
                Assert.True(isOfMachine || isNoJson || e.Message.Contains(key, StringComparison.Ordinal), $"{key} = {json}: {e.Message}");
                continue;
            }
            RequireValue(setting, read, json);
        }
    }

    [Fact]
    public void Any_value_anywhere_in_a_summary_is_that_value_or_an_error_with_its_key()
    {
        var accuracy = Accuracy.Of([60, 70]) with { Best = Accuracy.Of([65, 70]) };
        var summary = new Summary
        {
            Seconds = 1.5, Device = "cpu", PeakMemoryBytes = 7, Dataset = "tiny", Commit = "1234567", Complete = false,
            ProtocolName = "A", Protocol = "protocol A", WholeSet = "experts",
            Results =
            [
                new IpcResult(1, "first-order", new AccuracySet { Distilled = accuracy, Whole = Accuracy.Of([80]) })
                {
                    Network = "convnet", Iterations = 6, Objective = 0.5, SetHash = "ab",
                    Verdict = new Verdict(Verdict.Better, "much") { Next = "more" },
                },
            ],
        };
        string path = _folder.At("summary.json");
        int read = Everywhere(Unsealed(summary.ToJson()), path, () => Unsealed(Summary.Read(path).ToJson()), "IM3020");
        Assert.True(read > 20, $"{read}");
    }

    [Fact]
    public void Any_value_anywhere_in_an_ablation_is_that_value_or_an_error_with_its_key()
    {
        var ablation = new AblationSummary
        {
            Grid = "paper", Complete = false, Dataset = "tiny", Device = "cpu", Commit = "1234567", Seconds = 3, Protocol = "A",
            Rows =
            [
                new AblationResult(
                    AblationGrid.Of("paper")[0],
                    [new IpcResult(1, "first-order", new AccuracySet { Distilled = Accuracy.Of([60, 70]) })]),
            ],
        };
        string path = _folder.At(AblationSummary.FileName);
        int read = Everywhere(Unsealed(ablation.ToJson()), path, () => Unsealed(AblationSummary.Read(_folder.Root).ToJson()), "IM3026");
        Assert.True(read > 20, $"{read}");
    }

    [Fact]
    public void Any_value_anywhere_in_the_stages_is_that_value_or_an_error_with_its_key()
    {
        string stages = _folder.At(StagesFile.FileName);
        var stage = new StageRecord("distil", "ipc1", 1.5, 7, 2, "2026-11-29T00:00:00Z");
        string line = stage.ToJson().ToJsonString();
        int read = Everywhere(
            line, stages, () => string.Join('\n', StagesFile.Read(stages).Select(s => s.ToJson().ToJsonString())), "IM3055",
            "\n" + line + "\n", text => $"{text}\n{line}");
        Assert.True(read > 5, $"{read}");
    }

    [Fact]
    public void Any_value_anywhere_in_the_metrics_is_that_value_or_an_error_with_its_key()
    {
        const string Step =
            """{"ipc":1,"iteration":3,"loss":0.5,"cosine":0.25,"weight":1.5,"expert":0,"first":2,"last":4,"skipped":false}""";
        const string Look = """{"ipc":1,"iteration":3,"accuracy":51.5}""";
        string path = _folder.At("metrics.jsonl");
        const string Probe = """{"kind":"probe","ipc":1,"iteration":3,"j":0.5}""";
        foreach (string line in (string[])[Step, Look, Probe])
        {
            int read = Everywhere(
                line, path, () => string.Join('\n', MetricsFile.Read(path).Select(l => l.ToJsonString())), "IM3028", "\n" + Look + "\n",
                text => $"{text}\n{Look}");
            Assert.True(read > 4, $"{read}");
        }
        // A line without an end was cut off by a crash.
        foreach (string cut in (string[])["{", Step[..^1], "{\"ipc\":1", "\0\0\0"])
        {
            File.WriteAllText(path, $"{Step}\n{cut}");
            Assert.Equal([Step], MetricsFile.Read(path).Select(l => l.ToJsonString()), StringComparer.Ordinal);
            File.WriteAllText(path, $"{cut}\n{Step}\n");
            Assert.Contains("line 1:", Assert.Throws<DistillException>(() => MetricsFile.Read(path)).Message);
        }
        File.WriteAllText(path, "");
        Assert.Empty(MetricsFile.Read(path));
    }

    [Fact]
    public void Accuracies_that_nobody_measured_are_refused()
    {
        string path = _folder.At("summary.json");
        foreach ((string accuracy, string message) in (IEnumerable<(string, string)>)
        [
            ("""{"mean":65,"std":7,"runs":[60,70]}""", "results[0].accuracy.whole has the mean 65 and the std 7"),
            ("""{"mean":66,"std":7.0710678118654755,"runs":[60,70]}""", "results[0].accuracy.whole has the mean 66"),
            ("""{"mean":101,"std":0,"runs":[101]}""", "results[0].accuracy.whole.runs is [101]"),
            ("""{"mean":0,"std":0,"runs":[]}""", "results[0].accuracy.whole.runs is []"),
        ])
        {
            File.WriteAllText(path,
                "{\"seconds\":1,\"device\":\"d\",\"dataset\":\"t\",\"commit\":\"c\",\"complete\":true,\"results\":" +
                $"[{{\"ipc\":1,\"estimator\":\"e\",\"accuracy\":{{\"whole\":{accuracy}}}}}]}}");
            Assert.Contains(message, Assert.Throws<DistillException>(() => Summary.Read(path)).Message);
        }
    }

    [Fact]
    public void A_run_whose_configuration_holds_null_is_refused_with_one_line()
    {
        using var run = new CommandRun();
        string folder = Path.Combine(run.Runs, "null");
        Directory.CreateDirectory(folder);
        foreach (string key in (string[])["dataset", "estimator", "device", "weight", "rateSchedule", "matchAugment", "expertSchedule"])
        {
            With(Sound("demo"), root => root["settings"]![key]!["value"] = Marker, "null", out string text);
            File.WriteAllText(Path.Combine(folder, "config.json"), text);
            Assert.Equal((int)ExitCode.Usage, run.Run("resume", folder));
            Assert.Contains($"settings.{key}.value is null; expected ", run.Errors);
            Assert.Contains("config.json", run.Errors);
            Assert.Contains("[IM2004]", run.Errors);
            Assert.Single(run.Errors.TrimEnd().Split('\n'));
        }
    }

    private static readonly JsonNode s_marker = JsonValue.Create("@@marker@@");

    private static JsonNode Marker => s_marker.DeepClone();

    // A file with one value in the place of another; JSON that a node cannot hold goes in as text.
    private static JsonNode With(JsonObject sound, Action<JsonObject> mark, string json, out string text)
    {
        JsonObject root = sound.DeepClone().AsObject();
        mark(root);
        text = root.ToJsonString().Replace("\"@@marker@@\"", json, StringComparison.Ordinal);
        return root;
    }

    private bool TryReadConfig(string text, string[] names, out ResolvedSettings? read) =>
        TryReadConfig(Encoding.UTF8.GetBytes(text), names, out read);

    private bool TryReadConfig(byte[] bytes, string[] names, out ResolvedSettings? read)
    {
        string path = _folder.At("config.json");
        File.WriteAllBytes(path, bytes);
        try
        {
            read = ConfigFile.Read(path).Resolved;
            return true;
        }
        catch (DistillException e)
        {
            RequireClear(e, ExitCode.Usage, "IM2004", path, names);
            read = null;
            return false;
        }
    }

    private static void RequireClear(DistillException e, ExitCode exitCode, string code, string path, string[] names)
    {
        Assert.Equal((exitCode, code), (e.ExitCode, e.Code));
        Assert.Contains(path, e.Message);
        Assert.True(
            names.Length == 0 || Array.Exists(names, n => e.Message.Contains(n, StringComparison.Ordinal))
                || e.Message.Contains("no proper JSON", StringComparison.Ordinal)
                || e.Message.Contains("a key that is no proper text", StringComparison.Ordinal),
            $"{string.Join(" or ", names)} is not named: {e.Message}");
        Assert.Equal(PrintableText.Of(e.Message), e.Message, StringComparer.Ordinal);
        Assert.True(e.Message.Length < 1000, e.Message);
        Assert.Matches("expected|is missing|is not known|no proper JSON|no UTF-8|half a surrogate pair", e.Message);
    }

    // The value that stands for how a run was before there was the setting.
    private static bool IsAsBefore(Setting setting, RunSettings settings) => setting is OptionOfMethods ofMethods
        ? setting.Show(settings) == ofMethods.Find(settings)!.Neutral
        : typeof(RunSettings).GetProperty(setting.Property)!.GetValue(settings) is null;

    // The value that a setting has is what the JSON says.
    private static void RequireValue(Setting setting, RunSettings settings, string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement said = document.RootElement;
        string shown = setting.Show(settings), what = $"{setting.Name} is {shown}, but the file says {json}";
        switch (said.ValueKind)
        {
            case JsonValueKind.Null:
                Assert.True(IsAsBefore(setting, settings), what);
                break;
            case JsonValueKind.String:
                Assert.True(shown == said.GetString(), what);
                break;
            case JsonValueKind.Array:
                int[] list = [.. said.EnumerateArray().Select(v => v.GetInt32())];
                Assert.True(shown == string.Join(' ', list) || (setting.Property == "Factor" && list.All(v => shown == $"{v}")), what);
                break;
            case JsonValueKind.Number when BigInteger.TryParse(json, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger whole)
                && setting.ValueType != typeof(double) && setting.ValueType != typeof(double?):
                Assert.True(BigInteger.Parse(shown, CultureInfo.InvariantCulture) == whole, what);
                break;
            case JsonValueKind.Number:
                Assert.True(double.Parse(shown, CultureInfo.InvariantCulture) == double.Parse(json, CultureInfo.InvariantCulture), what);
                break;
            default:
                Assert.Fail(what);
                break;
        }
    }

    // Each value in each place of a JSON object, with each key once missing: read as what it says, or refused. The number read.
    private static int Everywhere(
        string json, string path, Func<string> read, string code, string behind = "", Func<string, string>? expected = null)
    {
        expected ??= text => text;
        int sound = 0;
        JsonObject root = JsonNode.Parse(json)!.AsObject();
        foreach (string[] place in Places(root, []).ToArray())
        {
            foreach (string value in JsonValues.All.Append(""))
            {
                JsonObject changed = root.DeepClone().AsObject();
                JsonNode at = place[..^1].Aggregate((JsonNode)changed, (n, k) => n is JsonArray a ? a[int.Parse(k, CultureInfo.InvariantCulture)]! : n[k]!);
                if (at is JsonArray list)
                    list[int.Parse(place[^1], CultureInfo.InvariantCulture)] = Marker;
                else if (value.Length > 0)
                    at[place[^1]] = Marker;
                else
                    at.AsObject().Remove(place[^1]);
                string text = changed.ToJsonString().Replace("\"@@marker@@\"", value.Length > 0 ? value : "0", StringComparison.Ordinal);
                File.WriteAllText(path, text + behind);
                try
                {
                    string found = read();
                    if (!SameJson(expected(text), found))
                        Assert.Fail($"{string.Join('.', place)} = {value}: {text} was read as {found}");
                    sound++;
                }
                catch (DistillException e)
                {
                    RequireClear(e, ExitCode.Data, code, path, [place[^1], place[0]]);
                }
            }
        }
        foreach ((string what, byte[] bytes) in JsonValues.BrokenFiles(json))
        {
            File.WriteAllBytes(path, [.. bytes, .. Encoding.UTF8.GetBytes(behind)]);
            DistillException e = Assert.Throws<DistillException>(() => read() + what);
            Assert.Equal((ExitCode.Data, code), (e.ExitCode, e.Code));
        }
        return sound;
    }

    private static IEnumerable<string[]> Places(JsonNode? node, string[] place)
    {
        if (place.Length > 0)
            yield return place;
        IEnumerable<(string, JsonNode?)> inner = node switch
        {
            JsonObject o => o.Select(p => (p.Key, p.Value)),
            JsonArray a => a.Select((v, i) => (i.ToString(CultureInfo.InvariantCulture), v)),
            _ => [],
        };
        foreach ((string key, JsonNode? value) in inner)
        {
            foreach (string[] one in Places(value, [.. place, key]))
                yield return one;
        }
    }

    // Lines of JSON are the same where numbers are the same numbers and null is the same as nothing.
    private static bool SameJson(string a, string b)
    {
        string[] x = Split(a), y = Split(b);
        return x.Length == y.Length && x.Zip(y).All(p => Same(JsonNode.Parse(p.First), JsonNode.Parse(p.Second)));

        static string[] Split(string text) => text.StartsWith("{\n", StringComparison.Ordinal) ? [text] : text.Split('\n');
    }

    private static bool Same(JsonNode? a, JsonNode? b)
    {
        if (a is JsonObject x && b is JsonObject y)
        {
            return x.Select(p => p.Key).Union(y.Select(p => p.Key), StringComparer.Ordinal)
                .All(k => Same(x[k], y[k]) || (k is "peakMemoryBytes" or "seconds" or "rows" && x[k] is null));
        }
        if (a is JsonArray v && b is JsonArray w)
            return v.Count == w.Count && v.Zip(w).All(p => Same(p.First, p.Second));
        if (a is JsonValue && b is JsonValue && a.GetValueKind() == JsonValueKind.Number && b.GetValueKind() == JsonValueKind.Number)
            return double.Parse(a.ToJsonString(), CultureInfo.InvariantCulture) == double.Parse(b.ToJsonString(), CultureInfo.InvariantCulture);
        return JsonNode.DeepEquals(a, b);
    }
}
