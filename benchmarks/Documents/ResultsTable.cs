using System.Text;

namespace InfMatch.Benchmarks;

/// <summary>Entries of a manifest as a Markdown table, and their commands as a list.</summary>
internal static class ResultsTable
{
    private const int LineLength = 100;

    // More names than these make no sentence.
    private const int MostNamed = 8;

    /// <summary>Keys of columns that are made of the entry itself.</summary>
    public static IReadOnlyList<string> Derived { get; } = ["name", "source", "published"];

    /// <summary>The table.</summary>
    public static string Of(IReadOnlyList<ResultsColumn> columns, IEnumerable<ResultsEntry> entries)
    {
        var text = new StringBuilder();
        text.Append($"| {string.Join(" | ", columns.Select(c => c.Heading))} |").Append('\n');
        text.Append($"|{string.Concat(Enumerable.Repeat("---|", columns.Count))}").Append('\n');
        foreach (ResultsEntry entry in entries)
            text.Append($"| {string.Join(" | ", columns.Select(c => Cell(c, entry)))} |").Append('\n');
        return text.ToString();
    }

    /// <summary>The machines as a table.</summary>
    public static string Of(IReadOnlyDictionary<string, ResultsMachine> machines)
    {
        var text = new StringBuilder("| machine | processor | cores | used on |\n|---|---|---|---|\n");
        foreach ((string letter, ResultsMachine machine) in machines.OrderBy(m => m.Key, StringComparer.Ordinal))
            text.Append($"| {letter} | {machine.Processor} | {machine.Cores} | {machine.Dates} |\n");
        return text.ToString();
    }

    /// <summary>The commands: entries that share theirs stand together.</summary>
    public static string Commands(IEnumerable<ResultsEntry> entries)
    {
        var text = new StringBuilder();
        foreach (IGrouping<string, ResultsEntry> group in entries.GroupBy(e => string.Join('\n', e.Commands!), StringComparer.Ordinal))
        {
            string names = group.Count() > MostNamed
                ? $"the {group.Count()} entries from `{group.First().Name}` to `{group.Last().Name}`"
                : string.Join(", ", group.Select(e => $"`{e.Name}`"));
            string notes = string.Join(" ", group.Select(e => e.Note).Where(n => n is not null).Distinct(StringComparer.Ordinal));
            string sources = string.Join("; ", group.Select(Source).Distinct(StringComparer.Ordinal));
            string head = $"- {names} ({group.First().Protocol}; {sources})" + (notes.Length > 0 ? $". {notes}" : "");
            text.Append(Wrap(head.Split(' '), "  ", "")).Append("\n\n");
            foreach (string command in group.First().Commands!)
                text.Append("      ").Append(Wrap(Options(command), "          ", " \\", 6)).Append('\n');
            text.Append('\n');
        }
        return text.ToString().TrimEnd('\n') + "\n";
    }

    /// <summary>A figure as readers see it.</summary>
    public static string Shown(ResultsFigure figure, int digits)
    {
        string format = $"F{figure.Digits ?? digits}";
        string mean = figure.Mean.ToString(format, System.Globalization.CultureInfo.InvariantCulture);
        return figure.Std is { } std
            ? $"{mean} ± {std.ToString(format, System.Globalization.CultureInfo.InvariantCulture)}"
            : mean;
    }

    private static string Cell(ResultsColumn column, ResultsEntry entry)
    {
        if (entry.Figures.TryGetValue(column.Key, out ResultsFigure? figure))
        {
            string shown = Shown(figure, column.Digits);
            return IsBold(column, entry, figure) ? $"**{shown}**" : shown;
        }
        return column.Key switch
        {
            "name" => $"`{entry.Name}`",
            "source" => Source(entry),
            "published" => string.Join(", ", entry.Published.Select(
                p => FormattableString.Invariant($"{p.Key} {p.Value:F1}"))),
            _ => entry.Labels.GetValueOrDefault(column.Key, ""),
        };
    }

    private static string Source(ResultsEntry entry) => $"{entry.Machine}, {entry.Commit}, {entry.Date}";

    private static bool IsBold(ResultsColumn column, ResultsEntry entry, ResultsFigure figure)
    {
        ResultsFigure[] others = [.. column.BoldOver.Where(entry.Figures.ContainsKey).Select(key => entry.Figures[key])];
        return others.Length > 0 && others.All(other => IsAbove(figure, other));
    }

    private static bool IsAbove(ResultsFigure figure, ResultsFigure other) =>
        figure.Mean - (figure.Std ?? 0) > other.Mean + (other.Std ?? 0);

    // An option stays on one line with its values.
    private static string[] Options(string command) =>
        [.. command.Split(" --").Select((option, i) => i == 0 ? option : $"--{option}")];

    // A line that is too long goes on in the next, which begins with the indentation.
    private static string Wrap(string[] words, string indent, string lineEnd, int taken = 0)
    {
        var lines = new StringBuilder();
        int length = taken;
        foreach (string word in words)
        {
            if (length > taken && length + 1 + word.Length + lineEnd.Length > LineLength)
            {
                lines.Append(lineEnd).Append('\n').Append(indent);
                length = indent.Length;
            }
            else if (lines.Length > 0)
            {
                lines.Append(' ');
                length++;
            }
            lines.Append(word);
            length += word.Length;
        }
        return lines.ToString();
    }
}
