using System.CommandLine;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>What a command that runs has: the words of the command line and the ways out.</summary>
/// <param name="result">The parsed command line.</param>
/// <param name="terminal">Where output goes.</param>
/// <param name="load">Loads the data set of some settings.</param>
/// <param name="cancel">Stops the work.</param>
internal sealed class CommandContext(
    ParseResult result, Terminal terminal, Func<RunSettings, DatasetPair> load, CancellationToken cancel)
{
    /// <summary>The parsed command line.</summary>
    public ParseResult Result => result;

    /// <summary>Where output goes.</summary>
    public Terminal Terminal => terminal;

    /// <summary>The value of an option.</summary>
    public T? Value<T>(Option<T> option) => result.GetValue(option);

    /// <summary>The value of an argument.</summary>
    public T? Value<T>(Argument<T> argument) => result.GetValue(argument);

    /// <summary>The text of a setting on the command line, or null.</summary>
    public string? Given(Setting setting) => result.GetResult(setting.Option) is { Implicit: false } found
        ? string.Join(' ', found.Tokens.Select(t => t.Value))
        : null;

    /// <summary>Every setting, the others from a preset.</summary>
    /// <exception cref="DistillException">A value is not acceptable.</exception>
    public ResolvedSettings Resolve(string preset = Presets.Usual) =>
        Settings.Resolve(preset, Given, Environment.GetEnvironmentVariable);

    /// <summary>Every setting, the others from the preset that an option names.</summary>
    /// <exception cref="DistillException">There is no such preset, or a value is not acceptable.</exception>
    public ResolvedSettings ResolveBy(Option<string> preset)
    {
        string chosen = Value(preset) ?? Presets.Usual;
        return Presets.Has(chosen)
            ? Resolve(chosen)
            : throw DistillException.BadValue("--preset", chosen, $"one of {string.Join(", ", Presets.Names)}");
    }

    /// <summary>The work of commands on runs.</summary>
    /// <param name="command">Which command, for notes.</param>
    public RunCommands Runs(string command) => new(terminal, load, command, cancel);

    /// <summary>The work of commands on finished sets.</summary>
    public ArtifactCommands Artifacts() => new(terminal, load, cancel);

    /// <summary>The work of 'report' and 'compare'.</summary>
    public ReportCommands Reports() => new(terminal, load, cancel);

    /// <summary>The work of 'influence'.</summary>
    public InfluenceCommands Influence() => new(terminal, load, cancel);

    /// <summary>The work of 'datasets'.</summary>
    public DatasetCommands Datasets() => new(terminal, cancel);
}
