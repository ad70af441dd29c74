using System.Globalization;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>What each command does.</summary>
internal sealed partial class RunCommands(
    Terminal terminal, Func<RunSettings, DatasetPair> load, string command, CancellationToken cancel, bool isPlan = false)
{
    // With fewer the choice of test images matters more than what is compared.
    private const int FewTestImages = 500;

    /// <summary>The ranks that distil together; this process alone by default.</summary>
    public RankGroup Ranks { get; init; } = RankGroup.Alone;

    /// <summary>The demonstration, and 'distill': a new run.</summary>
    public void Distill(string asked, ResolvedSettings resolved)
    {
        RunSettings settings = resolved.Settings;
        if (GoesOn(asked, resolved))
            return;
        if (settings.IsOfPairs)
        {
            DistilPairs(asked, resolved);
            return;
        }
        Backend backend = OpenDevice(settings);
        if (!IsToWrite(settings, backend))
            return;
        RequireWritable(settings.Out);
        DatasetPair pair = load(settings);
        (PreparedData prepared, Requirements needs) = PrepareChecked(settings, pair, backend, settings.Out, settings.ExpertsFrom);
        using PreparedData data = prepared;
        if (isPlan)
        {
            Show(PlanOf(settings, data, needs, null), settings, backend);
            return;
        }
        using RunFolder folder = NewFolder(settings, $"ipc{string.Join('-', settings.Ipc)}", ConfigFile.Write(asked, resolved));
        RunData.Save(folder.Path, pair);
        AtomicFile.WriteAllText(folder.Environment, EnvironmentReport.Write(backend, settings.Threads, Ranks.Count));
        Execute(folder, settings, data, needs);
    }

    /// <summary>'resume': the rest of a run.</summary>
    public void Resume(string? run, ResolvedSettings given)
    {
        string path = PathOfRanks(() => ToResume(run, given.Settings.Out));
        if (!Ranks.Step.IsFirst)
        {
            (_, ResolvedSettings own) = ConfigFile.Read(ConfigToFollow(path));
            RunSettings followed = Moved(own.Settings, given);
            IsToWrite(followed, OpenDevice(followed));
            return;
        }
        if (BenchmarkFile.IsIn(path))
        {
            RefuseRanks("a benchmark");
            ResumeBenchmark(path, given, atOnce: 1);
            return;
        }
        using RunFolder folder = RunFolder.Open(path);
        (string begun, ResolvedSettings recorded) = ConfigFile.Read(folder.Config, terminal.Say);
        RunSettings settings = Moved(recorded.Settings, given);
        if (begun is "evaluate" or "train")
            RefuseRanks($"a run of '{begun}'");
        Backend backend = OpenDevice(settings);
        IsToWrite(settings, backend);
        string environment = EnvironmentReport.Write(backend, settings.Threads, Ranks.Count);
        if (EnvironmentReport.Compare(folder.Environment, environment) is { } other)
            terminal.Say($"{command}: {other}");
        if (settings.IsOfPairs)
        {
            ResumePairs(folder, begun, settings, backend);
            return;
        }
        if (begun == "evaluate")
        {
            ResumeEvaluation(folder, settings, backend);
            return;
        }
        DatasetPair pair = load(settings);
        if (!RunData.Require(path, pair))
            terminal.Say($"{command}: the run does not tell which data it began on; the experts know their training images only.");
        if (File.Exists(Path.Combine(path, AblationSummary.FileName)))
        {
            RefuseRanks("an ablation");
            ResumeAblation(folder, recorded with { Settings = settings }, pair, backend);
            return;
        }
        string experts = settings.ExpertsFrom ?? folder.Experts;
        if (begun == "train")
        {
            TrainExperts(folder, settings, PrepareTraining(settings, pair, backend, folder.Path, experts));
            return;
        }
        (PreparedData prepared, Requirements needs) = PrepareChecked(settings, pair, backend, folder.Path, experts);
        using PreparedData data = prepared;
        if (isPlan)
            Show(PlanOf(settings, data, needs, folder), settings, backend);
        else
            Execute(folder, settings, data, needs);
    }

    // Where and on what a run goes on; the rest is as it began.
    private static RunSettings Moved(RunSettings recorded, ResolvedSettings given) => recorded with
    {
        Device = given.IsGiven("Device") ? given.Settings.Device : recorded.Device,
        Threads = given.IsGiven("Threads") ? given.Settings.Threads : recorded.Threads,
        MemoryLimit = given.IsGiven("MemoryLimit") ? given.Settings.MemoryLimit : recorded.MemoryLimit,
        // Only what is named: a variable of the shell may be there for other sets.
        Data = given.IsOnCommandLine("Data") ? given.Settings.Data : recorded.Data,
        ExpertsFrom = given.IsOnCommandLine("ExpertsFrom") ? given.Settings.ExpertsFrom : recorded.ExpertsFrom,
        StartFrom = MovedTo("StartFrom", recorded.StartFrom, given) ?? recorded.StartFrom,
        LabelFrom = MovedTo("LabelFrom", recorded.LabelFrom, given) ?? recorded.LabelFrom,
        ImageEncoder = MovedTo("ImageEncoder", recorded.ImageEncoder, given) ?? recorded.ImageEncoder,
        BaselinesFrom = MovedTo("BaselinesFrom", recorded.BaselinesFrom, given) ?? recorded.BaselinesFrom,
    };

    // Where something is now, if that is named; a run that began without it cannot be given it later.
    private static string? MovedTo(string property, string? recorded, ResolvedSettings given)
    {
        if (!given.IsOnCommandLine(property))
            return null;
        Setting setting = Settings.Of(property);
        string to = setting.Show(given.Settings);
        return recorded is null
            ? throw DistillException.BadValue(setting.Name, to, "nothing beside this run, which began without it and goes on as it began")
            : to;
    }

    /// <summary>'train': experts alone.</summary>
    public void Train(ResolvedSettings resolved)
    {
        RunSettings settings = resolved.Settings;
        if (Choice.Part is { } only)
        {
            RefuseName(only);
            if (settings.ExpertsFrom is null)
                throw DistillException.BadValue(RunChoice.PartOption, $"{only}", "--experts-from beside it: a folder that all parts share");
        }
        else if (GoesOn(command, resolved))
        {
            return;
        }
        Backend backend = OpenDevice(settings);
        if (Choice.Part is null)
            RequireWritable(settings.Out);
        DatasetPair pair = load(settings);
        if (Choice.Part is { } part && !isPlan)
        {
            TrainPart(settings, part, backend, pair);
            return;
        }
        (PreparedData Data, Requirements Needs) prepared =
            PrepareTraining(settings, pair, backend, settings.Out, settings.ExpertsFrom);
        if (isPlan)
        {
            using PreparedData data = prepared.Data;
            Show(PlanOfTraining(settings, data, prepared.Needs, settings.ExpertsFrom), settings, backend);
            return;
        }
        using RunFolder folder = NewFolder(settings, "experts", ConfigFile.Write("train", resolved));
        RunData.Save(folder.Path, pair);
        AtomicFile.WriteAllText(folder.Environment, EnvironmentReport.Write(backend, settings.Threads));
        TrainExperts(folder, settings, prepared);
    }

    private void TrainExperts(RunFolder folder, RunSettings settings, (PreparedData Data, Requirements Needs) prepared)
    {
        using PreparedData data = prepared.Data;
        Network network = data.NetworkOf(settings, settings.Width);
        string experts = settings.ExpertsFrom ?? folder.Experts;
        if (isPlan)
        {
            Show(PlanOfTraining(settings, data, prepared.Needs, experts), settings, data.Backend);
            return;
        }
        Say(() => PlanOfTraining(settings, data, prepared.Needs, experts));
        Accuracy accuracy = InFolder(folder, progress =>
        {
            using var library = ExpertLibrary.Gather(settings, network, data, experts, progress, cancel);
            return library.Accuracy;
        });
        terminal.Show(
            $"Experts: {accuracy.Shown} % on the {data.Pair.EvaluationImages} by their own plan ({settings.Experts} × {network.Name})");
        terminal.ShowUnbroken($"Folder:  {ShownPath.Of(experts)}");
        terminal.ShowUnbroken(
            $"Next:    {ShellWord.Program} distill{ShellWord.Option("--experts-from", ShownPath.Of(experts))} with the same expert options");
        if (terminal.IsJson)
            terminal.Data.WriteLine(accuracy.ToJson("whole"));
    }

    private void Execute(RunFolder folder, RunSettings settings, PreparedData data, Requirements needs)
    {
        terminal.Say($"Data: {data.Pair.Train}; seed {settings.Seed}");
        if (data.Pair.HeldOutShare > 0)
            terminal.Say($"Validation: {data.Pair.Test.Count} of the training images are held out and evaluated on. The test images are not looked at.");
        terminal.Say($"Version: {EnvironmentReport.Version} {EnvironmentReport.Commit}");
        terminal.Say($"Run folder: {ShownPath.Of(folder.Path)}");
        if (!PictureFont.Exists)
            terminal.Say("No font is installed: class names are left out of the pictures.");
        if (Ranks.IsShared)
            terminal.Say(Ranks.Describe(settings, data.Backend));
        Say(() => PlanOf(Ranks.ShareOf(settings), data, needs, folder));
        Summary summary;
        try
        {
            summary = InFolder(folder, progress => new DistillationRun(
                new RunInputs(folder, settings, data.Pair, data.Backend, progress, cancel)
                {
                    Prepared = data, Ranks = Ranks.Step,
                }).Execute());
        }
        catch (Exception e) when (Failure.LeavesState(e))
        {
            Reports.WriteAtEnd(folder, data.Pair, backend: null);
            if (e is OperationCanceledException && terminal.IsJson && File.Exists(folder.Summary))
                terminal.Data.WriteLine(Summary.Read(folder.Summary).ToJson());
            throw;
        }
        Show(summary, data.Pair);
        int largest = settings.Ipc.Max();
        terminal.ShowUnbroken($"Sets:     {ShownPath.Of(Path.GetDirectoryName(folder.Set(largest))!)}");
        terminal.ShowUnbroken($"Pictures: {ShownPath.Of(Path.GetDirectoryName(folder.Picture(largest, ""))!)}");
        terminal.ShowUnbroken($"Summary:  {ShownPath.Of(folder.Summary)}");
        Reports.WriteAtEnd(folder, data.Pair, data.Backend);
        if (summary.Results.Any(r => r.Verdict?.Kind != Verdict.Diverged))
        {
            int sound = summary.Results.Where(r => r.Verdict?.Kind != Verdict.Diverged).Max(r => r.Ipc);
            string ofData = ShellWord.Option("--data", settings.Data), set = ShellWord.OfPath(ShownPath.Of(folder.Set(sound)));
            terminal.ShowUnbroken(
                $"Next:     {ShellWord.Program} evaluate {set}{ofData} --eval-width 128 --epochs 1000 --repeats 5" +
                (settings.RateIsLearned ? ShellWord.Option("--eval-rate", LearnedRate.Word) : ""));
            terminal.ShowUnbroken($"          {ShellWord.Program} verify {set}{ofData}");
        }
        if (terminal.IsJson)
            terminal.Data.WriteLine(summary.ToJson());
        RequireSound(summary);
    }

    // Nothing crashed and all files are there; but a script that goes on with such a set should hear of it.
    private static void RequireSound(Summary summary) => RequireSound(summary.Results.Select(r => ($"IPC {r.Ipc}", r.Verdict)));

    private static void RequireSound(IEnumerable<(string Name, Verdict? Verdict)> sets)
    {
        (string Name, Verdict? Verdict)[] diverged = [.. sets.Where(set => set.Verdict?.Kind == Verdict.Diverged)];
        if (diverged.Length == 0)
            return;
        throw new DistillException(
            ExitCode.Diverged, "IM8001",
            $"{string.Join(" and ", diverged.Select(set => set.Name))} diverged: the table's row is of a set that distilling destroyed. " +
            $"Try {diverged[0].Verdict!.Next}.");
    }

    private ReportCommands Reports => new(terminal, load, cancel);

    // The data of a distillation, once all that can be known before has been found to be in order. Experts of the run itself
    // that are not there yet are its own to make.
    private (PreparedData Data, Requirements Needs) PrepareChecked(
        RunSettings settings, DatasetPair pair, Backend backend, string folder, string? experts)
    {
        Requirements needs = RunCheck.Distillation(settings, pair, backend, folder, experts ?? folder);
        _ = ImageBaselines.Of(settings, pair); // what cannot be taken is told before anything is made
        return (PrepareBeside(settings, pair, backend, experts), needs);
    }

    private (PreparedData Data, Requirements Needs) PrepareTraining(
        RunSettings settings, DatasetPair pair, Backend backend, string folder, string? experts)
    {
        Requirements needs = RunCheck.Training(settings, pair, backend, folder, experts ?? folder);
        return (PrepareBeside(settings, pair, backend, experts), needs);
    }

    private PreparedData PrepareBeside(RunSettings settings, DatasetPair pair, Backend backend, string? experts)
    {
        PreparedData data = Prepare(pair, backend, settings);
        try
        {
            if (experts is not null)
                ExpertLibrary.RequireFit(settings, data, experts, isWritten: !isPlan);
            if (settings.LabelFrom is { } teachers)
                LabelTeacher.Open(teachers, data).Dispose();
            return data;
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    private void Show(Summary summary, DatasetPair pair)
    {
        bool areMany = summary.Results.Any(r => r.Network is not null);
        IReadOnlyList<ResultColumn> shown = ResultColumn.Shown(summary.Results.Select(r => r.Accuracy));
        string[] columns = ["images per class", .. shown.Select(column => column.Title)];
        var table = new ResultTable(summary.Heading, areMany ? 1 : 0, areMany ? ["network", .. columns] : columns);
        foreach (IpcResult result in summary.Results)
        {
            string[] cells = [$"{result.Ipc}", .. shown.Select(column => Accuracy.Cell(result.Accuracy.Of(column)))];
            table.Add(areMany ? [result.Network ?? "", .. cells] : cells);
        }
        terminal.Show(table);
        terminal.Show(LineOf(summary.Protocol));
        foreach (IpcResult result in summary.Results)
            ShowVerdict($"IPC {result.Ipc}{(result.Network is { } network ? $" ({network})" : "")}", result.Verdict);
        if (summary.Note is { } note)
            terminal.Show($"Note: {note}");
        int testImages = pair.Test.Count;
        if (testImages < FewTestImages)
        {
            terminal.Show(string.Create(
                CultureInfo.InvariantCulture,
                $"Note: there are only {testImages} {pair.EvaluationImages}. Chance alone moves each accuracy by up to " +
                $"±{AccuracyDifference.LargestCountingError(testImages):F0} points (95 %), whatever the deviation says."));
        }
        foreach (string line in summary.Notes)
            terminal.Show(line);
        terminal.Show(
            $"{Durations.Text(TimeSpan.FromSeconds(summary.Seconds))} on {summary.Device}; " +
            $"memory {ByteSize.Text(summary.PeakMemoryBytes)} at most");
    }

    private void ShowVerdict(string row, Verdict? verdict)
    {
        if (verdict is null)
            return;
        terminal.Show($"{row}: {verdict}.");
        if (verdict.Next is { } next)
            terminal.Show($"  Try {next}.");
    }

    private PreparedData Prepare(DatasetPair pair, Backend backend, RunSettings settings)
    {
        if (isPlan && IsWhiteningLeft(pair, settings))
            return PreparedData.Load(pair, backend); // takes minutes, and other steps take as long without it
        using IProgressView progress = terminal.MakeProgress();
        return PreparedData.Load(pair, backend, settings, progress, cancel);
    }

    // What is done in a run folder; where it ends early, the last words come when nothing moves on the screen any more.
    private T InFolder<T>(RunFolder folder, Func<IProgressView, T> work, Func<string>? saved = null)
    {
        string Saved() => saved is null ? "Saved." : saved();
        StoppedFile.Remove(folder.Path);
        try
        {
            using IProgressView progress = terminal.MakeProgress();
            return work(progress);
        }
        catch (NumericalException e)
        {
            Stop(folder, e);
            throw;
        }
        catch (Exception e) when (e is OperationCanceledException or OtherRankException)
        {
            SayHowToGoOn($"{Saved()} Continue with:", folder);
            throw;
        }
        catch (DeviceMemoryException)
        {
            SayHowToGoOn($"{Saved()} With a larger --memory-limit or another --device it continues:", folder);
            throw;
        }
    }

    private void SayHowToGoOn(string line, RunFolder folder)
    {
        terminal.SayAlways(line);
        terminal.SayLines($"  {ShellWord.Program} resume {ShellWord.OfPath(ShownPath.Of(folder.Path))}");
    }

    // One network has no deviation.
    private static string LineOf(string? protocol) => protocol?.EndsWith(", 1 network", StringComparison.Ordinal) == true
        ? $"{char.ToUpperInvariant(protocol[0])}{protocol[1..]}."
        : $"Mean ± standard deviation, {protocol}.";

    private Backend OpenDevice(RunSettings settings) => OpenDevice(terminal, Ranks.Adapt(settings));

    /// <summary>The device of the settings, and a line that says which it is and why.</summary>
    internal static Backend OpenDevice(Terminal terminal, RunSettings settings)
    {
        OpenedDevice device = Devices.Open(
            settings.Device, settings.Threads, ByteSize.Limit(settings.MemoryLimit),
            Precisions.Named(settings.Precision ?? Precisions.Names[0]), StepTimeFile.OfUser);
        terminal.SayBeforeNext($"Device: {device.Backend.Description}. {device.Reason}");
        if (device.Backend is GpuBackend { CaptureRefusal: { } why })
        {
            terminal.Say(
                $"{device.Backend.Name} captures no graphs: {why.TrimEnd('.')}. Steps of few images take longer there, with the " +
                "same numbers.");
        }
        else if (device.Backend is GpuBackend { LaneRefusal: { } alone })
        {
            terminal.Say(
                $"{device.Backend.Name} works on one network at a time: {alone.TrimEnd('.')}. Several small ones take longer there, " +
                "with the same numbers.");
        }
        // Not refused: the bits are the same, and a machine may be given more processors while a run waits.
        if (device.Backend is CpuBackend cpu && cpu.Threads > Environment.ProcessorCount)
        {
            terminal.Say(
                $"Note: --threads is {cpu.Threads}, but this machine has {Environment.ProcessorCount} processors: more threads than " +
                "these only take turns. Give 0 for one a processor.");
        }
        return device.Backend;
    }
}
