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
    public override string Help =>
        """
        Checks a distilled set: the file's types, shapes, numbers and hashes, then whether networks that are trained on it
        reach the accuracy that it claims, by its own protocol, network, epochs, repeats and seed. On the processor and
        build of the claim every network must be the same; elsewhere the means must agree within the combined deviation.
        Ends with 0 where all is so and the claim holds, and with 3 where not.

        Examples:
          dotnet run --project Distill -- verify runs/RUN/synthetic/ipc10.safetensors
          dotnet run --project Distill -- verify set.safetensors --quick --json
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        var file = new Argument<string>("FILE") { Description = "A distilled set." };
        command.Arguments.Add(file);
        Option<bool> quick = Add(
            command, new Option<bool>("--quick") { Description = "Look at the file only; train nothing, need no data." });
        AddSettings(command, Named("Data", "Device", "Threads", "MemoryLimit"));
        return at => at.Artifacts().Verify(at.Value(file)!, at.Resolve().Settings, at.Value(quick));
    }
}
