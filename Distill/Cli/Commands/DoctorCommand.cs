using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'doctor': whether this machine and its devices compute what they must.</summary>
internal sealed class DoctorCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "doctor";

    /// <inheritdoc/>
    public override int Place => 11;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Machine;

    /// <inheritdoc/>
    public override string Help =>
        """
        Checks that this machine and its devices compute what they must.

        Products are compared with plain loops in float64 and derivatives with differences. Memory must come back, a place to write
        and the built-in data must be there. There is one line for each check, with what to do where it fails. Without --device every
        usable device is checked.

        Examples:
          infmatch doctor
          infmatch doctor --device cuda:0 --all
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Named("Device", "Threads", "MemoryLimit", "Out"));
        Option<bool> everything = Add(command, new Option<bool>("--all")
        {
            Description = "Check every sample of every operation instead of a few products; a few seconds more.",
        });
        return at =>
        {
            ResolvedSettings resolved = at.Resolve();
            new DeviceCommands(at.Terminal).CheckHealth(resolved.Settings, resolved.IsGiven("Device"), at.Value(everything));
        };
    }
}
