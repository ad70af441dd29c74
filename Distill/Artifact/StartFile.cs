using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A distilled set as the start of another distillation.</summary>
internal static class StartFile
{
    /// <summary>The set in a file, images and labels, on the data's backend; by what network it was made does not matter.</summary>
    /// <exception cref="DistillException">As <see cref="Require"/>.</exception>
    public static SyntheticSet Read(string path, RunSettings settings, PreparedData data, int ipc, Action<string> note)
    {
        SyntheticArtifact artifact = Require(path, settings, data.Pair, ipc);
        if (SetAgreement.Of(artifact, data.Pair).Note is { } doubt)
            note($"--start-from: {doubt}");
        SyntheticSet set = artifact.ToSet(data.Backend);
        if (settings.LabelsOf is null || set.Factor == 1 || set.LabelLogits.Shape.Rank == 3)
            return set;
        using Tensor ofImages = set.LabelLogits;
        return set with { LabelLogits = Tiles.LogitsOfTiles(ofImages, set.Factor) };
    }

    /// <summary>Refuses a file from which a set of a run cannot start.</summary>
    /// <exception cref="DistillException">It is no distilled set, or not one of these images, classes, tiles and numbers of
    /// images.</exception>
    public static SyntheticArtifact Require(string path, RunSettings settings, DatasetPair pair, int ipc)
    {
        SyntheticArtifact artifact = SyntheticArtifact.Read(path);
        return Problem(artifact, settings, pair, ipc) is { } problem
            ? throw new DistillException(
                ExitCode.Usage, "IM2014", $"{path} cannot be the start of this set: {problem}. Give the set that a run on the same " +
                $"data made with the same {(pair.HeldOutShare > 0 ? "--ipc, --factor, --zca, --validation-share and --seed" : "--ipc, --factor and --zca")}, " +
                "or leave --start-from out.")
            : artifact;
    }

    private static string? Problem(SyntheticArtifact artifact, RunSettings settings, DatasetPair pair, int ipc)
    {
        ImageDataset train = pair.Train;
        var image = new Shape(train.Channels, train.Height, train.Width);
        int images = ipc * train.Classes, factor = settings.FactorOf(ipc);
        SetAgreement agreement = SetAgreement.Of(artifact, pair);
        return artifact.Image != image ? $"its images are {artifact.Image}, those of the data {image}"
            : artifact.Classes != train.Classes ? $"it has {artifact.Classes} classes, the data {train.Classes}"
            : artifact.Count != images ? $"it has {artifact.Count} images, this run needs {images} ({ipc} of each class)"
            : artifact.LabelsEach > 1 && settings.LabelsOf is null ? "each of its tiles has a label, which takes --labels-of tile"
            : artifact.Factor != factor ? $"its factor is {artifact.Factor}, that of this run {factor}"
            : pair.HeldOutShare > 0 && artifact.Metadata.GetValueOrDefault("dataset_sha256") != train.ContentHash()
                ? "it may have learned images that --validation-share holds out here"
            : !artifact.Standardisation.Equals(pair.Standardisation) ? "its images are standardised by other means and deviations"
            : artifact.Whitening?.Epsilon != settings.Zca
                ? $"its whitening is {Text(artifact.Whitening?.Epsilon)}, that of this run {Text(settings.Zca)}"
            : settings.Zca is not null && agreement.Note is { } note ? $"it is whitened by other data: {note.TrimEnd('.')}"
            : agreement.Contradiction?.TrimEnd('.');
    }

    private static string Text(double? epsilon) => epsilon is { } e ? FormattableString.Invariant($"{e}") : "none";
}
