using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>The accuracies of a benchmark as a drawing: a panel for each number of images per class, a line for each method, with the
/// baselines as levels.</summary>
internal static class BenchmarkPicture
{
    private const double NameWidth = 150, PanelWidth = 250, Gap = 40, RowHeight = 24, Head = 22, Axis = 22;

    private static readonly Dictionary<string, string> s_colours = new(StringComparer.Ordinal)
    {
        ["randomReal"] = "real", ["randomRealSoftLabels"] = "soft", ["whole"] = "whole",
    };

    /// <summary>Writes the drawing.</summary>
    public static void Write(string path, BenchmarkTable table)
    {
        double height = Head + RowHeight * table.Methods.Count + Axis, width = NameWidth + table.Ipcs.Count * (PanelWidth + Gap);
        string over = table.Seeds.Count > 1 ? $"{table.Seeds.Count} seeds" : "the networks of one seed";
        SvgFile.Write(
            path, $"Test accuracy in percent, {table.Dataset}",
            Names(table).Concat(table.Ipcs.SelectMany((ipc, i) => Panel(table, ipc, NameWidth + i * (PanelWidth + Gap)))),
            (width, height),
            [("distilled", "distilled set"), .. table.BaselineNames.Select(b => (s_colours[b.Name], b.Label))],
            $"Bars: standard deviation over {over}. Last epoch." + (table.Budget is { } budget ? $" Budget of each set: {budget}." : ""));
    }

    private static IEnumerable<XElement> Names(BenchmarkTable table) =>
        table.Methods.Select((m, i) => SvgFile.Text(NameWidth - 8, Head + RowHeight * (i + 0.5) + 4, m.Label, "name", "end"));

    private static IEnumerable<XElement> Panel(BenchmarkTable table, int ipc, double left)
    {
        BenchmarkRow[] rows = [.. table.Rows.Concat(table.Baselines).Where(r => r.Ipc == ipc)];
        BenchmarkAccuracy[] shown = [.. rows.Select(r => r.Accuracy.GetValueOrDefault(BenchmarkTable.Distilled)).OfType<BenchmarkAccuracy>()];
        double low = shown.Select(a => a.Mean - Deviation(a)).DefaultIfEmpty(0).Min(), high = shown.Select(a => a.Mean + Deviation(a)).DefaultIfEmpty(1).Max();
        var x = Scale.Of(low, high, left, left + PanelWidth);
        double bottom = Head + RowHeight * table.Methods.Count;
        yield return SvgFile.Text(left, Head - 10, $"{ipc} {(ipc == 1 ? "image" : "images")} per class", "name");
        foreach (double tick in x.Ticks)
        {
            yield return Line("grid", x.At(tick), Head, x.At(tick), bottom);
            yield return SvgFile.Text(x.At(tick), bottom + 16, LineChart.Short(tick), anchor: "middle");
        }
        foreach (BenchmarkRow row in rows.Where(r => s_colours.ContainsKey(r.Name)))
        {
            double at = x.At(row.Accuracy[BenchmarkTable.Distilled].Mean);
            yield return Line($"level {s_colours[row.Name]}", at, Head, at, bottom);
        }
        for (int i = 0; i < table.Methods.Count; i++)
        {
            double y = Head + RowHeight * (i + 0.5);
            if (table.Row(table.Methods[i].Name, ipc)?.Accuracy.GetValueOrDefault(BenchmarkTable.Distilled) is not { } accuracy)
            {
                yield return SvgFile.Text(left + 4, y + 4, "missing");
                continue;
            }
            yield return Line("bar distilled", x.At(accuracy.Mean - Deviation(accuracy)), y, x.At(accuracy.Mean + Deviation(accuracy)), y);
            yield return Html.Of(
                "circle", Html.Class("mark distilled"), SvgFile.At("cx", x.At(accuracy.Mean)), SvgFile.At("cy", y), Html.At("r", "5"),
                Html.Of("title", $"{table.Methods[i].Label}: {accuracy.Shown} %"));
        }
    }

    private static double Deviation(BenchmarkAccuracy accuracy) => accuracy.Std ?? accuracy.StdOfNetworks ?? 0;

    private static XElement Line(string look, double x1, double y1, double x2, double y2) => Html.Of(
        "line", Html.Class(look), SvgFile.At("x1", x1), SvgFile.At("y1", y1), SvgFile.At("x2", x2), SvgFile.At("y2", y2));
}
