using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

internal sealed partial class RunCommands
{
    private PairData OpenPairs(RunSettings settings, Backend backend)
    {
        PairSplits splits = new DatasetLoading(terminal, cancel).LoadPairs(PairCatalog.Of(settings.Dataset), settings.Data, imageSize: null);
        return PairData.Load(splits, PairData.PartOf(settings), backend).WithEncoderOf(settings);
    }

    // A new run on image-text pairs.
    private void DistilPairs(string asked, ResolvedSettings resolved)
    {
        RunSettings settings = resolved.Settings;
        Backend backend = OpenDevice(settings);
        if (!IsToWrite(settings, backend))
            return;
        RequireWritable(settings.Out);
        using PairData data = OpenPairs(settings, backend);
        Requirements needs = PairRun.Check(settings, data, settings.Out, settings.ExpertsFrom ?? settings.Out);
        if (isPlan)
        {
            Show(PlanOf(settings, data, needs, folder: null), settings, backend);
            return;
        }
        using RunFolder folder = NewFolder(settings, $"pairs{string.Join('-', settings.Pairs!.Value)}", ConfigFile.Write(asked, resolved));
        RunData.Of(data.Splits, data.Part).Save(folder.Path);
        AtomicFile.WriteAllText(folder.Environment, EnvironmentReport.Write(backend, settings.Threads, Ranks.Count));
        Execute(folder, settings, data, needs);
    }

    // The rest of a run or of an evaluation.
    private void ResumePairs(RunFolder folder, string begun, RunSettings settings, Backend backend)
    {
        using PairData data = OpenPairs(settings, backend);
        RunData.Of(data.Splits, data.Part).Require(folder.Path);
        if (begun == "evaluate")
        {
            EvaluationRecord record = EvaluationRecord.Read(folder.Path);
            PairArtifact? artifact = record.Set is null ? null : PairArtifact.Read(record.Set);
            if (artifact is not null && artifact.Metadata[PairArtifact.SetHashKey] != record.SetSha256)
            {
                throw new DistillException(
                    ExitCode.Data, "IM3029",
                    $"{record.Set} is not the set with which {folder.Path} began. Put the old set back, or start a new 'evaluate'.");
            }
            RefusePlan();
            Evaluate(folder, settings, data, artifact);
            return;
        }
        Requirements needs = PairRun.Check(settings, data, folder.Path, settings.ExpertsFrom ?? folder.Experts);
        if (isPlan)
            Show(PlanOf(settings, data, needs, folder), settings, backend);
        else
            Execute(folder, settings, data, needs);
    }

    private RunPlan PlanOf(RunSettings settings, PairData data, Requirements needs, RunFolder? folder)
    {
        var planner = new PairPlanner(settings, data, isPlan ? ProbeBudget.Plan : ProbeBudget.Line, cancel);
        double before = TimeProvider.System.GetElapsedTime(_began).TotalSeconds;
        RunPlan plan = planner.Plan(folder, needs);
        return isPlan ? plan.Behind(before, "loading, preparing and checking") : plan;
    }

    // A set of pairs beside choices of real pairs, or these alone.
    private void EvaluatePairs(string? path, ResolvedSettings resolved)
    {
        RefusePlan();
        if (Choice.Part is { } part)
        {
            throw DistillException.BadValue(
                RunChoice.PartOption, $"{part}", "nothing beside image-text pairs, whose evaluation trains small heads in one process");
        }
        PairArtifact? artifact = path is null ? null : PairArtifact.Read(path);
        RunSettings settings = artifact is null ? resolved.Settings : PairEvaluation.SettingsFor(artifact, resolved);
        if (settings.ImageEncoder is null && artifact is { HasPixels: true } && RunFolder.OfSet(path!) is { } own)
            settings = settings with { ImageEncoder = ArtifactCommands.SettingsIn(own.Config)?.ImageEncoder };
        Backend backend = OpenDevice(settings);
        RequireWritable(settings.Out);
        using PairData data = OpenPairs(settings, backend);
        if (artifact is not null && artifact.Metadata[PairArtifact.TrainHashKey] != data.Splits.Train.ContentHash())
            throw OtherPairs(artifact, settings);
        artifact?.RequireEncoder(data);
        _ = PairBaselines.Of(settings, data); // what cannot be taken is told before there is a folder
        var record = new EvaluationRecord
        {
            Set = path is null ? null : Path.GetFullPath(path), SetSha256 = artifact?.Metadata[PairArtifact.SetHashKey],
            Estimator = artifact is null ? "none" : settings.MethodLabel, TrainSha256 = data.Splits.Train.ContentHash(),
            TestSha256 = data.Splits.Of(data.Part).ContentHash(), Models = [], Experts = null, ExpertsConfig = null,
        };
        if (Existing(settings.Out) is { } existing)
        {
            if (IsComplete(existing, settings, record))
                return;
            using RunFolder begun = RunFolder.Open(existing);
            Evaluate(begun, settings, data, artifact);
            return;
        }
        using RunFolder folder = NewFolder(
            settings, $"evaluation-pairs{string.Join('-', settings.Pairs!.Value)}",
            ConfigFile.Write(command, resolved with { Settings = settings }));
        RunData.Of(data.Splits, data.Part).Save(folder.Path);
        AtomicFile.WriteAllText(folder.Environment, EnvironmentReport.Write(backend, settings.Threads));
        record.Save(folder.Path);
        Evaluate(folder, settings, data, artifact);
    }

