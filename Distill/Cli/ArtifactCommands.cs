using System.CommandLine;
using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>'verify' and 'export': what is done with a finished set.</summary>
internal sealed class ArtifactCommands(
    Terminal terminal, Func<RunSettings, DatasetPair> load, CancellationToken cancel)
{
    private const string VerifyHelp =
        """
        Checks a distilled set: the file's types, shapes, numbers and hashes, then whether networks that are trained on it
        reach the accuracy that it claims, by its own protocol, network, epochs, repeats and seed. On the processor and
        build of the claim every network must be the same; elsewhere the means must agree within the combined deviation.
        Ends with 0 where all is so and the claim holds, and with 3 where not.

        Examples:
          dotnet run --project Distill -- verify runs/RUN/synthetic/ipc10.safetensors
          dotnet run --project Distill -- verify set.safetensors --quick --json
        """;

    private const string ExportHelp =
        """
        Writes a distilled set for other programs into a new folder: as arrays (npz, safetensors), as numbered pictures with
        tables (png), or as a folder of pictures for each class (imagefolder). Beside it stand a dataset card and
        load_infmatch.py, which loads it in PyTorch, preprocesses test images and trains on it. Pictures hold 8 bits a
        channel: the command says what that loses.

        Examples:
          dotnet run --project Distill -- export runs/RUN/synthetic/ipc10.safetensors --to npz
          dotnet run --project Distill -- export set.safetensors --to imagefolder --out pictures --measure
        """;

    /// <summary>The two commands with their options.</summary>
    public static Command[] Make(
        IReadOnlyList<Setting> settings, Func<ParseResult, ArtifactCommands> commands,
        Func<ParseResult, ResolvedSettings> resolve)
    {
        var file = new Argument<string>("FILE") { Description = "A distilled set." };
        var quick = new Option<bool>("--quick") { Description = "Look at the file only; train nothing, need no data." };
        var to = new Option<string>("--to")
        {
            Description = $"The form: {string.Join(", ", ArtifactExport.Targets)}.", HelpName = "NAME", Required = true,
        };
        to.CompletionSources.Add([.. ArtifactExport.Targets]);
        var folder = new Option<string>("--out")
        {
            Description = "The folder to make; without it FILE's name with the form behind it.", HelpName = "FOLDER",
        };
        var testImages = new Option<bool>("--test-images")
        {
            Description = "Also write test.npz: the test images of the claim as uint8 with their labels, for load_infmatch.py.",
        };
        var measure = new Option<bool>("--measure")
        {
            Description = "Train on the set and on its pixels by its own protocol, and tell both accuracies.",
        };
        var verify = new Command("verify", VerifyHelp) { file, quick };
        verify.SetAction(r => commands(r).Verify(r.GetValue(file)!, resolve(r).Settings, r.GetValue(quick)));
        var export = new Command("export", ExportHelp) { file, to, folder, measure, testImages };
        export.SetAction(r => commands(r).Export(
            r.GetValue(file)!, OptionText.OneOf("--to", r.GetValue(to)!, ArtifactExport.Targets), r.GetValue(folder),
            r.GetValue(measure), r.GetValue(testImages), resolve(r).Settings));
        foreach (Setting setting in settings)
        {
            verify.Options.Add(setting.Option);
            export.Options.Add(setting.Option);
        }
        return [verify, export];
    }

    /// <summary>Tells people what an older file does not hold.</summary>
    public static void SayWhatIsMissing(Terminal terminal, SyntheticArtifact artifact)
    {
        if (artifact.Missing.Count > 0)
            terminal.Say(
                $"{artifact.Source} has the format {artifact.Metadata["format"]}: it lacks {string.Join("; ", artifact.Missing)}.");
    }

    private void Verify(string path, RunSettings given, bool quick)
    {
        SyntheticArtifact artifact;
        try
        {
            artifact = SyntheticArtifact.Read(path);
        }
        catch (Exception e) when (e is DistillException or ArrayFileException)
        {
            Show(new Verification
            {
                File = path,
                Passed = false,
                Holds = quick ? null : false,
                Checks = [new VerificationCheck("file", false, e.Message)],
            });
            throw;
        }
        SayWhatIsMissing(terminal, artifact);
        Verification found = Verification.OfFile(artifact, path);
        if (!quick)
            found = Measure(found, artifact, given);
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
        terminal.Show(quick ? "The file is sound. Whether its claim holds was not measured." : "The claim holds.");
    }

    private Verification Measure(Verification found, SyntheticArtifact artifact, RunSettings given)
    {
        if (artifact.Settings is not null && artifact.Claim is null)
        {
            throw new DistillException(
                ExitCode.Data, "IM3045",
                $"{artifact.Source} claims no accuracy, its run ended before one was measured. End the run with 'resume', or look " +
                "at the file with --quick.");
        }
        Backend backend = OpenDevice(given, artifact);
        DatasetPair pair = LoadDataOf(artifact, given);
        if (artifact.Settings is not null) // the first format is refused by the evaluator
        {
            found = found.WithData(artifact, pair);
            if (RunFolder.OfSet(artifact.Source) is { } run)
                found = found.WithOrigin(SetOrigin.Problem(artifact, run.Config, run.Experts));
        }
        if (!found.Passed)
            return found;
        using var evaluator = new ArtifactEvaluator(artifact, pair, backend, cancel);
        Accuracy measured;
        using (IProgressView progress = terminal.MakeProgress())
            measured = evaluator.Evaluate(progress, "verifying");
        return found.WithMeasured(artifact.Claim!, measured, Claim.EnvironmentOf(backend), pair.Test.Count);
    }

    private void Export(string path, string target, string? folder, bool measure, bool testImages, RunSettings given)
    {
        if (folder?.Trim().Length == 0)
            throw DistillException.BadValue("--out", folder, "a folder");
        SyntheticArtifact artifact = SyntheticArtifact.Read(path);
        SayWhatIsMissing(terminal, artifact);
        string made = folder ?? $"{Path.ChangeExtension(path, null)}-{target}";
        using var export = new ExportFolder(made);
        DatasetPair? data = measure || testImages ? LoadDataOf(artifact, given) : null;
        if (data is not null)
            RequireOwn(artifact, data, measure ? "--measure" : "--test-images");
        var pixels = new PixelView(artifact);
        (Accuracy Exact, Accuracy Pixels)? measured = measure ? MeasurePixels(artifact, pixels, data!, given) : null;
        new ArtifactExport(artifact, pixels) { Measured = measured, TestImages = testImages ? data!.Test : null }
            .Write(target, export);
        export.Complete();
        terminal.Show(
            $"{artifact.Count} images of {artifact.Classes} classes as {target}, with README.md and load_infmatch.py, in {made}");
        bool isLossy = ArtifactExport.IsPictures(target);
        if (isLossy)
            terminal.Show($"Lossy: {pixels.Loss}.");
        if (measured is { } m)
            terminal.Show($"Test accuracy: {m.Exact.Shown} % with the images, {m.Pixels.Shown} % with their 8-bit pixels.");
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

    // The first format does not have the hash of the test images: there sizes, names of classes and training images decide.
    private void RequireOwn(SyntheticArtifact artifact, DatasetPair data, string option)
    {
        DistillException Others(string what) => new(
            ExitCode.Data, "IM3046",
            $"{what} of {artifact.Dataset} here are not those of {artifact.Source}. Name the folder of the set's own data with " +
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
            terminal.Say($"export: {note}");
    }

    private DatasetPair LoadDataOf(SyntheticArtifact artifact, RunSettings given) => load(given with
    {
        Dataset = artifact.Dataset, ImageSize = artifact.Settings?.ImageSize,
    });

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
