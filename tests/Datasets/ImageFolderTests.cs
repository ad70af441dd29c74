using System.Text;
using InfMatch.Datasets;
using static InfMatch.Tests.Datasets.DatasetBytes;
using static InfMatch.Tests.Datasets.ImageBytes;

namespace InfMatch.Tests.Datasets;

public sealed class ImageFolderTests
{
    [Fact]
    public void Train_and_test_folders_are_read_in_ordinal_order()
    {
        using var folder = new TempFolder();
        folder.Put("train/b/1.png", PlainPng(2, 3, 1, 0, 9));
        folder.Put("train/b/10.png", PlainPng(2, 3, 2, 0, 9));
        folder.Put("train/B2/x.PNG", PlainPng(2, 3, 3, 0, 9));
        folder.Put("train/ä/x.png", Png(2, 3, 0, 8, [4, 4, 4, 4, 4, 4]));
        folder.Put("val/b/1.png", PlainPng(2, 3, 5, 1, 9));
        folder.Put("val/B2/1.png", PlainPng(2, 3, 6, 1, 9));
        folder.Put("val/ä/1.png", PlainPng(2, 3, 7, 1, 9));
        var notes = new List<string>();
        DatasetPair pair = Load(folder, new LoadOptions { Note = notes.Add });
        Assert.Equal(["B2", "b", "ä"], pair.Train.ClassNames.ToArray());
        Assert.Equal((4, 3, 3, 2), (pair.Train.Count, pair.Train.Channels, pair.Train.Height, pair.Train.Width));
        Assert.Equal([3, 1, 2, 4], Enumerable.Range(0, 4).Select(i => (int)pair.Train.Image(i)[0]));
        Assert.Equal([0, 1, 1, 2], pair.Train.Labels.ToArray().Select(l => (int)l));
        Assert.Equal(4, pair.Train.Image(3)[17]);
        Assert.Equal([6, 5, 7], Enumerable.Range(0, 3).Select(i => (int)pair.Test.Image(i)[0]));
        Assert.Contains(notes, n => n.Contains("those in val", StringComparison.Ordinal));
        Assert.Equal(Standardisation.Measure(pair.Train.Pixels, 3, 6), pair.Standardisation);
    }

