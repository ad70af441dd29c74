using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;

namespace InfMatch.Benchmarks;

/// <summary>'results': the measurements that documents show, from the manifests of docs/results.</summary>
internal static class ResultsCommand
{
    private const int Differs = 1, Usage = 2, Data = 3;

    /// <summary>The command.</summary>
    public static Command Make()
    {
        var root = new Option<string>("--root") { Description = "The repository [.]", DefaultValueFactory = _ => "." };
        var check = new Option<bool>("--check") { Description = "Write nothing; end with 1 where a table is stale." };
        var tables = new Command("tables", "Makes the tables of README.md and docs from the manifests.") { root, check };
        tables.SetAction(result => Guard(() => Tables(result.GetValue(root)!, result.GetValue(check))));
        var list = new Command("list", "Lists every measurement: machine, commit, date and commands.") { root };
        list.SetAction(result => Guard(() => List(result.GetValue(root)!)));
        var name = new Argument<string>("name") { Description = "A manifest, or manifest/entry." };
        var data = new Option<string?>("--data") { Description = "What FOLDER stands for [INFMATCH_DATA]" };
        var keep = new Option<string?>("--out") { Description = "Keep the runs in this folder." };
        var rerun = new Command("rerun", "Runs the commands of a manifest or of one entry again and compares the figures.")
        {
            name, root, data, keep,
        };
        rerun.SetAction(result => Guard(() => Rerun(
            result.GetValue(name)!, result.GetValue(root)!,
            result.GetValue(data) ?? Environment.GetEnvironmentVariable("INFMATCH_DATA"), result.GetValue(keep))));
        return new Command("results", "The measurements that documents show.") { tables, list, rerun, Benchmark(root) };
    }

    private static Command Benchmark(Option<string> root)
    {
        var table = new Argument<string>("table") { Description = "The table.json of a benchmark." };
        var name = new Option<string>("--name") { Description = "The manifest's name.", Required = true };
        var machine = new Option<string>("--machine") { Description = "The machine, a key of machines.json.", Required = true };
        var date = new Option<string>("--date") { Description = "The day, as 2026-11-26.", Required = true };
        var benchmark = new Command("benchmark", "Writes the table of a benchmark as a manifest.") { table, name, machine, date, root };
        benchmark.SetAction(result => Guard(() =>
        {
            string folder = Path.Combine(result.GetValue(root)!, "docs", "results"), file = Path.Combine(folder, $"{result.GetValue(name)}.json");
            string text = ResultsBenchmark.ManifestOf(
                File.ReadAllText(result.GetValue(table)!), result.GetValue(machine)!, result.GetValue(date)!);
            var files = Directory.EnumerateFiles(folder, "*.json").ToDictionary(
                f => Path.GetFileNameWithoutExtension(f), File.ReadAllText, StringComparer.Ordinal);
            files[result.GetValue(name)!] = text;
            _ = new ResultsFolder(files); // refuses what documents could not show
            File.WriteAllText(file, text);
            Console.Error.WriteLine($"written: {file}");
            return 0;
        }));
        return benchmark;
    }

    private static ResultsFolder Read(string root) => ResultsFolder.Read(Path.Combine(root, "docs", "results"));

    private static int Tables(string root, bool isCheck)
    {
        ResultsFolder results = Read(root);
        int stale = 0;
        foreach (string file in ResultsDocument.Files(root))
        {
            string text = File.ReadAllText(file), made = ResultsDocument.Refresh(text, results);
            if (made == text)
                continue;
            stale++;
            Console.Error.WriteLine($"{(isCheck ? "stale" : "written")}: {file}");
            if (!isCheck)
                File.WriteAllText(file, made);
        }
        return isCheck && stale > 0 ? Differs : 0;
    }

    private static int List(string root)
    {
        foreach (ResultsManifest manifest in Read(root).Manifests.Where(m => m.From.Count == 0))
            Console.Out.Write($"{manifest.Name}: {manifest.Title}\n\n{ResultsTable.Commands(manifest.Entries)}\n");
        return 0;
    }

    private static int Rerun(string path, string root, string? data, string? keep)
    {
        ResultsFolder results = Read(root);
        ResultsManifest manifest = results.Manifest(path.Split('/')[0]);
        IReadOnlyList<ResultsEntry> entries = path.Contains('/', StringComparison.Ordinal)
            ? [results.Entry(path)]
            : manifest.Entries;
        string work = Path.GetFullPath(keep ?? Directory.CreateTempSubdirectory("infmatch-results-").FullName);
        try
        {
            var rerun = new ResultsRerun(
                arguments => Run(root, arguments), data is null ? null : Path.GetFullPath(data), work);
            IReadOnlyList<ResultsComparison> found = rerun.Compare(manifest, entries);
            Console.Out.Write(ResultsRerun.Table(found));
            return found.All(c => c.IsWithin) ? 0 : Differs;
        }
        finally
        {
            if (keep is null)
                Directory.Delete(work, recursive: true);
        }
    }

    // The program as it was built; what it says on the way is shown, and its result is kept.
    private static string Run(string root, IReadOnlyList<string> arguments)
    {
        string program = Path.GetFullPath(Path.Combine(root, "Distill", "bin", "Release", "net10.0", "InfMatch.Distill.dll"));
        Console.Error.WriteLine($"> {ResultsRerun.Program} {string.Join(' ', arguments)}");
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments])
        {
            RedirectStandardOutput = true, UseShellExecute = false,
        }) ?? throw new IOException("dotnet could not be started.");
        string printed = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? printed : throw new IOException($"The command ended with {process.ExitCode}.");
    }

    private static int Guard(Func<int> run)
    {
        try
        {
            return run();
        }
        catch (Exception e) when (e is ResultsException or JsonException or IOException)
        {
            Console.Error.WriteLine($"results: {e.Message}");
            return e is ResultsException ? Usage : Data;
        }
    }
}
