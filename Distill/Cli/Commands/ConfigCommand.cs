using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'config …': the values of settings, and files of them.</summary>
internal sealed class ConfigCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "config";

    /// <inheritdoc/>
    public override int Place => 1;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Settings;

    /// <inheritdoc/>
    public override string Help =>
        """
        Shows settings and writes files of them.

        An option goes before --set, that before a variable of the environment, that before the file of --config, that before
        the preset. A file is JSON; comments and a comma behind the last value are fine. The config.json of a run is such a
        file, too.

        Examples:
          infmatch config new my.json
          infmatch distill --config my.json --set lrImg=500
          infmatch distill --config runs/RUN/config.json --seed 1
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        return null;
    }
}
