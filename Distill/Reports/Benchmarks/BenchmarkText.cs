using System.Globalization;
using System.Text;

namespace InfMatch.Distill;

/// <summary>The table of a benchmark for terminals, documents and spreadsheets.</summary>
internal static class BenchmarkText
{
    private const string Nothing = "-";

    private static readonly string[] s_details =
        ["method", "images per class", "factor", "distilled", "best epoch", "updates", "seconds", "images processed", "memory", "verdict"];

    /// <summary>Accuracies: methods and baselines in rows, images per class in columns.</summary>
    public static ResultTable Accuracies(BenchmarkTable table)
    {
        var shown = new ResultTable(
            Summary.HeadingOf(table.Dataset, table.EvaluatedOn), 1, ["method", .. table.Ipcs.Select(ipc => $"IPC {ipc}")]);
        foreach ((string[] cells, _) in AccuracyRows(table))
            shown.Add(cells);
        return shown;
    }

    /// <summary>What each method cost.</summary>
    public static ResultTable Details(BenchmarkTable table)
    {
        string[] extra = ExtraColumns(table);
        var shown = new ResultTable("What it cost, a set on average", 1, [.. s_details[..4], .. extra.Select(Words), .. s_details[4..]])
        {
            Optional = ["best epoch", "memory"],
        };
        foreach (BenchmarkRow row in table.Rows)
            shown.Add(DetailCells(row, extra));
        return shown;
    }

    /// <summary>What the tables are about, in lines.</summary>
    public static IEnumerable<string> Notes(BenchmarkTable table)
    {
        int seeds = table.Seeds.Count;
        string over = seeds > 1 ? $"mean ± standard deviation over {seeds} seeds of the set" : "mean ± standard deviation over the networks of one seed";
        yield return $"{char.ToUpperInvariant(over[0])}{over[1..]}, last epoch; {table.Protocol ?? "no cell is done yet"}.";
        if (table.Experts is { } experts)
            yield return $"Experts: {experts}.";
        if (table.SoftLabels is { } labels && table.Baselines.Count > 0)
            yield return $"Soft labels: {labels}.";
        foreach (BenchmarkRow row in table.Rows.Where(r => r.Own is not null).DistinctBy(r => (r.Name, r.Own)))
            yield return $"Not like the others: {row.Name}: {row.Own}; its verdict is against baselines of the same kind.";
        yield return table.Budget is { } budget
            ? $"Budget: {budget} for the updates of each set; experts and evaluations are not counted."
            : "Budget: none; each method has its own number of updates.";
        yield return $"Device: {table.Device}" + (table.AtOnce > 1 ? $"; {table.AtOnce} cells at a time, one place each." : ".");
        foreach (MissingCell missing in table.Rows.SelectMany(r => r.Missing))
            yield return $"Missing: {missing.Cell}: {missing.Reason}";
    }

