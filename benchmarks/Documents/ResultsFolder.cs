using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace InfMatch.Benchmarks;

/// <summary>A machine that measurements name.</summary>
/// <param name="Processor">The processor.</param>
/// <param name="Cores">How many cores.</param>
/// <param name="Dates">When it was used.</param>
internal sealed record ResultsMachine(string Processor, int Cores, string Dates);

/// <summary>The manifests of docs/results and the machines that they name.</summary>
internal sealed partial class ResultsFolder
{
    private const string MachinesName = "machines";

    private static readonly JsonSerializerOptions s_machineOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, RespectRequiredConstructorParameters = true,
    };

    private readonly Dictionary<string, ResultsManifest> _manifests = new(StringComparer.Ordinal);

    /// <summary>From the text of each file, by its name without the ending.</summary>
    /// <exception cref="JsonException">A file is malformed; the message names it and what is wrong.</exception>
    public ResultsFolder(IReadOnlyDictionary<string, string> files)
    {
        Machines = JsonSerializer.Deserialize<Dictionary<string, ResultsMachine>>(files[MachinesName], s_machineOptions)!;
        foreach ((string name, string text) in files.Where(f => f.Key != MachinesName).OrderBy(f => f.Key, StringComparer.Ordinal))
        {
            try
            {
                _manifests.Add(name, ResultsManifest.Parse(name, text));
                Require(_manifests[name]);
            }
            catch (JsonException e)
            {
                throw new JsonException($"{name}.json: {e.Message}", e);
            }
        }
        foreach (ResultsManifest selection in Manifests.Where(m => m.From.Count > 0).ToArray())
        {
            _manifests[selection.Name] = selection with
            {
                Entries = [.. selection.From.Select(path => Entry(path) with { Name = path })],
            };
        }
    }

    /// <summary>The machines by their letter.</summary>
    public IReadOnlyDictionary<string, ResultsMachine> Machines { get; }

    /// <summary>The manifests in the order of their names.</summary>
    public IEnumerable<ResultsManifest> Manifests => _manifests.Values;

    /// <summary>Reads every file of a folder that ends in .json.</summary>
    /// <exception cref="JsonException">A file is malformed; the message names it and what is wrong.</exception>
    public static ResultsFolder Read(string folder) => new(Directory.EnumerateFiles(folder, "*.json").ToDictionary(
        file => Path.GetFileNameWithoutExtension(file), File.ReadAllText, StringComparer.Ordinal));

    /// <summary>A manifest by its name.</summary>
    /// <exception cref="ResultsException">There is none.</exception>
    public ResultsManifest Manifest(string name) => _manifests.GetValueOrDefault(name) ?? throw new ResultsException(
        $"No results are named \"{name}\"; expected one of {string.Join(", ", _manifests.Keys)}.");

    /// <summary>An entry by manifest/entry.</summary>
    /// <exception cref="ResultsException">There is none.</exception>
    public ResultsEntry Entry(string path)
    {
        int slash = path.IndexOf('/', StringComparison.Ordinal);
        ResultsManifest manifest = Manifest(slash < 0 ? path : path[..slash]);
        return manifest.Entries.SingleOrDefault(e => e.Name == path[(slash + 1)..]) ?? throw new ResultsException(
            $"{manifest.Name} has no entry \"{path[(slash + 1)..]}\"; expected one of " +
            $"{string.Join(", ", manifest.Entries.Select(e => e.Name))}.");
    }

    private void Require(ResultsManifest manifest)
    {
        Check(NamePattern().IsMatch(manifest.Name), "its name", manifest.Name, "lower-case letters, digits and hyphens");
        Check((manifest.Entries.Count == 0) != (manifest.From.Count == 0), "entries", "none or beside \"from\"", "one of the two");
        string[] keys = [.. manifest.Columns.Select(c => c.Key)];
        Check(keys.Distinct(StringComparer.Ordinal).Count() == keys.Length, "columns", string.Join(", ", keys), "each key once");
        string[] names = [.. manifest.Entries.Select(e => e.Name)];
        Check(names.Distinct(StringComparer.Ordinal).Count() == names.Length, "entries", string.Join(", ", names), "each name once");
        foreach (ResultsEntry entry in manifest.Entries)
            Require(entry, keys, manifest);
    }

    private void Require(ResultsEntry entry, string[] keys, ResultsManifest manifest)
    {
        string at = $"entry {entry.Name}: ";
        Check(NamePattern().IsMatch(entry.Name), $"{at}name", entry.Name, "lower-case letters, digits and hyphens");
        Check(CommitPattern().IsMatch(entry.Commit ?? ""), $"{at}commit", entry.Commit, "7 to 40 hexadecimal digits");
        Check(Machines.ContainsKey(entry.Machine ?? ""), $"{at}machine", entry.Machine, string.Join(", ", Machines.Keys));
        Check(
            DateOnly.TryParseExact(entry.Date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
            $"{at}date", entry.Date, "a day as 2026-11-26");
        Check(entry.Seed is not null, $"{at}seed", $"{entry.Seed}", "a number from 0");
        Check(entry.Factor is >= 1, $"{at}factor", $"{entry.Factor}", "a number from 1");
        Check(entry.Protocol is { Length: > 0 }, $"{at}protocol", entry.Protocol, "a text");
        Check(entry.Commands is { Count: > 0 }, $"{at}commands", "none", "at least one");
        foreach (string command in entry.Commands!)
        {
            string first = command.Split(' ')[0];
            Check(
                first == ResultsRerun.Program || first.StartsWith("eng/", StringComparison.Ordinal), $"{at}command", command,
                $"one that begins with {ResultsRerun.Program} or a script of eng");
        }
        foreach ((string key, ResultsFigure figure) in entry.Figures)
        {
            Check(keys.Contains(key, StringComparer.Ordinal), $"{at}figure", key, string.Join(", ", keys));
            Check(double.IsFinite(figure.Mean), $"{at}{key}.mean", $"{figure.Mean}", "a number");
            Check(
                (figure.N, figure.Std) is (null, null) or (1, null) or ( > 1, >= 0), $"{at}{key}",
                $"n {figure.N}, std {figure.Std}", "a deviation where n is above 1, and none else");
        }
        Check(entry.Figures.Count > 0, $"{at}figures", "none", "at least one");
        foreach (string key in manifest.RankWithin)
            Check(entry.Labels.ContainsKey(key), $"{at}label {key}", "none", "one, for rankWithin names it");
        Check(entry.Published.Count == 0 || manifest.PublishedIn is not null, $"{at}published", "without source", "publishedIn");
    }

    private static void Check(bool isRight, string what, string? got, string expected)
    {
        if (!isRight)
            throw new JsonException($"{what} is \"{got}\"; expected {expected}.");
    }

    [GeneratedRegex("^[a-z0-9-]+$")]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[0-9a-f]{7,40}$")]
    private static partial Regex CommitPattern();
}
