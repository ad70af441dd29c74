using System.Globalization;
using System.Text.Json.Nodes;
using CsvHelper;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>metrics.csv: the lines of metrics.jsonl as a table (RFC 4180) that spreadsheets and pandas open. A cell is empty where
/// a line does not have the column's number.</summary>
internal static class MetricsTable
{
    private const string Skipped = MetricsFile.SkippedKey;

    // Ones that every method has; those of the method stand behind them.
    private static readonly string[] s_first = ["ipc", "iteration", MetricsFile.KindKey, MetricsFile.LossKey, MetricsFile.ProbeKey, "accuracy"];

    /// <summary>Writes the table of a file of metrics; it appears as a whole.</summary>
    /// <exception cref="DistillException">The metrics are damaged.</exception>
    public static void Write(string metrics, string path)
    {
        JsonObject[] lines = [.. MetricsFile.Read(metrics)];
        string[] columns =
        [
            .. s_first,
            .. lines.SelectMany(line => line.Select(entry => entry.Key)).Distinct(StringComparer.Ordinal)
                .Where(key => key != Skipped && !s_first.Contains(key, StringComparer.Ordinal)),
            Skipped,
        ];
        AtomicFile.Write(path, stream =>
        {
            using var text = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            using var csv = new CsvWriter(text, CultureInfo.InvariantCulture);
            foreach (string column in columns)
                csv.WriteField(column);
            csv.NextRecord();
            foreach (JsonObject line in lines)
            {
                foreach (string column in columns)
                    csv.WriteField(column == MetricsFile.KindKey ? MetricsFile.KindOf(line) : line[column]?.ToString() ?? "");
                csv.NextRecord();
            }
        });
    }
}
