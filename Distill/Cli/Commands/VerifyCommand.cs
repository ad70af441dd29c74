using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'verify': whether a finished set is sound and its claim holds.</summary>
internal sealed class VerifyCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "verify";

    /// <inheritdoc/>
    public override int Place => 4;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Use;

    /// <inheritdoc/>
    public override string Help =>
        """
        Checks that a distilled set is sound and reaches the accuracy that it claims.

        First the file's types, shapes, numbers and hashes are checked. Then networks are trained on it by its own protocol, network,
        epochs, repeats and seed. On the processor and build of the claim every network must be the same; elsewhere the means must
        agree within the combined deviation. Ends with 0 where all is so and the claim holds, and with 3 where not. With --networks the
        first networks of the claim alone are trained, which takes less time.

        Examples:
          infmatch verify latest
          infmatch verify sets/cifar-10-ipc1.safetensors --data FOLDER --networks 1
          infmatch verify set.safetensors --quick --json
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        var file = new Argument<string>("FILE") { Description = "A distilled set, a run folder, or latest." };
        command.Arguments.Add(file);
        Option<bool> quick = Add(
            command, new Option<bool>("--quick") { Description = "Look at the file only; train nothing, need no data." });
        Option<string?> networks = Add(
            command, new Option<string?>("--networks") { Description = "Train the first N networks of the claim only.", HelpName = "N" });
        AddSettings(command, Named("Data", "ImageEncoder", "Device", "Threads", "MemoryLimit"));
        return at =>
        {
            RunSettings settings = at.ResolveOfEitherTask().Settings;
            at.Artifacts().Verify(at.SetFile(at.Value(file)!, settings), settings, at.Value(quick), at.Value(networks) is { } n ? OptionText.Whole("--networks", n, 1, 1000) : null);
        };
    }
}
