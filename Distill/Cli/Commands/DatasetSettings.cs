using System.CommandLine;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>What the commands 'datasets …' share: the name of a set, and where it is.</summary>
internal static class DatasetSettings
{
    /// <summary>The name as an argument.</summary>
    public static Argument<string> AddName(Command command, bool withPairs = false)
    {
        var name = new Argument<string>("NAME")
        {
            Description = $"The data set: {string.Join(", ", [.. DatasetCatalog.Names, .. withPairs ? PairCatalog.Names : []])}.",
        };
        command.Arguments.Add(name);
        return name;
    }

    /// <summary>The settings of a command.</summary>
    public static RunSettings Of(CommandContext at, Argument<string>? name)
    {
        string? chosen = name is null ? null : at.Result.GetRequiredValue(name);
        CommandContext.RequireImages(chosen);
        ResolvedSettings resolved = Settings.Resolve(
            Presets.Usual, s => s.Property == "Dataset" ? chosen : at.Given(s), Environment.GetEnvironmentVariable);

        // Without --data the catalogue looks into the variable's folder itself, and then into those of the system.
        return resolved.Settings with { Data = resolved.IsOnCommandLine("Data") ? resolved.Settings.Data : null };
    }

    /// <summary>Folder and image size for a set of image-text pairs, by the same options.</summary>
    /// <exception cref="DistillException">A value is not acceptable.</exception>
    public static (string? Data, int? ImageSize) OfPairs(CommandContext at)
    {
        // As for a folder of images, whose size may be chosen, too.
        ResolvedSettings resolved = Settings.Resolve(
            Presets.Usual, s => s.Property == "Dataset" ? ImageFolderReader.Name : at.Given(s), Environment.GetEnvironmentVariable);
        return (resolved.IsOnCommandLine("Data") ? resolved.Settings.Data : null, resolved.Settings.ImageSize);
    }
}
