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
        Sets several runs beside each other: the settings in which they differ, accuracies, time and memory; and writes a page
        that draws their curves and images beside each other. Runs of older versions and evaluations can be among them; the rows
        of an ablation are runs of their own.

        Examples:
          dotnet run --project Distill -- compare runs/RUN runs/RUN2
          dotnet run --project Distill -- compare runs/ABLATION/rows/* --page ablation.html
          dotnet run --project Distill -- compare runs/RUN runs/RUN2 --json
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
            Description = "Run folders, at least two.", Arity = ArgumentArity.OneOrMore,
        };
        command.Arguments.Add(runs);
        return at => at.Reports().Compare(at.Value(runs)!, at.Value(page), at.Resolve().Settings.Out);
    }
}
