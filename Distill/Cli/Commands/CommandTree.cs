using System.CommandLine;
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
    /// <returns>The exit code.</returns>
    public static int Run(
        string[] args, Terminal terminal, Interruption interruption, Func<string, string?, DatasetPair>? load = null)
    {
        Func<RunSettings, DatasetPair> loadSet = load is null
            ? new DatasetLoading(terminal, interruption.Token).Load
            : settings => load(settings.Dataset, settings.Data);
        var json = new Option<bool>("--json") { Description = "Print the result as JSON on stdout, in place of tables.", Recursive = true };
        var verbose = new Option<bool>("--verbose") { Description = "Show the stack of an error.", Recursive = true };
        RootCommand root = Build(
            [json, verbose], result => new CommandContext(result, terminal, loadSet, interruption.Token));
        ParseResult parsed = root.Parse(OlderNames.Options(args));
        string name = parsed.CommandResult.Command is RootCommand ? "distill" : parsed.CommandResult.Command.Name;
        bool isVerbose = args.Contains("--verbose", StringComparer.Ordinal);
        (interruption.Announce, interruption.Abandon) = (terminal.AnnounceInterruption, terminal.Abandon);
        try
        {
            if (parsed.Errors.Count > 0 && parsed.Action is not System.CommandLine.Help.HelpAction)
                throw DistillException.BadCommand(Explain(parsed));
            terminal.IsJson = parsed.GetValue(json);
            return parsed.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // Signals are heard by Interruption: the library would end the process after a time limit.
                ProcessTerminationTimeout = null,
                Output = terminal.Data,
            });
        }
        catch (Exception e)
        {
            terminal.SayLines(Failure.Describe(name, e, isVerbose));
            return (int)Failure.CodeOf(e);
        }
    }

    private static RootCommand Build(Option[] common, Func<ParseResult, CommandContext> contextOf)
    {
        CommandDefinition[] all =
        [
            .. Kinds.Of<CommandDefinition>().OrderBy(d => Words(d.Name).Length).ThenBy(d => d.Place)
                .ThenBy(d => d.Name, StringComparer.Ordinal),
        ];
        var root = new RootCommand(all[0].Help);
        foreach (Option option in common)
            root.Options.Add(option);
        Fill(root, all[0]);
        foreach (CommandDefinition definition in all[1..])
        {
            foreach (string name in (string[])[definition.Name, .. definition.HiddenNames])
            {
                string[] words = Words(name);
                Command above = words[..^1].Aggregate((Command)root, (c, word) => c.Subcommands.Single(s => s.Name == word));
                var command = new Command(words[^1], definition.Help) { Hidden = name != definition.Name };
                Fill(command, definition);
                above.Subcommands.Add(command);
            }
        }
        return root;

        void Fill(Command command, CommandDefinition definition)
        {
            if (definition.Build(command) is { } run)
                command.SetAction(result => run(contextOf(result)));
        }
    }

    private static string[] Words(string name) => name.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string Explain(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string help = command is RootCommand ? "--help" : $"{command.Name} --help";
        if (parsed.UnmatchedTokens is not [string unknown, ..])
            return $"{parsed.Errors[0].Message.TrimEnd('.')}. See {help}.";
        IEnumerable<string> known = unknown.StartsWith('-')
            ? command.Options.Select(o => o.Name)
            : command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name);
        string near = Nearest.To(unknown, known) is { } word ? $" Did you mean {word}?" : "";
        return $"\"{unknown}\" is not known here.{near} See {help}.";
    }
}
