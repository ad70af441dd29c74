using InfMatch.Nn;

namespace InfMatch.Distill;

// Runs that a number ended which was not finite or too large: they cannot go on, and a new one is meant.
internal sealed partial class RunCommands
{
    // Without a name the latest run; where nothing is left to do there, the newest in which something is.
    private string ToResume(string? run, string root)
    {
        string path = RunFolder.Find(run, root);
        string status = run is null ? RunEntry.Of(path).Status : "";
        if (status is not (RunEntry.Complete or RunEntry.Stopped))
            return path;
        if (RunFolder.Newest(root, r => RunEntry.Of(r).Status == RunEntry.Unfinished) is { } unfinished)
        {
            string why = status == RunEntry.Stopped ? "stopped because its numbers grew too large" : "is complete";
            string other = status == RunEntry.Stopped ? "the newest that is unfinished" : "the newest that is not";
            terminal.Say($"{ShownPath.Of(path)} {why}; going on with {ShownPath.Of(unfinished)}, {other}.");
            return unfinished;
        }
        return status == RunEntry.Complete ? path : throw new DistillException(
            ExitCode.Usage, "IM2032",
            $"{ShownPath.Of(path)} stopped because its numbers grew too large, and would come to the same again; no other run is " +
            $"unfinished. Begin a new run with other rates: {NewRun(path)}");
    }

    // What the error advises are options of a new run; 'resume' has none of them.
    private void Stop(RunFolder folder, NumericalException error)
    {
        try
        {
            StoppedFile.Write(folder.Path, error.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) // the number is what matters
        {
            terminal.Say($"{command}: {e.Message}");
        }
        terminal.SayAlways("'resume' would come to the same numbers. Begin a new run, with what the error below advises:");
        terminal.SayLines($"  {NewRun(folder.Path)}");
    }

    // The command of a run with the same settings, to which others are added.
    private static string NewRun(string path)
    {
        string config = Path.Combine(path, RunFolder.ConfigName);
        string began = ConfigFile.Read(config).Command;
        string words = began switch
        {
            "demo" => "distill",
            "evaluate" when EvaluationRecord.Read(path).Set is { } set => $"evaluate {ShellWord.OfPath(ShownPath.Of(set))}",
            "ablate" => $"ablate --grid {AblationSummary.Read(path).Grid}",
            _ => began,
        };
        return $"{ShellWord.Program} {words}{ShellWord.Option("--config", ShownPath.Of(config))} OPTIONS";
    }
}
