using System.Collections.Immutable;
using System.Text.Json.Nodes;
using System.Xml;
using System.Xml.Linq;
using InfMatch.Distill;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

/// <summary>The pages about runs, as a browser and a reader get them.</summary>
public sealed class ReportTests : IDisposable
{
    private static readonly string[] s_sections =
        ["result", "accuracy", "images", "curves", "classes", "features", "cost", "configuration", "environment", "reproduce"];

    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_run_ends_with_a_page_that_has_every_section_and_needs_no_other_file()
    {
        Distil();
        Assert.Contains("Report:   ", _run.Output, StringComparison.Ordinal);
        string page = PageOf(_run.RunPath);
        Assert.Contains(page, _run.Output, StringComparison.Ordinal);
        XDocument html = Parse(page);
        RequireSound(html);
        Assert.Equal(s_sections, Sections(html), StringComparer.Ordinal);
        Assert.Empty(Missing(html));

        JsonNode summary = JsonNode.Parse(File.ReadAllText(Path.Combine(_run.RunPath, "summary.json")))!;
        XElement accuracy = Section(html, "accuracy");
        foreach (JsonNode? result in summary["results"]!.AsArray())
        {
            double mean = result!["accuracy"]!["distilled"]!["mean"]!.GetValue<double>();
            Assert.Contains(FormattableString.Invariant($"{mean:F1}"), accuracy.Value, StringComparison.Ordinal);
            Assert.Contains(result["verdict"]!["text"]!.GetValue<string>(), Section(html, "result").Value, StringComparison.Ordinal);
            Assert.Contains(result["setHash"]!.GetValue<string>(), Section(html, "reproduce").Value, StringComparison.Ordinal);
        }
        Assert.Equal(2, Section(html, "images").Descendants("input").Count() + Section(html, "images").Descendants().Count(e => Has(e, "stepper")));
        Assert.Contains(Section(html, "curves").Descendants("svg"), s => Label(s).Contains("accuracy", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(2 * 3, Section(html, "features").Descendants("svg").Count()); // sets × classes
        Assert.Contains("--lr-img", Section(html, "configuration").Descendants("table").First().Value, StringComparison.Ordinal);
        Assert.Contains("--iterations 6", Section(html, "reproduce").Value, StringComparison.Ordinal);
        Assert.InRange(new FileInfo(page).Length, 10_000, 2_000_000);
        Assert.Contains($"vector{System.Numerics.Vector<byte>.Count} bytes", Section(html, "environment").Value, StringComparison.Ordinal);
    }

    [Fact]
    public void One_accuracy_on_the_way_is_a_sentence_and_no_curve()
    {
        Distil("--evaluate-every 100");
        XElement curves = Section(Parse(PageOf(_run.RunPath)), "curves");
        Assert.DoesNotContain(curves.Descendants("svg"), s => Label(s).Contains("accuracy", StringComparison.OrdinalIgnoreCase));
        Assert.Contains("The accuracy was measured once on the way: ", curves.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_of_a_run_that_recorded_little_says_what_is_missing()
    {
        Distil();
        foreach (string file in (string[])
            ["data.json", "environment.json", "confusion.json", "stages.jsonl", "features.json", "report.html", "metrics.jsonl"])
            File.Delete(Path.Combine(_run.RunPath, file));
        foreach (string picture in Directory.GetFiles(Path.Combine(_run.RunPath, "images")))
            File.Delete(picture);
        Directory.Delete(Path.Combine(_run.RunPath, "experts"), recursive: true);
        string path = Path.Combine(_run.RunPath, "summary.json");
        JsonObject summary = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        foreach (JsonNode? result in summary["results"]!.AsArray())
            result!.AsObject().Remove("verdict");
        File.WriteAllText(path, SealedJson.Seal(summary));

        Assert.Equal(0, _run.Run("report", _run.RunPath));
        XDocument html = Parse(PageOf(_run.RunPath));
        RequireSound(html);
        Assert.Equal(s_sections, Sections(html), StringComparer.Ordinal);
        foreach (string section in (string[])["curves", "classes", "features", "environment", "cost"])
            Assert.Contains(Section(html, section).Descendants(), e => Has(e, "missing"));
        Assert.Contains("did not record a verdict", Section(html, "result").Value, StringComparison.Ordinal);
        Assert.Contains("the page has no features", _run.Errors, StringComparison.Ordinal);
        Assert.Equal(3 * 2, Section(html, "images").Descendants("img").Count()); // classes of two sets, as they ended
    }

    [Fact]
    public void A_run_that_is_interrupted_has_a_page_of_what_there_is_and_resuming_completes_it()
    {
        _run.InterruptAt = "IPC 2: distilling";
        Assert.Equal((int)ExitCode.Interrupted, _run.Run(CommandRun.SmallRun()));
        XDocument html = Parse(PageOf(_run.RunPath));
        RequireSound(html);
        Assert.Equal(s_sections, Sections(html), StringComparer.Ordinal);
        Assert.Contains("not complete", Section(html, "result").Value, StringComparison.Ordinal);
        Assert.Contains("resume", Section(html, "result").Value, StringComparison.Ordinal);
        _run.InterruptAt = null;
        Assert.Equal(0, _run.Run("resume", _run.RunPath));
        html = Parse(PageOf(_run.RunPath));
        Assert.DoesNotContain("not complete", Section(html, "result").Value, StringComparison.Ordinal);
        Assert.Empty(Missing(html));
    }

    [Fact]
    public void A_name_of_a_class_cannot_become_a_part_of_the_page()
    {
        Distil();
        int scripts = Parse(PageOf(_run.RunPath)).Descendants("script").Count();
        ImmutableArray<string> classes = ["<script>alert(1)</script>", "\"' onload=alert(2) ]]> </style>", "&lt;b>*/"];
        using var other = new CommandRun { Data = CommandRun.TinyData(classes) };
        Assert.Equal(0, other.Run(CommandRun.SmallRun()));
        XDocument html = Parse(PageOf(other.RunPath));
        RequireSound(html);
        Assert.Equal(scripts, html.Descendants("script").Count());
        foreach (string name in classes)
            Assert.Contains(Section(html, "classes").Descendants("th"), th => th.Value == name);
        Assert.DoesNotContain("<script>alert", File.ReadAllText(PageOf(other.RunPath)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_that_cannot_be_written_is_said_and_the_run_is_complete_all_the_same()
    {
        _run.InterruptAt = "IPC 2: distilling";
        Assert.Equal((int)ExitCode.Interrupted, _run.Run(CommandRun.SmallRun()));
        _run.InterruptAt = null;
        File.Delete(PageOf(_run.RunPath));
        Directory.CreateDirectory(Path.Combine(PageOf(_run.RunPath), "in-the-way"));
        Assert.Equal(0, _run.Run("resume", _run.RunPath));
        Assert.Contains("could not be written", _run.Errors, StringComparison.Ordinal);
        Assert.Contains("report", _run.Errors, StringComparison.Ordinal);
        Assert.True(Summary.Read(Path.Combine(_run.RunPath, "summary.json")).Complete);
    }

    [Fact]
    public void A_damaged_file_takes_its_own_part_off_the_page_and_is_named()
    {
        Distil();
        foreach (string file in (string[])["confusion.json", "environment.json", "features.json"])
        {
            string path = Path.Combine(_run.RunPath, file);
            File.WriteAllText(path, File.ReadAllText(path).Replace(":1", ":2", StringComparison.Ordinal).Replace(": 1", ": 2", StringComparison.Ordinal)
                .Replace("cpu", "gpu", StringComparison.Ordinal));
        }
        Assert.Equal(0, _run.Run("report", _run.RunPath));
        foreach (string file in (string[])["confusion.json", "environment.json", "features.json"])
            Assert.Contains(file, _run.Errors, StringComparison.Ordinal);
        XDocument html = Parse(PageOf(_run.RunPath));
        Assert.Contains(html.Descendants("main").Elements("div"), e => Has(e, "banner") && e.Value.Contains("confusion.json", StringComparison.Ordinal));
        Assert.Equal(["classes", "environment"], Missing(html), StringComparer.Ordinal); // features are computed again
    }

    [Fact]
    public void What_is_known_of_features_outlives_data_and_experts()
    {
        Distil();
        string text = File.ReadAllText(PageOf(_run.RunPath));
        Directory.Delete(Path.Combine(_run.RunPath, "experts"), recursive: true);
        Assert.Equal(0, _run.Run("report", "latest", "--json"));
        Assert.Equal(text, File.ReadAllText(PageOf(_run.RunPath)));
        JsonNode json = JsonNode.Parse(_run.Output)!;
        Assert.True(json["features"]!.GetValue<bool>());
        Assert.Equal(Path.GetFullPath(PageOf(_run.RunPath)), json["page"]!.GetValue<string>());
    }

    [Fact]
    public void An_evaluation_has_a_page_with_its_networks_and_its_set()
    {
        Distil();
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        Assert.Equal(0, _run.Run(
            "evaluate", set, "--epochs", "1", "--repeats", "1", "--eval-width", "4", "--augment", "none", "--models", "convnet,mlp"));
        XDocument html = Parse(PageOf(_run.EvaluationPath));
        RequireSound(html);
        Assert.Equal([.. s_sections.Where(s => s is not ("curves" or "features"))], Sections(html), StringComparer.Ordinal);
        Assert.Contains("mlp", Section(html, "accuracy").Value, StringComparison.Ordinal);
        Assert.Contains("--models convnet,mlp", Section(html, "reproduce").Value, StringComparison.Ordinal);
        Assert.NotEmpty(Section(html, "images").Descendants("img"));
    }

    [Fact]
    public void Runs_are_compared_in_a_table_in_json_and_on_a_page()
    {
        Distil();
        string first = _run.RunPath;
        Assert.Equal(0, _run.Run(CommandRun.SmallRunWith("--lr-img 2")));
        string second = Directory.GetDirectories(_run.Runs).Single(d => d != first && File.Exists(Path.Combine(d, "config.json")));
        string page = Path.Combine(_run.Folder, "both.html");
        Assert.Equal(0, _run.Run("compare", first, second, "--page", page));
        Assert.Contains("--lr-img", _run.Output, StringComparison.Ordinal);
        XDocument html = Parse(page);
        RequireSound(html);
        Assert.Equal(["runs", "differences", "convergence", "pictures"], Sections(html), StringComparer.Ordinal);
        Assert.Equal(["1", "2"], Section(html, "differences").Descendants("td").Select(td => td.Value), StringComparer.Ordinal);
        Assert.Equal(4, Section(html, "runs").Descendants("tbody").Single().Elements("tr").Count());

        Assert.Equal(0, _run.Run("compare", first, second, "--json"));
        JsonNode json = JsonNode.Parse(_run.Output)!;
        Assert.Equal("lrImg", Assert.Single(json["differences"]!.AsArray())!["setting"]!.GetValue<string>());
        Assert.Equal(2, json["runs"]!.AsArray().Count);
        Assert.True(File.Exists(Path.Combine(_run.Runs, "compare.html")));
        Assert.Equal((int)ExitCode.Usage, _run.Run("compare", first));
        Assert.Equal((int)ExitCode.Usage, _run.Run("compare", first, Path.Combine(_run.Runs, "nowhere")));

        Assert.Equal(0, _run.Run("report", first, "--against", second));
        html = Parse(PageOf(first));
        RequireSound(html);
        Assert.Contains("convergence", Sections(html), StringComparer.Ordinal);
        Assert.Contains(Path.GetFileName(second), Section(html, "convergence").Value, StringComparison.Ordinal);
    }

    [Fact]
    public void An_evaluation_is_compared_by_what_it_uses_and_named_by_its_sets_method()
    {
        Distil();
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        Assert.Equal(0, _run.Run("evaluate", set, "--epochs", "1", "--repeats", "1", "--eval-width", "4", "--augment", "none"));
        Assert.Equal(0, _run.Run("compare", _run.RunPath, _run.EvaluationPath, "--json"));
        JsonNode json = JsonNode.Parse(_run.Output)!;
        string[] differ = [.. json["differences"]!.AsArray().Select(d => d!["setting"]!.GetValue<string>())];
        Assert.Contains("epochs", differ, StringComparer.Ordinal);
        Assert.All(
            (string[])["iterations", "lrImg", "window", "saveEvery", "experts", "expertEpochs"],
            key => Assert.DoesNotContain(key, differ, StringComparer.Ordinal));
        RecordedRun run = RecordedRun.Read(_run.RunPath), evaluation = RecordedRun.Read(_run.EvaluationPath);
        Assert.Equal("influence, first-order", RunComparison.MethodOf(run, run.Results[0]));
        Assert.Equal("influence, first-order", RunComparison.MethodOf(evaluation, evaluation.Results[0]));
    }

    [Fact]
    public void An_ablation_is_no_run_and_its_rows_are_named()
    {
        string folder = Path.Combine(_run.Runs, "ablation");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, AblationSummary.FileName), "{}");
        Assert.Equal((int)ExitCode.Usage, _run.Run("report", folder));
        Assert.Contains("/rows/*", _run.Errors, StringComparison.Ordinal);
    }

    /// <summary>Fails unless a page is one that stands alone and that everybody can read.</summary>
    internal static void RequireSound(XDocument html)
    {
        string text = html.ToString();
        foreach (string address in (string[])["http:", "https:", "//cdn", "@import", "url("])
            Assert.DoesNotContain(address, text, StringComparison.OrdinalIgnoreCase);
        Assert.All(html.Descendants().Attributes("src"), src => Assert.Matches("^data:image/(png|jpeg);base64,", src.Value));
        string[] ids = [.. html.Descendants().Attributes("id").Select(id => id.Value)];
        Assert.Equal(ids.Distinct(StringComparer.Ordinal), ids, StringComparer.Ordinal);
        Assert.All(
            html.Descendants("a").Attributes("href"), href => Assert.Contains(href.Value[1..], ids, StringComparer.Ordinal));
        Assert.All(html.Descendants("img"), img => Assert.NotEmpty(img.Attribute("alt")!.Value));
        Assert.All(html.Descendants("svg"), svg => Assert.NotEmpty(Label(svg)));
        Assert.All(html.Descendants("th"), th => Assert.NotNull(th.Attribute("scope")));
        Assert.All(html.Descendants("table"), table => Assert.NotNull(table.Element("caption")));
        Assert.Single(html.Descendants("h1"));
        Assert.All(html.Descendants("section"), section => Assert.Single(section.Elements("h2")));
        Assert.All(html.Descendants("section"), section => Assert.True(section.Elements().Count() > 1, $"{section.Attribute("id")} is empty"));
        Assert.All(html.Descendants("select"), select => Assert.Contains(
            html.Descendants("label"), label => label.Attribute("for")!.Value == select.Attribute("id")!.Value));
        Assert.Equal("en", html.Root!.Attribute("lang")!.Value);
        Assert.Contains(html.Descendants("meta"), meta => meta.Attribute("name")?.Value == "viewport");
        Assert.DoesNotContain("NaN", string.Concat(html.Descendants("svg").Select(s => s.ToString())), StringComparison.Ordinal);
    }

    private void Distil(string options = "") => Assert.True(_run.Run(CommandRun.SmallRunWith(options)) == 0, _run.Errors);

    internal static string PageOf(string run) => Path.Combine(run, "report.html");

    internal static XDocument Parse(string path)
    {
        string text = File.ReadAllText(path);
        Assert.StartsWith("<!DOCTYPE html>\n<html", text, StringComparison.Ordinal);
        // As XML all must be closed and nested; as HTML these elements must not be closed by themselves.
        using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        foreach (string name in (string[])["script", "div", "span", "td", "th", "output", "li", "p", "option"])
            Assert.DoesNotMatch($"<{name}(?: [^>]*)?/>", text);
        return XDocument.Load(reader);
    }

    internal static IEnumerable<string> Sections(XDocument html) => html.Descendants("section").Select(s => s.Attribute("id")!.Value);

    internal static XElement Section(XDocument html, string name) =>
        html.Descendants("section").Single(s => s.Attribute("id")!.Value == name);

    // The sections that say that something is not known.
    internal static IEnumerable<string> Missing(XDocument html) =>
        Sections(html).Where(s => Section(html, s).Descendants().Any(e => Has(e, "missing")));

    internal static bool Has(XElement element, string name) =>
        element.Attribute("class")?.Value.Split(' ').Contains(name, StringComparer.Ordinal) ?? false;

    private static string Label(XElement svg) => svg.Attribute("aria-label")?.Value ?? "";
}
