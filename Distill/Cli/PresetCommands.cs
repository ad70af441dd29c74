using System.Text.Json.Nodes;
using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>What 'presets' does.</summary>
internal sealed class PresetCommands(Terminal terminal)
{
    private const string Every = "all", Others = "the others";

    private sealed record Change(Setting Setting, string Usual, string Value);

    // A value of a setting in some of the cases.
    private sealed record CaseValue(Setting Setting, string Value, string Datasets, string Ipc);

    /// <summary>'presets'.</summary>
    public void List()
    {
        var table = new ResultTable(null, left: 2, "name", "what", "changes");
        var rows = new JsonArray();
        foreach (StartingValues preset in Presets.All)
        {
            int changed = Changes(preset.Settings).Count();
            table.Add(preset.Name, preset.Help, preset.Name == Presets.Usual ? "-" : $"{changed}");
            rows.Add(new JsonObject { ["name"] = preset.Name, ["help"] = preset.Help, ["changes"] = changed });
        }
        terminal.Show(table);
        terminal.Show($"Changes: settings that differ from '{Presets.Usual}'. Without --preset a method stands for its published settings.");
        terminal.ShowUnbroken($"Next: {ShellWord.Program} presets NAME");
        if (terminal.IsJson)
            terminal.Data.WriteLine(rows.ToJsonString(JsonText.Options));
    }

    /// <summary>'presets NAME': what differs from the usual one, also by data set and images per class.</summary>
    public void Show(string name)
    {
        StartingValues preset = Presets.Find(name)!;
        CaseValue[] varied = [.. VariedValues(preset)];
        HashSet<Setting> varying = [.. varied.Select(v => v.Setting)];
        Change[] changes = [.. Changes(preset.Settings).Where(c => !varying.Contains(c.Setting))];
        terminal.Show($"{name}: {preset.Help}");
        if (name == Presets.Usual)
        {
            terminal.ShowUnbroken($"All its values: {ShellWord.Program} config show");
        }
        else
        {
            var table = new ResultTable(null, left: 2, "group", "key", Presets.Usual, name) { Optional = ["group"] };
            foreach (Change change in changes)
                table.Add(HeadingOf(change.Setting), change.Setting.Key, Shown(change.Usual), Shown(change.Value));
            terminal.Show(table);
            ShowVaried(name, varied);
            terminal.ShowUnbroken($"All its values: {ShellWord.Program} config show --preset {name}{(preset.Varies ? " --dataset NAME --ipc N" : "")}");
        }
        if (terminal.IsJson)
            terminal.Data.WriteLine(ToJson(preset).ToJsonString(JsonText.Options));
    }

    private void ShowVaried(string name, CaseValue[] varied)
    {
        if (varied.Length == 0)
            return;
        var table = new ResultTable($"{name} by data set and images per class", left: 4, "key", "value", "ipc", "data sets");
        foreach (CaseValue value in varied)
            table.Add(value.Setting.Key, Shown(value.Value), value.Ipc, value.Datasets);
        terminal.Show(table);
    }

    private static JsonObject ToJson(StartingValues preset)
    {
        var json = new JsonObject { ["name"] = preset.Name, ["help"] = preset.Help, ["changes"] = ToJson(Changes(preset.Settings)) };
        if (preset.Varies)
        {
            json["cases"] = new JsonArray(
            [
                .. Presets.Cases.Select(at => new JsonObject
                {
                    ["dataset"] = at.Dataset, ["ipc"] = at.Ipc, ["changes"] = ToJson(Changes(At(preset, at))),
                }),
            ]);
        }
        return json;
    }

    private static JsonObject ToJson(IEnumerable<Change> changes) =>
        new(changes.Select(c => KeyValuePair.Create(c.Setting.Key, (JsonNode?)JsonValue.Create(c.Value))));

    private static IEnumerable<Change> Changes(RunSettings other)
    {
        RunSettings usual = Presets.Of(Presets.Usual);
        return Settings.All.OrderBy(SettingGroups.Of).Where(s => s.IsOf(other))
            .Select(s => new Change(s, s.IsOf(usual) ? s.Show(usual) : "", s.Show(other))).Where(c => c.Usual != c.Value);
    }

    private static RunSettings At(StartingValues preset, PublishedCase at) => preset.SettingsAt(at.Dataset, at.Ipc);

    // Each setting whose value depends on the case: its values, each with the data sets and images per class that have it.
    private static IEnumerable<CaseValue> VariedValues(StartingValues preset)
    {
        if (!preset.Varies)
            yield break;
        (PublishedCase At, RunSettings Settings)[] all = [.. Presets.Cases.Select(at => (at, At(preset, at)))];
        string[] ofCase = [nameof(RunSettings.Dataset), nameof(RunSettings.Ipc)];
        foreach (Setting setting in Settings.All.OrderBy(SettingGroups.Of)
            .Where(s => !ofCase.Contains(s.Property, StringComparer.Ordinal) && s.IsOf(all[0].Settings)))
        {
            (PublishedCase At, string Value)[] values = [.. all.Select(a => (a.At, setting.Show(a.Settings)))];
            if (values.Select(v => v.Value).Distinct(StringComparer.Ordinal).Count() < 2)
                continue;
            // Data sets with the same values stand in one row; those of the longest row are the others.
            IGrouping<string, string>[] rows =
            [
                .. values.GroupBy(v => v.At.Dataset, StringComparer.Ordinal)
                    .GroupBy(d => string.Join('\n', d.Select(v => v.Value)), d => d.Key, StringComparer.Ordinal).OrderBy(g => g.Count()),
            ];
            foreach (IGrouping<string, string> datasets in rows)
            {
                string of = rows.Length == 1 ? Every : datasets == rows[^1] ? Others : string.Join(", ", datasets);
                (PublishedCase At, string Value)[] own = [.. values.Where(v => v.At.Dataset == datasets.First())];
                foreach (IGrouping<string, int> one in own.GroupBy(v => v.Value, v => v.At.Ipc, StringComparer.Ordinal))
                    yield return new CaseValue(setting, one.Key, of, one.Count() == own.Length ? Every : string.Join(", ", one));
            }
        }
    }

    private static string HeadingOf(Setting setting) => SettingGroups.Heading(SettingGroups.Of(setting));

    private static string Shown(string value) => value.Length == 0 ? "-" : value;
}
