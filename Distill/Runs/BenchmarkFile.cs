using System.Text.Json;
using System.Text.Json.Serialization;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>A cell of a benchmark: one method, one number of images per class, one seed. It is a run of its own.</summary>
/// <param name="Method">The method.</param>
/// <param name="Ipc">Images per class.</param>
/// <param name="Seed">What the set's random numbers follow from.</param>
internal sealed record BenchmarkCell(string Method, int Ipc, ulong Seed)
{
    /// <summary>Why its settings were refused; null where they were not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Refused { get; init; }

    /// <summary>Its name, which its folder has.</summary>
    [JsonIgnore]
    public string Name => FormattableString.Invariant($"{Method}-ipc{Ipc}-s{Seed}");
}

/// <summary>benchmark.json: the cells of a benchmark, in the order in which they are run.</summary>
internal sealed record BenchmarkFile
{
    /// <summary>Its name in the folder.</summary>
    public const string FileName = "benchmark.json";

    /// <summary>The folder of the cells' runs.</summary>
    public const string CellFolder = "cells";

    private const int LongestShown = 80;

    /// <summary>The cells.</summary>
    public required IReadOnlyList<BenchmarkCell> Cells { get; init; }

    /// <summary>The seed of the experts, which all cells share.</summary>
    public required ulong ExpertSeed { get; init; }

    /// <summary>Each text behind --set.</summary>
    public IReadOnlyList<string> Sets { get; init; } = [];

    /// <summary>Whether each method's experts are trained as its authors did.</summary>
    public bool HasOwnExperts { get; init; }

    /// <summary>The methods in the order of the cells.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Methods => [.. Cells.Select(c => c.Method).Distinct(StringComparer.Ordinal)];

    /// <summary>The numbers of images per class, ascending.</summary>
    [JsonIgnore]
    public IReadOnlyList<int> Ipcs => [.. Cells.Select(c => c.Ipc).Distinct().Order()];

    /// <summary>The seeds, ascending.</summary>
    [JsonIgnore]
    public IReadOnlyList<ulong> Seeds => [.. Cells.Select(c => c.Seed).Distinct().Order()];

    /// <summary>The cells of a grid: method by method, so that two that run at once seldom need the same random baseline.</summary>
    public static IReadOnlyList<BenchmarkCell> CellsOf(IReadOnlyList<string> methods, IReadOnlyList<int> ipcs, IReadOnlyList<ulong> seeds) =>
        [.. methods.SelectMany(method => ipcs.SelectMany(ipc => seeds.Select(seed => new BenchmarkCell(method, ipc, seed))))];

    /// <summary>Whether a folder is one of a benchmark.</summary>
    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <summary>Where the run of a cell is.</summary>
    public static string PathOf(string folder, BenchmarkCell cell) => Path.Combine(folder, CellFolder, cell.Name);

    /// <summary>The command that makes it again.</summary>
    /// <param name="common">The settings that all cells have in common, with their origins.</param>
    /// <param name="atOnce">How many cells are run at a time.</param>
    public string CommandOf(ResolvedSettings common, int atOnce)
    {
        string preset = RepeatedOptions.PresetOf(common) ?? Presets.Usual;
        Setting[] given = [.. Settings.All.Where(s => s.IsOf(common.Settings) && IsRepeated(s, common.Origins.GetValueOrDefault(s.Property) ?? ""))];
        // Seeds are named in their order, and the first of them need not be the one from which the experts follow.
        bool namesExperts = ExpertSeed != Seeds[0] && given.All(s => s.Property != nameof(RunSettings.ExpertSeed));
        return $"./infmatch benchmark{(preset == Presets.Usual ? "" : $" --preset {preset}")} --methods {string.Join(' ', Methods)} --ipc " +
            $"{string.Join(' ', Ipcs)} --seeds {string.Join(' ', Seeds)}{(common.Settings.Data is null ? "" : " --data FOLDER")}" +
            string.Concat(given.Select(s => $" {s.Name} {RepeatedOptions.Words(s, common.Settings)}")) +
            (namesExperts ? FormattableString.Invariant($" --expert-seed {ExpertSeed}") : "") +
            (common.Settings.BudgetOfSet is { Unit: BudgetUnit.Seconds } // worth so much on so many threads
                ? FormattableString.Invariant($" --threads {ThreadsOfCell(common.Settings, atOnce)}") : "") +
            string.Concat(Sets.Select(s => $" --set {ShellWord.Of(s)}")) + (HasOwnExperts ? " --own-experts" : "");
    }

    /// <summary>On how many threads a cell is run where so many cells are run at a time.</summary>
    public static int ThreadsOfCell(RunSettings common, int atOnce) =>
        Math.Max(1, (common.Threads == 0 ? Environment.ProcessorCount : common.Threads) / atOnce);

    // What was given by an option, by a variable or in a file that another machine need not have; what --set gave is named behind it.
    private static bool IsRepeated(Setting setting, string origin) => !s_notRepeated.Contains(setting.Property)
        && (origin == $"command line ({setting.Name})" || origin.Split(' ')[0] is "file" or "environment");

    // Of another machine, or named by the command itself.
    private static readonly HashSet<string> s_notRepeated = new(StringComparer.Ordinal)
    {
        nameof(RunSettings.Method), nameof(RunSettings.Ipc), nameof(RunSettings.Data), nameof(RunSettings.Out), nameof(RunSettings.Threads),
        nameof(RunSettings.Device), nameof(RunSettings.MemoryLimit), nameof(RunSettings.ExpertsFrom),
    };

    /// <summary>The text of the file.</summary>
    public string ToText() => SealedJson.Seal(JsonSerializer.SerializeToNode(this, JsonText.Options)!.AsObject()) + "\n";

    /// <summary>Writes the file into a folder.</summary>
    public void Save(string folder) => AtomicFile.WriteAllText(Path.Combine(folder, FileName), ToText());

    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="DistillException">It is no such file, or damaged.</exception>
    public static BenchmarkFile Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            (BenchmarkFile read, _) = SealedJson.Read<BenchmarkFile>(path);
            if (read.Cells.Count == 0)
                throw new JsonException("cells is empty; expected at least one.");
            foreach (BenchmarkCell cell in read.Cells)
            {
                if (cell.Ipc < 1 || Kinds.Find<DistillationMethod>(cell.Method) is null)
                {
                    throw new JsonException(
                        $"cells has the method {PrintableText.Quoted(PrintableText.Of(cell.Method, LongestShown))} with ipc {cell.Ipc}; expected " +
                        $"one of {string.Join(", ", Kinds.Names<DistillationMethod>())} and a number from 1.");
                }
            }
            return read;
        }
        catch (Exception e) when (e is JsonException or FileNotFoundException)
        {
            throw new DistillException(
                ExitCode.Data, "IM3082", $"{path} is no benchmark: {e.Message} Put it back, or start 'benchmark' again in another folder.", e);
        }
    }
}
