using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tests.Datasets;

namespace InfMatch.Tests.Distill;

/// <summary>A cache folder of these tests, so that none writes into that of the user.</summary>
public sealed class CacheOfTests : IDisposable
{
    public CacheOfTests() => Environment.SetEnvironmentVariable(DecodedCache.FolderVariable, Folder);

    public string Folder { get; } = Directory.CreateTempSubdirectory("infmatch-cache-").FullName;

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(DecodedCache.FolderVariable, null);
        Directory.Delete(Folder, recursive: true);
    }
}

public sealed class DatasetCommandTests(CacheOfTests cache) : IClassFixture<CacheOfTests>
{
    [Fact]
    public void List_names_every_set_and_where_it_is()
    {
        using var run = new CommandRun();
        using var folder = new TempFolder();
        folder.PutMnist("mnist");
        Assert.Equal(0, Do(run, "datasets", "list", "--data", folder.Path));
        // A script finds each in one line.
        string[] lines = run.Output.Split('\n');
        Assert.All(
            DatasetCatalog.All,
            i => Assert.Contains(
                lines, l => l.Contains($"│ {i.Name} ", StringComparison.Ordinal) && l.Contains(i.Description, StringComparison.Ordinal)));
        Assert.Empty(run.Errors);
        Assert.Equal(0, Do(run, "datasets", "list", "--data", folder.Path, "--json"));
        Assert.Empty(run.Errors);
        JsonArray rows = JsonNode.Parse(run.Output)!.AsArray();
        Assert.Equal([.. DatasetCatalog.Names, .. PairCatalog.Names], rows.Select(r => (string)r!["name"]!), StringComparer.Ordinal);
        Assert.Equal("pairs", (string?)Row("flickr8k")["kind"]);
        JsonNode Row(string name) => rows.Single(r => (string)r!["name"]! == name)!;
        Assert.Equal(folder["mnist"], (string?)Row("mnist")["folder"]);
        Assert.Equal((true, false, 73_257), ((bool)Row("mnist")["found"]!, (bool)Row("svhn")["found"]!,
            (int)Row("svhn")["train"]!));
    }

