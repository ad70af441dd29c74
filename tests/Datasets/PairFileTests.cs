using System.Text;
using InfMatch.Datasets;
using InfMatch.Tensors.IO;
using static InfMatch.Tests.Datasets.DatasetBytes;

namespace InfMatch.Tests.Datasets;

/// <summary>Published layouts of image-text pairs are read, and what is wrong with them is said with file and line.</summary>
public sealed class PairFileTests
{
    private static readonly string[] s_names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"];

    [Fact]
    public void Lines_with_numbers_and_lists_of_splits_are_flickr8k()
    {
        using TempFolder folder = Flickr8k();
        List<string> notes = [];
        PairSplits pairs = Load("flickr8k", folder, notes);
        Assert.Equal(["a.jpg", "b.jpg"], pairs.Train.ImageNames.ToArray());
        Assert.Equal(["one a.", "two a.", "one b.", "two b."], pairs.Train.Captions.Select(c => c.Text), StringComparer.Ordinal);
        Assert.Equal("d.jpg", Assert.Single(pairs.Test.ImageNames));
        Assert.Null(pairs.Train.ImageFeatures);
        Assert.Empty(notes);
        // The same below a parent, with a byte order mark and lines of Windows.
        using var parent = new TempFolder();
        foreach (string file in Directory.GetFiles(folder.Path))
        {
            string text = File.ReadAllText(file).Replace("\n", "\r\n", StringComparison.Ordinal);
            parent.Put($"flickr8k/{Path.GetFileName(file)}", [.. "\uFEFF"u8, .. Encoding.UTF8.GetBytes(text)]);
        }
        Assert.Equal(pairs.Train.ContentHash(), Load("flickr8k", parent).Train.ContentHash());
    }

    [Fact]
    public void A_table_with_commas_has_the_same_captions()
    {
        using TempFolder folder = Flickr8k();
        string hash = Load("flickr8k", folder).Train.ContentHash();
        File.Delete(folder["Flickr8k.token.txt"]);
        Text(folder, "captions.txt", "image,caption\n" + string.Concat(s_names.SelectMany(
            n => (string[])[$"{n},one {n[0]}.\n", $"{n},\"two {n[0]}.\"\n"])));
        Assert.Equal(hash, Load("flickr8k", folder).Train.ContentHash());
        Text(folder, "captions.txt", "image,caption\na.jpg,\"a \"\"b\"\", c\"\n" + string.Concat(s_names[1..].Select(n => $"{n},x\n")));
        Assert.Equal("a \"b\", c", Load("flickr8k", folder).Train.Captions[0].Text);
        Text(folder, "captions.txt", "image,caption\na.jpg,x\nb.jpg,x,y\n");
        Refuse("flickr8k", folder, DatasetFault.WrongFormat, "captions.txt:3", "got 3 fields", "stands in quotes");
    }

    [Fact]
    public void A_table_with_bars_is_flickr30k_with_its_row_without_a_bar()
    {
        using var folder = new TempFolder();
        Text(folder, "results.csv", "image_name| comment_number| comment\n1.jpg| 0| One .\n1.jpg| 1   Two .\n2.jpg| 0| a | b\n3.jpg| 0| c\n");
        Text(folder, "train.txt", "1\n");
        Text(folder, "val.txt", "2.jpg\n");
        Text(folder, "test.txt", "3\n");
        PairSplits pairs = Load("flickr30k", folder);
        Assert.Equal(["One .", "Two ."], pairs.Train.Captions.Select(c => c.Text), StringComparer.Ordinal);
        Assert.Equal("a | b", pairs.Dev.Captions[0].Text);
        Text(folder, "results.csv", "image_name| comment_number| comment\n1.jpg| zero| One .\n");
        Refuse("flickr30k", folder, DatasetFault.WrongFormat, "results.csv:2", "zero");
    }

