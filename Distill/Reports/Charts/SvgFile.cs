using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>Drawings as SVG files that stand alone, for documents: with their colours, on white, and a heading and a legend as text.
/// </summary>
internal static class SvgFile
{
    private const double Margin = 10, LineHeight = 17, LegendStep = 18;

    // About as wide as a letter is on average.
    private const double LetterWidth = 6.4;

    private const string Style = """
        text { font: 12px system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; fill: #57606a; }
        .title { font-size: 14px; font-weight: 600; fill: #1b1f24; }
        .grid { stroke: #d8dee4; stroke-width: 1; } .axis { stroke: #57606a; stroke-width: 1; } .cursor { visibility: hidden; }
        .real { color: #6e7781; } .soft { color: #a85b00; } .distilled { color: #1f5fc4; } .whole { color: #0b7a6b; }
        .run1 { color: #1f5fc4; } .run2 { color: #a85b00; } .run3 { color: #0b7a6b; } .run4 { color: #b3265e; }
        .run5 { color: #7a3ebd; } .run6 { color: #6e7781; }
        .series polyline { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
        .series .dots { fill: none; stroke: currentColor; stroke-width: 6; stroke-linecap: round; }
        .series.real .dots { stroke-width: 4.5; opacity: .45; }
        .bar { stroke: currentColor; stroke-width: 2; } .level { stroke: currentColor; stroke-width: 1.5; stroke-dasharray: 5 4; }
        .mark { fill: currentColor; } .name { fill: #1b1f24; }
        """;

    /// <summary>The elements of a legend: a mark of a colour with a name, one below the other.</summary>
    public static IEnumerable<XElement> Legend(IReadOnlyList<(string Colour, string Name)> entries, double left, double top) =>
        entries.SelectMany((entry, i) => (XElement[])[
            Html.Of(
                "circle", Html.Class($"{entry.Colour} mark"), Html.At("cx", LineChart.Number(left + 5)),
                Html.At("cy", LineChart.Number(top + i * LegendStep - 4)), Html.At("r", "4.5")),
            Text(left + 16, top + i * LegendStep, entry.Name, "name"),
        ]);

    /// <summary>A text.</summary>
    public static XElement Text(double x, double y, string text, string? look = null, string anchor = "start") => Html.Of(
        "text", look is null ? null : Html.Class(look), Html.At("x", LineChart.Number(x)), Html.At("y", LineChart.Number(y)),
        Html.At("text-anchor", anchor), text);

    /// <summary>The height that a legend of so many entries takes.</summary>
    public static double HeightOf(int entries) => entries * LegendStep;

    /// <summary>Writes a drawing below a heading, with a legend and a sentence below it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="title">The heading.</param>
    /// <param name="drawing">Elements of a drawing.</param>
    /// <param name="size">Its width and height.</param>
    /// <param name="legend">Colours and what they stand for.</param>
    /// <param name="note">Lines at the end.</param>
    public static void Write(
        string path, string title, IEnumerable<XElement> drawing, (double Width, double Height) size,
        IReadOnlyList<(string Colour, string Name)> legend, params IReadOnlyList<string> note)
    {
        double top = Margin + LineHeight + 6, below = top + size.Height + 16, end = below + HeightOf(legend.Count);
        string[] lines = [.. note.SelectMany(text => TextLines.Broken(text, (int)(size.Width / LetterWidth)))];
        double width = size.Width + 2 * Margin, height = end + lines.Length * LineHeight + Margin - 8;
        XElement root = Html.Of(
            "svg", Html.At("viewBox", $"0 0 {LineChart.Number(width)} {LineChart.Number(height)}"), Html.At("width", LineChart.Number(width)),
            Html.At("height", LineChart.Number(height)), Html.At("role", "img"), Html.At("aria-label", title),
            Html.Of("style", Style.ReplaceLineEndings(" ")), // text of an element keeps no line ends
            Html.Of("rect", Html.At("width", "100%"), Html.At("height", "100%"), Html.At("fill", "#ffffff")),
            Text(Margin, Margin + LineHeight - 4, title, "title"),
            Html.Of("g", Html.At("transform", $"translate({LineChart.Number(Margin)} {LineChart.Number(top)})"), drawing),
            Legend(legend, Margin, below + 4),
            lines.Select((line, i) => Text(Margin, end + LineHeight * (i + 1) - 6, line)));
        XNamespace svg = "http://www.w3.org/2000/svg";
        foreach (XElement element in root.DescendantsAndSelf().ToArray())
            element.Name = svg + element.Name.LocalName;
        var text = new StringBuilder();
        using (var writer = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true }))
            root.Save(writer);
        AtomicFile.WriteAllText(path, text.ToString().ReplaceLineEndings("\n") + "\n");
    }

    /// <summary>A coordinate, or another attribute that is a number.</summary>
    public static XAttribute At(string name, double value) => Html.At(name, Math.Round(value, 2).ToString(CultureInfo.InvariantCulture));
}