    private void Evaluate(RunFolder folder, RunSettings settings, PairData data, PairArtifact? artifact)
    {
        terminal.Say($"Folder: {ShownPath.Of(folder.Path)}");
        Show(InFolder(folder, progress => new PairEvaluation(
            folder, settings, data, artifact, new RunContext(data.Backend, progress, cancel)).Execute()));
        terminal.ShowUnbroken($"Summary:  {ShownPath.Of(folder.Retrieval)}");
        Reports.WriteAtEnd(folder, data.Splits);
    }

    private void Execute(RunFolder folder, RunSettings settings, PairData data, Requirements needs)
    {
        terminal.Say($"Data: {data.Splits.Train}; seed {settings.Seed}");
        terminal.Say($"Version: {EnvironmentReport.Version} {EnvironmentReport.Commit}");
        terminal.Say($"Run folder: {ShownPath.Of(folder.Path)}");
        if (Ranks.IsShared)
            terminal.Say(Ranks.Describe(settings, data.Backend));
        Say(() => PlanOf(Ranks.ShareOf(settings), data, needs, folder));
        RetrievalSummary summary;
        try
        {
            summary = InFolder(folder, progress => new PairRun(
                new PairRunInputs(
                    folder, settings, data, new RunContext(data.Backend, progress, cancel) { Ranks = Ranks.Step })).Execute());
        }
        catch (Exception e) when (Failure.LeavesState(e))
        {
            Reports.WriteAtEnd(folder, data.Splits);
            throw;
        }
        Show(summary);
        terminal.ShowUnbroken($"Sets:     {ShownPath.Of(Path.GetDirectoryName(folder.PairSet(1))!)}");
        terminal.ShowUnbroken($"Summary:  {ShownPath.Of(folder.Retrieval)}");
        Reports.WriteAtEnd(folder, data.Splits);
        if (File.Exists(folder.PairPicture(summary.Results[0].Pairs)))
            terminal.ShowUnbroken($"Pictures: {ShownPath.Of(folder.Images)}");
        RetrievalResult[] sound = [.. summary.Results.Where(r => r.Verdict?.Kind != Verdict.Diverged)];
        if (sound.Length > 0)
        {
            string ofData = ShellWord.Option("--data", settings.Data);
            string shown = ShellWord.OfPath(ShownPath.Of(folder.PairSet(sound.Max(r => r.Pairs)))), next = "Next:     ";
            if (data.Part == PairSplit.Dev)
            {
                terminal.ShowUnbroken($"{next}{ShellWord.Program} evaluate {shown}{ofData} --split test");
                next = "          ";
            }
            terminal.ShowUnbroken($"{next}{ShellWord.Program} verify {shown}{ofData}");
        }
        RequireSound(summary);
    }

    private static void RequireSound(RetrievalSummary summary) => RequireSound(
        summary.Results.Select(r => ($"the set of {r.Pairs} pairs", r.Verdict)));

    private void Show(RetrievalSummary summary)
    {
        foreach (RetrievalResult result in summary.Results)
        {
            var table = new ResultTable(
                $"{summary.Heading}; {result.Pairs} pairs, {result.Method}", 1, ["trained on", "mean", .. RetrievalRow.Measures])
            {
                Optional = ["TR@5", "IR@5", "TR@10", "IR@10"],
            };
            foreach (RetrievalRow row in result.Rows)
            {
                table.Add(
                [
                    row.Name, RetrievalRow.Cell(row.Mean),
                    .. Enumerable.Range(0, RetrievalRow.Measures.Length).Select(m => RetrievalRow.Cell(row.Of(m))),
                ]);
            }
            terminal.Show(table);
        }
        terminal.Show("IR@K: texts whose image is among the first K. TR@K: images one of whose texts is. Mean ± standard deviation over heads.");
        foreach (RetrievalResult result in summary.Results)
            ShowVerdict($"{result.Pairs} pairs", result.Verdict);
        terminal.Show($"Trained: {summary.Protocol}.");
        terminal.Show($"Full data: {summary.Full}.");
        if (summary.Split == PairSettings.Dev)
            terminal.Show("Measured on dev, by which settings are chosen; the result of a choice is what '--split test' gives.");
        terminal.Show($"{Durations.Text(TimeSpan.FromSeconds(summary.Seconds))} on {summary.Device}");
        if (terminal.IsJson)
            terminal.Data.WriteLine(summary.ToShownJson().ToJsonString(JsonText.Options));
    }

    private void RefusePlan()
    {
        if (isPlan)
            throw new DistillException(ExitCode.Usage, "IM2034", "evaluations of image-text pairs are not planned. Start 'evaluate' itself.");
    }

    private static DistillException OtherPairs(PairArtifact artifact, RunSettings settings) => new(
        ExitCode.Data, "IM3046",
        $"the training pairs of {settings.Dataset} here are not those of {artifact.Source}. Name the folder of the set's own data with --data.");
}
