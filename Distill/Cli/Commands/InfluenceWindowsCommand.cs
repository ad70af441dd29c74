using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'influence windows': what sets do on windows of recorded trainings.</summary>
internal sealed class InfluenceWindowsCommand : CommandDefinition
{
    private const int Windows = 12, Images = 500;

    /// <inheritdoc/>
    public override string Name => "influence windows";

    /// <inheritdoc/>
    public override int Place => 3;

    /// <inheritdoc/>
    public override string Help =>
        """
        Measures what distilled sets do on windows of the experts' trainings.

        J compares displacements of parameters. This command also compares what networks answer, how much of D's own displacement
        is noise of its minibatches, and how S acts where S itself has led a network. The first argument is a run of influence
        matching, whose experts and windows are used; further ones are sets of the same data, by whatever method. From three sets
        on it says how well each number ranks them by the accuracy that they claim.

        Examples:
          infmatch influence windows runs/RUN
          infmatch influence windows runs/RUN runs/RUN2 set.safetensors --windows 24 --json
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        Option<string?> windows = Add(command, new Option<string?>("--windows")
        {
            Description = $"Windows, evenly over all that the run draws from, by its experts in turn [{Windows}].", HelpName = "N",
        });
        Option<string?> images = Add(command, new Option<string?>("--images")
        {
            Description = $"Real training images whose loss and answers are taken, equally many of each class, as far as the smallest has them [{Images}].", HelpName = "N",
        });
        Option<bool> noTwin = Add(command, new Option<bool>("--no-twin")
        {
            Description = "Do not train D's windows a second time; the share of noise then is not known.",
        });
        AddSettings(command, Named("Out", "Data", "ExpertsFrom", "Device", "Threads", "MemoryLimit"));
        var run = new Argument<string>("RUN") { Description = "A run of influence matching, or latest." };
        var sets = new Argument<string[]>("SET")
        {
            Description = "Further distilled sets, or run folders.", Arity = ArgumentArity.ZeroOrMore, HelpName = "SET…",
        };
        command.Arguments.Add(run);
        command.Arguments.Add(sets);
        return at =>
        {
            ResolvedSettings given = at.Resolve();
            string root = given.Settings.Out;
            var folder = new RunFiles(RunFolder.Find(at.Value(run), root));
            string[] files = [.. (string[])[folder.Path, .. at.Value(sets) ?? []]];
            at.Influence().Windows(
                new WindowStudySettings(
                    folder, InfluenceCommands.OfRun(folder, given), [.. files.Select(f => at.SetFile(f, given.Settings))],
                    at.Value(windows) is { } n ? OptionText.Whole("--windows", n, 1, 10_000) : Windows,
                    at.Value(images) is { } m ? OptionText.Whole("--images", m, 1, 1_000_000) : Images, !at.Value(noTwin)),
                given.Settings);
        };
    }
}