    [Fact]
    public void Verify_reads_image_text_pairs()
    {
        using var run = new CommandRun();
        Assert.Equal(0, Do(run, "datasets", "verify", "pairs-demo", "--json"));
        JsonNode result = JsonNode.Parse(run.Output)!;
        PairDataset train = PairCatalog.Load("pairs-demo").Train;
        Assert.Equal((train.ImageCount, train.CaptionCount, train.ContentHash()), ((int)result["train"]!["images"]!,
            (int)result["train"]!["captions"]!, (string?)result["train"]!["sha256"]));
        Assert.Equal((true, 0), ((bool)result["published"]!, (int)result["missing"]!));
        using var folder = new TempFolder();
        folder.Put("flickr8k/Flickr8k.token.txt", "a.jpg#0\tone\nb.jpg#0\ttwo\nc.jpg#0\tone\n"u8.ToArray());
        foreach ((string part, string name) in (IEnumerable<(string, string)>)[("train", "a.jpg\ne.jpg"), ("dev", "b.jpg"), ("test", "c.jpg")])
            folder.Put($"flickr8k/Flickr_8k.{part}Images.txt", System.Text.Encoding.UTF8.GetBytes(name));
        Assert.Equal(0, Do(run, "datasets", "verify", "flickr8k", "--data", folder.Path));
        Assert.Contains("1 of the 4 images that the splits list are not there or have no caption", run.Errors, StringComparison.Ordinal);
        Assert.Contains("has 6,000 images for training", run.Output, StringComparison.Ordinal);
        Assert.Contains("also in training: 1", run.Output, StringComparison.Ordinal);
        Assert.Contains("Licence: Research only", run.Output, StringComparison.Ordinal);
        Assert.Equal(3, Do(run, "datasets", "verify", "flickr8k", "--data", folder.Path, "--image-size", "8"));
        Assert.Contains("there is no folder of images", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void List_says_where_a_folder_has_some_of_the_classes()
    {
        using var run = new CommandRun();
        using var folder = new TempFolder();
        folder.Put("tiny-imagenet-200/wnids.txt", "n1\nn2\n"u8.ToArray());
        folder.Put("tiny-imagenet-200/train/n1/images/1.JPEG", [1]);
        folder.Put("tiny-imagenet-200/train/n2/images/1.JPEG", [1]);
        Assert.Equal(0, Do(run, "datasets", "list", "--data", folder.Path));
        Assert.Contains("│ 2 of 200 classes", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_tells_counts_hashes_and_images_in_both_parts()
    {
        using var run = new CommandRun();
        using TempFolder folder = WithTest();
        Assert.Equal(0, Do(run, "datasets", "verify", "image-folder", "--data", folder.Path, "--json"));
        JsonNode result = JsonNode.Parse(run.Output)!;
        Assert.Equal((4, 2, 1, 0), ((int)result["train"]!["images"]!, (int)result["test"]!["images"]!,
            (int)result["testInTrain"]!,
            (int)result["againInTrain"]!));
        Assert.Equal(ImageFolderReader.LoadFolder(folder.Path).Train.ContentHash(),
            (string?)result["train"]!["sha256"]);
        Assert.Equal(0, Do(run, "datasets", "verify", "image-folder", "--data", folder.Path));
        Assert.Contains("test image 1 (b) is training image 3 (b)", run.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(cache.Folder, "*verify*"));
        folder.Put("train/a/9.png", [1, 2, 3]);
        Assert.Equal(3, Do(run, "datasets", "verify", "image-folder", "--data", folder.Path));
        Assert.Contains(folder["train/a/9.png"], run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Prepare_decodes_once()
    {
        using var run = new CommandRun();
        using TempFolder folder = WithTest();
        string[] args = ["datasets", "prepare", "image-folder", "--data", folder.Path, "--image-size", "5"];
        Assert.Equal(0, Do(run, args));
        Assert.Contains($"kept in {cache.Folder}", run.Errors, StringComparison.Ordinal);
        Assert.Contains("decoding images", run.Errors, StringComparison.Ordinal);
        Assert.Equal(0, Do(run, args));
        Assert.DoesNotContain("decoding images:", run.Errors, StringComparison.Ordinal);
        Assert.Contains("4 images [3, 5, 5]", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, Do(run, "datasets", "prepare", "mnist"));
        Assert.Contains("nothing is to be prepared", run.Output, StringComparison.Ordinal);
        Assert.Empty(run.Errors);

        // With --json there is one object, whatever was to be done.
        Assert.Equal(0, Do(run, [.. args, "--json"]));
        Assert.Equal((true, 4), (Value("prepared").GetBoolean(), Value("train").GetInt32()));
        Assert.Equal(0, Do(run, "datasets", "prepare", "mnist", "--json"));
        Assert.False(Value("prepared").GetBoolean());

        JsonElement Value(string name) => JsonDocument.Parse(run.Output).RootElement.GetProperty(name);
    }

    [Theory]
    [InlineData(0, "built in", "get", "fashion-mnist-small")]
    [InlineData(2, "nothing to download", "get", "image-folder")]
    [InlineData(2, "Flickr8k.token.txt", "get", "flickr8k")]
    [InlineData(2, "Did you mean \"flickr8k\"", "verify", "flickr-8k")]
    [InlineData(0, "built in", "get", "pairs-demo")]
    [InlineData(2, "Did you mean \"cifar-10\"", "get", "cifar10")]
    [InlineData(2, "Known: ", "verify", "nothing")]
    [InlineData(2, "--image-size is \"8\"", "verify", "mnist", "--image-size", "8")]
    [InlineData(2, "NAME", "get")]
    [InlineData(2, "One of its commands is missing: list, get, verify, prepare. See datasets --help.")]
    public void Names_are_checked(int code, string fragment, params string[] args)
    {
        using var run = new CommandRun();
        Assert.Equal(code, Do(run, ["datasets", .. args]));
        Assert.Contains(fragment, code == 0 ? run.Output : run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Get_brings_the_files_and_reads_them()
    {
        using TempFolder source = new(), folder = new();
        source.PutMnist(gzip: true);
        using var publisher = new LocalPublisher(
            Directory.GetFiles(source.Path).ToDictionary(p => Path.GetFileName(p)!, File.ReadAllBytes,
                StringComparer.Ordinal),
            Behaviour.CutInTheMiddle, Behaviour.Good);
        string said = Get(publisher, source, folder, json: true, out string data);
        Assert.Equal(folder["mnist"], (string?)JsonNode.Parse(data)!["folder"]);
        Assert.Equal(20, DatasetCatalog.Load("mnist", folder.Path).Train.Count);
        Assert.Contains("mnist goes to", said, StringComparison.Ordinal);
        Assert.DoesNotContain("Next:", said, StringComparison.Ordinal);
        Assert.Contains("is there already", Get(publisher, source, folder, json: false, out string found),
            StringComparison.Ordinal);
        Assert.Contains("20 images [1, 28, 28]", found, StringComparison.Ordinal);
        Assert.Contains($"--data {folder.Path}", found, StringComparison.Ordinal);
    }

    [Fact]
    public void Get_to_a_place_that_cannot_be_written_says_so_before_it_downloads()
    {
        using var run = new CommandRun();
        using var folder = new TempFolder();
        folder.Put("file", [1]);
        Assert.Equal((int)ExitCode.FileSystem, Do(run, "datasets", "get", "mnist", "--to", folder["file"]));
        Assert.Contains($"cannot write to {folder["file"]}", run.Errors, StringComparison.Ordinal);
        Assert.Contains("a writable folder with --to. [IM7001]", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_tells_where_a_set_is_not_all_that_is_published()
    {
        using var run = new CommandRun();
        using var folder = new TempFolder();
        folder.PutMnist("mnist");
        Assert.Equal(0, Do(run, "datasets", "verify", "mnist", "--data", folder.Path, "--json"));
        Assert.False((bool)JsonNode.Parse(run.Output)!["published"]!);
        Assert.Equal(0, Do(run, "datasets", "verify", "mnist", "--data", folder.Path));
        Assert.Contains("60,000 images for training and 10,000 for the test", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, Do(run, "datasets", "verify", "fashion-mnist-small", "--json"));
        Assert.True((bool)JsonNode.Parse(run.Output)!["published"]!);
        Assert.Equal(0, Do(run, "datasets", "verify", "fashion-mnist-small"));
        Assert.DoesNotContain("published:", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Get_without_the_files_says_what_to_put_where()
    {
        using TempFolder source = new(), folder = new();
        source.PutMnist(gzip: true);
        using var publisher = new LocalPublisher(new(StringComparer.Ordinal), Behaviour.NotFound);
        var e = Assert.Throws<DatasetException>(() => Get(publisher, source, folder, json: false, out _));
        Assert.Equal((DatasetFault.NotReached, ExitCode.Data), (e.Fault, Failure.CodeOf(e)));
        Assert.Contains(folder["mnist"], e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder["mnist"]));
    }

    [Fact]
    public void A_folder_of_pictures_is_distilled_and_evaluated_again()
    {
        using var run = new CommandRun { LoadsItself = true };
        using var folder = new TempFolder();
        for (int i = 0; i < 20; i++)
        {
            folder.Put($"dark & small/{i}.png", ImageBytes.PlainPng(9, 12, (byte)(3 * i), (byte)i, 20));
            folder.Put($"light/{i}.png", ImageBytes.PlainPng(12, 9, 200, (byte)(250 - i), 220));
        }

        string[] args =
        [
            .. CommandRun.SmallRun("--data", folder.Path, "--image-size",
                "8").Select(a => a == "tiny" ? "image-folder" : a),
        ];
        Assert.Equal(0, run.Run(args));
        Assert.Contains("held out for the test: 32 for training, 8 for the test", run.Errors, StringComparison.Ordinal);
        string set = Path.Combine(run.RunPath, "synthetic", "ipc2.safetensors");
        Assert.Equal(0, run.Run(
            "evaluate", set, "--data", folder.Path, "--epochs", "2", "--repeats", "1", "--eval-width", "4", "--augment", "none"));
    }

    private static TempFolder WithTest()
    {
        var folder = new TempFolder();
        foreach (string c in (string[])["a", "b"])
        {
            for (byte i = 1; i <= 2; i++)
                folder.Put($"train/{c}/{i}.png", ImageBytes.PlainPng(2, 2, i, (byte)c[0], (byte)(7 * i)));
            folder.Put($"test/{c}/1.png", ImageBytes.PlainPng(2, 2, c == "b" ? (byte)2 : (byte)9, (byte)c[0],
                c == "b" ? (byte)14 : (byte)8));
        }

        return folder;
    }

    private static int Do(CommandRun run, params string[] args) => run.RunAsGiven(Interruption.Silent(), args);

    private static string Get(LocalPublisher publisher, TempFolder source, TempFolder folder, bool json,
        out string data)
    {
        using StringWriter output = new(), people = new();
        var files = Directory.GetFiles(source.Path).Select(p => new PublishedFile(
            Path.GetFileName(p), [new Uri(publisher.Site, Path.GetFileName(p))],
            DownloadTests.Md5(File.ReadAllBytes(p))));
        new DatasetCommands(new Terminal(output, people, isInteractive: false) { IsJson = json }, default)
        {
            Patience = DownloadTests.Options(), SourceOf = _ => new DownloadSource("mnist", [.. files]), UseProxy = false,
        }.Get("mnist", folder.Path);
        data = output.ToString();
        return people.ToString();
    }
}
