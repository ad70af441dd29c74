namespace InfMatch.Distill;

/// <summary>The scripts of 'completion': each asks the program itself, by the directive [suggest:COLUMN] of its parser, which
/// words can follow a line.</summary>
internal static class CompletionScript
{
    private const string Bash =
        """
        # Completion of infmatch for bash: source <(infmatch completion bash)
        _infmatch_complete() {
            local IFS=$'\n' line="${COMP_LINE:0:COMP_POINT}"
            line="${line#*"${COMP_WORDS[0]}"}"
            line="${line# }"
            COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2> /dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
            if [ "${#COMPREPLY[@]}" -eq 1 ] && [[ "${COMPREPLY[0]}" == *= ]]; then
                compopt -o nospace
            fi
        }
        complete -o default -F _infmatch_complete infmatch ./infmatch

        """;

    private const string Zsh =
        """
        #compdef infmatch
        # Completion of infmatch for zsh: source <(infmatch completion zsh)
        _infmatch_complete() {
            local line="${(j: :)words[2,CURRENT]}"
            local -a found
            found=("${(@f)$("${words[1]}" "[suggest:${#line}]" "$line" 2> /dev/null)}")
            found=(${found:#})
            if (( ${#found} )); then
                compadd -- "${found[@]}"
            fi
            _files
        }
        compdef _infmatch_complete infmatch

        """;

    private const string Fish =
        """
        # Completion of infmatch for fish: infmatch completion fish > ~/.config/fish/completions/infmatch.fish
        function __infmatch_complete
            set -l words (commandline -opc) (commandline -ct)
            set -l line (string join ' ' -- $words[2..-1])
            $words[1] "[suggest:"(string length -- "$line")"]" "$line" 2> /dev/null
        end
        complete -c infmatch -a '(__infmatch_complete)'

        """;

    private const string PowerShell =
        """
        # Completion of infmatch for PowerShell: infmatch completion pwsh | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName infmatch, ./infmatch, ./infmatch.ps1 -ScriptBlock {
            param($word, $ast, $cursor)
            $line = $ast.ToString().PadRight($cursor - $ast.Extent.StartOffset)
            $program = $ast.CommandElements[0].Extent.Text
            $line = $line.Substring($program.Length)
            if ($line.Length -gt 0) { $line = $line.Substring(1) }
            & $program "[suggest:$($line.Length)]" $line 2> $null |
                Where-Object { $_ -like "$word*" } |
                ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
        }

        """;

    /// <summary>The shells.</summary>
    public static IReadOnlyList<string> Shells { get; } = ["bash", "zsh", "fish", "pwsh"];

    /// <summary>The script for a shell.</summary>
    /// <exception cref="ArgumentException">There is none for it.</exception>
    public static string Of(string shell) => shell switch
    {
        "bash" => Bash,
        "zsh" => Zsh,
        "fish" => Fish,
        "pwsh" => PowerShell,
        _ => throw new ArgumentException($"There is no script for {shell}.", nameof(shell)),
    };
}