    [Fact]
    public void Karpathys_file_has_captions_and_splits()
    {
        const string Json = """
            {"images": [
              {"filename": "a.jpg", "split": "train", "sentences": [{"raw": "one"}, {"raw": "two"}], "imgid": 0},
              {"filename": "b.jpg", "split": "restval", "sentences": [{"raw": "three"}]},
              {"filename": "c.jpg", "split": "val", "sentences": [{"raw": "four"}]},
              {"filename": "d.jpg", "split": "test", "sentences": [{"raw": "five"}]}], "dataset": "flickr30k"}
            """;
        using var folder = new TempFolder();
        Text(folder, "dataset_flickr30k.json", Json);
        PairSplits pairs = Load("flickr30k", folder);
        Assert.Equal((2, 3, 1, 1), (pairs.Train.ImageCount, pairs.Train.CaptionCount, pairs.Dev.ImageCount, pairs.Test.ImageCount));
        // Captions of a file of their own go before it.
        Text(folder, "results_20130124.token", string.Concat(s_names.Select(n => $"{n}#0\tof {n}\n")));
        Assert.Equal(["of a.jpg", "of b.jpg"], Load("flickr30k", folder).Train.Captions.Select(c => c.Text), StringComparer.Ordinal);
        File.Delete(folder["results_20130124.token"]);
        foreach ((string old, string wrong, string told) in (IEnumerable<(string, string, string)>)
            [("\"val\"", "\"valid\"", "got \"valid\""), ("\"raw\": \"five\"", "\"raw\": \" \"", "a caption is empty"),
                ("\"d.jpg\"", "\"../d.jpg\"", "no name of an image file"), ("\"imgid\": 0", "\"split\": \"test\"", "no list of images"),
                ("\"five\"}]", "\"five\"}", "no list of images"), ("\"c.jpg\"", "\"d.jpg\"", "listed twice"), ("\"images\"", "\"pictures\"", "no list of images")])
        {
            Text(folder, "dataset_flickr30k.json", Json.Replace(old, wrong, StringComparison.Ordinal));
            DatasetException e = Assert.Throws<DatasetException>(() => Load("flickr30k", folder));
            Assert.Contains(told, e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Features_belong_to_the_rows_of_the_lists_next_to_them()
    {
        using TempFolder folder = Flickr8k();
        Features(folder, 4, 8);
        Refuse("flickr8k", folder, DatasetFault.NotFound, "images.txt", "rows of the features");
        Text(folder, "images.txt", "d.jpg\nc.jpg\nb.jpg\na.jpg\n"); // the first row is that of d
        PairSplits pairs = Load("flickr8k", folder);
        Assert.Equal(["b.jpg", "a.jpg"], pairs.Train.ImageNames.ToArray());
        Assert.Equal([6f, 7, 8, 9, 10, 11], pairs.Train.ImageFeatures!.Values.ToArray());
        Assert.Equal([104f, 105, 106, 107, 100, 101, 102, 103], pairs.Train.CaptionFeatures!.Values.ToArray());
        Features(folder, 3, 8);
        Refuse("flickr8k", folder, DatasetFault.Mismatch, "image_features has not one row", "got 3 rows", "expected 4");
        File.WriteAllBytes(folder["flickr8k-features.safetensors"], File.ReadAllBytes(folder["flickr8k-features.safetensors"])[..^3]);
        Refuse("flickr8k", folder, DatasetFault.Damaged, "flickr8k-features.safetensors", "Copy it again");
        Safetensors.Write(folder["flickr8k-features.safetensors"], [NamedArray.From("other", [1], [1f])]);
        Refuse("flickr8k", folder, DatasetFault.WrongFormat, "no array image_features", "got other");
    }

    [Fact]
    public void Features_that_state_hashes_are_held_to_them()
    {
        using TempFolder folder = Flickr8k();
        string file = folder["flickr8k-features.safetensors"];
        Text(folder, "images.txt", "d.jpg\nc.jpg\nb.jpg\na.jpg\n");
        Features(folder, 4, 8);
        ArraySet plain = Safetensors.Read(file);
        List<NamedCaption> captions = CaptionFile.Read(folder["Flickr8k.token.txt"], DecodeLimits.Default);
        void Write(float first) => ContentHash.Write(
            file, [NamedArray.From("image_features", [4, 3], [first, .. plain["image_features"].AsFloat32()[1..]]), plain["caption_features"]],
            new Dictionary<string, string>(PairFeatureFile.TextsOf(["d.jpg", "c.jpg", "b.jpg", "a.jpg"], captions), StringComparer.Ordinal));
        Write(0);
        Assert.Equal(2, Load("flickr8k", folder).Train.ImageCount);

        byte[] bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
        Refuse("flickr8k", folder, DatasetFault.Damaged, "does not have the hash that it states", "features make");
        Write(0);
        Text(folder, "images.txt", "c.jpg\nb.jpg\na.jpg\nd.jpg\n");
        Refuse("flickr8k", folder, DatasetFault.Mismatch, "those of other images, or of these in another order", "Put back the images");
        Text(folder, "images.txt", "d.jpg\nc.jpg\nb.jpg\na.jpg\n");
        string text = File.ReadAllText(folder["Flickr8k.token.txt"]);
        Text(folder, "Flickr8k.token.txt", text.Replace("one a", "One a", StringComparison.Ordinal));
        Refuse("flickr8k", folder, DatasetFault.Mismatch, "those of other captions");
    }

    [Fact]
    public void What_lists_name_and_is_not_there_is_told_in_one_line()
    {
        using TempFolder folder = Flickr8k();
        Text(folder, "Flickr_8k.trainImages.txt", "a.jpg\ne1.jpg\ne2.jpg\n");
        Text(folder, "Flickr_8k.devImages.txt", "c.jpg\ne3.jpg\n");
        List<string> notes = [];
        PairSplits pairs = Load("flickr8k", folder, notes);
        Assert.Equal((3, 1), (pairs.Missing, pairs.Unlisted));
        Assert.Equal(
            "flickr8k: 3 of the 6 images that the splits list are not there or have no caption (2 of train, 1 of dev, 0 of test; the first is e1.jpg); " +
            "1 images are in no split. They are left out.", Assert.Single(notes));
        // A caption of no image, as the published file of Flickr8k has.
        Text(folder, "images.txt", "a.jpg\nc.jpg\nd.jpg\n");
        notes.Clear();
        Assert.Equal(2, Load("flickr8k", folder, notes).Train.CaptionCount);
        Assert.Contains("2 captions belong to images that are not there", Assert.Single(notes), StringComparison.Ordinal);
        Text(folder, "Flickr_8k.testImages.txt", "e4.jpg\n");
        Refuse("flickr8k", folder, DatasetFault.NotEnoughImages, "no image of the part Test", "got 0 of 1 listed");
    }

    [Fact]
    public void Images_are_decoded_where_a_size_is_given()
    {
        using TempFolder folder = Flickr8k();
        Text(folder, "Flickr8k.token.txt", string.Concat(s_names.Append("e.jpg").Select(n => $"{n}#0\tof {n}\n")));
        Text(folder, "Flickr_8k.trainImages.txt", "a.jpg\nb.jpg\ne.jpg\n");
        foreach (string name in s_names.Append("e.jpg"))
            folder.Put($"Images/{name}", ImageBytes.PlainPng(5, 7, (byte)(40 * name[0]), (byte)(3 * name[0]), (byte)name[0]));
        PairDataset train = Load("flickr8k", folder, side: 4).Train;
        Assert.Equal(new InfMatch.Tensors.Shape(3, 4, 4), train.Images!.ImageShape);
        Assert.Equal((byte)'b', train.Images.Image(1)[^1]);
        File.Delete(folder["Images/b.jpg"]);
        Assert.Equal(["a.jpg", "e.jpg"], Load("flickr8k", folder, side: 4).Train.ImageNames.ToArray());
        folder.Put("Images/a.jpg", [1, 2, 3]);
        Refused(DatasetFault.WrongFormat, () => Load("flickr8k", folder, side: 4), "a.jpg");
        Directory.Delete(folder["Images"], recursive: true);
        Refused(DatasetFault.NotFound, () => Load("flickr8k", folder, side: 4), "no folder of images", "--image-size");
    }

    [SkippableFact]
    public void Files_that_are_links_are_read_whole()
    {
        Skip.If(OperatingSystem.IsWindows(), "links need a right there");
        using TempFolder folder = Flickr8k(), links = new();
        Directory.CreateDirectory(links["flickr8k"]);
        foreach (string file in Directory.GetFiles(folder.Path))
            File.CreateSymbolicLink(links[$"flickr8k/{Path.GetFileName(file)}"], file);
        Assert.Equal(Load("flickr8k", folder).Train.ContentHash(), Load("flickr8k", links).Train.ContentHash());
        File.Delete(folder["Flickr8k.token.txt"]);
        DatasetException e = Assert.Throws<DatasetException>(() => Load("flickr8k", links));
        Assert.Equal(DatasetFault.NotFound, e.Fault);
    }

    [Fact]
    public void One_training_image_is_decoded_from_its_file_although_no_size_is_given()
    {
        using TempFolder folder = Flickr8k();
        Assert.Null(Load("flickr8k", folder).TrainingImage(0, 4));
        folder.Put("Images/b.jpg", ImageBytes.PlainPng(5, 7, 10, 20, 30));
        PairSplits pairs = Load("flickr8k", folder);
        Assert.Null(pairs.Train.Images);
        Assert.Null(pairs.TrainingImage(0, 4)); // a.jpg is not there
        ImagePixels image = pairs.TrainingImage(1, 4)!;
        Assert.Equal(new InfMatch.Tensors.Shape(3, 4, 4), image.Size);
        Assert.Equal((byte)10, image.Values[0]);
        Assert.Equal((byte)30, image.Values[^1]);
        folder.Put("Images/b.jpg", [1, 2, 3]);
        Refused(DatasetFault.WrongFormat, () => pairs.TrainingImage(1, 4), "b.jpg");
        PairSplits demo = PairCatalog.Load("pairs-demo");
        Assert.Equal(demo.Train.Images!.Image(7).ToArray(), demo.TrainingImage(7, 96)!.Values);
    }

    public static TheoryData<string, string, DatasetFault, string> Faults() => new()
    {
        { "Flickr8k.token.txt", "a.jpg#0\tone\na.jpg#0\ttwo\n", DatasetFault.Duplicate, "token.txt:2: the caption has the number of another: got a.jpg#0, expected another than in line 1" },
        { "Flickr8k.token.txt", "a.jpg#0\tone\na.jpg two\n", DatasetFault.WrongFormat, "token.txt:2: the line is no caption" },
        { "Flickr8k.token.txt", "a.jpg#x\tone\n", DatasetFault.WrongFormat, "token.txt:1: the line is no caption" },
        { "Flickr8k.token.txt", "a.jpg#0\t \n", DatasetFault.WrongFormat, "token.txt:1: the caption is empty" },
        { "Flickr8k.token.txt", "b/../a.jpg#0\tone\n", DatasetFault.WrongFormat, "token.txt:1: this is no name of an image file" },
        { "Flickr8k.token.txt", "hello\n", DatasetFault.WrongFormat, "captions of no known form" },
        { "Flickr8k.token.txt", " \n\n", DatasetFault.Truncated, "blank lines only" },
        { "Flickr8k.token.txt", "", DatasetFault.Truncated, "the file is empty" },
        { "Flickr_8k.devImages.txt", "c.jpg\na.jpg\n", DatasetFault.Duplicate, "devImages.txt:2: the image a.jpg is listed twice" },
        { "Flickr_8k.devImages.txt", "\\c.jpg\n", DatasetFault.WrongFormat, "devImages.txt:1: this is no name of an image file" },
        { "images.txt", "a.jpg\na.jpg\n", DatasetFault.Duplicate, "images.txt:2: the image a.jpg is listed twice" },
    };

    [Theory, MemberData(nameof(Faults))]
    public void A_fault_is_told_with_file_and_line(string file, string text, DatasetFault fault, string told)
    {
        using TempFolder folder = Flickr8k();
        Text(folder, file, text);
        Refuse("flickr8k", folder, fault, told);
    }

    [Fact]
    public void Bytes_that_are_no_text_and_lines_without_end_are_refused()
    {
        using TempFolder folder = Flickr8k();
        folder.Put("Flickr8k.token.txt", [.. "a.jpg#0\tone"u8, 0xFF, .. "\n"u8]);
        Refuse("flickr8k", folder, DatasetFault.Damaged, "(byte 11)", "no UTF-8 text");
        Text(folder, "Flickr8k.token.txt", $"a.jpg#0\t{new string('x', 1 << 20)}\n");
        Refuse("flickr8k", folder, DatasetFault.TooLarge, "token.txt:1", "got 1048584 characters");
        File.Delete(folder["Flickr_8k.devImages.txt"]);
        Text(folder, "Flickr8k.token.txt", string.Concat(s_names.Select(n => $"{n}#0\tof {n}\n")));
        Refuse("flickr8k", folder, DatasetFault.NotFound, "Flickr_8k.devImages.txt", "does not exist");
        foreach (string list in (string[])["train", "test"])
            File.Delete(folder[$"Flickr_8k.{list}Images.txt"]);
        Refuse("flickr8k", folder, DatasetFault.NotFound, "lists of the splits are missing", "dataset_flickr8k.json");
    }

    [SkippableFact]
    public void Real_flickr8k_loads_with_its_features_and_a_linear_map_retrieves()
    {
        string? root = Environment.GetEnvironmentVariable(DatasetCatalog.FolderVariable);
        Skip.If(string.IsNullOrEmpty(root) || !new Flickr8kSet().IsIn(Path.Combine(root, "flickr8k")), "there is no flickr8k");
        List<string> notes = [];
        PairSplits pairs = PairCatalog.Load("flickr8k", root, new LoadOptions { Note = notes.Add });
        Assert.Equal((6_000, 1_000, 1_000), (pairs.Train.ImageCount, pairs.Dev.ImageCount, pairs.Test.ImageCount));
        Assert.Equal((30_000, 512, 384), (pairs.Train.CaptionCount, pairs.Train.ImageFeatures!.Width, pairs.Train.CaptionFeatures!.Width));
        Assert.Equal((100, 91), (pairs.Missing, pairs.Unlisted));
        Assert.Contains("e667626_18933d713e.jpg", Assert.Single(notes), StringComparison.Ordinal);
        (double captions, double images) = new LinearRetrieval(pairs.Train, 0.5, 1e-3, 128).RecallAtOne(pairs.Test);
        Assert.InRange(captions, 0.20, 0.30);
        Assert.InRange(images, 0.16, 0.24);
    }

    private static PairSplits Load(string name, TempFolder folder, List<string>? notes = null, int? side = null) => PairCatalog.Load(
        name, folder.Path, new LoadOptions { ImageSize = side, Note = notes is null ? null : notes.Add });

    private static void Refuse(string name, TempFolder folder, DatasetFault fault, params string[] fragments) =>
        Refused(fault, () => Load(name, folder), fragments);

    private static void Text(TempFolder folder, string file, string text) => folder.Put(file, Encoding.UTF8.GetBytes(text));

    // Image i has features 3i, 3i + 1, 3i + 2, caption i has 100 + 2i and 101 + 2i … of width 2.
    private static void Features(TempFolder folder, int images, int captions) => Safetensors.Write(
        folder["flickr8k-features.safetensors"],
        [
            NamedArray.From("image_features", [images, 3], [.. Enumerable.Range(0, 3 * images).Select(i => (float)i)]),
            NamedArray.From("caption_features", [captions, 2], [.. Enumerable.Range(0, 2 * captions).Select(i => 100f + i)]),
        ]);

    // Two captions each of a, b (training), c (development) and d (test).
    private static TempFolder Flickr8k()
    {
        var folder = new TempFolder();
        Text(folder, "Flickr8k.token.txt", string.Concat(s_names.SelectMany(
            n => (string[])[$"{n}#0\tone {n[0]}.\n", $"{n}#1\ttwo {n[0]}.\n"])));
        Text(folder, "Flickr_8k.trainImages.txt", "b.jpg\na.jpg\n");
        Text(folder, "Flickr_8k.devImages.txt", "c.jpg\n");
        Text(folder, "Flickr_8k.testImages.txt", "d.jpg\n");
        return folder;
    }
}
