using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

internal sealed partial class ArtifactCommands
{
    // A set of image-text pairs: its file, and then whether heads that are trained on it retrieve what it claims.
    private void VerifyPairs(string path, RunSettings given, bool quick, int? networks)
    {
        PairArtifact artifact = PairArtifact.Read(path);
        Verification found = new()
        {
            File = path, Format = PairArtifact.Format, Passed = true, Claimed = artifact.Claim?.Means, Protocol = artifact.Metadata["protocol"],
            Checks =
            [
                new VerificationCheck(
                    "file", true, $"file: {artifact.Count} image-text pairs; types, shapes, numbers and hashes are right ({PairArtifact.Format})"),
            ],
        };
        if (!quick)
            found = Measure(found, artifact, given, networks);
        Conclude(found, quick);
    }

    private Verification Measure(Verification found, PairArtifact artifact, RunSettings given, int? asked)
    {
        if (artifact.Claim is not { } claim)
        {
            throw new DistillException(
                ExitCode.Data, "IM3045",
                $"{artifact.Source} claims no recall, its run ended before one was measured. End the run with 'resume', or look at the " +
                "file with --quick.");
        }
        RunSettings settings = artifact.Settings;
        int networks = Networks(asked, claim.Means.Runs.Count);
        Backend backend = RunCommands.OpenDevice(terminal, given with { Precision = settings.Precision });
        PairSplits splits = LoadPairsOf(artifact, given);
        PairSplit part = PairData.PartOf(settings);
        VerificationCheck Compare(string what, string key, PairDataset pairs)
        {
            bool same = artifact.Metadata[key] == pairs.ContentHash();
            return new VerificationCheck(
                what, same,
                same ? $"{what} pairs: those of the file ({pairs.ImageCount} images)"
                    : $"{what} pairs: {splits.Name} here is not the one of the file ({key} differs)");
        }
        VerificationCheck[] ofData =
        [
            Compare("training", PairArtifact.TrainHashKey, splits.Train),
            Compare(PairData.WordOf(part), PairArtifact.EvaluatedHashKey, splits.Of(part)),
        ];
        found = found with { Checks = [.. found.Checks, .. ofData], Passed = ofData.All(check => check.Passed) };
        if (found.Passed && RunFolder.OfSet(artifact.Source) is { } own)
            found = found.WithOrigin(OriginCheck.Problem(artifact.Metadata, own.Config, own.Experts));
        if (!found.Passed)
            return found;
        using PairData data = PairData.Load(splits, part, backend).WithEncoderOf(settings with
        {
            ImageEncoder = given.ImageEncoder
                ?? (RunFolder.OfSet(artifact.Source) is { } run ? SettingsIn(run.Config)?.ImageEncoder : null),
        });
        artifact.RequireEncoder(data);
        using IProgressView progress = terminal.MakeProgress();
        using IProgressStage stage = progress.Begin("verifying", (long)networks * settings.Epochs, artifact.Count);
        using var scope = TensorScope.Begin();
        IReadOnlyList<RetrievalRecall> recalls = new PairEvaluator(settings, data, RandomKey.FromSeed(settings.Seed).Split("judge"), cancel)
            .OnSet(artifact.ToSet(backend), networks, stage);
        RetrievalRow measured = RetrievalRow.Of(claim.Name, recalls);
        var asClaimed = new Claim(claim.Means, artifact.Metadata["claimed_on"], Best: null);
        return found.WithMeasured(asClaimed, measured.Means, Claim.EnvironmentOf(backend), data.Evaluated.Count, data.ScoreWords);
    }

    private void ExportPairs(string path, ExportRequest asked)
    {
        if (asked.Measures || asked.HasTestImages)
            throw new DistillException(ExitCode.Usage, "IM2022", "--measure and --test-images go with sets of images. Leave them out.");
        if (!PairExport.Targets.Contains(asked.Target, StringComparer.Ordinal))
        {
            throw DistillException.BadValue(
                "--to", asked.Target, $"{string.Join(" or ", PairExport.Targets)} for a set of image-text pairs");
        }
        PairArtifact artifact = PairArtifact.Read(path);
        string made = asked.Folder ?? $"{Path.ChangeExtension(path, null)}-{asked.Target}";
        using var export = new ExportFolder(made);
        new PairExport(artifact).Write(asked.Target, export);
        export.Complete();
        terminal.Show($"{artifact.Count} image-text pairs as {asked.Target}, with README.md and metadata.json, in {made}");
        if (terminal.IsJson)
        {
            terminal.Data.WriteLine(JsonSerializer.Serialize(
                new { Folder = made, asked.Target, Pairs = artifact.Count }, JsonText.Options));
        }
    }

    private void DrawPairs(string path, string? target, RunSettings given)
    {
        PairArtifact artifact = PairArtifact.Read(path);
        PairSplits splits = LoadPairsOf(artifact, given);
        SetNeighbours found = NeighbourSearch.Find(artifact, splits, cancel);
        string made = target ?? Path.ChangeExtension(path, ".png");
        PairPicture.Write(made, splits.Name, found);
        terminal.Show($"Picture: {made}");
        if (!found.HasPictures)
        {
            terminal.Say(
                $"picture: the files of the images are not in the folder of {splits.Name}, so it has captions alone. Put them into a folder " +
                "of images there (docs/datasets.md).");
        }
        if (terminal.IsJson)
            terminal.Data.WriteLine(JsonSerializer.Serialize(new { Picture = made, Images = found.HasPictures }, JsonText.Options));
    }

    // From the folder that is named, or that the set's own run read.
    private PairSplits LoadPairsOf(PairArtifact artifact, RunSettings given)
    {
        string? folder = given.Data ?? (RunFolder.OfSet(artifact.Source) is { } run ? DataIn(run.Config) : null);
        return new DatasetLoading(terminal, cancel).LoadPairs(PairCatalog.Of(artifact.Settings.Dataset), folder, imageSize: null);
    }
}
