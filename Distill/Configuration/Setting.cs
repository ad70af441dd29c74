using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>One setting as an option of the command line: its text, its check, and where it goes.</summary>
internal abstract class Setting
{
    private readonly Lazy<Option> _option;

    /// <summary>A setting whose option is its name in kebab case.</summary>
    protected Setting(string property, string hint, string help)
    {
        (Property, Hint, Help) = (property, hint, help);
        _option = new Lazy<Option>(MakeOption); // one for all, also where two ask at once
        Name = OptionOf(property);
    }

    /// <summary>The name in Pascal case.</summary>
    public string Property { get; }

    /// <summary>The option, such as --lr-img.</summary>
    public string Name { get; }

    /// <summary>The key in config.json.</summary>
    public string Key => JsonNamingPolicy.CamelCase.ConvertName(Property);

    /// <summary>What stands for the value in help.</summary>
    public string Hint { get; }

    /// <summary>One line of help.</summary>
    public string Help { get; }

    /// <summary>The environment variable that stands in for the option, or null.</summary>
    public string? Variable { get; init; }

    /// <summary>Words that it takes, for completion; empty for any.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>The word among <see cref="Choices"/> that JSON has in the place of a number; null where it has none of them.</summary>
    public string? WordOf(JsonElement json) =>
        json.ValueKind == JsonValueKind.String && JsonFile.TextOf(json) is { } text && Choices.Contains(text, StringComparer.Ordinal)
            ? text
            : null;

    /// <summary>Whether several values can be given.</summary>
    public bool Many { get; init; }

    /// <summary>Whether each set of a run has a value of its own.</summary>
    public bool IsOfEachSet { get; init; }

    /// <summary>The type that its value has in JSON.</summary>
    public abstract Type ValueType { get; }

    /// <summary>Whether it may be missing in files, because it is younger than some of them.</summary>
    public abstract bool IsOptional { get; }

    /// <summary>The same in a file of such settings, by whose method it can differ.</summary>
    public virtual bool IsOptionalIn(RunSettings settings) => IsOptional;

    /// <summary>The option as the parser knows it.</summary>
    public Option Option => _option.Value;

    /// <summary>The option of a setting's name.</summary>
    public static string OptionOf(string property) => "--" + JsonNamingPolicy.KebabCaseLower.ConvertName(property);

    /// <summary>Whether runs of some settings have it.</summary>
    public virtual bool IsOf(RunSettings settings) => true;

    /// <summary>The value as text.</summary>
    public abstract string Show(RunSettings settings);

    /// <summary>The settings with this one read from text.</summary>
    /// <exception cref="DistillException">The text is no acceptable value.</exception>
    public abstract RunSettings Set(RunSettings settings, string text);

    /// <summary>The value as JSON, from the settings and what the serialiser makes of them.</summary>
    public abstract JsonNode? Json(RunSettings settings, JsonObject serialised);

    /// <summary>The value where no preset gives one.</summary>
    protected virtual string Default => Show(Presets.Standard);

    /// <summary>The same as help shows it.</summary>
    protected virtual string ShownDefault => Default;

    private Option MakeOption()
    {
        string standard = Default;
        IEnumerable<string> others = Kinds.Of<Preset>().Where(preset => !preset.Varies && IsOf(preset.Settings))
            .Select(preset => (preset.Name, Value: Show(preset.Settings)))
            .Where(preset => preset.Value != standard)
            .Select(preset => $"; {preset.Name} {preset.Value}");
        string defaults = standard.Length == 0 ? "" : $" [{ShownDefault}{string.Concat(others)}]";
        Option option = Many
            ? new Option<string[]>(Name) { Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true }
            : new Option<string>(Name);
        option.Description = Help + defaults + (Variable is null ? "" : $" (env: {Variable})");
        option.HelpName = Hint;
        if (Choices.Count > 0)
            option.CompletionSources.Add([.. Choices]);
        return option;
    }
}

