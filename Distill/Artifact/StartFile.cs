using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A distilled set as the start of another distillation.</summary>
internal static class StartFile
{
    /// <summary>The set in a file, on the data's backend; by what network it was made does not matter.</summary>
    /// <exception cref="DistillException">It is no distilled set, or not one of these images, classes, tiles and numbers of
    /// images.</exception>
    public static SyntheticSet Read(string path, RunSettings settings, PreparedData data, int ipc)
    {
        SyntheticArtifact artifact = SyntheticArtifact.Read(path);
        if (Problem(artifact, settings, data, ipc) is { } problem)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2014", $"{path} cannot be the start of this set: {problem}. Give the set that a run on the same " +
                "data made with the same --ipc, --factor and --zca, or leave --start-from out.");
        }
        return artifact.ToSet(data.Backend);
    }

    private static string? Problem(SyntheticArtifact artifact, RunSettings settings, PreparedData data, int ipc)
    {
        int images = ipc * data.Classes, factor = settings.Factor ?? 1;
        return artifact.Image != data.Image ? $"its images are {artifact.Image}, those of the data {data.Image}"
            : artifact.Classes != data.Classes ? $"it has {artifact.Classes} classes, the data {data.Classes}"
            : artifact.Count != images ? $"it has {artifact.Count} images, this run needs {images} ({ipc} of each class)"
            : artifact.Factor != factor ? $"its factor is {artifact.Factor}, that of this run {factor}"
            : (artifact.Whitening is null) != (data.Whitening is null) ? "its images are whitened otherwise"
            : SetAgreement.Of(artifact, data.Pair).Contradiction?.TrimEnd('.');
    }
}
