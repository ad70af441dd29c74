using System.Globalization;
using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// 'export' of a network: the last θ of a recorded expert, or the first network of a set's claim, which is trained on the set
/// again.
/// </summary>
internal sealed class NetworkExport(
    Terminal terminal, Func<RunSettings, DatasetPair> load, CancellationToken cancel)
{
    /// <summary>Writes the network that a path means: a run folder (an expert of it), an expert's file, or a set.</summary>
    /// <param name="named">Which; a run folder also by its name below --out, or "latest".</param>
    /// <param name="expert">The number of the expert of a run folder; null for the first.</param>
    /// <param name="file">The file to make; null for one beside what the path names.</param>
    /// <param name="given">Where the data are, and the device.</param>
    /// <exception cref="DistillException">The path is none of these, or it and the data do not fit each other.</exception>
    public void Export(string named, int? expert, string? file, RunSettings given)
    {
        string path = RunOf(named, given.Out);
        string? recorded = ExpertFileOf(path, expert ?? 0);
        if (expert is not null && !Directory.Exists(path))
            throw new DistillException(ExitCode.Usage, "IM2022", $"--expert chooses one of a run folder, and {path} is a file. Leave it out.");
        string made = file ?? Path.ChangeExtension(recorded ?? path, ".onnx");
        TrainedNetwork trained = recorded is null ? OfSet(path, given) : OfExpert(recorded, path, given);
        OnnxForm.Write(trained, made);
        terminal.Show(string.Create(
            CultureInfo.InvariantCulture,
            $"{trained.Network.Name}, {trained.Accuracy:F1} % on the {trained.Images}, as ONNX in {ShownPath.Of(made)}"));
        terminal.Show("Its input 'images' takes pixels as numbers from 0 to 1, [N, C, H, W]; its output is 'logits'.");
        if (terminal.IsJson)
        {
            terminal.Data.WriteLine(JsonSerializer.Serialize(
                new { File = made, Target = "onnx", Network = trained.Network.Name, trained.Accuracy }, JsonText.Options));
        }
    }

    private static string RunOf(string named, string root)
    {
        static bool HasExperts(string run) =>
            File.Exists(Path.Combine(run, RunFolder.ConfigName)) && ExpertLibrary.AreIn(RunFolder.ExpertsOf(run));
        if (named == RunFolder.LatestWord)
        {
            return RunFolder.Newest(root, HasExperts) ?? throw new DistillException(
                ExitCode.Usage, "IM2003",
                $"no run below {root} has recorded experts of its own. Name a set, an expert or a run folder, or start a run with 'train'.");
        }
        string below = Path.Combine(root, named);
        return !Path.Exists(named) && File.Exists(Path.Combine(below, RunFolder.ConfigName)) ? below : named;
    }

    // The file of an expert that a path means; null where it is a set's.
    private static string? ExpertFileOf(string path, int number)
    {
        if (Directory.Exists(path))
        {
            RunSettings settings = ConfigFile.Read(Path.Combine(path, RunFolder.ConfigName)).Resolved.Settings;
            string found = ExpertLibrary.FileOf(settings.ExpertsFrom ?? RunFolder.ExpertsOf(path), number);
            return File.Exists(found)
                ? found
                : throw new DistillException(
                    ExitCode.Usage, "IM2023",
                    $"{path} has no expert {number} ({found} is not there); it was asked for {settings.Experts}, counted from 0.");
        }
        if (!File.Exists(path))
            throw new DistillException(ExitCode.Data, "IM3020", $"{path} does not exist. Name a set, an expert or a run folder.");
        return TrajectoryFile.IsOne(path) ? path : null;
    }

    private TrainedNetwork OfExpert(string file, string path, RunSettings given)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string run = Directory.Exists(path) ? path : Path.GetDirectoryName(folder)!;
        string config = Path.Combine(run, RunFolder.ConfigName);
        if (!File.Exists(config))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2024",
                $"{file} does not lie in a run folder, whose config.json says how its images were prepared. Name the run folder of " +
                "the 'train' or 'distill' that recorded it, and the expert with --expert.");
        }
        RunSettings recorded = ConfigFile.Read(config, terminal.Say).Resolved.Settings;
        RunSettings settings = recorded with
        {
            Data = given.Data ?? recorded.Data, Device = given.Device, Threads = given.Threads, MemoryLimit = given.MemoryLimit,
        };
        Backend backend = RunCommands.OpenDevice(terminal, settings);
        DatasetPair pair = load(settings);
        using IProgressView progress = terminal.MakeProgress();
        using PreparedData data = PreparedData.Load(pair, backend, settings, progress, cancel);
        Network network = data.NetworkOf(settings, settings.Width);
        int number = ExpertLibrary.NumberOf(file);
        try
        {
            using Expert expert = new ExpertJob(settings, network, data, folder, number).Open();
            using var scope = TensorScope.Begin();
            Tensor theta = expert.Trajectory.Theta(expert.Trajectory.Count - 1, backend, DType.Float32);
            return new TrainedNetwork(network, theta.ToArray<float>(), Math.Round(100 * expert.Trajectory.Accuracy, 6))
            {
                Standardisation = pair.Standardisation,
                Whitening = data.Whitening,
                Classes = [.. pair.Train.ClassNames],
                Images = pair.EvaluationImages,
                Texts = Texts(pair, $"the training images of {pair.Name}", 100 * expert.Trajectory.Accuracy),
            };
        }
        catch (TrajectoryException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2006", e.Message, e);
        }
    }

    private TrainedNetwork OfSet(string path, RunSettings given)
    {
        if (File.Exists(path) && PairArtifact.IsIn(path))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2034",
                $"{path} is a set of image-text pairs, and no heads for pairs can be written as ONNX. Export the set itself, such as with --to npz.");
        }
        SyntheticArtifact artifact = SyntheticArtifact.Read(path);
        ArtifactCommands.SayWhatIsMissing(terminal, artifact);
        Backend backend = RunCommands.OpenDevice(terminal, given with { Precision = artifact.Settings?.Precision });
        DatasetPair pair = load(ArtifactCommands.OfSet(artifact, given));
        ArtifactCommands.RequireOwn(terminal, artifact, pair, "export of a network", "--to onnx");
        using var evaluator = new ArtifactEvaluator(artifact, pair, backend, cancel);
        using IProgressView progress = terminal.MakeProgress();
        (Network network, float[] theta, double accuracy) = evaluator.TrainFirst(progress);
        return new TrainedNetwork(network, theta, accuracy)
        {
            Standardisation = artifact.Standardisation,
            Whitening = artifact.Whitening,
            Classes = artifact.ClassNames,
            Images = pair.EvaluationImages,
            Texts = Texts(pair, $"the distilled set {artifact.Metadata["set_sha256"]}", accuracy),
        };
    }

    private static Dictionary<string, string> Texts(DatasetPair pair, string trainedOn, double accuracy) =>
        new(StringComparer.Ordinal)
        {
            ["dataset"] = pair.Name,
            ["trained_on"] = trainedOn,
            ["test_accuracy"] = string.Create(CultureInfo.InvariantCulture, $"{accuracy:F2} % of {pair.Test.Count} {pair.EvaluationImages}"),
            ["software"] = $"InfMatch {EnvironmentReport.Version} {EnvironmentReport.Commit}",
        };
}
