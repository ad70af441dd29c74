using System.Globalization;
using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>A curve of a chart.</summary>
/// <param name="Name">What it shows.</param>
/// <param name="Colour">The class of the style sheet that colours it.</param>
/// <param name="Points">Its points, by x.</param>
internal sealed record ChartSeries(string Name, string Colour, IReadOnlyList<(double X, double Y)> Points)
{
    /// <summary>Whether each point is marked.</summary>
    public bool HasDots { get; init; }

    /// <summary>Whether points are joined.</summary>
    public bool HasLine { get; init; } = true;

    /// <summary>Lows and highs around the curve, by x.</summary>
    public IReadOnlyList<(double X, double Low, double High)> Band { get; init; } = [];

    /// <summary>A curve of the means of many steps, with the range of each mean; of few steps, each step beside their
    /// moving mean.</summary>
    public static IEnumerable<ChartSeries> OfSteps(string name, string colour, IReadOnlyList<(int Iteration, double Value)> steps)
    {
        const int MostDots = 240, Bins = 160;
        if (steps.Count <= MostDots)
        {
            yield return new ChartSeries($"{name}, each step", $"{colour} faint", [.. steps.Select(s => ((double)s.Iteration, s.Value))])
            {
                HasDots = true, HasLine = false,
            };
            int reach = Math.Max(1, steps.Count / 40);
            yield return new ChartSeries(
                $"{name}, moving mean", colour,
                [.. steps.Select((s, i) => ((double)s.Iteration, steps.Skip(i - reach).Take(Math.Min(i, reach) + reach + 1).Average(v => v.Value)))]);
            yield break;
        }
        (int Iteration, double Value)[][] bins = [.. steps.Chunk((steps.Count + Bins - 1) / Bins)];
        yield return new ChartSeries(
            $"{name}, mean of {bins[0].Length} steps", colour,
            [.. bins.Select(b => (b.Average(s => s.Iteration), b.Average(s => s.Value)))])
        {
            Band = [.. bins.Select(b => (b.Average(s => s.Iteration), b.Min(s => s.Value), b.Max(s => s.Value)))],
        };
    }
}

/// <summary>
/// Curves over one axis as SVG inside a page: colours, font and the answer to the pointer are those of the page, in
/// light and dark, and a table's worth of numbers stands in its description.
/// </summary>
internal sealed record LineChart(string Title, string Horizontal, IReadOnlyList<ChartSeries> Series)
{
    private const double Width = 460, Height = 240, Left = 46, Right = 12, Top = 10, Bottom = 34;

    /// <summary>The unit behind numbers of y.</summary>
    public string Unit { get; init; } = "";

    /// <summary>A sentence below the chart.</summary>
    public string? Note { get; init; }

    /// <summary>What the horizontal axis has to reach; null for the last point.</summary>
    public double? End { get; init; }

    /// <summary>The chart with its heading and legend.</summary>
    public XElement ToFigure()
    {
        ChartSeries[] drawn = [.. Series.Where(s => s.Points.Count > 0)];
        double[] xs = [.. drawn.SelectMany(s => s.Points.Select(p => p.X))];
        double[] ys = [.. drawn.SelectMany(s => s.Points.Select(p => p.Y).Concat(s.Band.SelectMany(b => (double[])[b.Low, b.High])))];
        var x = Scale.Of(xs.Append(0).Min(), Math.Max(End ?? 0, xs.Append(0).Max()), Left, Width - Right, isTight: true);
        var y = Scale.Of(ys.DefaultIfEmpty(0).Min(), ys.DefaultIfEmpty(1).Max(), Height - Bottom, Top);
        XElement svg = Html.Of(
            "svg", Html.At("viewBox", $"0 0 {Width} {Height}"), Html.At("role", "img"), Html.At("aria-label", $"{Title}. {Describe(drawn)}"),
            Html.At("data-left", Number(Left)), Html.At("data-right", Number(Width - Right)), Html.At("data-from", Exact(x.Low)),
            Html.At("data-to", Exact(x.High)), Axes(x, y), drawn.Select(s => Draw(s, x, y)),
            Html.Of("line", Html.Class("cursor"), Line(Left, Top, Left, Height - Bottom)));
        return Html.Of(
            "figure", Html.Class("chart"), Html.At("data-unit", Unit),
            Html.Of("figcaption", Html.Of("strong", Title), Html.Of("output", "")), svg,
            Html.Of("ul", Html.Class("legend"), drawn.Select(s => Html.Of(
                "li", Html.Of("span", Html.Class($"swatch {s.Colour}{(s.HasLine ? "" : " dot")}")), s.Name))),
            Note is null ? null : Html.Of("p", Html.Class("note"), Note));
    }

    /// <summary>Writes the chart as a file that stands alone.</summary>
    public void Write(string path)
    {
        XElement svg = ToFigure().Element("svg")!;
        SvgFile.Write(
            path, Title, svg.Elements().Where(e => e.Attribute("class")?.Value != "cursor"), (Width, Height),
            [.. Series.Where(s => s.Points.Count > 0).Select(s => (s.Colour, s.Name))], Note is null ? [] : [Note]);
    }

