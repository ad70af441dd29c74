using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'devices': the processor and every GPU.</summary>
internal sealed class DevicesCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "devices";

    /// <inheritdoc/>
    public override int Place => 10;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Machine;

    /// <inheritdoc/>
    public override string Help =>
        """
        Lists the processor and every CUDA and OpenCL device.

        Each with its memory and limits, whether it can be used and if not why. A star marks the one that --device auto
        takes. Where there is a GPU, it and the processor are timed at a small piece of training; times are kept.

        Examples:
          infmatch devices
          infmatch devices --json
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        return at => new DeviceCommands(at.Terminal).List();
    }
}
