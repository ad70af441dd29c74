using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>What 'config …' does.</summary>
internal sealed class ConfigCommands(Terminal terminal)
{
    private const int LineWidth = 100;

    /// <summary>'config show'.</summary>
    /// <param name="run">The run whose settings are shown; null for those resolved.</param>
    /// <param name="resolved">What a new run would have.</param>
    /// <exception cref="DistillException">There is no such run, or its configuration is damaged.</exception>
    public void Show(string? run, ResolvedSettings resolved)
    {
        string title = "Settings of a new run";
        if (run is not null)
        {
            string path = RunFolder.Find(run, resolved.Settings.Out);
            resolved = ConfigFile.Read(Path.Combine(path, RunFolder.ConfigName), terminal.Say).Resolved;
            title = $"Settings of {ShownPath.Of(path)}";
        }
        Setting[] settings = [.. Settings.All.Where(s => s.IsOf(resolved.Settings))];
        var table = new ResultTable(title, left: 4, "group", "key", "value", "from") { Optional = ["group"] };
        foreach (Setting setting in settings.OrderBy(SettingGroups.Of))
        {
            table.Add(
                SettingGroups.Heading(SettingGroups.Of(setting)), setting.Key, Shown(setting.Show(resolved.Settings)),
                resolved.Origins[setting.Property]);
        }
        terminal.Show(table);
        if (terminal.IsJson)
            terminal.Data.WriteLine(ConfigFile.ToJson(resolved).ToJsonString(JsonText.Options));
    }

    /// <summary>'config new'.</summary>
    /// <exception cref="DistillException">The file is there already, or cannot be written.</exception>
    public void New(string file, string preset)
    {
        if (Path.Exists(file))
        {
            throw new DistillException(
                ExitCode.FileSystem, "IM7011", $"{ShownPath.Of(file)} is there already. Name another file, or take it away first.");
        }
        AtomicFile.WriteAllText(file, Template(preset));
        terminal.ShowUnbroken($"File: {ShownPath.Of(file)}");
        terminal.ShowUnbroken($"Next: {ShellWord.Program} distill{ShellWord.Option(ConfigInput.FileOption, ShownPath.Of(file))}");
        if (terminal.IsJson)
            terminal.Data.WriteLine(new JsonObject { ["file"] = file, ["preset"] = preset }.ToJsonString(JsonText.Options));
    }

    /// <summary>The text of a file with every setting of a preset: those that are used most as values, the others as
    /// comments.</summary>
    public static string Template(string preset)
    {
        RunSettings settings = Presets.Of(preset);
        var resolved = new ResolvedSettings(settings, Settings.All.ToDictionary(s => s.Property, _ => "", StringComparer.Ordinal));
        JsonObject values = ConfigFile.ToJson(resolved)["settings"]!.AsObject();
        // What follows from the data set or the images per class is no value to begin with: it would stay when they change.
        string[] common = Presets.Find(preset)!.Varies
            ? ["dataset", "ipc", "device", "seed"]
            : ["dataset", "ipc", "iterations", "lrImg", "device", "seed"];
        var text = new StringBuilder("// Settings of a run. Options of the command line go before what stands here.\n{\n");
        text.Append(System.Globalization.CultureInfo.InvariantCulture, $"  \"preset\": \"{preset}\",\n");
        foreach (IGrouping<SettingGroup, Setting> group in Settings.All.Where(s => values.ContainsKey(s.Key))
            .GroupBy(SettingGroups.Of).OrderBy(g => g.Key))
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\n  // {SettingGroups.Heading(group.Key)}\n");
            foreach (Setting setting in group)
            {
                foreach (string line in TextLines.Broken(setting.Help, LineWidth - "  // ".Length))
                    text.Append("  // ").Append(line).Append('\n');
                string value = values[setting.Key]!["value"]?.ToJsonString() ?? Plainer(setting, settings);
                text.Append(common.Contains(setting.Key, StringComparer.Ordinal) ? "  " : "  // ")
                    .Append('"').Append(setting.Key).Append("\": ").Append(value).Append(",\n");
            }
        }
        return text.Append("}\n").ToString();
    }

    // What null stands for, where that can be written as well.
    private static string Plainer(Setting setting, RunSettings settings)
    {
        string shown = setting.Show(settings);
        if (shown.Length == 0 || setting.Set(settings, shown) != settings)
            return "null";
        return setting.ValueType == typeof(string) ? JsonValue.Create(shown).ToJsonString()
            : char.IsAsciiDigit(shown[0]) ? shown
            : "null";
    }

    private static string Shown(string value) => value.Length == 0 ? "-" : value;
}
