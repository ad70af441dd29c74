using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'reference': the text of docs/commands.md, which a test compares with that file.</summary>
internal sealed class ReferenceCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "reference";

    /// <inheritdoc/>
    public override bool IsHidden => true;

    /// <inheritdoc/>
    public override string Help =>
        """
        Prints all commands, options, variables and codes as Markdown: the text of docs/commands.md.

        Example:
          infmatch reference > docs/commands.md
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        return at => at.Terminal.Data.Write(ReferencePage.Write());
    }
}
