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
        an ablation and each cell of a benchmark is a run. --pictures writes drawings for documents: accuracy against images processed
        and against seconds, of runs that were evaluated on the way, and how their sets cover one class. Runs on image-text pairs are
        compared with each other and not with runs on classified images.

        Examples:
          infmatch compare runs/RUN runs/RUN2
          infmatch compare runs/ABLATION/rows/* --page ablation.html
          infmatch compare runs/BENCHMARK/cells/*-ipc10-s0 --pictures docs/pictures --class 3
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Named("Out", "Data", "ExpertsFrom", "Device", "Threads", "MemoryLimit"));
        Option<string?> page = Add(command, new Option<string?>("--page")
        {
            Description = "Where the page is written [compare.html below --out].", HelpName = "FILE",
        });
        Option<string?> pictures = Add(command, new Option<string?>("--pictures")
        {
            Description = "Write drawings for documents (SVG) into this folder.", HelpName = "FOLDER",
        });
        Option<string?> label = Add(command, new Option<string?>("--class")
        {
            Description = "The number of the class whose coverage is drawn beside --pictures; it needs the data and the experts.", HelpName = "N",
        });
        var runs = new Argument<string[]>("RUN")
        {
            Description = "Run folders, at least two.", Arity = ArgumentArity.OneOrMore, HelpName = "RUN RUN…",
        };
        command.Arguments.Add(runs);
        return at =>
        {
            int? drawn = at.Value(label) is { } text ? OptionText.Whole("--class", text, 0, 100_000) : null;
            if (drawn is not null && at.Value(pictures) is null)
                throw DistillException.BadValue("--class", $"{drawn}", "nothing without --pictures");
            ResolvedSettings given = at.Resolve();
            at.Reports().Compare(
                at.Value(runs)!, at.Value(page), given.Settings.Out,
                at.Value(pictures) is { } folder ? new ComparedPictures(folder, drawn, given) : null);
        };
    }
}
