using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>What 'export' is to write.</summary>
/// <param name="Target">The form.</param>
/// <param name="Folder">The folder to make; null for one beside the set.</param>
internal sealed record ExportRequest(string Target, string? Folder)
{
    /// <summary>Whether the cost of 8-bit pixels is measured.</summary>
    public bool Measures { get; init; }

    /// <summary>Whether the test images are written as well.</summary>
    public bool HasTestImages { get; init; }
}

/// <summary>'verify' and 'export': what is done with a finished set.</summary>
internal sealed partial class ArtifactCommands(
    Terminal terminal, Func<RunSettings, DatasetPair> load, CancellationToken cancel)
{
    /// <summary>Tells people what an older file does not hold.</summary>
    public static void SayWhatIsMissing(Terminal terminal, SyntheticArtifact artifact)
    {
        if (artifact.Missing.Count > 0)
            terminal.Say(
                $"{artifact.Source} has the format {artifact.Metadata["format"]}: it lacks {string.Join("; ", artifact.Missing)}.");
    }

    /// <summary>'verify'.</summary>
    /// <exception cref="DistillException">The file is not sound, or its claim does not hold.</exception>
    public void Verify(string path, RunSettings given, bool quick, int? networks = null)
    {
        if (PairArtifact.IsIn(path))
        {
            VerifyPairs(path, given, quick, networks);
            return;
        }
        SyntheticArtifact artifact;
        try
        {
            artifact = SyntheticArtifact.Read(path);
        }
        catch (Exception e) when (e is DistillException or ArrayFileException)
        {
            // For people the error says it.
            if (terminal.IsJson)
            {
                Show(new Verification
                {
                    File = path,
                    Passed = false,
                    Holds = quick ? null : false,
                    Checks = [new VerificationCheck("file", false, e.Message)],
                });
            }
            throw;
        }
        SayWhatIsMissing(terminal, artifact);
        Verification found = Verification.OfFile(artifact, path);
        if (!quick)
            found = Measure(found, artifact, given, networks);
        Conclude(found, quick);
    }

    // How many of the networks of a claim are trained again.
    private static int Networks(int? asked, int claimed) => asked is not { } n || n <= claimed
        ? asked ?? claimed
        : throw DistillException.BadValue("--networks", $"{n}", $"at most the {claimed} of the claim");

    private void Conclude(Verification found, bool quick)
    {
        Show(found);
        if (!found.Passed)
        {
            if (found.Checks.Any(c => !c.Passed && c.Name == Verification.OriginName))
            {
                throw new DistillException(
                    ExitCode.Data, "IM3050",
                    $"the set is not what its run folder makes: {found.Failures}. Put the old files back and 'resume'; a copy of the " +
                    "set elsewhere is verified by itself.");
            }
            throw found.Holds is null
                ? new DistillException(
                    ExitCode.Data, "IM3046",
                    $"the claim was not tested: {found.Failures}. Name the folder of the set's own data with --data.")
                : new DistillException(ExitCode.Data, "IM3043", $"the claim does not hold: {found.Failures}");
        }
        terminal.Show(
            quick ? "The file is sound. Whether its claim holds was not measured."
            : found is { Measured.Runs.Count: var few, Claimed.Runs.Count: var all } && few < all ? $"The claim holds for the first {few} of its {all} networks."
            : "The claim holds.");
    }

    private Verification Measure(Verification found, SyntheticArtifact artifact, RunSettings given, int? asked)
    {
        if (artifact.Settings is not null && artifact.Claim is null)
        {
            throw new DistillException(
                ExitCode.Data, "IM3045",
                $"{artifact.Source} claims no accuracy, its run ended before one was measured. End the run with 'resume', or look " +
                "at the file with --quick.");
        }
        int? networks = artifact.Claim is { } claim ? Networks(asked, claim.Accuracy.Runs.Count) : null;
        Backend backend = OpenDevice(given, artifact);
        DatasetPair pair = LoadDataOf(artifact, given);
        if (artifact.Settings is not null) // the first format is refused by the evaluator
        {
            found = found.WithData(artifact, pair);
            if (RunFolder.OfSet(artifact.Source) is { } run)
                found = found.WithOrigin(OriginCheck.Problem(artifact, run.Config, run.Experts));
        }
        if (!found.Passed)
            return found;
        using var evaluator = new ArtifactEvaluator(artifact, pair, backend, cancel);
        Accuracy measured;
        using (IProgressView progress = terminal.MakeProgress())
            measured = evaluator.Evaluate(progress, "verifying", networks: networks);
        return found.WithMeasured(artifact.Claim!, measured, Claim.EnvironmentOf(backend), pair.Test.Count);
    }

    /// <summary>'export'.</summary>
    /// <exception cref="DistillException">The set or its data do not fit what is asked.</exception>
    public void Export(string path, ExportRequest asked, RunSettings given)
    {
        (string target, string? folder) = asked;
        (bool measure, bool testImages) = (asked.Measures, asked.HasTestImages);
        if (PairArtifact.IsIn(path))
        {
            ExportPairs(path, asked);
            return;
        }
        SyntheticArtifact artifact = SyntheticArtifact.Read(path);
        SayWhatIsMissing(terminal, artifact);
        string made = folder ?? $"{Path.ChangeExtension(path, null)}-{target}";
        using var export = new ExportFolder(made);
        DatasetPair? data = measure || testImages ? LoadDataOf(artifact, given) : null;
        if (data is not null)
            RequireOwn(terminal, artifact, data, "export", measure ? "--measure" : "--test-images");
        var pixels = new PixelView(artifact);
        (Accuracy Exact, Accuracy Pixels)? measured = measure ? MeasurePixels(artifact, pixels, data!, given) : null;
        new ArtifactExport(artifact, pixels) { Measured = measured, TestImages = testImages ? data!.Test : null }
            .Write(target, export);
        export.Complete();
        terminal.Show(
            $"{artifact.Count} images of {artifact.Classes} classes as {target}, with README.md and load_infmatch.py, in {made}");
        bool isLossy = ArtifactExport.FormOf(target).IsLossy;
        if (isLossy)
            terminal.Show($"Lossy: {pixels.Loss}.");
        if (measured is { } m)
            terminal.Show($"{(data!.HeldOutShare > 0 ? "Validation" : "Test")} accuracy: {m.Exact.Shown} % with the images, {m.Pixels.Shown} % with their 8-bit pixels.");
        else if (isLossy)
            terminal.Show("What that costs in accuracy --measure tells.");
        if (terminal.IsJson)
        {
            terminal.Data.WriteLine(JsonSerializer.Serialize(
                new
                {
                    Folder = made,
                    Target = target,
                    Images = artifact.Count,
                    PixelLoss = isLossy ? pixels.Loss : null,
                    Exact = measured?.Exact,
                    Pixels = measured?.Pixels,
                },
                JsonText.Options));
        }
    }

    /// <summary>'picture'.</summary>
    /// <exception cref="DistillException">The set stands in no folder of a run, or its data are others.</exception>
    public void Draw(string path, string? target, RunSettings given)
    {
        if (target?.Trim().Length == 0)
            throw DistillException.BadValue("--out", target, "a file");
        if (PairArtifact.IsIn(path))
        {
            DrawPairs(path, target, given);
            return;
        }
        SyntheticArtifact artifact = SyntheticArtifact.Read(path);
        DatasetPair data = LoadDataOf(artifact, given);
        RequireOwn(terminal, artifact, data, "picture", "the picture");
        int ipc = artifact.Count / artifact.Classes;
        (Accuracy? random, Accuracy? distilled) = AccuraciesOf(artifact, ipc);
        string made = target ?? Path.ChangeExtension(path, ".png"), word = data.HeldOutShare > 0 ? "validation" : "test";
        ComparisonPicture.Write(
            made,
            [
                new ComparedImages(Caption("random real images", random, word), FirstDraw(data, ipc, artifact.Settings!.Seed)),
                new ComparedImages(Caption("distilled images", distilled, word), new PixelView(artifact).InOwnRange()),
            ],
            artifact.Image, artifact.ClassNames);
        terminal.Show($"Picture: {made}");
        if (terminal.IsJson)
            terminal.Data.WriteLine(JsonSerializer.Serialize(new { Picture = made }, JsonText.Options));
    }

    private static string Caption(string what, Accuracy? accuracy, string word) =>
        accuracy is null ? what : $"{what}: {accuracy.Shown} % {word} accuracy";

    private static (Accuracy? Random, Accuracy? Distilled) AccuraciesOf(SyntheticArtifact artifact, int ipc)
    {
        if (artifact.Settings is null || RunFolder.OfSet(artifact.Source) is not { } run)
        {
            throw new DistillException(
                ExitCode.Data, "IM3070",
                $"{artifact.Source} stands in no folder of a run, which has the accuracies. Name a set such as " +
                "runs/…/synthetic/ipc1.safetensors.");
        }
        string summary = Path.Combine(Path.GetDirectoryName(run.Config)!, RunFolder.SummaryName);
        AccuracySet? found = File.Exists(summary)
            ? Summary.Read(summary).Results.FirstOrDefault(r => r.Ipc == ipc)?.Accuracy
            : null;
        return (found?.RandomReal, found?.Distilled ?? artifact.Claim?.Accuracy);
    }

    // The images of which RealImages makes the first network's baseline.
    private static byte[] FirstDraw(DatasetPair data, int ipc, ulong seed)
    {
        int[] drawn = PreparedData.RandomOfEachClass(data.Train, ipc, RealImages.DrawKey(RandomKey.FromSeed(seed).Split("real"), 0));
        var pixels = new byte[drawn.Length * data.Train.ImageSize];
        for (int i = 0; i < drawn.Length; i++)
            data.Train.Image(drawn[i]).CopyTo(pixels.AsSpan(i * data.Train.ImageSize));
        return pixels;
    }

    // The first format does not have the hash of the test images: there sizes, names of classes and training images decide.
    internal static void RequireOwn(Terminal terminal, SyntheticArtifact artifact, DatasetPair data, string what, string option)
    {
        DistillException Others(string which) => new(
            ExitCode.Data, "IM3046",
            $"{which} of {artifact.Dataset} here are not those of {artifact.Source}. Name the folder of the set's own data with " +
            $"--data, or leave {option} out.");
        var image = new Shape(data.Train.Channels, data.Train.Height, data.Train.Width);
        if (image != artifact.Image || data.Train.Classes != artifact.Classes)
            throw Others($"the {data.Train.Classes} classes and images {image}");
        SetAgreement agreement = SetAgreement.Of(artifact, data);
        if (agreement.Contradiction is { } contradiction)
            throw Others($"the data ({contradiction.TrimEnd('.')})");
        if (artifact.Metadata.TryGetValue("test_sha256", out string? hash) && hash != data.Test.ContentHash())
            throw Others("the test images");
        if (agreement.Note is { } note)
            terminal.Say($"{what}: {note}");
    }

    private DatasetPair LoadDataOf(SyntheticArtifact artifact, RunSettings given) =>
        load(OfSet(artifact, WithDataOf(terminal, artifact, given)));

    /// <summary>Settings by which the very data are loaded that a set was made from and evaluated on.</summary>
    internal static RunSettings OfSet(SyntheticArtifact artifact, RunSettings given) => given with
    {
        Dataset = artifact.Dataset, ImageSize = artifact.Settings?.ImageSize,
        ValidationShare = artifact.Settings?.ValidationShare, Seed = artifact.Settings?.Seed ?? given.Seed,
    };

    /// <summary>Settings with the folder of data that the set's own run read, where they name none. That the data are the set's is
    /// checked either way.</summary>
    internal static RunSettings WithDataOf(Terminal terminal, SyntheticArtifact artifact, RunSettings given)
    {
        if (given.Data is not null || RunFolder.OfSet(artifact.Source) is not { } run || DataIn(run.Config) is not { } recorded)
            return given;
        terminal.Say($"Data: {ShownPath.Of(recorded)}, which the set's run read.");
        return given with { Data = recorded };
    }

    // A damaged configuration is told where the set is held to it.
    private static string? DataIn(string config) => SettingsIn(config)?.Data;

    internal static RunSettings? SettingsIn(string config)
    {
        try
        {
            return ConfigFile.Read(config).Resolved.Settings;
        }
        catch (Exception e) when (e is DistillException or IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private (Accuracy Exact, Accuracy Pixels) MeasurePixels(
        SyntheticArtifact artifact, PixelView pixels, DatasetPair data, RunSettings given)
    {
        _ = pixels.Pixels; // what cannot be shown is told before the networks are trained
        Backend backend = OpenDevice(given, artifact);
        using var evaluator = new ArtifactEvaluator(artifact, data, backend, cancel);
        using IProgressView progress = terminal.MakeProgress();
        return (evaluator.Evaluate(progress, "images"), evaluator.Evaluate(progress, "8-bit pixels", pixels.ToTrainingImages(backend)));
    }

    private void Show(Verification found)
    {
        foreach (VerificationCheck check in found.Checks)
            terminal.Mark(check.Passed, check.Text);
        if (terminal.IsJson)
            terminal.Data.WriteLine(JsonSerializer.Serialize(found, JsonText.Options));
    }

    private Backend OpenDevice(RunSettings given, SyntheticArtifact artifact) =>
        RunCommands.OpenDevice(terminal, given with { Precision = artifact.Settings?.Precision });
}
