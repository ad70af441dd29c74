using InfMatch.Influence;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>Whether a set is what its run folder makes.</summary>
internal static class OriginCheck
{
    /// <summary>How a set differs from what its run folder makes, or null: the settings there are those of the set, and each
    /// expert that is still there is sound and has the hash that the set states.</summary>
    public static string? Problem(SyntheticArtifact artifact, string config, string experts) => Problem(artifact.Metadata, config, experts);

    /// <summary>The same from the texts of a set's file.</summary>
    public static string? Problem(IReadOnlyDictionary<string, string> texts, string config, string experts)
    {
        RunSettings settings;
        try
        {
            settings = ConfigFile.Read(config).Resolved.Settings;
        }
        catch (DistillException e)
        {
            return e.Message;
        }
        if (ConfigFile.Hash(settings) != texts.GetValueOrDefault("config_hash"))
            return $"{config} has other settings than the set was made with (config_hash differs)";
        string[] stated = texts["experts_sha256"].Split(' ');
        if (stated.Length != settings.Experts)
            return $"the set was learned from {stated.Length} experts, {config} has {settings.Experts}";
        string folder = settings.ExpertsFrom ?? experts;
        for (int k = 0; k < stated.Length; k++)
        {
            string file = ExpertLibrary.FileOf(folder, k);
            if (!File.Exists(file))
                continue;
            try
            {
                using TrajectoryFile trajectory = TrajectoryFile.Open(file);
                trajectory.CheckAll();
                if (ArtifactHash.OfTrajectory(trajectory) != stated[k])
                    return $"{file} is not the recording that the set was learned from (experts_sha256 differs)";
            }
            catch (Exception e) when (e is ArrayFileException or TrajectoryException)
            {
                return e.Message;
            }
        }
        return null;
    }
}
