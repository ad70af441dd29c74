using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.Datasets;
using SkiaSharp;

namespace InfMatch.Tests.Distill;

/// <summary>Pages and pictures of runs on image-text pairs.</summary>
public sealed class PairReportTests : IDisposable
{
    private static readonly string[] s_sections =
        ["retrieval", "pairs", "curves", "cost", "configuration", "environment", "reproduce"];

    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    private string Set(int pairs) => Path.Combine(_run.RunPath, "synthetic", $"pairs{pairs}.safetensors");

    private int Run(params string[] args) => _run.RunAsGiven(Interruption.Silent(), args);

    [Fact]
    public void A_run_ends_with_a_page_that_has_the_table_a_verdict_and_the_nearest_pairs()
    {
        Distil("--pairs", "10", "20");
        Assert.Contains("Report:   ", _run.Output, StringComparison.Ordinal);
        XDocument html = ReportTests.Parse(ReportTests.PageOf(_run.RunPath));
        ReportTests.RequireSound(html);
        Assert.Equal(s_sections, ReportTests.Sections(html), StringComparer.Ordinal);
        Assert.Empty(ReportTests.Missing(html));
        RetrievalSummary summary = RetrievalSummary.Read(Path.Combine(_run.RunPath, RetrievalSummary.FileName));
        string result = ReportTests.Section(html, "retrieval").Value, reproduce = ReportTests.Section(html, "reproduce").Value;
        foreach (RetrievalResult of in summary.Results)
        {
            Assert.Contains(of.Verdict!.Text, result, StringComparison.Ordinal);
            Assert.Contains($"{of.Pairs} pairs: {of.Verdict.Word}", _run.Output, StringComparison.Ordinal);
            Assert.Contains(of.SetHash!, reproduce, StringComparison.Ordinal);
            foreach (RetrievalRow row in of.Rows)
                Assert.Contains(RetrievalRow.Cell(row.Of(2)).Replace(' ', '\u00a0'), result, StringComparison.Ordinal);
        }
        Assert.Contains("--pairs 10 20", reproduce.Replace("20 10", "10 20", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("verify", reproduce, StringComparison.Ordinal);
        Assert.Contains(PairCatalog.Load("pairs-demo").Train.ContentHash(), reproduce, StringComparison.Ordinal);
        Assert.Equal(30, ReportTests.Section(html, "pairs").Descendants("img").Count());
        Assert.Contains("Recall on the way", ReportTests.Section(html, "curves").ToString(), StringComparison.Ordinal);
        Assert.InRange(new FileInfo(ReportTests.PageOf(_run.RunPath)).Length, 10_000, 500_000);
    }

    [Fact]
    public void Pairs_that_stay_real_are_nearest_to_their_own_image_and_caption()
    {
        Distil("--pairs", "20", "--lr-image-features", "0", "--lr-text-features", "0");
        SetNeighbours set = Assert.Single(NeighbourFile.Read(Path.Combine(_run.RunPath, "neighbours.json")).Sets);
        Assert.Equal(20, set.Shown.Count);
        Assert.Null(set.LeftOut);
        PairSplits data = PairCatalog.Load("pairs-demo");
        Assert.All(set.Shown, pair =>
        {
            Assert.Equal((1.0, 1.0), (pair.Image.Cosine, pair.Captions[0].Cosine));
            Assert.Equal(3, pair.Captions.Select(c => c.Text).Distinct(StringComparer.Ordinal).Count());
            Assert.Equal(pair.Captions.Select(c => c.Cosine).OrderDescending(), pair.Captions.Select(c => c.Cosine));
            int image = data.Train.ImageNames.IndexOf(pair.Image.Name);
            string[] own = [.. data.Train.CaptionsOf(image).Select(c => data.Train.Captions[c].Text)];
            Assert.All(pair.Captions, c => Assert.Equal(own.Contains(c.Text, StringComparer.Ordinal), c.IsOfImage));
            using SKBitmap picture = EmbeddedImage.Decode(pair.Image.Picture!)!;
            Assert.Equal(data.Train.Images!.Image(image)[5 * 28 + 9], picture.GetPixel(9, 5).Red);
        });
        // Features of the same words in another order are the same, so now and then a caption of another image comes first.
        Assert.InRange(set.Shown.Count(pair => pair.Captions[0].IsOfImage), 17, 20);
        string drawn = Path.Combine(_run.RunPath, "images", "pairs20.png"), made = Path.Combine(_run.Folder, "made.png");
        Assert.Equal(0, Run("picture", Set(20), "--out", made, "--json"));
        Assert.True(JsonNode.Parse(_run.Output)!["images"]!.GetValue<bool>());
        Assert.Equal(File.ReadAllBytes(drawn), File.ReadAllBytes(made));
    }

    [Fact]
    public void A_page_is_written_again_without_the_data_and_says_what_is_damaged()
    {
        Distil();
        string page = ReportTests.PageOf(_run.RunPath), text = File.ReadAllText(page);
        Assert.Equal(0, _run.Run("report", "latest", "--json"));
        Assert.Equal(text, File.ReadAllText(page));
        Assert.True(JsonNode.Parse(_run.Output)!["neighbours"]!.GetValue<bool>());
        string neighbours = Path.Combine(_run.RunPath, "neighbours.json");
        File.WriteAllText(neighbours, File.ReadAllText(neighbours).Replace("\"pairs\": 20", "\"pairs\": 21", StringComparison.Ordinal));
        File.Delete(Path.Combine(_run.RunPath, "metrics.jsonl"));
        File.Delete(Path.Combine(_run.RunPath, "stages.jsonl"));
        Assert.Equal(0, _run.Run("report"));
        Assert.Contains("neighbours.json", _run.Errors, StringComparison.Ordinal);
        XDocument html = ReportTests.Parse(page);
        ReportTests.RequireSound(html);
        Assert.Equal(["curves", "cost"], ReportTests.Missing(html), StringComparer.Ordinal); // neighbours are found again
    }

    [Fact]
    public void An_interrupted_run_has_a_page_of_what_there_is()
    {
        _run.InterruptAt = "20 pairs: distilling: done";
        Assert.Equal((int)ExitCode.Interrupted, _run.Run(PairRunTests.SmallRun()));
        XDocument html = ReportTests.Parse(ReportTests.PageOf(_run.RunPath));
        ReportTests.RequireSound(html);
        Assert.Contains("not complete", ReportTests.Section(html, "retrieval").Value, StringComparison.Ordinal);
        Assert.Equal(20, ReportTests.Section(html, "pairs").Descendants("img").Count());
        _run.InterruptAt = null;
        Assert.Equal(0, _run.Run("resume"));
        Assert.DoesNotContain("not complete", File.ReadAllText(ReportTests.PageOf(_run.RunPath)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_set_that_distilling_destroyed_ends_with_its_own_exit_code_and_an_advice()
    {
        Assert.Equal(
            (int)ExitCode.Diverged, _run.Run(PairRunTests.SmallRun("--lr-image-features", "200", "--lr-text-features", "200")));
        Assert.Contains("the set of 20 pairs diverged", _run.Errors, StringComparison.Ordinal);
        Assert.Contains("half of --lr-image-features and --lr-text-features: 100 and 100", _run.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Next:     ", _run.Output, StringComparison.Ordinal);
        XDocument html = ReportTests.Parse(ReportTests.PageOf(_run.RunPath));
        Assert.Contains(ReportTests.Section(html, "retrieval").Descendants("div"), e => ReportTests.Has(e, "diverged"));
        RetrievalSummary summary = RetrievalSummary.Read(Path.Combine(_run.RunPath, RetrievalSummary.FileName));
        Assert.True(summary is { Complete: true, Results: [{ Verdict.Kind: Verdict.Diverged }] });
    }

    [Fact]
    public void Runs_on_pairs_are_compared_and_an_evaluation_has_a_page_and_images_are_another_task()
    {
        Distil();
        string first = _run.RunPath, page = Path.Combine(_run.Folder, "both.html");
        Assert.Equal(0, _run.Run("evaluate", Set(20), "--split", "test", "--repeats", "1", "--epochs", "4"));
        string evaluation = _run.EvaluationPath;
        XDocument html = ReportTests.Parse(ReportTests.PageOf(evaluation));
        ReportTests.RequireSound(html);
        Assert.Equal([.. s_sections.Where(s => s != "curves")], ReportTests.Sections(html), StringComparer.Ordinal);
        Assert.Contains("test", ReportTests.Section(html, "retrieval").Value, StringComparison.Ordinal);

        Assert.Equal(0, _run.Run("compare", first, evaluation, "--page", page));
        foreach (string part in (string[])["distilled", "influence", "(dev)", "(test)", "--epochs", "measured on different images"])
            Assert.Contains(part, _run.Output, StringComparison.Ordinal);
        html = ReportTests.Parse(page);
        ReportTests.RequireSound(html);
        Assert.Equal(["retrieval-runs", "differences", "convergence"], ReportTests.Sections(html), StringComparer.Ordinal);
        Assert.Equal(2, ReportTests.Section(html, "retrieval-runs").Descendants("tbody").Single().Elements("tr").Count());
        Assert.Equal(0, _run.Run("compare", first, evaluation, "--json"));
        JsonNode json = JsonNode.Parse(_run.Output)!;
        Assert.Equal(20, json["runs"]![0]!["results"]![0]!["pairs"]!.GetValue<int>());

        Assert.Equal(0, _run.Run(CommandRun.SmallRun("--seed", "5")));
        string images = Directory.GetDirectories(_run.Runs).Single(d => File.Exists(Path.Combine(d, "summary.json")));
        Assert.Equal((int)ExitCode.Usage, _run.Run("compare", first, images));
        Assert.Contains("Name runs of one kind", _run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Photographs_are_shown_where_their_files_are_and_captions_alone_where_they_are_not()
    {
        using TempFolder data = Photographs();
        Assert.True(0 == _run.Run(
            "distill", "--dataset", "flickr8k", "--data", data.Path, "--pairs", "6", "--iterations", "2", "--experts", "1", "--expert-epochs", "2",
            "--expert-batch", "8", "--checkpoints", "4", "--window", "2", "--head-size", "4", "--epochs", "4", "--repeats", "2", "--full-epochs", "1",
            "--threshold", "10"), _run.Errors);
        SetNeighbours set = Assert.Single(NeighbourFile.Read(Path.Combine(_run.RunPath, "neighbours.json")).Sets);
        Assert.All(set.Shown, pair => Assert.StartsWith("data:image/jpeg;base64,", pair.Image.Picture, StringComparison.Ordinal));
        string page = ReportTests.PageOf(_run.RunPath);
        ReportTests.RequireSound(ReportTests.Parse(page));
        Assert.Contains("Research only", File.ReadAllText(page), StringComparison.Ordinal);

        Directory.Delete(data["images"], recursive: true);
        File.Delete(Path.Combine(_run.RunPath, "neighbours.json"));
        Assert.Equal(0, _run.Run("report"));
        XDocument html = ReportTests.Parse(page);
        Assert.Empty(ReportTests.Section(html, "pairs").Descendants("img"));
        Assert.Contains("captions stand alone", ReportTests.Section(html, "pairs").Value, StringComparison.Ordinal);
        Assert.Equal(6, ReportTests.Section(html, "pairs").Descendants("figure").Count());
        Assert.Equal(0, Run("picture", Set(6)));
        Assert.Contains("captions alone", _run.Errors, StringComparison.Ordinal);
        File.WriteAllText(data["Flickr8k.token.txt"], File.ReadAllText(data["Flickr8k.token.txt"]).Replace("photo 3", "photo three", StringComparison.Ordinal));
        Assert.Equal((int)ExitCode.Data, Run("picture", Set(6)));
        Assert.Contains("are not those of", _run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_caption_says_cannot_become_a_part_of_a_page_or_break_a_picture()
    {
        var pair = new ShownPair(
            new NearImage("a\"b", 0.5, null),
            [new NearCaption("</li><script>alert(1)</script>", 0.25, true), new NearCaption($"a {new string('w', 400)} b", 0.125, false)]);
        var set = new SetNeighbours(100, "hash", [pair]);
        string html = Html.Write(PairsSection.Grid(set, 1));
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        Assert.Contains("&lt;script", html, StringComparison.Ordinal);
        Assert.Equal("Shown are the first 1 of 100 pairs.", set.LeftOut);
        string path = Path.Combine(_run.Folder, "pairs.png");
        PairPicture.Write(path, "words", set);
        using SKBitmap drawn = SKBitmap.Decode(path);
        Assert.InRange(drawn.Width, 200, 400);
        string file = Path.Combine(_run.Folder, "neighbours.json");
        new NeighbourFile("", [set with { Shown = [pair with { Image = new NearImage("a", 1, "javascript:alert(1)") }] }]).Save(file);
        Assert.Contains("no embedded image", Assert.Throws<DistillException>(() => NeighbourFile.Read(file)).Message, StringComparison.Ordinal);
    }

    private void Distil(params string[] more) => Assert.True(_run.Run(PairRunTests.SmallRun(more)) == 0, _run.Errors);

    // 24 photographs of 20×16 pixels, with features drawn at random, in the layout of flickr8k.
    private static TempFolder Photographs()
    {
        const int Count = 24, Train = 16, Dev = 4;
        var folder = new TempFolder();
        string[] names = [.. Enumerable.Range(0, Count).Select(i => $"p{i:D2}.jpg")];
        void Text(string file, IEnumerable<string> lines) => folder.Put(file, Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"));
        Text("images.txt", names);
        Text("Flickr8k.token.txt", names.SelectMany((name, i) => (string[])[$"{name}#0\tphoto {i} from near", $"{name}#1\tphoto {i} from afar"]));
        Text("Flickr_8k.trainImages.txt", names[..Train]);
        Text("Flickr_8k.devImages.txt", names[Train..(Train + Dev)]);
        Text("Flickr_8k.testImages.txt", names[(Train + Dev)..]);
        foreach ((string name, int i) in names.Select((name, i) => (name, i)))
            folder.Put($"images/{name}", ImageBytes.PlainPng(20, 16, (byte)(10 * i), 100, 50));
        RandomKey key = RandomKey.FromSeed(3);
        float[] Drawn(string what, int count)
        {
            var values = new float[count];
            key.Split(what).Normal(values);
            return values;
        }
        Safetensors.Write(
            folder["flickr8k-features.safetensors"],
            [
                NamedArray.From("image_features", [Count, 6], Drawn("images", 6 * Count)),
                NamedArray.From("caption_features", [2 * Count, 5], Drawn("captions", 10 * Count)),
            ]);
        return folder;
    }
}