    [Fact]
    public void Without_a_test_part_a_fifth_of_each_class_is_held_out_the_same_every_time()
    {
        using var folder = new TempFolder();
        for (int i = 0; i < 11; i++)
        {
            folder.Put($"cat/{i}.png", PlainPng(2, 2, (byte)i, 0, 9));
            if (i < 3)
                folder.Put($"dog/{i}.png", PlainPng(2, 2, (byte)(100 + i), 5, 0));
        }

        var notes = new List<string>();
        DatasetPair pair = Load(folder, new LoadOptions { Note = notes.Add }), again = Load(folder);
        Assert.Equal((9, 2, 2, 1), (pair.Train.CountOfClass(0), pair.Train.CountOfClass(1), pair.Test.CountOfClass(0),
            pair.Test.CountOfClass(1)));
        Assert.Equal((pair.Train.ContentHash(), pair.Test.ContentHash()),
            (again.Train.ContentHash(), again.Test.ContentHash()));
        Assert.Contains("11 for training, 3 for the test", Assert.Single(notes), StringComparison.Ordinal);

        // Nothing is lost: both parts together are all images.
        Assert.Equal(
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100, 101, 102],
            new[] { pair.Train, pair.Test }.SelectMany(s =>
                Enumerable.Range(0, s.Count).Select(i => (int)s.Image(i)[0])).Order());
    }

    [Fact]
    public void Grey_palette_progressive_and_colour_files_mix_when_brought_to_one_size()
    {
        using var folder = new TempFolder();
        folder.Put("a/1.jpg", BaselineJpeg);
        folder.Put("a/2.jpeg", GreyJpeg);
        folder.Put("a/3.JPG", ProgressiveJpeg);
        folder.Put("b/1.png", Png(2, 2, 3, 8, [0, 0, 0, 0], ("PLTE", [200, 100, 50])));
        folder.Put("b/2.png", PlainPng(30, 7, 200, 100, 50));
        Refused(DatasetFault.Mismatch, () => Load(folder), "another size than the first", "--image-size N");
        DatasetPair pair = Load(folder, new LoadOptions { ImageSize = 4 });
        Assert.Equal((4, 4, 5), (pair.Train.Height, pair.Train.Width, pair.Train.Count + pair.Test.Count));
        foreach (int i in pair.Train.IndicesOfClass(1))
            Assert.Equal([.. Enumerable.Repeat((byte)200, 16), .. Enumerable.Repeat((byte)100, 16)],
                pair.Train.Image(i)[..32].ToArray());
    }

    [Fact]
    public void A_jpeg_with_the_name_of_a_png_is_read_by_its_content()
    {
        using var folder = TwoClasses();
        folder.Put("a/3.png", GreyJpeg);
        Assert.Equal(5, Count(Load(folder, new LoadOptions { ImageSize = 2 })));
    }

    [Fact]
    public void Files_of_systems_are_passed_over_and_other_files_counted()
    {
        using var folder = TwoClasses();
        folder.Put("a/.DS_Store", [1]);
        folder.Put("a/Thumbs.db", [1]);
        folder.Put("a/readme.txt", [1]);
        folder.Put("notes.md", [1]);
        folder.Put("loose.jpeg", [1]);
        folder.Put("a/Icon\r", []);
        folder.Put("loose.png", PlainPng(2, 2, 1, 2, 3));
        folder.Put("._loose.png", [1]);
        folder.Put(".git/x", [1]);
        var notes = new List<string>();
        Assert.Equal(4, Count(Load(folder, new LoadOptions { Note = notes.Add })));
        Assert.Contains(notes, n => n.Contains("1 files are no images", StringComparison.Ordinal)
            && n.Contains("readme.txt", StringComparison.Ordinal));
        Assert.Contains(notes, n => n.Contains("2 images lie beside the class folders", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("test")]
    [InlineData("val")]
    [InlineData("val", "test")]
    public void A_test_part_without_a_training_part_is_no_class(params string[] parts)
    {
        using var folder = new TempFolder();
        foreach (string part in parts)
        {
            folder.Put($"{part}/a/0.png", PlainPng(2, 2, 1, 2, 3));
            folder.Put($"{part}/b/0.png", PlainPng(2, 2, 4, 2, 3));
        }

        Refused(DatasetFault.NotFound, () => Load(folder), "for the test, but no folder train", "a folder train");
    }

    [Theory]
    [InlineData("a/0.png", "", DatasetFault.Truncated, "empty")]
    [InlineData("a/0.png", "this is text", DatasetFault.WrongFormat, "no image")]
    [InlineData("a/0.bmp", "BM", DatasetFault.WrongFormat, ".bmp are not read")]
    [InlineData("a/deep/0.png", "x", DatasetFault.WrongFormat, "a folder among images")]
    [InlineData("c/readme.txt", "x", DatasetFault.NotEnoughImages, "no images")]
    [InlineData("A/0.png", "x", DatasetFault.Duplicate, "upper and lower case")]
    [InlineData("x|y/0.png", "x", DatasetFault.WrongFormat, "x|y")]
    [InlineData("x\ny/0.png", "x", DatasetFault.WrongFormat, "x?y")]
    public void A_bad_member_is_refused_by_name(string path, string content, DatasetFault fault, string fragment)
    {
        using var folder = TwoClasses();
        folder.Put(path, Encoding.ASCII.GetBytes(content));
        var e = Refused(fault, () => Load(folder), fragment, folder.Path);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void Folders_that_are_no_classes_are_told()
    {
        using var folder = new TempFolder();
        Refused(DatasetFault.NotFound, () => Load(folder), "no class folders");
        Refused(DatasetFault.NotFound, () => ImageFolderReader.LoadFolder(folder["none"]), "does not exist");
        Directory.CreateDirectory(folder["a"]);
        Refused(DatasetFault.NotEnoughImages, () => Load(folder), folder["a"], "no images");
        folder.Put("a/1.png", PlainPng(1, 1, 1, 1, 1));
        Refused(DatasetFault.NotEnoughImages, () => Load(folder), folder["a"], "at least 2");
        folder.Put("a/2.png", PlainPng(1, 1, 1, 1, 1));
        Refused(DatasetFault.NotFound, () => Load(folder), folder.Path, "the only class is a", "at least 2");
        using var uneven = new TempFolder();
        uneven.Put("train/a/1.png", PlainPng(1, 1, 1, 1, 1));
        uneven.Put("test/b/1.png", PlainPng(1, 1, 1, 1, 1));
        Refused(DatasetFault.Mismatch, () => Load(uneven), "class a is in one of train and test only");
    }

    [Fact]
    public void More_classes_than_labels_and_more_images_than_allowed_are_refused()
    {
        using var folder = new TempFolder();
        for (int c = 0; c <= FolderWalk.MaxClasses; c++)
            folder.Put($"{c}/1.png", PlainPng(1, 1, 1, 1, 1));
        Refused(DatasetFault.TooLarge, () => Load(folder), "257", "at most 256");
        using var two = TwoClasses();
        Refused(
            DatasetFault.TooLarge, () => Load(two,
                new LoadOptions { Limits = DecodeLimits.Default with { MaxImages = 3 } }),
            "more than 3");
    }

    [Fact]
    public void Links_are_refused()
    {
        using var folder = TwoClasses();
        using var outside = new TempFolder();
        outside.Put("1.png", PlainPng(2, 2, 1, 1, 1));
        Directory.CreateSymbolicLink(folder["c"], outside.Path);
        Refused(DatasetFault.WrongFormat, () => Load(folder), folder["c"], "link");
        Directory.Delete(folder["c"]);
        Directory.CreateSymbolicLink(folder["a/loop"], folder["a"]);
        Refused(DatasetFault.WrongFormat, () => Load(folder), folder["a/loop"], "link");
    }

    [Fact]
    public void Of_several_bad_images_the_first_is_named_whatever_the_order_of_decoding()
    {
        using var folder = new TempFolder();
        for (int i = 0; i < 200; i++)
            folder.Put($"train/a/{i:000}.png", i is 37 or 38 or 150 ? [1, 2, 3] : PlainPng(3, 3, (byte)i, 0, 9));
        folder.Put("test/a/1.png", PlainPng(3, 3, 0, 0, 9));
        folder.Put("train/b/1.png", PlainPng(3, 3, 0, 0, 9));
        folder.Put("test/b/1.png", PlainPng(3, 3, 0, 0, 9));
        for (int n = 0; n < 20; n++)
            Refused(DatasetFault.WrongFormat, () => Load(folder), folder["train/a/037.png"]);
    }

    [Fact]
    public void Long_and_strange_names_are_read()
    {
        using var folder = TwoClasses();
        folder.Put($"a/{new string('n', 251)}.png", PlainPng(2, 2, 9, 9, 1));
        folder.Put("a/日本 & <x>.png", PlainPng(2, 2, 9, 9, 2));
        folder.Put("CON/1.png", PlainPng(2, 2, 9, 9, 1));
        folder.Put("CON/2.png", PlainPng(2, 2, 9, 9, 2));
        Assert.Equal(8, Count(Load(folder)));
    }

    [Fact]
    public void Images_of_one_colour_have_no_deviation_to_divide_by()
    {
        using var folder = new TempFolder();
        for (int i = 0; i < 4; i++)
            folder.Put($"{(i < 2 ? "a" : "b")}/{i}.png", PlainPng(2, 2, 5, 5, 5));
        Refused(DatasetFault.ConstantPixels, () => Load(folder), "all pixels of the set equal");
    }

    [Fact]
    public void Loading_stops_when_asked_to()
    {
        using var folder = TwoClasses();
        Assert.Throws<OperationCanceledException>(() =>
            Load(folder, new LoadOptions { Cancel = new CancellationToken(true) }));
    }

    [Fact]
    public void Tiny_imagenet_takes_folders_for_classes_and_words_for_names()
    {
        using TempFolder folder = TinyTree();
        var notes = new List<string>();
        DatasetPair pair = DatasetCatalog.Load("tiny-imagenet", folder.Path, new LoadOptions { Note = notes.Add });
        Assert.Equal(["crane (n01)", "crane (n02)", "gold fish"], pair.Train.ClassNames.ToArray());
        Assert.Equal((6, 3), (pair.Train.Count, pair.Test.Count));
        Assert.Equal([2, 0, 1], pair.Test.Labels.ToArray().Select(l => (int)l));
        Assert.Equal(KnownSets.TinyImageNet.Standardisation, pair.Standardisation);
        Assert.Contains(notes, n => n.Contains("3 of the 4 classes", StringComparison.Ordinal));
    }

    [Fact]
    public void Faults_of_tiny_imagenet_are_told()
    {
        using TempFolder folder = TinyTree();
        string root = Path.Combine(folder.Path, "tiny-imagenet-200"),
            annotations = Path.Combine(root, "val", "val_annotations.txt");
        string good = File.ReadAllText(annotations);
        void Bad(string text, DatasetFault fault, string fragment)
        {
            File.WriteAllText(annotations, text);
            Refused(fault, () => TinyImageNetReader.LoadFolder(root, KnownSets.TinyImageNet.Standardisation), fragment);
        }

        Bad(good + "val_9.JPEG\tn01\t0\t0\t1\t1\n", DatasetFault.NotFound, "val_9.JPEG");
        Bad(good + "../../x\tn01\n", DatasetFault.NotFound, "missing");
        Bad(good + "val_0.JPEG\tn01\n", DatasetFault.Duplicate, "second time");
        Bad(good + "nothing\n", DatasetFault.Damaged, "line 5");
        Bad("val_0.JPEG\tn01\n", DatasetFault.NotEnoughImages, "n02");
        Bad("", DatasetFault.Truncated, "empty");
        File.Delete(annotations);
        Refused(DatasetFault.NotFound, () => TinyImageNetReader.LoadFolder(root, KnownSets.TinyImageNet.Standardisation), annotations);
        File.WriteAllText(Path.Combine(root, "wnids.txt"), "n01\nn02\n");
        Refused(DatasetFault.Mismatch, () => TinyImageNetReader.LoadFolder(root, KnownSets.TinyImageNet.Standardisation), "n03");
    }

    [Theory]
    [InlineData("images/")]
    [InlineData("")]
    public void Tiny_imagenet_with_its_validation_in_class_folders_is_the_same_set(string below)
    {
        using TempFolder folder = TinyTree();
        string root = Path.Combine(folder.Path, "tiny-imagenet-200"), val = Path.Combine(root, "val");
        DatasetPair published = TinyImageNetReader.LoadFolder(root, KnownSets.TinyImageNet.Standardisation);
        string[] ids = ["n03", "n01", "n02"];
        for (int i = 0; i < ids.Length; i++)
        {
            Directory.CreateDirectory(Path.Combine(val, ids[i], below));
            File.Move(Path.Combine(val, "images", $"val_{i}.JPEG"), Path.Combine(val, ids[i], below, $"val_{i}.JPEG"));
        }

        Directory.Delete(Path.Combine(val, "images"), recursive: true);
        File.Delete(Path.Combine(val, "val_annotations.txt"));
        DatasetPair arranged = TinyImageNetReader.LoadFolder(root, KnownSets.TinyImageNet.Standardisation);
        Assert.Equal(published.Test.Labels.ToArray(), arranged.Test.Labels.ToArray());
        Assert.Equal(published.Test.ContentHash(), arranged.Test.ContentHash());
        Directory.Delete(Path.Combine(val, "n02"), recursive: true);
        Refused(DatasetFault.NotFound, () => TinyImageNetReader.LoadFolder(root, KnownSets.TinyImageNet.Standardisation), Path.Combine(val, "n02"));
    }

    [Theory]
    [InlineData("TRAIN", "Val")]
    [InlineData("Train", "VAL")]
    public void Tiny_imagenet_in_other_capitals_is_the_same_set(string train, string val)
    {
        using TempFolder folder = TinyTree();
        string root = Path.Combine(folder.Path, "tiny-imagenet-200");
        DatasetPair published = TinyImageNetReader.LoadFolder(root, KnownSets.TinyImageNet.Standardisation);
        Directory.Move(Path.Combine(root, "train"), Path.Combine(root, train));
        Directory.Move(Path.Combine(root, "val"), Path.Combine(root, val));
        Assert.True(TinyImageNetReader.IsIn(root));
        DatasetPair renamed = TinyImageNetReader.LoadFolder(root, KnownSets.TinyImageNet.Standardisation);
        Assert.Equal(published.Train.ContentHash(), renamed.Train.ContentHash());
        Assert.Equal(published.Test.ContentHash(), renamed.Test.ContentHash());
    }

    internal static TempFolder TwoClasses()
    {
        var folder = new TempFolder();
        foreach (string c in (string[])["a", "b"])
        {
            for (int i = 1; i <= 2; i++)
            {
                folder.Put($"{c}/{i}.png", Png(2, 2, 2, 8,
                    [1, 2, 3, (byte)i, (byte)c[0], (byte)(100 * i), 4, 5, 6, 7, 8, 9]));
            }
        }

        return folder;
    }

    private static TempFolder TinyTree()
    {
        var folder = new TempFolder();
        void Text(string name, string text) => folder.Put($"tiny-imagenet-200/{name}", Encoding.UTF8.GetBytes(text));
        int n = 0;
        foreach (string id in (string[])["n03", "n01", "n02"])
        {
            for (int i = 0; i < 2; i++)
                folder.Put($"tiny-imagenet-200/train/{id}/images/{id}_{i}.JPEG", GreyJpeg);
            folder.Put($"tiny-imagenet-200/train/{id}/{id}_boxes.txt", [1]);
            folder.Put($"tiny-imagenet-200/val/images/val_{n++}.JPEG", GreyJpeg);
        }

        Text("wnids.txt", "n04\r\nn03\r\nn02\r\nn01\r\n");
        Text("words.txt", "\uFEFFn01\tcrane\nn02\tcrane, bird\nn03\tgold|fish, Carassius\nn09\tother\n");
        Text("val/val_annotations.txt",
            "val_0.JPEG\tn03\t0\t0\t1\t1\nval_1.JPEG\tn01\t0\t0\t1\t1\nval_2.JPEG\tn02\t0\t0\t1\t1\nval_3.JPEG\tn04\t0\t0\t1\t1\n");
        return folder;
    }

    internal static int Count(DatasetPair pair) => pair.Train.Count + pair.Test.Count;

    internal static DatasetPair Load(TempFolder folder, LoadOptions? options = null) =>
        ImageFolderReader.LoadFolder(folder.Path, options);
}
