using InfMatch.Datasets;

namespace InfMatch.Tests.Datasets;

/// <summary>What the published sets tell their readers.</summary>
internal static class KnownSets
{
    public static DatasetTraits Mnist { get; } = new MnistDataset().Traits;

    public static DatasetTraits FashionMnist { get; } = new FashionMnistDataset().Traits;

    public static DatasetTraits Cifar10 { get; } = new Cifar10Dataset().Traits;

    public static DatasetTraits Cifar100 { get; } = new Cifar100Dataset().Traits;

    public static DatasetTraits Svhn { get; } = new SvhnDataset().Traits;

    public static DatasetTraits TinyImageNet { get; } = new TinyImageNetDataset().Traits;
}
