using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace InfMatch.Benchmarks;

/// <summary>A figure of a manifest beside the one that its commands gave now.</summary>
/// <param name="Entry">The entry.</param>
/// <param name="Column">The figure's column.</param>
/// <param name="Stated">What the manifest says.</param>
/// <param name="Now">What was found; null where the program printed none.</param>
internal sealed record ResultsComparison(string Entry, ResultsColumn Column, ResultsFigure Stated, ResultsFigure? Now)
{
    private const double Deviations = 2;

    /// <summary>The difference that may be: two standard errors of the difference, or the share that the column says where no
    /// deviation is known, and half a unit of the last digit that the manifest keeps.</summary>
    public double Allowed
    {
        get
        {
            double error = Stated is { Std: { } std, N: { } n } && Now is { Std: { } newStd, N: { } newN }
                ? Deviations * Math.Sqrt(std * std / n + newStd * newStd / newN)
                : Column.Tolerance * Math.Abs(Stated.Mean);
            return error + 0.5 * Math.Pow(10, -(Stated.Digits ?? Column.Digits));
        }
    }

    /// <summary>Whether the new figure is within what may be.</summary>
    public bool IsWithin => Now is not null && Math.Abs(Now.Mean - Stated.Mean) <= Allowed;
}

/// <summary>Runs the commands of entries again and compares what they print with what the manifest says.</summary>
/// <param name="run">Runs the program with arguments and returns what it printed.</param>
/// <param name="dataFolder">What FOLDER stands for; null where no data was named.</param>
/// <param name="workFolder">A folder for the runs.</param>
internal sealed partial class ResultsRerun(Func<IReadOnlyList<string>, string> run, string? dataFolder, string workFolder)
{
    /// <summary>The word with which commands of a manifest begin.</summary>
    public const string Program = "./infmatch";

    /// <summary>The figures of entries, in their order; commands that entries share run once.</summary>
    /// <exception cref="ResultsException">A command is none of this program's, or needs data that were not named.</exception>
    /// <exception cref="JsonException">The program printed no JSON.</exception>
    public IReadOnlyList<ResultsComparison> Compare(ResultsManifest manifest, IEnumerable<ResultsEntry> entries)
    {
        var found = new List<ResultsComparison>();
        int number = 0;
        foreach (IGrouping<string, ResultsEntry> group in entries.GroupBy(e => string.Join('\n', e.Commands!), StringComparer.Ordinal))
        {
            JsonNode printed = Run(group.First().Commands!, Path.Combine(workFolder, (++number).ToString(CultureInfo.InvariantCulture)));
            foreach (ResultsEntry entry in group)
            {
                JsonNode? row = At(printed, entry.Row ?? "");
                found.AddRange(manifest.Columns
                    .Where(c => c.Path is not null && entry.Figures.ContainsKey(c.Key))
                    .Select(c => new ResultsComparison(entry.Name, c, entry.Figures[c.Key], Figure(At(row, c.Path!)))));
            }
        }
        return found;
    }

    /// <summary>The comparisons as a Markdown table.</summary>
    public static string Table(IEnumerable<ResultsComparison> comparisons)
    {
        var text = new StringBuilder("| entry | figure | stated | now | may differ by | |\n|---|---|---|---|---|---|\n");
        foreach (ResultsComparison c in comparisons)
        {
            string now = c.Now is null ? "none" : ResultsTable.Shown(c.Now with { Digits = c.Stated.Digits }, c.Column.Digits);
            text.Append(CultureInfo.InvariantCulture, $"| {c.Entry} | {c.Column.Heading} ");
            text.Append(CultureInfo.InvariantCulture, $"| {ResultsTable.Shown(c.Stated, c.Column.Digits)} | {now} | {c.Allowed:F2} ");
            text.Append(c.IsWithin ? "| within |\n" : "| DIFFERS |\n");
        }
        return text.ToString();
    }

    /// <summary>The value at a path such as results[ipc=1].accuracy; null where there is none.</summary>
    public static JsonNode? At(JsonNode? from, string path)
    {
        foreach (Match step in Step().Matches(path))
        {
            from = (from as JsonObject)?[step.Groups["key"].Value];
            if (step.Groups["filter"].Success)
            {
                from = (from as JsonArray)?.FirstOrDefault(
                    row => At(row, step.Groups["filter"].Value)?.ToString() == step.Groups["value"].Value);
            }
        }
        return from;
    }

    private JsonNode Run(IReadOnlyList<string> commands, string folder)
    {
        string printed = "";
        foreach (string command in commands)
        {
            string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[0] != Program)
                throw new ResultsException($"'{command}' is not run here: it is no command of {Program}. Run it by hand.");
            if (words.Contains("FOLDER", StringComparer.Ordinal) && dataFolder is null)
                throw new ResultsException($"'{command}' needs data: name their folder by --data or INFMATCH_DATA.");
            string latest = Path.Combine(folder, "latest");
            string before = File.Exists(latest) ? File.ReadAllText(latest).Trim() : "";
            printed = run(
            [
                .. words.Skip(1).Select(w => w == "FOLDER" ? dataFolder! : w.Replace("RUN/", $"{before}/", StringComparison.Ordinal)),
                "--json", "--out", folder,
            ]);
        }
        return JsonNode.Parse(printed)!;
    }

    // An accuracy of the program, with a mean and the networks' own, or a bare number.
    private static ResultsFigure? Figure(JsonNode? node) => node switch
    {
        JsonObject accuracy when accuracy["mean"] is { } mean && accuracy["runs"] is JsonArray runs =>
            new ResultsFigure(mean.GetValue<double>())
            {
                N = runs.Count, Std = runs.Count > 1 ? accuracy["std"]!.GetValue<double>() : null,
            },
        JsonValue value => new ResultsFigure(value.GetValue<double>()),
        _ => null,
    };

    [GeneratedRegex(@"(?<key>\w+)(\[(?<filter>[\w.]+)=(?<value>[^\]]+)\])?")]
    private static partial Regex Step();
}
