using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'compare': several runs beside each other.</summary>
internal sealed class CompareCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "compare";

    /// <inheritdoc/>
    public override int Place => 7;

    /// <inheritdoc/>
    public override string Help =>
        """
        Compares several runs, in a table and on a page.

        The table has accuracies, verdicts, time and memory, and the settings in which the runs differ. The page, compare.html,
        draws their curves and images beside each other. Runs of older versions and evaluations can be among them; each row of
        an ablation is a run.

        Examples:
          infmatch compare runs/RUN runs/RUN2
          infmatch compare runs/ABLATION/rows/* --page ablation.html
          infmatch compare runs/RUN runs/RUN2 --json
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Named("Out"));
        Option<string?> page = Add(command, new Option<string?>("--page")
        {
            Description = "Where the page is written [compare.html below --out].", HelpName = "FILE",
        });
        var runs = new Argument<string[]>("RUN")
        {
            Description = "Run folders, at least two.", Arity = ArgumentArity.OneOrMore, HelpName = "RUN RUN…",
        };
        command.Arguments.Add(runs);
        return at => at.Reports().Compare(at.Value(runs)!, at.Value(page), at.Resolve().Settings.Out);
    }
}
