using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using ScottPlot;

namespace InfMatch.Distill;

/// <summary>How well estimates agree with training again, over the length of the training: a curve for each.</summary>
internal static class FidelityPlot
{
    private const int Width = 900, Height = 480;
    private const double Margin = 1.05;

    /// <summary>Writes the plot; values that are NaN are left out.</summary>
    public static void Write(
        string path, string title, string what,
        IReadOnlyList<(string Name, IReadOnlyList<(int Step, double Value)> Points)> curves)
    {
        using var plot = new Plot();
        plot.Title(PrintableText.Of(title));
        plot.XLabel("steps of training");
        plot.YLabel(what);
        foreach ((string name, IReadOnlyList<(int Step, double Value)> points) in curves)
        {
            (int Step, double Value)[] known = [.. points.Where(p => double.IsFinite(p.Value))];
            if (known.Length == 0)
                continue;
            var curve = plot.Add.Scatter(
                (double[])[.. known.Select(p => (double)p.Step)], (double[])[.. known.Select(p => p.Value)]);
            curve.LegendText = name;
        }
        // From the beginning of training on: one horizon alone would have no scale of its own.
        plot.Axes.SetLimits(0, Margin * curves.Max(c => c.Points.Max(p => p.Step)), -Margin, Margin);
        plot.ShowLegend(Edge.Right);
        byte[] png = plot.GetImageBytes(Width, Height, ImageFormat.Png);
        AtomicFile.Write(path, stream => stream.Write(png));
    }
}
