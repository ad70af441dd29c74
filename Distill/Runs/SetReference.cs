using System.Globalization;

namespace InfMatch.Distill;

/// <summary>What can stand for a set's file on the command line: the file, a run folder, or "latest".</summary>
internal static class SetReference
{
    /// <summary>The file of a set: that of the most images per class where a run is named.</summary>
    /// <param name="set">The file, a run folder, or latest.</param>
    /// <param name="root">The folder of runs.</param>
    /// <param name="note">Hears which file was taken, where that is not said by the name.</param>
    /// <exception cref="DistillException">No run is there, or it has no set.</exception>
    public static string Find(string set, string root, Action<string> note)
    {
        string? run = set == RunFolder.LatestWord ? RunFolder.Newest(root, HasSets)
            : IsRun(set) ? set
            : !Path.Exists(set) && IsRun(Path.Combine(root, set)) ? Path.Combine(root, set)
            : null;
        if (run is null)
        {
            return set != RunFolder.LatestWord
                ? set
                : throw new DistillException(
                    ExitCode.Usage, "IM2003", $"no run below {root} has made a set yet. Name a file, or start a run with 'distill'.");
        }
        string file = FilesIn(run).LastOrDefault() ?? throw new DistillException(
            ExitCode.Usage, "IM2003", $"{ShownPath.Of(run)} holds no distilled set. Name a file, or end the run with 'resume'.");
        note($"Set: {ShownPath.Of(file)}{Remark(run)}");
        return file;
    }

    // The set of a run that goes on or was stopped is not the one that it ends with.
    private static string Remark(string run) => RunEntry.Of(run).Status switch
    {
        RunEntry.Unfinished => $" (of a run that is not finished; '{ShellWord.Program} resume {ShellWord.OfPath(ShownPath.Of(run))}' goes on with it)",
        RunEntry.Stopped => " (of a run that stopped because its numbers grew too large)",
        RunEntry.Running => " (of a run that still goes on)",
        _ => "",
    };

    private static bool IsRun(string folder) => File.Exists(Path.Combine(folder, RunFolder.ConfigName));

    private static bool HasSets(string run) => FilesIn(run).Any();

    private static readonly string[] s_prefixes = ["ipc", "pairs"];

    // By images per class, or by pairs.
    private static IEnumerable<string> FilesIn(string run)
    {
        string folder = Path.Combine(run, RunFolder.SetFolder);
        return !Directory.Exists(folder)
            ? []
            : s_prefixes.SelectMany(prefix => Directory.EnumerateFiles(folder, $"{prefix}*.safetensors")
                .Select(f => (File: f, Number: Path.GetFileNameWithoutExtension(f)[prefix.Length..])))
                .Where(f => int.TryParse(f.Number, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                .OrderBy(f => int.Parse(f.Number, CultureInfo.InvariantCulture)).Select(f => f.File);
    }
}
