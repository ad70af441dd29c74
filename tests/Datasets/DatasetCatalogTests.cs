using InfMatch.Datasets;
using static InfMatch.Tests.Datasets.DatasetBytes;

namespace InfMatch.Tests.Datasets;

public sealed class DatasetCatalogTests
{
    [Fact]
    public void The_names_are_known_and_the_default_comes_first()
    {
        Assert.Equal(
            ["fashion-mnist-small", "fashion-mnist", "mnist", "cifar-10", "cifar-100", "svhn", "tiny-imagenet", "image-folder"],
            DatasetCatalog.Names.ToArray());
        Assert.Equal(DatasetCatalog.Names.ToArray(), DatasetCatalog.All.Select(i => i.Name).ToArray());
        Assert.Equal("fashion-mnist-small", DatasetCatalog.DefaultName);
    }

    [Theory]
    [InlineData("")]
    [InlineData("mnist")]
    [InlineData("MNIST/raw")]
    public void A_given_folder_may_be_the_sets_own_or_its_parent(string below)
    {
        using var folder = new TempFolder();
        folder.PutMnist(below, gzip: true);
        Assert.Equal(20, Load("mnist", folder.Path).Train.Count);
        Assert.Equal(20, Load("mnist", null, folder.Path).Train.Count);
    }

    [Fact]
    public void A_given_folder_goes_before_the_variable_and_the_variable_before_the_system()
    {
        using TempFolder given = new(), variable = new(), system = new();
        given.PutMnist(train: 11);
        variable.PutMnist("fashion-mnist", train: 12);
        system.PutMnist(train: 13);
        Assert.Equal(11, Load("fashion-mnist", given.Path, variable.Path, system.Path).Train.Count);
        Assert.Equal(12, Load("fashion-mnist", null, variable.Path, system.Path).Train.Count);
        Assert.Equal(13, Load("fashion-mnist", null, null, system.Path).Train.Count);
    }

    [Fact]
    public void A_variable_without_the_set_lets_the_system_folder_serve()
    {
        using TempFolder variable = new(), system = new();
        system.PutMnist(train: 13);
        var pair = Load("fashion-mnist", null, variable.Path, system.Path);
        Assert.Equal(13, pair.Train.Count);
        Assert.Equal(KnownSets.FashionMnist.Standardisation, pair.Standardisation);
        Assert.Equal("Ankle boot", pair.Train.ClassNames[9]);
    }

    [Fact]
    public void A_given_folder_without_the_set_is_not_replaced_by_another()
    {
        using TempFolder given = new(), variable = new();
        variable.PutMnist();
        Refused(DatasetFault.NotFound, () => Load("mnist", given.Path, variable.Path), given.Path, given["mnist"]);
    }

    [Fact]
    public void A_set_that_is_nowhere_is_told_with_places_and_what_to_put_there()
    {
        using TempFolder variable = new(), system = new();
        var e = Refused(DatasetFault.NotFound, () => Load("fashion-mnist", null, variable.Path, system.Path),
            variable.Path, variable["fashion-mnist"], system.Path, "train-images-idx3-ubyte.gz", "--data",
            "INFMATCH_DATA", "apt install dataset-fashion-mnist");
        Assert.Equal("fashion-mnist", e.Place);
        Refused(DatasetFault.NotFound, () => Load("cifar-10", null), "no folder was named", "data_batch_1.bin");
    }

    [Fact]
    public void A_variable_or_folder_that_points_nowhere_is_told()
    {
        using TempFolder folder = new(), system = new();
        system.PutMnist();
        Refused(DatasetFault.NotFound, () => Load("fashion-mnist", null, folder["none"], system.Path),
            "none", "does not exist");
        Refused(DatasetFault.NotFound, () => Load("mnist", folder["none"]), "does not exist");
        Refused(DatasetFault.WrongFormat, () => Load("mnist", folder.Put("file", [1])), "is a file");
    }

    [Fact]
    public void Cifar_is_found_below_a_parent_and_its_faults_are_told_from_there()
    {
        using var folder = new TempFolder();
        folder.PutCifar(1, CifarReader.FolderName);
        Refused(DatasetFault.Truncated, () => Load("cifar-10", folder.Path),
            Path.Combine(CifarReader.FolderName, "data_batch_1.bin"), "30730000");
        using var packed = new TempFolder();
        packed.Put("cifar-10-batches-bin/data_batch_1.bin.xz", [1]);
        Refused(DatasetFault.NotFound, () => Load("cifar-10", null, packed.Path), "xz -dk *.xz");
        using var python = new TempFolder();
        python.Put("cifar-10-batches-py/data_batch_1", [1]);
        Refused(DatasetFault.WrongFormat, () => Load("cifar-10", python.Path), "python version");
    }

    [Fact]
    public void Images_of_another_size_are_not_taken_for_mnist()
    {
        using var folder = new TempFolder();
        folder.PutMnist();
        folder.Put("train-images-idx3-ubyte", IdxImages(20, 8, 9));
        folder.Put("t10k-images-idx3-ubyte", IdxImages(10, 8, 9));
        Refused(DatasetFault.Mismatch, () => Load("mnist", folder.Path), folder.Path, "8×9", "28×28");
    }

    [Theory]
    [InlineData("cifar10", "cifar-10")]
    [InlineData("CIFAR-10", "cifar-10")]
    [InlineData("FashionMNIST", "fashion-mnist")]
    [InlineData("mnits", "mnist")]
    [InlineData("fashion-mnist-smal", "fashion-mnist-small")]
    public void An_unknown_name_is_answered_with_the_nearest(string name, string nearest) =>
        Refused(DatasetFault.UnknownName, () => Load(name, null), $"\"{name}\"", $"Did you mean \"{nearest}\"?",
            "Known: fashion-mnist-small, fashion-mnist, mnist, cifar-10");

    [Theory]
    [InlineData("imagenet-21k")]
    [InlineData("")]
    public void A_name_near_to_none_gets_the_list_alone(string name)
    {
        var e = Refused(DatasetFault.UnknownName, () => Load(name, null), "Known: ");
        Assert.DoesNotContain("Did you mean", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_built_in_set_refuses_a_folder_instead_of_ignoring_it()
    {
        using var folder = new TempFolder();
        Refused(DatasetFault.WrongFormat, () => Load("fashion-mnist-small", folder.Path), "built in", "fashion-mnist");
    }

    private static DatasetPair Load(string name, string? folder, string? variable = null, string? system = null) =>
        DatasetCatalog.Load(name, folder, variable, system is null ? [] : [system], null);
}
