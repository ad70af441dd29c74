using System.Globalization;
using System.Security;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace InfMatch.Benchmarks;

/// <summary>A project of the solution: its name, what it references, and the one line that it says of itself.</summary>
/// <param name="Name">The name.</param>
/// <param name="Description">What its project file says, and nothing where it says nothing.</param>
/// <param name="References">The projects that it references.</param>
internal sealed record PlannedProject(string Name, string Description, IReadOnlyList<string> References)
{
    private static readonly string[] s_leftOut = ["tests", "samples"];

    /// <summary>The projects that stand in folders of a repository's root, but tests and samples.</summary>
    public static IReadOnlyList<PlannedProject> ReadAll(string root) =>
    [
        .. Directory.EnumerateDirectories(root)
            .Where(folder => !s_leftOut.Contains(Path.GetFileName(folder), StringComparer.Ordinal))
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.csproj"))
            .Order(StringComparer.Ordinal).Select(Read),
    ];

    private static PlannedProject Read(string file)
    {
        XDocument project = XDocument.Load(file);
        return new PlannedProject(
            Path.GetFileNameWithoutExtension(file),
            (string?)project.Descendants().FirstOrDefault(e => e.Name.LocalName == "Description") ?? "",
            [
                .. project.Descendants().Where(e => e.Name.LocalName == "ProjectReference")
                    .Select(e => Path.GetFileNameWithoutExtension(((string)e.Attribute("Include")!).Replace('\\', '/')))
                    .Order(StringComparer.Ordinal),
            ]);
    }
}

/// <summary>The plan of the projects as a picture: who uses whom, from the bottom up.</summary>
internal static partial class ProjectPlan
{
    private const int BoxWidth = 230, BoxHeight = 78, GapX = 30, GapY = 40, Margin = 16;
    private const int LineLength = 38, LineHeight = 14, MostLines = 3;

    /// <summary>The picture as SVG. A reference that follows from another one is not drawn.</summary>
    /// <exception cref="ResultsException">References form a circle.</exception>
    public static string Svg(IReadOnlyList<PlannedProject> projects)
    {
        Dictionary<string, PlannedProject> named = projects.ToDictionary(p => p.Name, StringComparer.Ordinal);
        Dictionary<string, int> floors = projects.ToDictionary(p => p.Name, p => Floor(p, named, []), StringComparer.Ordinal);
        Dictionary<string, int> columns = Columns(projects, floors);
        int top = floors.Values.Max(), right = columns.Values.Max();
        int width = 2 * Margin + (right + 1) * BoxWidth + right * GapX, height = 2 * Margin + (top + 1) * BoxHeight + top * GapY;
        Dictionary<string, (int X, int Y)> places = projects.ToDictionary(
            p => p.Name,
            p => (Margin + columns[p.Name] * (BoxWidth + GapX), Margin + (top - floors[p.Name]) * (BoxHeight + GapY)),
            StringComparer.Ordinal);
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"
                font-family="sans-serif" role="img" aria-label="The projects; an arrow points at what is used.">
            <defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>
            <rect width="{width}" height="{height}" fill="#ffffff"/>

            """);
        foreach (PlannedProject from in projects)
        {
            foreach (string to in Direct(from, named))
            {
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<line x1=\"{places[from.Name].X + BoxWidth / 2}\" y1=\"{places[from.Name].Y + BoxHeight}\" " +
                    $"x2=\"{places[to].X + BoxWidth / 2}\" y2=\"{places[to].Y}\" stroke=\"#57606a\" marker-end=\"url(#arrow)\"/>\n");
            }
        }
        foreach (PlannedProject project in projects)
            Box(svg, project, places[project.Name]);
        return svg.Append("</svg>\n").ToString();
    }

    private static void Box(StringBuilder svg, PlannedProject project, (int X, int Y) place)
    {
        int middle = place.X + BoxWidth / 2;
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<rect x=\"{place.X}\" y=\"{place.Y}\" width=\"{BoxWidth}\" height=\"{BoxHeight}\" rx=\"6\" fill=\"#f6f8fa\" " +
            $"stroke=\"#57606a\"/>\n<text x=\"{middle}\" y=\"{place.Y + 18}\" text-anchor=\"middle\" font-size=\"14\" " +
            $"font-weight=\"bold\" fill=\"#1f2328\">{SecurityElement.Escape(project.Name)}</text>\n");
        int y = place.Y + 34;
        foreach (string line in Lines(FirstClause().Match(project.Description).Value))
        {
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<text x=\"{middle}\" y=\"{y}\" text-anchor=\"middle\" font-size=\"11\" fill=\"#57606a\">" +
                $"{SecurityElement.Escape(line)}</text>\n");
            y += LineHeight;
        }
    }

    // Each stands above what it uses where that place is free, else right of it; what carries most floors chooses first.
    private static Dictionary<string, int> Columns(IReadOnlyList<PlannedProject> projects, Dictionary<string, int> floors)
    {
        var columns = new Dictionary<string, int>(StringComparer.Ordinal);
        int Carried(PlannedProject project) => projects.Where(p => p.References.Contains(project.Name, StringComparer.Ordinal))
            .Select(p => 1 + Carried(p)).DefaultIfEmpty(0).Max();
        foreach (PlannedProject project in projects
            .OrderBy(p => floors[p.Name]).ThenByDescending(Carried).ThenByDescending(p => p.References.Count)
            .ThenBy(p => p.Name, StringComparer.Ordinal))
        {
            int column = project.References.Count == 0 ? 0 : (int)Math.Round(project.References.Average(r => columns[r]));
            while (columns.Any(c => c.Value == column && floors[c.Key] == floors[project.Name]))
                column++;
            columns.Add(project.Name, column);
        }
        return columns;
    }

    private static int Floor(PlannedProject project, Dictionary<string, PlannedProject> named, string[] above)
    {
        if (above.Contains(project.Name, StringComparer.Ordinal))
            throw new ResultsException($"References form a circle: {string.Join(" → ", [.. above, project.Name])}.");
        return project.References.Count == 0
            ? 0
            : 1 + project.References.Max(r => Floor(named[r], named, [.. above, project.Name]));
    }

    // Those references that no other one brings.
    private static IEnumerable<string> Direct(PlannedProject project, Dictionary<string, PlannedProject> named) =>
        project.References.Where(to => !project.References.Any(other => other != to && Reaches(named[other], to, named)));

    private static bool Reaches(PlannedProject from, string to, Dictionary<string, PlannedProject> named) =>
        from.References.Any(r => r == to || Reaches(named[r], to, named));

    // As many lines as the box holds; the last ends in … where words are left.
    private static List<string> Lines(string text)
    {
        List<string> lines = [""];
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (lines[^1].Length + word.Length >= LineLength)
            {
                if (lines.Count == MostLines)
                {
                    lines[^1] += " …";
                    break;
                }
                lines.Add("");
            }
            lines[^1] = lines[^1].Length == 0 ? word : $"{lines[^1]} {word}";
        }
        return lines;
    }

    // Up to the first colon or full stop that ends a word.
    [GeneratedRegex(@"^.*?(?=[:.](\s|$)|$)")]
    private static partial Regex FirstClause();
}
