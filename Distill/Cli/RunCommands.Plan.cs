using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

internal sealed partial class RunCommands
{
    private readonly long _began = TimeProvider.System.GetTimestamp();

    // 'plan' makes no folder.
    private void RequireWritable(string folder)
    {
        if (!isPlan)
            RunFolder.RequireWritable(folder);
    }

    private static bool IsWhiteningLeft(DatasetPair pair, RunSettings settings) => settings.Zca is { } epsilon
        && !File.Exists(ZcaWhitening.PathOf(pair.Train, epsilon, PreparedData.WhiteningFolder(settings)));

    // Of a whole run, or of what its folder lacks.
    private RunPlan PlanOf(RunSettings settings, PreparedData data, Requirements needs, RunFolder? folder)
    {
        var planner = new RunPlanner(settings, data);
        if (IsWhiteningLeft(data.Pair, settings))
            planner.Whiten(settings.Zca!.Value);
        planner.Experts(settings.ExpertsFrom ?? folder?.Experts);
        Network evaluated = data.NetworkOf(settings, settings.EvalWidth);
        Summary? summary = folder is not null && File.Exists(folder.Summary) ? Summary.Read(folder.Summary) : null;
        Func<int, AccuracySet> known = KnownBeside(settings, data.Pair, settings.ExpertsFrom ?? folder?.Experts);
        foreach (int ipc in settings.Ipc)
        {
            if (summary?.Results.FirstOrDefault(r => r.Ipc == ipc) is { } done && (summary.Complete || done.Accuracy.IsComplete))
                continue;
            planner.Distil(ipc, evaluated, folder is null ? 0 : IterationOf(folder, ipc));
            IReadOnlyList<ResultColumn> columns = ResultColumn.Trained(ColumnCase.OfRun(settings), known(ipc));
            planner.Evaluate(evaluated, ipc, NetworksLeft.Of(columns, _ => settings.Repeats), settings.Experts);
        }
        return Time(planner, needs);
    }

    // What another run has measured, as far as experts that are there already tell.
    private static Func<int, AccuracySet> KnownBeside(RunSettings settings, DatasetPair pair, string? experts)
    {
        if (ImageBaselines.Of(settings, pair) is not { } known)
            return _ => new AccuracySet();
        string? labels = settings.LabelFrom is { } teachers ? LabelTeacher.HashOf(teachers)
            : experts is not null && ExpertLibrary.Missing(settings, experts).Length == 0 ? LabelTeacher.HashOf(experts, settings.Experts)
            : null;
        return ipc => known.At(ipc, settings, labels);
    }

    private static int IterationOf(RunFolder folder, int ipc) => File.Exists(folder.Checkpoint(ipc))
        ? DistillationRun.FromState(() => CheckpointFile.IterationOf(folder.Checkpoint(ipc)))
        : 0;

    private RunPlan PlanOfTraining(RunSettings settings, PreparedData data, Requirements needs, string? experts)
    {
        RunPlanner planner = new RunPlanner(settings, data).Experts(experts);
        if (IsWhiteningLeft(data.Pair, settings))
            planner.Whiten(settings.Zca!.Value);
        return Time(planner, needs);
    }

    private RunPlan PlanOf(OpenedEvaluation evaluation, Func<EvaluatedColumn, int> known)
    {
        var planner = new RunPlanner(evaluation.Settings, evaluation.Data);
        foreach (Network network in evaluation.Networks)
        {
            foreach (int ipc in evaluation.Settings.Ipc)
            {
                int Left(ResultColumn column) =>
                    evaluation.Settings.Repeats - known(new EvaluatedColumn(network.Name, ipc, column.Title));
                planner.Evaluate(
                    network, ipc, NetworksLeft.Of(evaluation.Trained(ipc), Left), evaluation.Labels?.Teacher.Networks.Count ?? 0,
                    isOfRun: false);
            }
        }
        return Time(planner, evaluation.Needs);
    }

    // All rows distil on the same experts, and what random real images reach is known from the first on.
    private RunPlan PlanOfAblation(
        string grid, RunSettings settings, PreparedData data, Requirements needs, (AblationSummary Summary, RunFolder Folder)? begun)
    {
        int done = begun?.Summary.Rows.Count ?? 0, left = AblationGrid.Of(grid).Length - done;
        RunPlanner planner = new RunPlanner(settings, data).Experts(settings.ExpertsFrom ?? begun?.Folder.Experts);
        Network evaluated = data.NetworkOf(settings, settings.EvalWidth);
        ResultColumn[] ofRows =
        [
            .. AblationGrid.Of(grid).Skip(done)
                .SelectMany(row => ResultColumn.Trained(ColumnCase.OfRun(row.Apply(settings))).Where(column => column.IsOfSet)),
        ];
        Func<int, AccuracySet> known = KnownBeside(settings, data.Pair, settings.ExpertsFrom ?? begun?.Folder.Experts);
        foreach (int ipc in settings.Ipc)
        {
            ResultColumn[] shared = done > 0
                ? []
                : [.. ResultColumn.Trained(ColumnCase.OfRun(settings), known(ipc)).Where(column => !column.IsOfSet)];
            planner.Distil(ipc, evaluated, 0, left);
            planner.Evaluate(evaluated, ipc, NetworksLeft.Of([.. ofRows, .. shared], _ => settings.Repeats), settings.Experts);
        }
        return Time(planner, needs);
    }

    private RunPlan Time(RunPlanner planner, Requirements needs)
    {
        if (!isPlan)
            return planner.Time(needs, ProbeBudget.Line, TimeProvider.System, cancel);
        double before = TimeProvider.System.GetElapsedTime(_began).TotalSeconds;
        return planner.Time(needs, ProbeBudget.Plan, TimeProvider.System, cancel).Behind(before, "loading, preparing and checking");
    }

    // The run that follows hears of an interruption by itself, and then says how to go on.
    private void Say(Func<RunPlan> planOf)
    {
        try
        {
            terminal.Say($"Plan: {planOf()}.");
        }
        catch (OperationCanceledException)
        {
            terminal.Say("Plan: interrupted.");
        }
    }

    private void Show(RunPlan plan, RunSettings settings, Backend backend)
    {
        if (terminal.IsJson)
        {
            terminal.Data.WriteLine(plan.ToJson(command, backend.Description));
            return;
        }
        if (plan.IsEmpty)
        {
            terminal.Show("Nothing is left to compute.");
            return;
        }
        terminal.Show(plan.ToTable());
        terminal.Show($"About {plan.Time} in all, by a few steps of each kind.");
        terminal.Show(
            $"Memory: {ByteSize.Text(plan.Needs.MemoryBytes)} of {backend.Name} at most. Disk: {ByteSize.Text(plan.Needs.DiskBytes)} " +
            $"in {ShownPath.Of(settings.Out)}.");
    }
}