    /// <summary>A number with as many digits as people read.</summary>
    public static string Short(double value) => Math.Abs(value) is >= 1e6 or (< 1e-3 and > 0)
        ? value.ToString("0.##e0", CultureInfo.InvariantCulture)
        : Math.Round(value, Math.Abs(value) >= 100 ? 0 : Math.Abs(value) >= 10 ? 1 : 3).ToString(CultureInfo.InvariantCulture);

    private string Describe(IEnumerable<ChartSeries> drawn) => string.Join(" ", drawn.Select(s =>
        $"{s.Name}: {Short(s.Points[0].Y)}{Unit} at {Short(s.Points[0].X)}, {Short(s.Points[^1].Y)}{Unit} at {Short(s.Points[^1].X)} " +
        $"({Horizontal}); least {Short(s.Points.Min(p => p.Y))}{Unit}, most {Short(s.Points.Max(p => p.Y))}{Unit}."));

    private IEnumerable<XElement> Axes(Scale x, Scale y)
    {
        foreach (double tick in y.Ticks)
        {
            yield return Html.Of("line", Html.Class("grid"), Line(Left, y.At(tick), Width - Right, y.At(tick)));
            yield return Label(Left - 6, y.At(tick) + 4, "end", Short(tick) + Unit);
        }
        foreach (double tick in x.Ticks)
            yield return Label(x.At(tick), Height - Bottom + 16, "middle", Short(tick));
        yield return Html.Of("line", Html.Class("axis"), Line(Left, Height - Bottom, Width - Right, Height - Bottom));
        yield return Label((Left + Width - Right) / 2, Height - 4, "middle", Horizontal);
    }

    private static XElement Draw(ChartSeries series, Scale x, Scale y)
    {
        string points = string.Join(' ', series.Points.Select(p => $"{Number(x.At(p.X))},{Number(y.At(p.Y))}"));
        string values = string.Join(' ', series.Points.Select(p => $"{Exact(p.X)},{Exact(p.Y)}"));
        IEnumerable<string> low = series.Band.Select(b => $"{Number(x.At(b.X))},{Number(y.At(b.Low))}");
        IEnumerable<string> high = series.Band.Reverse().Select(b => $"{Number(x.At(b.X))},{Number(y.At(b.High))}");
        return Html.Of(
            "g", Html.Class($"series {series.Colour}"), Html.At("data-name", series.Name), Html.At("data-points", values),
            series.Band.Count == 0 ? null : Html.Of("polygon", Html.Class("band"), Html.At("points", string.Join(' ', low.Concat(high)))),
            !series.HasLine ? null : Html.Of("polyline", Html.At("points", points)),
            !series.HasDots ? null : Html.Of("path", Html.Class("dots"), Html.At("d", Dots(series.Points.Select(p => (x.At(p.X), y.At(p.Y)))))));
    }

    /// <summary>Points as strokes of no length, which a round pen makes dots: the shortest form that SVG has for
    /// many.</summary>
    public static string Dots(IEnumerable<(double X, double Y)> points) =>
        string.Concat(points.Select(p => $"M{Number(p.X)} {Number(p.Y)}h0"));

    /// <summary>A coordinate of a drawing.</summary>
    public static string Number(double value) => Math.Round(value, 1).ToString(CultureInfo.InvariantCulture);

    private static string Exact(double value) => ((float)value).ToString("G5", CultureInfo.InvariantCulture);

    private static XAttribute[] Line(double x1, double y1, double x2, double y2) =>
        [Html.At("x1", Number(x1)), Html.At("y1", Number(y1)), Html.At("x2", Number(x2)), Html.At("y2", Number(y2))];

    private static XElement Label(double x, double y, string anchor, string text) => Html.Of(
        "text", Html.At("x", Number(x)), Html.At("y", Number(y)), Html.At("text-anchor", anchor), text);
}

/// <summary>An axis: values from low to high between two places of a drawing.</summary>
internal sealed record Scale(double Low, double High, double From, double To, IReadOnlyList<double> Ticks)
{
    /// <summary>An axis that has these values and round numbers as marks.</summary>
    /// <param name="low">The least value.</param>
    /// <param name="high">The largest.</param>
    /// <param name="from">Where the axis begins.</param>
    /// <param name="to">Where it ends.</param>
    /// <param name="isTight">Whether it ends at the values, and not at a mark.</param>
    public static Scale Of(double low, double high, double from, double to, bool isTight = false)
    {
        const int Marks = 5;
        if (!(high > low))
            (low, high) = (low - (isTight ? 0 : 0.5), low + (isTight ? 1 : 0.5));
        double rough = (high - low) / Marks, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * (rough / power) switch { <= 1 => 1, <= 2 => 2, <= 2.5 => 2.5, <= 5 => 5, _ => 10 };
        if (!isTight)
            (low, high) = (Math.Floor(low / step) * step, Math.Ceiling(high / step) * step);
        double first = Math.Ceiling(low / step - 1e-9);
        return new Scale(
            low, high, from, to,
            [.. Enumerable.Range(0, (int)(Math.Floor(high / step + 1e-9) - first) + 1).Select(i => Math.Round((first + i) * step, 10))]);
    }

    /// <summary>Where a value is.</summary>
    public double At(double value) => From + (value - Low) / (High - Low) * (To - From);
}
