using InfMatch.Datasets;
using static InfMatch.Tests.Datasets.DatasetBytes;

namespace InfMatch.Tests.Datasets;

public sealed class RealDataTests
{
    private const string DebianFashionMnist = "/usr/share/datasets/fashion-mnist";

    private static string? Root => Environment.GetEnvironmentVariable(DatasetCatalog.FolderVariable);

    [SkippableFact]
    public void The_built_in_set_is_the_first_part_of_each_class_of_the_published_files()
    {
        Skip.IfNot(Directory.Exists(DebianFashionMnist), "the Debian package dataset-fashion-mnist is not installed");
        var whole = DatasetCatalog.Load("fashion-mnist", DebianFashionMnist);
        Assert.Equal((60_000, 10_000), (whole.Train.Count, whole.Test.Count));
        var small = FashionMnistSmallDataset.Unpack();
        Assert.Equal(whole.Train.Image(0).ToArray(), small.Train.Image(0).ToArray());
        Assert.Equal(
            whole.Train.BalancedSubset(FashionMnistSmallDataset.TrainPerClass).ContentHash(), small.Train.ContentHash());
        Assert.Equal(
            whole.Test.BalancedSubset(FashionMnistSmallDataset.TestPerClass).ContentHash(), small.Test.ContentHash());
        AssertMeasured(whole.Train, [0.2861], [0.3530]);
        Refused(DatasetFault.WrongFormat, () => DatasetCatalog.Load("mnist", DebianFashionMnist),
            "holds fashion-mnist");
    }

    [SkippableFact]
    public void Real_mnist_loads()
    {
        string folder = Folder("mnist", "train-images-idx3-ubyte.gz");
        var pair = DatasetCatalog.Load("mnist", Root);
        Assert.Equal((60_000, 10_000), (pair.Train.Count, pair.Test.Count));
        Assert.Equal([5, 0, 4, 1, 9], pair.Train.Labels[..5].ToArray());
        Assert.Equal((5_923, 6_742), (pair.Train.CountOfClass(0), pair.Train.CountOfClass(1)));
        AssertMeasured(pair.Train, [0.1307], [0.3081]);
        Refused(DatasetFault.WrongFormat, () => DatasetCatalog.Load("fashion-mnist", folder), "holds mnist");
    }

    [SkippableFact]
    public void Real_cifar_10_loads()
    {
        Folder(CifarReader.FolderName, "data_batch_1.bin");
        var pair = DatasetCatalog.Load("cifar-10", Root);
        Assert.Equal((50_000, 10_000), (pair.Train.Count, pair.Test.Count));
        Assert.True(pair.Train.IsBalanced && pair.Test.IsBalanced);
        Assert.Equal((6, 59), (pair.Train.Label(0), pair.Train.Image(0)[0]));
        AssertMeasured(pair.Train, [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]);
    }

    [SkippableFact]
    public void Real_cifar_10_that_is_still_packed_is_told_how_to_unpack()
    {
        string folder = Folder(CifarReader.FolderName, "data_batch_1.bin.xz");
        Skip.If(File.Exists(Path.Combine(folder, "data_batch_1.bin")), "the files are unpacked");
        Refused(DatasetFault.NotFound, () => DatasetCatalog.Load("cifar-10", Root), "xz -dk *.xz", folder);
    }

    [SkippableFact]
    public void Real_images_of_tiny_imagenet_decode_in_colour_and_grey()
    {
        string folder = Folder(TinyImageNetReader.FolderName, "wnids.txt");
        var listing = TinyImageNetReader.List(folder, new LoadOptions());
        Assert.Equal((500 * listing.ClassNames.Length, 50 * listing.ClassNames.Length), (listing.Train.Length, listing.Test.Length));
        int grey = 0;
        foreach (ListedImage image in listing.Test.Where((_, i) => i % 4 == 0))
        {
            CheckedImage file = ImageFile.Read(image.Path, DecodeLimits.Default);
            Assert.Equal((64, 64), (file.Height, file.Width));
            byte[] pixels = ImageFile.Decode(file, image.Path);
            grey += Enumerable.Range(0, pixels.Length / 3).All(p => pixels[3 * p] == pixels[(3 * p) + 1]) ? 1 : 0;
        }

        Assert.InRange(grey, 1, listing.Test.Length / 20);
    }

    private static string Folder(string name, string file)
    {
        Skip.If(string.IsNullOrEmpty(Root), $"{DatasetCatalog.FolderVariable} is not set");
        string folder = Path.Combine(Root!, name);
        Skip.IfNot(File.Exists(Path.Combine(folder, file)), $"there is no {name}/{file} below {Root}");
        return folder;
    }

    private static void AssertMeasured(ImageDataset set, double[] mean, double[] std)
    {
        var measured = Standardisation.Measure(set.Pixels, set.Channels, set.Height * set.Width);
        for (int c = 0; c < set.Channels; c++)
        {
            Assert.Equal(mean[c], measured.Mean[c], 1e-4);
            Assert.Equal(std[c], measured.Std[c], 1e-4);
        }
    }
}
