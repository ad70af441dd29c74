using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'completion': a script that completes commands, options and values in a shell.</summary>
internal sealed class CompletionCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "completion";

    /// <inheritdoc/>
    public override int Place => 20;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Machine;

    /// <inheritdoc/>
    public override string Help =>
        """
        Prints a script that completes infmatch in a shell.

        With it the Tab key completes commands, options and their values.

        bash, in ~/.bashrc:
          source <(infmatch completion bash)

        zsh, in ~/.zshrc behind compinit:
          source <(infmatch completion zsh)

        fish:
          infmatch completion fish > ~/.config/fish/completions/infmatch.fish

        PowerShell, in $PROFILE:
          infmatch completion pwsh | Out-String | Invoke-Expression
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        var shell = new Argument<string>("SHELL") { Description = $"{string.Join(", ", CompletionScript.Shells)}." };
        shell.CompletionSources.Add([.. CompletionScript.Shells]);
        command.Arguments.Add(shell);
        return at => at.Terminal.Data.Write(
            CompletionScript.Of(OptionText.OneOf("SHELL", at.Value(shell)!, CompletionScript.Shells)));
    }
}
