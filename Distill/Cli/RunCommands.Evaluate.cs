using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

internal sealed partial class RunCommands
{
    /// <summary>'evaluate': a set beside random real images, or these alone, by a ConvNet or by each of some
    /// architectures; a new evaluation in a folder of its own.</summary>
    /// <remarks>Data of other classes than the set's, or that cannot be told from such, are refused unless they are
    /// allowed.</remarks>
    public void Evaluate(
        string? path, ResolvedSettings resolved, IReadOnlyList<string> models, bool otherDataAreAllowed = false)
    {
        foreach (string model in models)
            OptionText.OneOf("--models", model, Architectures.Names);
        RunSettings settings = resolved.Settings;
        if (settings.IsOfPairs)
        {
            EvaluatePairs(path, resolved);
            return;
        }
        if (Choice.Part is { } only)
            RefuseName(only);
        Backend backend = OpenDevice(settings);
        RequireWritable(settings.Out);
        SyntheticArtifact? artifact = null;
        if (path is not null)
        {
            artifact = SyntheticArtifact.Read(path);
            ArtifactCommands.SayWhatIsMissing(terminal, artifact);
            settings = OpenedEvaluation.SettingsFor(artifact, resolved);
            if (settings.Dataset == artifact.Dataset)
                settings = ArtifactCommands.WithDataOf(terminal, artifact, settings);
        }
        DatasetPair pair = OpenedEvaluation.DataFor(artifact, settings, load(settings));
        (string? experts, string? config) = RecordedExperts(
            path, settings, resolved.IsGiven("ExpertsFrom"),
            artifact?.Metadata.GetValueOrDefault("dataset_sha256") is not { } hash || hash == pair.Train.ContentHash());
        var record = new EvaluationRecord
        {
            Set = path is null ? null : Path.GetFullPath(path),
            SetSha256 = artifact?.Metadata["set_sha256"],
            Estimator = artifact is null ? "none" : artifact.Metadata.GetValueOrDefault("estimator", "unknown"),
            TrainSha256 = "",
            TestSha256 = "",
            Models = models,
            OtherDataAreAllowed = otherDataAreAllowed,
            Experts = experts is null ? null : Path.GetFullPath(experts),
            ExpertsConfig = config,
        };
        using OpenedEvaluation evaluation = Open(artifact, settings, record, pair, backend);
        if (isPlan)
        {
            Show(PlanOf(evaluation, _ => 0), evaluation.Settings, backend);
            return;
        }
        if (Choice.Part is { } part)
        {
            EvaluatePart(evaluation, part, backend);
            return;
        }
        EvaluateInFolder(evaluation, resolved, backend);
    }

    // In a new folder, or in that of the name that was given.
    private void EvaluateInFolder(OpenedEvaluation evaluation, ResolvedSettings resolved, Backend backend)
    {
        RunSettings settings = evaluation.Settings;
        if (Existing(settings.Out) is { } path)
        {
            if (IsComplete(path, settings, evaluation.Record))
                return;
            using RunFolder begun = RunFolder.Open(path);
            Evaluate(begun, evaluation, backend);
            return;
        }
        using RunFolder folder = NewFolder(
            settings, $"evaluation-ipc{string.Join('-', settings.Ipc)}", ConfigFile.Write(command, resolved with { Settings = settings }));
        AtomicFile.WriteAllText(folder.Environment, EnvironmentReport.Write(backend, settings.Threads));
        evaluation.Record.Save(folder.Path);
        Evaluate(folder, evaluation, backend);
    }

    // The rest of an evaluation, on the same set and the same data.
    private void ResumeEvaluation(RunFolder folder, RunSettings settings, Backend backend)
    {
        EvaluationRecord record = EvaluationRecord.Read(folder.Path);
        SyntheticArtifact? artifact = record.Set is null ? null : SyntheticArtifact.Read(record.Set);
        if (artifact is not null && artifact.Metadata["set_sha256"] != record.SetSha256)
            throw Other(record.Set!, "set", folder);
        DatasetPair pair = OpenedEvaluation.DataFor(artifact, settings, load(settings));
        using OpenedEvaluation evaluation = Open(artifact, settings, record, pair, backend);
        if ((evaluation.Record.TrainSha256, evaluation.Record.TestSha256) != (record.TrainSha256, record.TestSha256))
            throw Other(pair.Name, "data", folder);
        if (isPlan)
            Show(PlanOf(evaluation, EvaluationRun.Known(folder, evaluation)), evaluation.Settings, backend);
        else
            Evaluate(folder, evaluation, backend);

        static DistillException Other(string what, string kind, RunFolder folder) => new(
            ExitCode.Data, "IM3029",
            $"{what} is not the {kind} with which {folder.Path} began. Put the old {kind} back, or start a new 'evaluate'.");
    }

    private void Evaluate(RunFolder folder, OpenedEvaluation evaluation, Backend backend)
    {
        terminal.Say($"Folder: {ShownPath.Of(folder.Path)}");
        if (evaluation.Note is { } note)
            terminal.Say($"{command}: {note}");
        Summary summary;
        try
        {
            EvaluationRun? run = null;
            Say(() => PlanOf(evaluation, EvaluationRun.Known(folder, evaluation)));
            summary = InFolder(
                folder, view => (run = new EvaluationRun(folder, evaluation, backend, view, cancel)).Execute(),
                () => $"{run!.Evaluated} of {run.Networks} networks are evaluated and kept.");
        }
        catch (OperationCanceledException)
        {
            Reports.WriteAtEnd(folder, evaluation.Data.Pair, backend: null);
            if (terminal.IsJson && File.Exists(folder.Summary))
                terminal.Data.WriteLine(Summary.Read(folder.Summary).ToJson());
            throw;
        }
        Show(summary, evaluation.Data.Pair);
        terminal.ShowUnbroken($"Summary:  {ShownPath.Of(folder.Summary)}");
        Reports.WriteAtEnd(folder, evaluation.Data.Pair, backend);
        if (terminal.IsJson)
            terminal.Data.WriteLine(summary.ToJson());
    }

    private OpenedEvaluation Open(
        SyntheticArtifact? artifact, RunSettings settings, EvaluationRecord record, DatasetPair pair, Backend backend)
    {
        using IProgressView view = terminal.MakeProgress();
        return OpenedEvaluation.Open(artifact, settings, record, pair, new RunContext(backend, view, cancel));
    }

    // The folder of recorded experts whose soft labels and accuracy stand beside a set's, and the configuration under which
    // they were recorded: those named, by the settings given, or those of the run in whose folder the set lies.
    private (string? Folder, string? Config) RecordedExperts(
        string? set, RunSettings settings, bool areNamed, bool sawThese)
    {
        if (areNamed)
            return (settings.ExpertsFrom, null);
        string? why = "none are named";
        if (set is not null && RunFolder.OfSet(set) is { } run)
        {
            RunSettings own = ConfigFile.Read(run.Config).Resolved.Settings;
            string folder = own.ExpertsFrom ?? run.Experts;
            why = own.Dataset != settings.Dataset ? $"those of its run saw {own.Dataset}"
                : !sawThese ? "those of its run saw other training images"
                : ExpertLibrary.Missing(own, folder) is [string missing, ..] ? $"{missing} is gone"
                : null;
            if (why is null)
                return (folder, Path.GetFullPath(run.Config));
        }
        terminal.Say(settings.LabelFrom is null
            ? $"Soft labels and the whole set are not evaluated, they take recorded experts: {why} (--experts-from)."
            : $"The whole set is not evaluated, it takes recorded experts: {why} (--experts-from).");
        return (null, null);
    }
}