/// <summary>A setting of every run: a property of <see cref="RunSettings"/>.</summary>
/// <param name="property">The property's name.</param>
/// <param name="hint">What stands for the value in help.</param>
/// <param name="help">One line of help.</param>
/// <param name="show">The value as text.</param>
/// <param name="set">The settings with the value of a text.</param>
internal sealed class RunSetting(
    string property, string hint, string help, Func<RunSettings, string> show, Func<RunSettings, string, RunSettings> set)
    : Setting(property, hint, help)
{
    private readonly PropertyInfo _property = typeof(RunSettings).GetProperty(property)
        ?? throw new ArgumentException($"RunSettings has no property {property}.", nameof(property));

    private readonly Lazy<bool> _isOptional = new(() => new NullabilityInfoContext()
        .Create(typeof(RunSettings).GetProperty(property)!).WriteState == NullabilityState.Nullable);

    /// <inheritdoc/>
    public override Type ValueType => _property.PropertyType;

    /// <inheritdoc/>
    public override bool IsOptional => _isOptional.Value;

    /// <summary>For which kind of data it is.</summary>
    public SettingTask Task { get; init; } = SettingTasks.Of(property);

    /// <summary>Whether every run that has it states it, although others have none.</summary>
    public bool IsRequired { get; init; }

    /// <inheritdoc/>
    public override bool IsOptionalIn(RunSettings settings) => IsOptional && !IsRequired;

    /// <inheritdoc/>
    protected override string Default => Show(Presets.For(Task == SettingTask.Pairs).Settings);

    /// <inheritdoc/>
    public override bool IsOf(RunSettings settings) =>
        Task == SettingTask.Any || Task == SettingTask.Pairs == settings.IsOfPairs;

    /// <summary>The settings without this one, as those from before there was it.</summary>
    public RunSettings Without(RunSettings settings)
    {
        RunSettings copy = settings with { };
        _property.SetValue(copy, null);
        return copy;
    }

    /// <summary>The settings with the value that others have.</summary>
    public RunSettings Copy(RunSettings settings, RunSettings from)
    {
        RunSettings copy = settings with { };
        _property.SetValue(copy, _property.GetValue(from));
        return copy;
    }

    /// <inheritdoc/>
    public override string Show(RunSettings settings) => show(settings);

    /// <inheritdoc/>
    /// <exception cref="DistillException">It is a setting of another kind of data, or the text is no acceptable value.</exception>
    public override RunSettings Set(RunSettings settings, string text) => IsOf(settings)
        ? set(settings, text)
        : throw DistillException.BadValue(
            Name, text,
            $"no value for --dataset {settings.Dataset}: it is a setting of {(Task == SettingTask.Pairs ? "image-text pairs" : "classified images")}");

    /// <inheritdoc/>
    public override JsonNode? Json(RunSettings settings, JsonObject serialised) => serialised[Key]?.DeepClone();
}

