namespace InfMatch.Distill;

// Runs under a name that was given: made, or continued.
internal sealed partial class RunCommands
{
    private const int MostShown = 5;

    /// <summary>Under which name the command runs, and how much of its work it does.</summary>
    public RunChoice Choice { get; init; } = new();

    // The folder of a new run: under the name that was given, or one by time and what the run does.
    private RunFolder NewFolder(
        RunSettings settings, string what, string config, string? text = null, string beside = AblationSummary.FileName)
    {
        if (Choice.Name is not { } name)
        {
            return RunFolder.Create(
                settings.Out,
                RunFolder.NameOf(TimeProvider.System.GetLocalNow().DateTime, settings.Dataset, what, settings.Seed), config, text, beside: beside);
        }
        return RunFolder.TryCreate(settings.Out, name, config, text, beside) ?? throw new DistillException(
            ExitCode.FileSystem, "IM7002",
            $"another process has just begun {ShownPath.Of(Path.Combine(settings.Out, name))}. Give the command again when it has ended, which continues it.");
    }

    // Where the run of the name that was given is; null where it is not there, or none was given.
    private string? Existing(string root) =>
        Choice.Name is { } name && !isPlan && Path.Combine(root, name) is var path && Path.Exists(path) ? path : null;

    // Whether the run of the name that was given is there: then it goes on, and where nothing is left to do, that is said.
    private bool GoesOn(string asked, ResolvedSettings resolved)
    {
        if (Choice.Name is null || PathOfRanks(() => Existing(resolved.Settings.Out)) is not { Length: > 0 } path)
            return false;
        RequireSame(path, asked, resolved.Settings);
        if (!IsComplete(path))
            Resume(path, resolved);
        return true;
    }

    // Whether nothing is left to do of the evaluation of the name that was given, which must be the same one.
    private bool IsComplete(string path, RunSettings settings, EvaluationRecord record)
    {
        RequireSame(path, command, settings);
        RequireSame(path, EvaluationRecord.Read(path).Others(record));
        return IsComplete(path);
    }

    private bool IsComplete(string path)
    {
        if (RunEntry.Of(path).Status != RunEntry.Complete)
            return false;
        terminal.Show($"{ShownPath.Of(path)} is complete: nothing is left to do.");
        string[] results = [AblationSummary.FileName, BenchmarkTable.FileName, RunFolder.SummaryName, RetrievalSummary.FileName];
        if (terminal.IsJson && Array.Find(results, name => File.Exists(Path.Combine(path, name))) is { } file)
            terminal.Data.WriteLine(File.ReadAllText(Path.Combine(path, file)).TrimEnd('\n'));
        return true;
    }

    private void RequireSame(string path, string asked, RunSettings now)
    {
        (string command, ResolvedSettings began) = ConfigFile.Read(Path.Combine(path, RunFolder.ConfigName), terminal.Say);
        RequireSame(path, command == asked ? ConfigFile.Others(began.Settings, now) : [$"the command is {asked}, and was {command}"]);
    }

    private static void RequireSame(string path, IReadOnlyList<string> others)
    {
        if (others.Count == 0)
            return;
        string more = others.Count > MostShown ? $"; and {others.Count - MostShown} more" : "";
        throw new DistillException(
            ExitCode.Usage, "IM2060",
            $"{ShownPath.Of(path)} was begun with other settings: {string.Join("; ", others.Take(MostShown))}{more}. Give those of the run " +
            $"again, or another name with {RunChoice.NameOption}.");
    }
}
