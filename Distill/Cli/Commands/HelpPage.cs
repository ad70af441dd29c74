using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace InfMatch.Distill;

/// <summary>What --help prints: the description, the usage, the options under headings with the most used first, the
/// examples.</summary>
/// <param name="find">The definition of a command by its words.</param>
/// <param name="width">The columns that lines may have.</param>
internal sealed class HelpPage(Func<string, CommandDefinition?> find, int width) : SynchronousCommandLineAction
{
    private const int LabelColumn = 26;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        Write(parseResult.CommandResult.Command, parseResult.RootCommandResult.Command, parseResult.InvocationConfiguration.Output);
        return 0;
    }

    /// <summary>Puts this in the place of the library's own page.</summary>
    public void Replace(RootCommand root)
    {
        foreach (HelpOption option in root.Options.OfType<HelpOption>())
            option.Action = this;
    }

    /// <summary>What an option is for; also those of the parser's library.</summary>
    public static string DescriptionOf(Option option) => option switch
    {
        HelpOption => "Show this help.",
        VersionOption => "Show the version.",
        _ => option.Description ?? "",
    };

    private void Write(Command command, Command root, TextWriter output)
    {
        string name = CommandWords.Of(command);
        CommandDefinition definition = find(name)!;
        IReadOnlyList<string> paragraphs = HelpText.Paragraphs(ProgramName.In(definition.Help, ShellWord.Program));
        foreach (string paragraph in paragraphs.TakeWhile(p => !HelpText.IsSection(p)))
        {
            Text(output, paragraph);
            output.WriteLine();
        }
        if (name.Length == 0)
            Commands(output, command, "");
        else
            Usage(output, command, name);
        if (name.Length > 0)
        {
            foreach ((string heading, IReadOnlyList<Option> options) in CommandOptions.Of(definition, command))
                Section(output, heading, options.Select(o => (CommandOptions.Label(o), definition.DescriptionOf(o))));
        }
        Section(
            output, "Options of every command",
            CommandOptions.Everywhere((RootCommand)root).Where(o => name.Length == 0 || o.Name != "--version")
                .Select(o => (CommandOptions.Label(o), DescriptionOf(o))));
        foreach (string section in paragraphs.SkipWhile(p => !HelpText.IsSection(p)))
        {
            if (HelpText.IsSection(section))
                output.WriteLine(section);
            else
                Text(output, section);
            if (name.Length > 0 && !ReferenceEquals(section, paragraphs[^1]))
                output.WriteLine();
        }
    }

    private void Usage(TextWriter output, Command command, string name)
    {
        string arguments = string.Concat(command.Arguments.Select(a =>
            a.Arity.MinimumNumberOfValues == 0 ? $" [{a.Name}]" : $" {a.HelpName ?? a.Name}"));
        string below = command.Subcommands.Any(c => !c.Hidden) ? command.Action is null ? " COMMAND" : " [COMMAND]" : "";
        output.WriteLine($"Usage: {ShellWord.Program} {name}{below}{arguments} [OPTIONS]");
        output.WriteLine();
        if (command.Arguments.Count > 0)
            Section(output, "Arguments", command.Arguments.Select(a => (a.Name, a.Description ?? "")));
        Commands(output, command, name);
    }

    // The commands below one; those of the program under headings.
    private void Commands(TextWriter output, Command command, string name)
    {
        CommandDefinition[] below =
        [
            .. command.Subcommands.Where(c => !c.Hidden)
                .Select(c => find(name.Length == 0 ? c.Name : $"{name} {c.Name}")).OfType<CommandDefinition>(),
        ];
        if (name.Length > 0)
        {
            if (below.Length > 0)
                Section(output, "Commands", below.Select(d => (d.Name[(name.Length + 1)..], d.Summary)));
            return;
        }
        foreach (IGrouping<CommandGroup, CommandDefinition> group in below.GroupBy(d => d.Group).OrderBy(g => g.Key))
            Section(output, CommandGroups.Heading(group.Key), group.Select(d => (d.Name, d.Summary)), isTight: true);
        output.WriteLine();
    }

    private void Section(
        TextWriter output, string heading, IEnumerable<(string Label, string Help)> rows, bool isTight = false)
    {
        output.WriteLine($"{heading}:");
        int column = isTight ? 14 : LabelColumn;
        foreach ((string label, string help) in rows)
        {
            string first = $"  {label}".PadRight(column - 2) + "  ";
            if (first.Length > column)
            {
                output.WriteLine(first.TrimEnd());
                first = new string(' ', column);
            }
            bool isFirst = true;
            foreach (string line in TextLines.Broken(help, Math.Max(30, width - column)))
            {
                output.WriteLine((isFirst ? first : new string(' ', column)) + line);
                isFirst = false;
                if (isTight)
                    break;
            }
        }
        if (!isTight)
            output.WriteLine();
    }

    private void Text(TextWriter output, string paragraph)
    {
        foreach (string line in TextLines.Broken(paragraph, width))
            output.WriteLine(line);
    }
}
