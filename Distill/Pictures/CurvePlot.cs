using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using ScottPlot;

namespace InfMatch.Distill;

/// <summary>The course of a distillation as a picture: J at the left, test accuracy at the right, over the iterations.</summary>
internal static class CurvePlot
{
    private const int Width = 900, Height = 480;

    /// <summary>Writes the plot; accuracies may be few or none.</summary>
    public static void Write(
        string path, string title, string loss, IReadOnlyList<(int Iteration, double Objective)> objective,
        IReadOnlyList<(int Iteration, double Percent)> accuracy)
    {
        using var plot = new Plot();
        plot.Title(PrintableText.Of(title));
        plot.XLabel("iteration");
        plot.YLabel(PrintableText.Of(loss));
        if (objective.Count > 0)
        {
            double[] x = [.. objective.Select(o => (double)o.Iteration)], y = [.. objective.Select(o => o.Objective)];
            var each = plot.Add.Scatter(x, y);
            each.LineWidth = 0;
            each.MarkerSize = 3;
            each.Color = Colors.LightSteelBlue;
            each.LegendText = $"{loss} of each step";
            var smooth = plot.Add.ScatterLine(x, Smooth(y));
            smooth.LineWidth = 2;
            smooth.Color = Colors.SteelBlue;
            smooth.LegendText = $"{loss}, moving mean";
        }
        if (accuracy.Count > 0)
        {
            var points = plot.Add.Scatter(
                (double[])[.. accuracy.Select(a => (double)a.Iteration)], (double[])[.. accuracy.Select(a => a.Percent)]);
            points.Color = Colors.DarkOrange;
            points.LegendText = "accuracy";
            points.Axes.YAxis = plot.Axes.Right;
            plot.Axes.Right.Label.Text = "test accuracy, %";
        }
        plot.Axes.AutoScale();
        int last = objective.Select(o => o.Iteration + 1).Concat(accuracy.Select(a => a.Iteration)).DefaultIfEmpty(1).Max();
        plot.Axes.SetLimitsX(0, last);
        plot.ShowLegend(Edge.Bottom);
        byte[] png = plot.GetImageBytes(Width, Height, ImageFormat.Png);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    // The mean over a twentieth of the curve around each point.
    private static double[] Smooth(double[] values)
    {
        int reach = Math.Max(1, values.Length / 40);
        return [.. values.Select((_, i) =>
        {
            int first = Math.Max(0, i - reach), last = Math.Min(values.Length, i + reach + 1);
            return values.AsSpan(first, last - first).ToArray().Average();
        })];
    }
}
