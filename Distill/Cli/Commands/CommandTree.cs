using System.CommandLine;
using System.CommandLine.Help;
using InfMatch.Datasets;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>All commands, from arguments to an exit code.</summary>
internal static class CommandTree
{
    /// <summary>Parses and runs; every error becomes one message and one exit code.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="terminal">Where output goes.</param>
    /// <param name="interruption">What Ctrl-C does.</param>
    /// <param name="load">Loads a data set by name and folder; the catalogue without one.</param>
    /// <param name="ranks">The ranks that do the work together; null for this process alone.</param>
    /// <returns>The exit code.</returns>
    public static int Run(
        string[] args, Terminal terminal, Interruption interruption, Func<string, string?, DatasetPair>? load = null,
        RankGroup? ranks = null)
    {
        ranks ??= RankGroup.Alone;
        Func<RunSettings, DatasetPair> read = load is null
            ? new DatasetLoading(terminal, interruption.Token).Load
            : settings => load(settings.Dataset, settings.Data);
        DatasetPair LoadSet(RunSettings settings) => ValidationSplit.Of(settings, read(settings));
        args = CommandWords.WithoutWords(OlderNames.Options(args));
        var common = new CommonOptions();
        RootCommand root = Build(
            common.All, CommandWords.Called(args), CommandWords.AsksForMore(args),
            result => new CommandContext(result, terminal, LoadSet, interruption.Token) { Ranks = ranks });
        new HelpPage(DefinitionOf, terminal.ResultWidth).Replace(root);
        ParseResult parsed = root.Parse(args);
        string name = CommandWords.Of(parsed.CommandResult.Command) is { Length: > 0 } words ? words : "distill";
        bool isVerbose = args.Contains("--verbose", StringComparer.Ordinal);
        (interruption.Announce, interruption.Abandon) = (terminal.AnnounceInterruption, terminal.Abandon);
        try
        {
            if (parsed.Errors.Count > 0 && (parsed.Action is not (HelpPage or HelpAction) || IsOfUnknownCommand(parsed)))
                throw DistillException.BadCommand(Explain(parsed));
            (terminal.IsJson, terminal.IsQuiet) = (parsed.GetValue(common.Json), parsed.GetValue(common.Quiet));
            int code = parsed.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // Signals are heard by Interruption: the library would end the process after a time limit.
                ProcessTerminationTimeout = null,
                Output = terminal.Data,
            });
            if (ranks.End(null) is not { } other)
                return code;
            terminal.SayLines(Failure.Describe(name, other, isVerbose));
            return (int)Failure.CodeOf(other);
        }
        catch (Exception e)
        {
            terminal.SayLines(Failure.Describe(name, e, isVerbose));
            ranks.End(e);
            return (int)Failure.CodeOf(e);
        }
    }

    /// <summary>Whether arguments call a command that several ranks can do together.</summary>
    public static bool TakesRanks(string[] args)
    {
        // As they are parsed: options may come before the command, and a file of arguments may hold it.
        RootCommand root = Build(new CommonOptions().All, _ => true, fillsRoot: true, _ => null!);
        string name = CommandWords.Of(root.Parse(CommandWords.WithoutWords(OlderNames.Options(args))).CommandResult.Command);
        return DefinitionOf(name) is { TakesRanks: true };
    }

    /// <summary>Every command with all its options, and its definition, in the order of the help.</summary>
    public static IReadOnlyList<(CommandDefinition Definition, Command Command)> Everything(out RootCommand root)
    {
        var made = new List<(CommandDefinition, Command)>();
        root = Build(new CommonOptions().All, _ => true, fillsRoot: true, _ => null!, (d, c) => made.Add((d, c)));
        return made;
    }

    private static CommandDefinition? DefinitionOf(string name) =>
        Kinds.Find<CommandDefinition>(name) ?? Kinds.Of<CommandDefinition>().FirstOrDefault(d => d.HiddenNames.Contains(name, StringComparer.Ordinal));

    // Commands that are not called stay without their options: making those of all takes longer than the rest of the start.
    private static RootCommand Build(
        Option[] common, Func<string, bool> isCalled, bool fillsRoot, Func<ParseResult, CommandContext> contextOf,
        Action<CommandDefinition, Command>? made = null)
    {
        CommandDefinition[] all =
        [
            .. Kinds.Of<CommandDefinition>().OrderBy(d => CommandWords.Split(d.Name).Length).ThenBy(d => d.Place)
                .ThenBy(d => d.Name, StringComparer.Ordinal),
        ];
        var root = new RootCommand();
        foreach (Option option in common)
            root.Options.Add(option);
        if (fillsRoot)
            Fill(root, all[0]);
        foreach (CommandDefinition definition in all[1..])
        {
            foreach (string name in (string[])[definition.Name, .. definition.HiddenNames])
            {
                string[] words = CommandWords.Split(name);
                Command above = words[..^1].Aggregate((Command)root, (c, word) => c.Subcommands.Single(s => s.Name == word));
                bool isHidden = definition.IsHidden || name != definition.Name;
                var command = new Command(words[^1], "") { Hidden = isHidden };
                if (isCalled(name))
                    Fill(command, definition);
                above.Subcommands.Add(command);
                if (!isHidden)
                    made?.Invoke(definition, command);
            }
        }
        return root;

        void Fill(Command command, CommandDefinition definition)
        {
            if (definition.Build(command) is { } run)
                command.SetAction(result => run(contextOf(result)));
        }
    }

    // Help on a word that is no command; behind a command its arguments may be missing or wrong, and its help serves.
    private static bool IsOfUnknownCommand(ParseResult parsed) =>
        parsed.CommandResult.Command.Subcommands.Count > 0 && parsed.UnmatchedTokens is [{ Length: > 0 } word, ..] && !word.StartsWith('-');

    private static string Explain(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string name = CommandWords.Of(command), help = name.Length == 0 ? "--help" : $"{name} --help";
        string[] commands = [.. command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name)];
        if (command.Action is null && commands.Length > 0 && parsed.UnmatchedTokens.Count == 0)
            return $"One of its commands is missing: {string.Join(", ", commands)}. See {help}.";
        if (parsed.UnmatchedTokens is not [string unknown, ..])
            return $"{parsed.Errors[0].Message.TrimEnd('.')}. See {help}.";
        IEnumerable<string> known = unknown.StartsWith('-')
            ? command.Options.Select(o => o.Name)
            : commands;
        string near = Nearest.To(unknown, known) is { } word ? $" Did you mean {word}?" : "";
        return $"\"{unknown}\" is not known here.{near} See {help}.";
    }

    private sealed class CommonOptions
    {
        public Option<bool> Json { get; } = new("--json")
        {
            Description = "Print the result as JSON on stdout, in place of tables.", Recursive = true,
        };

        public Option<bool> Quiet { get; } = new("--quiet", "-q")
        {
            Description = "Print results and errors only: no notes, no progress.", Recursive = true,
        };

        public Option<bool> Verbose { get; } = new("--verbose") { Description = "Show the stack of an error.", Recursive = true };

        public Option[] All => [Json, Quiet, Verbose];
    }
}
