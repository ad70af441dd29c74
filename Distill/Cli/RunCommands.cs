using System.Globalization;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using Spectre.Console;

namespace InfMatch.Distill;

/// <summary>What each command does.</summary>
internal sealed partial class RunCommands(
    Terminal terminal, Func<RunSettings, DatasetPair> load, string command, bool json, CancellationToken cancel)
{
    /// <summary>The demonstration, and 'distill': a new run.</summary>
    public void Distill(string asked, ResolvedSettings resolved)
    {
        RunSettings settings = resolved.Settings;
        Backend backend = OpenDevice(settings);
        RunFolder.RequireWritable(settings.Out);
        DatasetPair pair = load(settings);
        RequireImages(pair, settings);
        string what = $"ipc{string.Join('-', settings.Ipc)}";
        using RunFolder folder = RunFolder.Create(
            settings.Out,
            RunFolder.NameOf(TimeProvider.System.GetLocalNow().DateTime, settings.Dataset, what, settings.Seed));
        ConfigFile.Save(folder.Config, asked, resolved);
        AtomicFile.WriteAllText(folder.Environment, EnvironmentReport.Write(backend, settings.Threads));
        Execute(folder, settings, pair, backend);
    }

    /// <summary>'resume': the rest of a run.</summary>
    public void Resume(string? run, ResolvedSettings given)
    {
        string path = RunFolder.Find(run, given.Settings.Out);
        using RunFolder folder = RunFolder.Open(path);
        (_, ResolvedSettings recorded) = ConfigFile.Read(folder.Config);
        RunSettings settings = recorded.Settings with
        {
            Device = given.IsGiven("Device") ? given.Settings.Device : recorded.Settings.Device,
            Threads = given.IsGiven("Threads") ? given.Settings.Threads : recorded.Settings.Threads,
            MemoryLimit = given.IsGiven("MemoryLimit") ? given.Settings.MemoryLimit : recorded.Settings.MemoryLimit,
        };
        Backend backend = OpenDevice(settings);
        string environment = EnvironmentReport.Write(backend, settings.Threads);
        if (File.Exists(folder.Environment) && File.ReadAllText(folder.Environment) != environment)
        {
            terminal.Say(
                $"{command}: the machine or the build is not the one that began this run; bits may differ from here on.");
        }
        DatasetPair pair = load(settings);
        if (File.Exists(Path.Combine(path, AblationSummary.FileName)))
            AblateRows(folder, AblationSummary.Read(path), recorded with { Settings = settings }, pair, backend);
        else
            Execute(folder, settings, pair, backend);
    }

    /// <summary>'train': experts alone.</summary>
    public void Train(ResolvedSettings resolved)
    {
        RunSettings settings = resolved.Settings;
        Backend backend = OpenDevice(settings);
        RunFolder.RequireWritable(settings.Out);
        DatasetPair pair = load(settings);
        using RunFolder folder = RunFolder.Create(
            settings.Out,
            RunFolder.NameOf(TimeProvider.System.GetLocalNow().DateTime, settings.Dataset, "experts", settings.Seed));
        ConfigFile.Save(folder.Config, "train", resolved);
        AtomicFile.WriteAllText(folder.Environment, EnvironmentReport.Write(backend, settings.Threads));
        using PreparedData data = Prepare(pair, backend, settings);
        Network network = Translation.NetworkOf(settings, data, settings.Width);
        string experts = settings.ExpertsFrom ?? folder.Experts;
        new Requirements(
            ExpertLibrary.MissingBytes(settings, network, data, experts),
            Requirements.Memory(
                data.Train.Count, data.TestImages.Shape[0], Math.Min(settings.ExpertBatch, data.Train.Count), [network],
                Trainer.StepsPerRead, whitening: data.Whitening)).Check(folder.Path, backend);
        Accuracy accuracy;
        using (IProgressView progress = terminal.MakeProgress())
        {
            using var library = ExpertLibrary.Gather(settings, network, data, experts, progress, cancel);
            accuracy = library.Accuracy;
        }
        terminal.Say($"Experts: {accuracy} % on the test images by their own plan ({settings.Experts} × {network.Name}), in {experts}");
        terminal.Say($"Next: {ShellWord.Program} distill{ShellWord.Option("--experts-from", experts)} with the same expert options");
        if (json)
            terminal.Data.WriteLine(accuracy.ToJson("whole"));
    }

    /// <summary>'evaluate': a set beside random real images, or these alone, by a ConvNet or by each of some
    /// architectures.</summary>
    public void Evaluate(string? path, ResolvedSettings resolved, IReadOnlyList<string> models)
    {
        RunSettings settings = resolved.Settings;
        long start = TimeProvider.System.GetTimestamp();
        Backend backend = OpenDevice(settings);
        SyntheticSet? set = null;
        ZcaWhitening? whitening = null;
        string estimator = "none";
        if (path is not null)
        {
            SyntheticArtifact artifact = SyntheticArtifact.Read(path);
            IReadOnlyDictionary<string, string> metadata = artifact.Metadata;
            ArtifactCommands.SayWhatIsMissing(terminal, artifact);
            set = artifact.ToSet(backend);
            estimator = metadata.GetValueOrDefault("estimator", "unknown");
            whitening = artifact.Whitening;
            if (resolved.IsGiven("Zca") && settings.Zca != whitening?.Epsilon)
            {
                throw DistillException.BadValue(
                    "--zca", $"{settings.Zca?.ToString(CultureInfo.InvariantCulture) ?? "none"}",
                    $"nothing beside a set, whose own whitening counts ({whitening?.ToString() ?? "none"})");
            }
            settings = settings with
            {
                Zca = whitening?.Epsilon,
                Factor = null,
                Dataset = resolved.IsGiven("Dataset") ? settings.Dataset : metadata["dataset"],
                ImageSize = resolved.IsGiven("ImageSize") ? settings.ImageSize : artifact.Settings?.ImageSize,
                Model = resolved.IsGiven("Model") ? settings.Model : artifact.Settings?.Model,
                Norm = resolved.IsGiven("Norm") ? settings.Norm : artifact.Settings?.Norm,
                Pooling = resolved.IsGiven("Pooling") ? settings.Pooling : artifact.Settings?.Pooling,
                Depth = resolved.IsGiven("Depth")
                    ? settings.Depth
                    : int.Parse(metadata["depth"], CultureInfo.InvariantCulture),
            };
        }
        DatasetPair pair = load(settings);
        using PreparedData data = set is null
            ? Prepare(pair, backend, settings)
            : LoadFor(set, path!, pair, backend, whitening);
        if (set is not null)
            settings = settings with { Ipc = [set.Count / data.Classes], Factor = set.Factor };
        Network[] networks = models.Count == 0
            ? [Translation.NetworkOf(settings, data, settings.EvalWidth)]
            : [.. models.Select(m => Translation.NetworkOf(
                settings, data, settings.EvalWidth, OptionText.OneOf("--models", m, Architectures.Names)))];
        TrainingPlan plan = Protocols.Plan(settings, pair.Name);
        IReadOnlyList<int> images = DistillationRun.ImagesOfSets(settings, data.Classes);
        new Requirements(0, Requirements.Memory(
            data.Train.Count, data.TestImages.Shape[0],
            Math.Min(plan.BatchSize, images.Max()), networks, 0,
            whitening: data.Whitening,
            judging: NetworkJudge.NumbersHeld(networks, images, plan, backend))).Check(".", backend);
        RunSettings? recorded = RecordedExperts(path, settings, resolved.IsGiven("ExpertsFrom"));
        RandomKey key = RandomKey.FromSeed(settings.Seed);
        var results = new List<IpcResult>();
        using (IProgressView progress = terminal.MakeProgress())
        {
            using ExpertLibrary? library = recorded is null ? null : ExpertLibrary.Gather(
                recorded, Translation.NetworkOf(recorded, data, recorded.Width), data, recorded.ExpertsFrom!, progress, cancel);
            var real = new RealImages(
                data, library?.Experts ?? [], (recorded ?? settings).Temperature, key.Split("real"));
            foreach ((Network network, int ipc) in networks.SelectMany(n => settings.Ipc.Select(ipc => (n, ipc))))
            {
                var judge = new NetworkJudge(network, settings, data, key.Split("judge"), cancel);
                string by = models.Count == 0 ? "" : $" ({network.Name})";
                var found = new AccuracySet { Whole = library?.Accuracy };
                JudgedSet Column(string what, Func<int, LabelledImages> setOf, Func<AccuracySet, Accuracy, AccuracySet> with) =>
                    new($"IPC {ipc}: {what}{by}", setOf, accuracy => found = with(found, accuracy));
                var sets = new List<JudgedSet>();
                if (set is not null)
                    sets.Add(Column("distilled", _ => set.AsTrainingSet(), (all, a) => all with { Distilled = a }));
                sets.Add(Column("random real", r => real.Random(ipc, r), (all, a) => all with { RandomReal = a }));
                if (library is not null)
                {
                    sets.Add(Column(
                        "random real + soft labels", r => real.RandomWithSoftLabels(ipc, r),
                        (all, a) => all with { RandomRealSoftLabels = a }));
                }
                judge.Judge(sets, settings.Repeats, progress);
                results.Add(new IpcResult(ipc, estimator, found)
                {
                    Network = models.Count == 0 ? null : network.Name,
                });
            }
        }
        var summary = new Summary
        {
            Seconds = Math.Round(TimeProvider.System.GetElapsedTime(start).TotalSeconds, 1),
            Device = backend.Description,
            PeakMemoryBytes = backend.Memory.Peak,
            Dataset = pair.Name,
            Commit = EnvironmentReport.Commit,
            Complete = true,
            ProtocolName = Protocols.NameOf(settings),
            Protocol = Protocols.Describe(settings, pair.Name, string.Join(", ", networks.Select(n => n.Name))),
            WholeSet = recorded is null ? null : Translation.DescribeExperts(recorded),
            Results = results,
        };
        Show(summary);
        if (json)
            terminal.Data.WriteLine(summary.ToJson());
    }

    private void Execute(RunFolder folder, RunSettings settings, DatasetPair pair, Backend backend)
    {
        terminal.Say($"Data: {pair.Train}; seed {settings.Seed}");
        terminal.Say($"Version: {EnvironmentReport.Version} {EnvironmentReport.Commit}");
        terminal.Say($"Run folder: {folder.Path}");
        if (!ImageGrid.HasFont)
            terminal.Say("No font is installed: class names are left out of the pictures.");
        Summary summary;
        using (IProgressView progress = terminal.MakeProgress())
        {
            try
            {
                summary = new DistillationRun(folder, settings, pair, backend, progress, cancel).Execute();
            }
            catch (OperationCanceledException)
            {
                progress.Note($"Saved what there is. Continue with: {ShellWord.Program} resume {ShellWord.OfPath(folder.Path)}");
                if (json && File.Exists(folder.Summary)) // there is none before the data are prepared
                    terminal.Data.WriteLine(Summary.Read(folder.Summary).ToJson());
                throw;
            }
            catch (DeviceMemoryException)
            {
                progress.Note(
                    "Saved what there is. With a larger --memory-limit or another --device it continues: " +
                    $"{ShellWord.Program} resume {ShellWord.OfPath(folder.Path)}");
                throw;
            }
        }
        Show(summary);
        int largest = settings.Ipc.Max();
        terminal.Say($"Sets:     {Path.GetDirectoryName(folder.Set(largest))}");
        terminal.Say($"Pictures: {Path.GetDirectoryName(folder.Picture(largest, ""))}");
        terminal.Say($"Summary:  {folder.Summary}");
        string set = ShellWord.OfPath(folder.Set(largest)), data = ShellWord.Option("--data", settings.Data);
        terminal.Say(
            $"Next:     {ShellWord.Program} evaluate {set}{data} " +
            "--eval-width 128 --epochs 1000 --repeats 5");
        terminal.Say($"          {ShellWord.Program} verify {set}{data}");
        if (json)
            terminal.Data.WriteLine(summary.ToJson());
    }

    private void Show(Summary summary)
    {
        var table = new Table().Title(Markup.Escape(PrintableText.Of($"Test accuracy in percent, {summary.Dataset}")));
        bool areMany = summary.Results.Any(r => r.Network is not null);
        if (areMany)
            table.AddColumn("network");
        foreach (string column in (string[])
            ["images per class", "random real", "random real + soft labels", "distilled", "whole set"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (IpcResult result in summary.Results)
        {
            AccuracySet accuracy = result.Accuracy;
            string[] cells =
            [
                $"{result.Ipc}", Cell(accuracy.RandomReal), Cell(accuracy.RandomRealSoftLabels), Cell(accuracy.Distilled),
                Cell(accuracy.Whole),
            ];
            table.AddRow(areMany ? [Markup.Escape(PrintableText.Of(result.Network ?? "")), .. cells] : cells);
        }
        terminal.Console.Write(table);
        terminal.Say($"Mean ± standard deviation, {summary.Protocol}.");
        if (summary.Results.Any(r => r.Accuracy.Whole is not null))
            terminal.Say($"Whole set: {summary.WholeSet}.");
        terminal.Say(
            $"{Durations.Text(TimeSpan.FromSeconds(summary.Seconds))} on {summary.Device}; " +
            $"memory {ByteSize.Text(summary.PeakMemoryBytes)} at most");
    }

    // The settings under which experts were recorded whose soft labels and accuracy stand beside a set's: those named,
    // or those of the run in whose folder the set lies. None is trained here.
    private RunSettings? RecordedExperts(string? set, RunSettings settings, bool areNamed)
    {
        if (areNamed)
        {
            return ExpertLibrary.Missing(settings, settings.ExpertsFrom!) is [string missing, ..]
                ? throw new DistillException(
                    ExitCode.Data, "IM3024",
                    $"the expert {missing} does not exist. Correct --experts-from or --experts, or record it: " +
                    $"{ShellWord.Program} train{ShellWord.Option("--experts-from", settings.ExpertsFrom)}")
                : settings;
        }
        string? why = "none are named";
        if (set is not null && RunFolder.OfSet(set) is { } run)
        {
            RunSettings own = ConfigFile.Read(run.Config).Resolved.Settings;
            own = own with { ExpertsFrom = own.ExpertsFrom ?? run.Experts };
            why = own.Dataset != settings.Dataset ? $"those of its run saw {own.Dataset}"
                : ExpertLibrary.Missing(own, own.ExpertsFrom) is [string missing, ..] ? $"{missing} is gone"
                : null;
            if (why is null)
                return own;
        }
        terminal.Say($"Soft labels and the whole set are not judged, they take recorded experts: {why} (--experts-from).");
        return null;
    }

    // So many images of each class as the largest set starts from.
    private static void RequireImages(DatasetPair pair, RunSettings settings) =>
        pair.Train.FirstOfEachClass(settings.Ipc.Max() * (settings.Factor ?? 1) * (settings.Factor ?? 1));

    private PreparedData Prepare(DatasetPair pair, Backend backend, RunSettings settings)
    {
        using IProgressView progress = terminal.MakeProgress();
        return PreparedData.Load(pair, backend, settings, progress, cancel);
    }

    // The data as the set's own whitening prepares them.
    private static PreparedData LoadFor(
        SyntheticSet set, string path, DatasetPair pair, Backend backend, ZcaWhitening? whitening)
    {
        RequireFit(set, new Shape(pair.Train.Channels, pair.Train.Height, pair.Train.Width), pair, path);
        return PreparedData.Load(pair, backend, whitening);
    }

    private static string Cell(Accuracy? accuracy) =>
        accuracy is null ? "-" : accuracy.Best is { } best ? $"{accuracy} (best {best})" : $"{accuracy}";

    private static void RequireFit(SyntheticSet set, Shape image, DatasetPair pair, string path)
    {
        int classes = pair.Train.Classes;
        var own = new Shape(set.Images.Shape.Sizes[1..]);
        if (own != image || set.LabelLogits.Shape[1] != classes || set.Count % classes != 0)
        {
            throw new DistillException(
                ExitCode.Data, "IM3023",
                $"{path} holds {set.Count} images {own} of {set.LabelLogits.Shape[1]} classes, {pair.Name} has images " +
                $"{image} of {classes} classes. Name the set's own data set with --dataset.");
        }
    }

    private Backend OpenDevice(RunSettings settings) => OpenDevice(terminal, settings);

    /// <summary>The device of the settings, and a line that says which it is and why.</summary>
    internal static Backend OpenDevice(Terminal terminal, RunSettings settings)
    {
        OpenedDevice device = Devices.Open(
            settings.Device, settings.Threads, ByteSize.Limit(settings.MemoryLimit),
            Precisions.Named(settings.Precision ?? Precisions.Names[0]));
        terminal.Say($"Device: {device.Backend.Description}. {device.Reason}");
        return device.Backend;
    }
}
