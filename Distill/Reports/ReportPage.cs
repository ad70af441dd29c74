using System.Reflection;
using System.Xml.Linq;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>A page about a run, or about several beside each other: one file that needs no other and asks for
/// none.</summary>
internal static class ReportPage
{
    // Whatever a page held, a browser would load nothing for it.
    private const string Policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

    /// <summary>Writes the page and returns its size in bytes.</summary>
    /// <exception cref="FileWriteException">It cannot be written.</exception>
    public static long Write(string path, ReportSource source)
    {
        AtomicFile.WriteAllText(path, Text(source));
        return new FileInfo(path).Length;
    }

    /// <summary>The page.</summary>
    public static string Text(ReportSource source)
    {
        string title = source.IsComparison ? $"{source.Runs.Count} runs compared" : source.Run.Name;
        SettingTask task = source.IsOfPairs ? SettingTask.Pairs : SettingTask.Images;
        ReportSection[] sections =
        [
            .. Kinds.Of<ReportSection>().Where(s => s.Task is SettingTask.Any || s.Task == task).Where(s => s.IsOf(source)).OrderBy(s => s.Place).ThenBy(s => s.Name, StringComparer.Ordinal),
        ];
        XElement[] written = [.. sections.Select(s => Html.Of(
            "section", Html.At("id", s.Name), Html.Of("h2", s.Title), s.Content(source)))];
        return Html.Write(Html.Of(
            "html", Html.At("lang", "en"),
            Html.Of(
                "head", Html.Of("meta", Html.At("charset", "utf-8")),
                Html.Of("meta", Html.At("http-equiv", "Content-Security-Policy"), Html.At("content", Policy)),
                Html.Of("meta", Html.At("name", "viewport"), Html.At("content", "width=device-width, initial-scale=1")),
                Html.Of("meta", Html.At("name", "color-scheme"), Html.At("content", "light dark")),
                Html.Of("link", Html.At("rel", "icon"), Html.At("href", "data:,")),
                Html.Of("title", title), Html.Raw("style", Resource("report.css"))),
            Html.Of(
                "body", Html.Of("a", Html.Class("skip"), Html.At("href", $"#{sections[0].Name}"), "Skip to the result"),
                Header(source, title, sections),
                Html.Of("main", Problems(source), written),
                Html.Of("footer", Html.Of("p", $"Written by InfMatch.Native {EnvironmentReport.Version} {EnvironmentReport.Commit}.")),
                Html.Raw("script", Resource("report.js")))));
    }

    private static XElement Header(ReportSource source, string title, IEnumerable<ReportSection> sections)
    {
        RecordedRun run = source.Run;
        return Html.Of(
            "header", Html.Of("h1", title),
            source.IsComparison ? null : Html.Of("p", Html.Class("sub"), string.Join(" · ", new[]
            {
                run.Dataset, run.Command.Length == 0 ? null : run.Command,
                run.Settings?.MethodLabel, run.Settings is { } s ? $"seed {s.Seed}" : null,
            }.Where(part => part is not null))),
            Html.Of(
                "nav", Html.At("aria-label", "Sections"), Html.Of("ul", sections.Select(section => Html.Of(
                    "li", Html.Of("a", Html.At("href", $"#{section.Name}"), section.Title))))));
    }

    // Known only when all sections have read what they need.
    private static XElement? Problems(ReportSource source)
    {
        string[] problems = [.. source.Runs.Append(source.Against).OfType<RecordedRun>().SelectMany(r => r.Problems).Distinct(StringComparer.Ordinal)];
        return problems.Length == 0
            ? null
            : Html.Of(
                "div", Html.Class("banner"), Html.Of("strong", "Not all files of the run could be read:"),
                Html.Of("ul", problems.Select(p => Html.Of("li", p))));
    }

    private static string Resource(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The resource {name} is missing.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
