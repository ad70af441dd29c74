using System.CommandLine;
using System.CommandLine.Parsing;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>What a command that runs has: the words of the command line and the ways out.</summary>
/// <param name="result">The parsed command line.</param>
/// <param name="terminal">Where output goes.</param>
/// <param name="load">Loads the data set of some settings.</param>
/// <param name="cancel">Stops the work.</param>
/// <param name="isPlan">Whether runs are planned and not made.</param>
internal sealed class CommandContext(
    ParseResult result, Terminal terminal, Func<RunSettings, DatasetPair> load, CancellationToken cancel, bool isPlan = false)
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

    /// <summary>The same for a command whose run or set says what task it is of: also what belongs to image-text pairs alone is
    /// read, and whether it fits is seen beside what is recorded.</summary>
    /// <exception cref="DistillException">A value is not acceptable.</exception>
    public ResolvedSettings ResolveOfEitherTask()
    {
        bool isOfPairs = Settings.All.OfType<RunSetting>().Any(s => s.Task == SettingTask.Pairs && Given(s) is not null);
        return isOfPairs
            ? Settings.Resolve(
                preset: null, s => Given(s) ?? (s.Property == nameof(RunSettings.Dataset) ? PairCatalog.DefaultName : null),
                Environment.GetEnvironmentVariable)
            : Resolve();
    }

    /// <summary>Every setting: from the options, --set, the environment and --config, the others from the preset that an option
    /// or the file names, or from what the method stands for.</summary>
    /// <exception cref="DistillException">There is no such preset, or a value is not acceptable.</exception>
    public ResolvedSettings ResolveBy(Option<string> preset) => ResolveBy(preset, dataset: null);

    /// <summary>The same where what is named on the command line says the data set, unless an option does.</summary>
    /// <exception cref="DistillException">There is no such preset, or a value is not acceptable.</exception>
    public ResolvedSettings ResolveBy(Option<string> preset, string? dataset)
    {
        HashSet<string> options = [.. result.CommandResult.Command.Options.Select(o => o.Name)];
        var input = ConfigInput.Read(
            result.GetValue<string>(ConfigInput.FileOption), result.GetValue<string[]>(ConfigInput.SetOption) ?? [],
            setting => options.Contains(setting.Name));
        string? chosen = Value(preset) is { } named ? Presets.Require("--preset", named) : input.Preset;
        return Settings.Resolve(
            chosen, setting => Given(setting) ?? (setting.Property == nameof(RunSettings.Dataset) ? dataset : null),
            Environment.GetEnvironmentVariable, input);
    }

    /// <summary>The data set of a set of image-text pairs; null where what is named is no such set.</summary>
    /// <exception cref="DistillException">No run is there, or it has no set.</exception>
    public string? DatasetOfPairs(string? named)
    {
        string root = Given(Settings.Of(nameof(RunSettings.Out))) ?? Presets.Standard.Out;
        return named is not null && SetReference.Find(named, root, _ => { }) is var file && PairArtifact.IsIn(file)
            ? PairArtifact.Read(file).Settings.Dataset
            : null;
    }

    /// <summary>What the settings of a grid of runs are resolved from: the same sources, and settings of one method.</summary>
    public GridInput Grid(Option<string> preset, bool hasOwnExperts)
    {
        HashSet<string> options = [.. result.CommandResult.Command.Options.Select(o => o.Name)];
        return new GridInput(
            Value(preset), Given, Environment.GetEnvironmentVariable, result.GetValue<string>(ConfigInput.FileOption),
            result.GetValue<string[]>(ConfigInput.SetOption) ?? [], setting => options.Contains(setting.Name))
        {
            HasOwnExperts = hasOwnExperts,
        };
    }

    /// <summary>The file of a set that a file, a run folder or "latest" means.</summary>
    /// <exception cref="DistillException">No run is there, or it has no set.</exception>
    public string SetFile(string named, RunSettings settings) => SetReference.Find(named, settings.Out, terminal.Say);

    /// <summary>The ranks that do the work together; this process alone by default.</summary>
    public RankGroup Ranks { get; init; } = RankGroup.Alone;

    /// <summary>The work of commands on runs.</summary>
    /// <param name="command">Which command, for notes.</param>
    public RunCommands Runs(string command) => Runs(command, new RunChoice());

    /// <summary>The work of commands on runs that may have a name and be shared out.</summary>
    /// <param name="command">Which command, for notes.</param>
    /// <param name="choice">The name and the share.</param>
    public RunCommands Runs(string command, RunChoice choice) => new(terminal, Load, command, cancel, isPlan) { Choice = choice, Ranks = Ranks };

    /// <summary>What the options of a name and of a share say.</summary>
    /// <param name="run">The option of the name; null where there is none.</param>
    /// <param name="share">The option of the share; null where there is none. It is left out of the command that gathers.</param>
    /// <exception cref="DistillException">A value is not acceptable.</exception>
    public RunChoice Choice(Option<string?>? run, Option<string?>? share = null) => new(
        run is not null && Value(run) is { } name ? RunFolder.RequireName(RunChoice.NameOption, name) : null,
        share is { Name: RunChoice.PartOption } && Value(share) is { } text ? RunChoice.PartOf(text) : null,
        share is null ? "" : WordsWithout(share.Name));

    // The command line without an option and its value, to be copied.
    private string WordsWithout(string option)
    {
        List<string> words = [ShellWord.Program];
        IReadOnlyList<Token> tokens = result.Tokens;
        for (int i = 0; i < tokens.Count; i++)
        {
            if (tokens[i].Type == TokenType.Option && tokens[i].Value == option)
                i++;
            else
                words.Add(i == 0 ? tokens[i].Value : ShellWord.Of(tokens[i].Value));
        }
        return string.Join(' ', words);
    }

    /// <summary>The same words, by which runs are planned and not made.</summary>
    public CommandContext Planning() => new(result, terminal, load, cancel, isPlan: true);

    /// <summary>The work of commands on finished sets.</summary>
    public ArtifactCommands Artifacts() => new(terminal, Load, cancel);

    /// <summary>The work of 'report' and 'compare'.</summary>
    public ReportCommands Reports() => new(terminal, Load, cancel);

    /// <summary>'export' of a trained network.</summary>
    public NetworkExport Network() => new(terminal, Load, cancel);

    /// <summary>The work of 'influence'.</summary>
    public InfluenceCommands Influence() => new(terminal, Load, cancel);

    /// <summary>The work of 'datasets'.</summary>
    public DatasetCommands Datasets() => new(terminal, cancel);

    /// <summary>What 'datasets' does with image-text pairs.</summary>
    public PairCommands Pairs() => new(terminal, cancel);

    /// <summary>The work of 'features'.</summary>
    public FeatureCommands Features() => new(terminal, cancel);

    private DatasetPair Load(RunSettings settings)
    {
        RequireImages(settings.Dataset);
        return load(settings);
    }

    /// <summary>Refuses a set of image-text pairs where a command is for classified images, before settings that fit only those are
    /// looked at.</summary>
    /// <param name="dataset">The name of a data set; null where none is named.</param>
    /// <exception cref="DistillException">It is one.</exception>
    public static void RequireImages(string? dataset)
    {
        if (dataset is not null && PairCatalog.Named(dataset) is not null)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2034",
                $"{dataset} is a set of image-text pairs, which this command does not take. Commands that do are distill, evaluate, " +
                "verify, resume, export, report, compare, picture, influence pairs and the plans of distill and resume. Name a set of classified " +
                "images, or one of these commands.");
        }
    }

    /// <summary>Refuses a set of image-text pairs that an option names.</summary>
    /// <exception cref="DistillException">One does.</exception>
    public void RequireImages() => RequireImages(Given(Settings.Of(nameof(RunSettings.Dataset))));
}
