using System.Globalization;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using ScottPlot;

namespace InfMatch.Distill;

/// <summary>How well estimates agree with training again: a curve for each over the length of the training, or a bar for each
/// after the only one.</summary>
internal static class FidelityPlot
{
    private const int Width = 900, Height = 480;

    // A bar's number stands beyond its end.
    private const double Margin = 1.05, MarginOfBars = 1.25;

    private const float TextSize = 16, TitleSize = 18;

    /// <summary>Writes the plot; values that are NaN are left out. Where all are, there is no file, and the result is
    /// false.</summary>
    public static bool Write(
        string path, string title, string what,
        IReadOnlyList<(string Name, IReadOnlyList<(int Step, double Value)> Points)> curves)
    {
        List<(string Name, (int Step, double Value)[] Points)> known =
        [
            .. curves.Select(c => (c.Name, Points: c.Points.Where(p => double.IsFinite(p.Value)).ToArray()))
                .Where(c => c.Points.Length > 0),
        ];
        if (known.Count == 0)
        {
            File.Delete(path);
            return false;
        }
        using var plot = new Plot();
        int[] steps = [.. known.SelectMany(c => c.Points.Select(p => p.Step)).Distinct()];
        if (steps.Length == 1)
            DrawBars(plot, $"{what}, after {steps[0]} steps", [.. known.Select(c => (c.Name, c.Points[0].Value))]);
        else
            DrawCurves(plot, what, known);
        Style(plot, PrintableText.Of(title));
        byte[] png = PngImage.Encode(plot, Width, Height);
        AtomicFile.Write(path, stream => stream.Write(png));
        return true;
    }

    private static void DrawCurves(Plot plot, string what, List<(string Name, (int Step, double Value)[] Points)> curves)
    {
        plot.XLabel("steps of training");
        plot.YLabel(what);
        foreach ((string name, (int Step, double Value)[] points) in curves)
        {
            var curve = plot.Add.Scatter(
                (double[])[.. points.Select(p => (double)p.Step)], (double[])[.. points.Select(p => p.Value)]);
            curve.LegendText = name;
        }
        plot.Axes.SetLimits(0, Margin * curves.Max(c => c.Points.Max(p => p.Step)), -Margin, Margin);
        plot.ShowLegend(Edge.Right);
    }

    // The first estimate on top, as in the table.
    private static void DrawBars(Plot plot, string what, List<(string Name, double Value)> bars)
    {
        double[] positions = [.. bars.Select((_, i) => (double)(bars.Count - 1 - i))];
        var drawn = plot.Add.Bars(positions, [.. bars.Select(b => b.Value)]);
        drawn.Horizontal = true;
        drawn.Color = Colors.SteelBlue;
        drawn.ValueLabelStyle.FontSize = TextSize;
        foreach (Bar bar in drawn.Bars)
            bar.Label = bar.Value.ToString("F3", CultureInfo.InvariantCulture);
        plot.XLabel(what);
        plot.Axes.Left.SetTicks(positions, [.. bars.Select(b => b.Name)]);
        plot.Axes.SetLimits(-MarginOfBars, MarginOfBars, -1, bars.Count);
    }

    private static void Style(Plot plot, string title)
    {
        plot.Title(title, TitleSize);
        plot.Axes.Title.Label.Bold = false;
        foreach (IAxis axis in plot.Axes.GetAxes())
            (axis.Label.Bold, axis.Label.FontSize, axis.TickLabelStyle.FontSize) = (false, TextSize, TextSize);
        (plot.Legend.ShadowColor, plot.Legend.OutlineColor) = (Colors.Transparent, Colors.Transparent);
        if (PictureFont.Family is { } family)
        {
            plot.Font.Set(family);
            plot.Legend.FontName = family;
        }
    }
}
