using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using ScottPlot;

namespace InfMatch.Distill;

/// <summary>What a picture of a distillation's course shows, each by iteration.</summary>
/// <param name="Updates">The loss of each update, in a place of its own.</param>
/// <param name="Fixed">The loss in the same places each time; empty for none.</param>
/// <param name="Percent">Test accuracies, in percent; empty for none.</param>
internal sealed record Curves(
    IReadOnlyList<(int Iteration, double Value)> Updates, IReadOnlyList<(int Iteration, double Value)> Fixed,
    IReadOnlyList<(int Iteration, double Value)> Percent);

/// <summary>The course of a distillation as a picture: the loss at the left, accuracy at the right, over the iterations.</summary>
internal static class CurvePlot
{
    private const int Width = 1100, Height = 640;
    private const float TextSize = 18, TitleSize = 20, LineWidth = 3, MarkerSize = 9;

    /// <summary>Writes the plot.</summary>
    /// <param name="path">The file.</param>
    /// <param name="title">What stands above it.</param>
    /// <param name="loss">What the loss is called.</param>
    /// <param name="curves">The numbers.</param>
    public static void Write(string path, string title, string loss, Curves curves)
    {
        using var plot = new Plot();
        loss = PrintableText.Of(loss);
        Label(plot, PrintableText.Of(title), loss, curves);
        if (curves.Updates.Count > 0)
        {
            double[] y = [.. curves.Updates.Select(o => o.Value)];
            var each = Points(plot, curves.Updates, $"{loss} of each update, on the window it drew", Colors.LightSteelBlue);
            (each.LineWidth, each.MarkerSize) = (0, 4);
            Points(plot, [.. curves.Updates.Zip(Smooth(y), (o, mean) => (o.Iteration, mean))], "its moving mean", Colors.SteelBlue)
                .MarkerSize = 0;
        }
        if (curves.Fixed.Count > 0)
            Points(plot, curves.Fixed, $"{loss} on fixed windows", Colors.Navy);
        if (curves.Percent.Count > 0)
            Points(plot, curves.Percent, "accuracy of one network", Colors.DarkOrange).Axes.YAxis = plot.Axes.Right;
        plot.Axes.AutoScale();
        int last = curves.Updates.Select(o => o.Iteration + 1).Concat(curves.Percent.Select(a => a.Iteration))
            .Concat(curves.Fixed.Select(o => o.Iteration)).DefaultIfEmpty(1).Max();
        plot.Axes.SetLimitsX(0, Math.Max(1, last));
        byte[] png = PngImage.Encode(plot, Width, Height);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    private static ScottPlot.Plottables.Scatter Points(
        Plot plot, IReadOnlyList<(int Iteration, double Value)> points, string name, Color color)
    {
        var curve = plot.Add.Scatter(
            (double[])[.. points.Select(p => (double)p.Iteration)], (double[])[.. points.Select(p => p.Value)]);
        (curve.Color, curve.LegendText, curve.LineWidth, curve.MarkerSize) = (color, name, LineWidth, MarkerSize);
        return curve;
    }

    private static void Label(Plot plot, string title, string loss, Curves curves)
    {
        plot.Title(title, TitleSize);
        plot.XLabel("updates of the synthetic set", TextSize);
        plot.YLabel(loss, TextSize);
        if (curves.Percent.Count > 0)
            plot.Axes.Right.Label.Text = "accuracy, %";
        (plot.Axes.Right.Label.FontSize, plot.Axes.Title.Label.Bold) = (TextSize, false);
        foreach (IAxis axis in plot.Axes.GetAxes())
            (axis.Label.Bold, axis.TickLabelStyle.FontSize) = (false, TextSize);
        plot.ShowLegend(Edge.Bottom);
        plot.Legend.FontSize = TextSize;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.OutlineColor = Colors.Transparent;
        if (PictureFont.Family is { } family)
        {
            plot.Font.Set(family);
            plot.Legend.FontName = family;
        }
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
