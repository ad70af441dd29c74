using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>Every setting with its origin; what was chosen for this run first.</summary>
internal sealed class ConfigurationSection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "configuration";

    /// <inheritdoc/>
    public override string Title => "Configuration";

    /// <inheritdoc/>
    public override int Place => 8;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        if (source.Run.Resolved is not { } resolved)
        {
            yield return Html.Missing("The configuration cannot be read.");
            yield break;
        }
        Setting[] all = [.. Settings.All.Where(s => s.IsOf(resolved.Settings))];
        Setting[] chosen = [.. all.Where(s => IsChosen(s, resolved))];
        yield return chosen.Length == 0
            ? Html.Paragraph("Every setting has the value of its preset.")
            : Html.Table("Settings that differ from the preset", ["setting", "value", "origin"], chosen.Select(s => Row(s, resolved)));
        yield return Html.Of(
            "details", Html.Of("summary", $"All {all.Length} settings"),
            Html.Table(
                "All settings", ["setting", "value", "origin"], chosen.Concat(all.Except(chosen)).Select(s => Row(s, resolved))));
    }

    private static bool IsChosen(Setting setting, ResolvedSettings resolved) =>
        resolved.Origins.TryGetValue(setting.Property, out string? origin)
        && !origin.StartsWith("preset ", StringComparison.Ordinal)
        && origin is not "not in the file";

    private static IReadOnlyList<object?> Row(Setting setting, ResolvedSettings resolved) =>
    [
        Html.Of("code", Html.At("title", setting.Help), setting.Name), setting.Show(resolved.Settings) is { Length: > 0 } value ? value : "–",
        resolved.Origins.GetValueOrDefault(setting.Property, "–"),
    ];
}