    /// <summary>Both tables and what they are about, as Markdown.</summary>
    public static string Markdown(BenchmarkTable table)
    {
        string[] extra = ExtraColumns(table);
        var text = new StringBuilder();
        Row(text, ["method", .. table.Ipcs.Select(ipc => $"IPC {ipc}")]);
        Row(text, [.. Enumerable.Repeat("---", table.Ipcs.Count + 1)]);
        foreach ((string[] cells, _) in AccuracyRows(table))
            Row(text, cells);
        text.Append('\n');
        string[] headings = [.. s_details[..4], .. extra.Select(Words), .. s_details[4..]];
        Row(text, headings);
        Row(text, [.. Enumerable.Repeat("---", headings.Length)]);
        foreach (BenchmarkRow row in table.Rows)
            Row(text, DetailCells(row, extra));
        text.Append('\n');
        foreach (string note in Notes(table))
        {
            foreach ((string line, int i) in TextLines.Broken(note, 96).Select((line, i) => (line, i)))
                text.Append(i == 0 ? "- " : "  ").Append(line).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>A line for each method or baseline and number of images per class, for spreadsheets.</summary>
    public static string Csv(BenchmarkTable table)
    {
        string[] columns = [.. table.Rows.SelectMany(r => r.Accuracy.Keys).Append(BenchmarkTable.Distilled).Distinct(StringComparer.Ordinal)];
        var text = new StringBuilder();
        text.Append("method,ipc,factor,");
        foreach (string column in columns)
            text.Append(CultureInfo.InvariantCulture, $"{column}_mean,{column}_std_seeds,{column}_std_networks,{column}_best_mean,");
        text.Append("seeds,updates,seconds,images,peak_bytes,verdict,missing\n");
        foreach (BenchmarkRow row in table.Rows.Concat(table.Baselines))
        {
            text.Append(Quoted(row.Label)).Append(CultureInfo.InvariantCulture, $",{row.Ipc},{row.Factor},");
            foreach (string column in columns)
            {
                BenchmarkAccuracy? last = row.Accuracy.GetValueOrDefault(column);
                text.Append(CultureInfo.InvariantCulture, $"{last?.Mean},{last?.Std},{last?.StdOfNetworks},{row.Best.GetValueOrDefault(column)?.Mean},");
            }
            text.Append(CultureInfo.InvariantCulture, $"{row.Accuracy.GetValueOrDefault(BenchmarkTable.Distilled)?.Runs.Count ?? 0},");
            text.Append(CultureInfo.InvariantCulture, $"{row.Updates},{row.Seconds},{row.Images},{row.PeakBytes},");
            text.Append(Quoted(row.Verdict ?? "")).Append(',')
                .Append(Quoted(string.Join("; ", row.Missing.Select(m => $"{m.Cell}: {m.Reason}")))).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>A number with as many digits as matter: 41120 as 41.1 k.</summary>
    public static string Short(double? value) => value switch
    {
        null => Nothing,
        >= 1e9 => FormattableString.Invariant($"{value / 1e9:F2} G"),
        >= 1e6 => FormattableString.Invariant($"{value / 1e6:F2} M"),
        >= 1e4 => FormattableString.Invariant($"{value / 1e3:F1} k"),
        _ => FormattableString.Invariant($"{value:0.#}"),
    };

    private static IEnumerable<(string[] Cells, bool IsBaseline)> AccuracyRows(BenchmarkTable table) =>
        table.Methods.Select(m => (m, false)).Concat(table.BaselineNames.Select(b => (b, true))).Select(row =>
            ((string[])[row.Item1.Label, .. table.Ipcs.Select(ipc => Cell(table.Row(row.Item1.Name, ipc)))], row.Item2));

    // A mean over fewer seeds than the others have says so.
    private static string Cell(BenchmarkRow? row)
    {
        if (row?.Accuracy.GetValueOrDefault(BenchmarkTable.Distilled) is not { } accuracy)
            return row is null ? Nothing : "missing";
        return row.Missing.Count == 0 ? accuracy.Shown : $"{accuracy.Shown} ({row.Missing.Count} missing)";
    }

    private static string[] DetailCells(BenchmarkRow row, string[] extra) =>
    [
        row.Label, $"{row.Ipc}", $"{row.Factor}", Cell(row), .. extra.Select(column => row.Accuracy.GetValueOrDefault(column)?.Shown ?? Nothing),
        row.Best.GetValueOrDefault(BenchmarkTable.Distilled)?.Shown ?? Nothing, Short(row.Updates), Short(row.Seconds), Short(row.Images),
        row.PeakBytes is { } bytes and > 0 ? ByteSize.Text(bytes) : Nothing, row.Verdict ?? Nothing,
    ];

    // Columns of the set besides the first, such as that of hard labels.
    private static string[] ExtraColumns(BenchmarkTable table) =>
        [.. table.Rows.SelectMany(r => r.Accuracy.Keys).Distinct(StringComparer.Ordinal).Where(c => c != BenchmarkTable.Distilled)];

    // "distilledHardLabels" as "distilled hard labels".
    private static string Words(string key) =>
        string.Concat(key.Select(c => char.IsAsciiLetterUpper(c) ? $" {char.ToLowerInvariant(c)}" : $"{c}"));

    private static void Row(StringBuilder text, IReadOnlyList<string> cells) =>
        text.Append("| ").AppendJoin(" | ", cells.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");

    private static string Quoted(string text) => text.AsSpan().ContainsAny(",\"\n\r")
        ? $"\"{text.ReplaceLineEndings(" ").Replace("\"", "\"\"", StringComparison.Ordinal)}\""
        : text;
}