/// <summary>A setting that methods bring along; those of one name share the option.</summary>
/// <param name="of">The setting of each method that has one of this name.</param>
internal sealed class OptionOfMethods(ImmutableArray<(DistillationMethod Method, MethodSetting Setting)> of)
    : Setting(of[0].Setting.Name, of[0].Setting.Hint, HelpOf(of))
{
    /// <inheritdoc/>
    public override Type ValueType => of[0].Setting.IsNumber ? typeof(double) : typeof(string);

    /// <inheritdoc/>
    public override bool IsOptional => of.All(o => o.Setting.Neutral is not null);

    /// <inheritdoc/>
    public override bool IsOptionalIn(RunSettings settings) => Find(settings)?.Neutral is not null;

    /// <inheritdoc/>
    protected override string Default => IsOf(Presets.Standard) ? Show(Presets.Standard) : of[0].Setting.Standard;

    // Each value with its methods behind it, where they have several.
    /// <inheritdoc/>
    protected override string ShownDefault
    {
        get
        {
            (string Value, string Methods)[] values =
            [
                .. of.GroupBy(
                        o => o.Method.Name == Presets.Standard.MethodName ? Default : o.Setting.Standard, o => o.Method.Name, StringComparer.Ordinal)
                    .Select(group => (group.Key, string.Join(", ", group))),
            ];
            return values.Length == 1 ? values[0].Value : string.Join("; ", values.Select(v => $"{v.Value} ({v.Methods})"));
        }
    }

    /// <summary>All settings of all methods, each name once.</summary>
    public static IEnumerable<OptionOfMethods> All() => Kinds.Of<DistillationMethod>()
        .OrderByDescending(method => method.Name == DistillationMethod.Default)
        .SelectMany(method => method.Settings.Select(setting => (Method: method, Setting: setting)))
        .GroupBy(o => o.Setting.Name, StringComparer.Ordinal)
        .Select(group => new OptionOfMethods([.. group])
        {
            Choices = [.. group.SelectMany(o => o.Setting.Choices).Distinct(StringComparer.Ordinal)],
        });

    /// <inheritdoc/>
    public override bool IsOf(RunSettings settings) => Find(settings) is not null;

    /// <summary>The definition that the method of some settings has, or null.</summary>
    public MethodSetting? Find(RunSettings settings) =>
        of.FirstOrDefault(o => o.Method.Name == settings.MethodName).Setting;

    /// <inheritdoc/>
    public override string Show(RunSettings settings) => Find(settings) is { } own ? settings.OfMethod[own] : "";

    /// <inheritdoc/>
    public override RunSettings Set(RunSettings settings, string text)
    {
        if (Find(settings) is not { } own)
        {
            throw DistillException.BadValue(
                Name, text,
                $"no value for --method {settings.MethodName}: it is a setting of {string.Join(", ", of.Select(o => o.Method.Name))}");
        }
        try
        {
            return settings with { OfMethod = settings.OfMethod.With(own, text) };
        }
        catch (SettingException e)
        {
            string near = own.Choices.Count > 0 && Nearest.To(text, own.Choices) is { } word ? $" (did you mean {word}?)" : "";
            throw DistillException.BadValue(Name, text, e.Expected + near);
        }
    }

    /// <inheritdoc/>
    public override JsonNode? Json(RunSettings settings, JsonObject serialised) => Find(settings) is { } own
        ? JsonOf(own, settings.OfMethod[own])
        : null;

    /// <summary>A value as JSON.</summary>
    public static JsonNode JsonOf(MethodSetting setting, string text) => !setting.IsNumber ? JsonValue.Create(text)
        : setting is WholeSetting ? JsonValue.Create(int.Parse(text, CultureInfo.InvariantCulture))
        : JsonValue.Create(double.Parse(text, CultureInfo.InvariantCulture));

    // One text where all say the same; else each with its methods behind it.
    private static string HelpOf(ImmutableArray<(DistillationMethod Method, MethodSetting Setting)> of)
    {
        bool isOfAll = of.Length == Kinds.Of<DistillationMethod>().Count;
        (string Text, string Methods)[] texts =
        [
            .. of.GroupBy(o => TextOf(o.Setting), o => o.Method.Name, StringComparer.Ordinal)
                .Select(group => (group.Key, string.Join(", ", group))),
        ];
        return string.Join(" ", texts.Select(t => t.Text + (isOfAll && texts.Length == 1 ? "" : $" ({t.Methods})")));
    }

    private static string TextOf(MethodSetting setting) =>
        setting.Choices.Count > 0 ? $"{setting.Help}. One of {string.Join(", ", setting.Choices)}." : setting.Help;
}

/// <summary>Resolved settings with the origin of each.</summary>
/// <param name="Settings">The values.</param>
/// <param name="Origins">For each setting, where its value came from.</param>
internal sealed record ResolvedSettings(RunSettings Settings, IReadOnlyDictionary<string, string> Origins)
{
    /// <summary>Whether a property was given, and not left to the preset, the method, a protocol or a budget.</summary>
    public bool IsGiven(string property) => Origins[property].Split(' ')[0] is not ("preset" or "method" or "protocol" or "budget");

    /// <summary>Whether a property was given on the command line, and not by a variable of the environment.</summary>
    public bool IsOnCommandLine(string property) => Origins[property].StartsWith("command line", StringComparison.Ordinal);
}
