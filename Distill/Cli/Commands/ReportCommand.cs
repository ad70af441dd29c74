using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'report': the page of a run.</summary>
internal sealed class ReportCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "report";

    /// <inheritdoc/>
    public override int Place => 6;

    /// <inheritdoc/>
    public override string Help =>
        """
        Writes the page about a run, report.html, into its folder.

        The page has the verdict, the accuracies beside the baselines, the images before, between and after, curves, classes,
        features of real and synthetic images, time and memory, configuration, environment, and the commands that make the run
        again. Every run writes it at its end. This command writes it for older and interrupted runs as well, and the page says
        what these did not record. It is one file that needs no other. On image-text pairs it has the table of recalls, and the training
        image and captions nearest to each learned pair.

        Examples:
          infmatch report
          infmatch report runs/RUN
          infmatch report runs/RUN --against runs/RUN2
        """;

    /// <inheritdoc/>
    public override string DescriptionOf(Option option) => option.Name == Settings.Of("ExpertsFrom").Name
        ? "Take the run's experts from this folder, where they are no longer where the run had them."
        : base.DescriptionOf(option);

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Named("Out", "Data", "ExpertsFrom", "Device", "Threads", "MemoryLimit"));
        Option<string?> against = Add(command, new Option<string?>("--against")
        {
            Description = "Another run, for a figure of how both converge.", HelpName = "RUN",
        });
        var run = new Argument<string?>("RUN")
        {
            Description = "A run folder; without one, or with 'latest', the latest below --out.", Arity = ArgumentArity.ZeroOrOne,
        };
        command.Arguments.Add(run);
        return at => at.Reports().Report(at.Value(run), at.Value(against), at.Resolve());
    }
}
