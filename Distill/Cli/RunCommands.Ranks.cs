using System.Text;
using InfMatch.Tensors;

namespace InfMatch.Distill;

// A distillation by several ranks of MPI: rank 0 does all that a process alone does, the others follow it.
internal sealed partial class RunCommands
{
    // Whether this rank makes the run's files. Another one has done all of its work when it returns.
    private bool IsToWrite(RunSettings settings, Backend backend)
    {
        if (!Ranks.IsShared)
            return true;
        Ranks.RequireSame(ConfigFile.Hash(settings), backend);
        Ranks.RequireWindows(settings);
        if (Ranks.Step.IsFirst)
            return true;
        var silent = new PlainProgress(_ => { }, TimeProvider.System, TimeSpan.MaxValue);
        var context = new RunContext(backend, silent, cancel);
        FollowingRun own = settings.IsOfPairs
            ? new FollowingPairRun(settings, context, Ranks.Step, () => OpenPairs(settings, backend))
            : new FollowingImageRun(settings, context, Ranks.Step, load);
        own.Execute();
        return false;
    }

    // What rank 0 finds, for all: it may change while others look. Empty where it finds nothing.
    private string PathOfRanks(Func<string?> find)
    {
        if (!Ranks.IsShared)
            return find() ?? "";
        string found = Ranks.Step.IsFirst && find() is { } path ? Path.GetFullPath(path) : "";
        return Encoding.UTF8.GetString(Ranks.Step.FromFirst(Encoding.UTF8.GetBytes(found)));
    }

    private string ConfigToFollow(string run)
    {
        string config = Path.Combine(run, RunFiles.ConfigName);
        return File.Exists(config) ? config : throw new DistillException(
            ExitCode.Usage, "IM2003",
            $"{config}, from which rank 0 goes on, is not there for rank {Ranks.Step.Own} on {Environment.MachineName}. A run of several " +
            "ranks must lie on a file system that all machines share.");
    }

    private void RefuseRanks(string what)
    {
        if (Ranks.IsShared)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2053",
                $"{Ranks.Count} ranks were started, but {what} is not shared out among ranks; a distillation is. Resume it without a " +
                "launcher of MPI.");
        }
    }
}
