using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>CIFAR-100 by its fine labels. Source, also of the sum: https://www.cs.toronto.edu/~kriz/cifar.html.</summary>
public sealed class Cifar100Dataset : Dataset
{
    /// <inheritdoc/>
    public override string Name => "cifar-100";

    /// <inheritdoc/>
    public override string Description => "photographs, colour, fine labels";

    /// <inheritdoc/>
    public override int Place => 4;

    /// <inheritdoc/>
    public override PublishedSize Published { get; } = new(50_000, 10_000, 100, "32×32");

    /// <inheritdoc/>
    public override DatasetLicence Licence => Cifar10Dataset.OfImages;

    /// <summary>The hundred fine class names, in the order of the labels.</summary>
    public override ImmutableArray<string> ClassNames { get; } =
    [
        .. ("apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle " +
            "caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish " +
            "forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle " +
            "mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine " +
            "possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar " +
            "sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale " +
            "willow_tree wolf woman worm").Split(' '),
    ];

    /// <summary>Mean (0.5071, 0.4866, 0.4409), standard deviation (0.2673, 0.2564, 0.2762), as DC has them.</summary>
    public override Standardisation Standardisation { get; } = new([0.5071f, 0.4866f, 0.4409f], [0.2673f, 0.2564f, 0.2762f]);

    /// <inheritdoc/>
    public override ImmutableArray<string> SubFolders => [Cifar100Reader.FolderName, "cifar-100"];

    /// <inheritdoc/>
    public override string Files =>
        "train.bin and test.bin from cifar-100-binary.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html";

    /// <inheritdoc/>
    public override DownloadSource Source { get; } = new(
        Cifar100Reader.FolderName,
        [PublishedFile.Of("cifar-100-binary.tar.gz", "https://www.cs.toronto.edu/~kriz/", "03b5dce01913d631647c71ecec9e9cb8",
            168_513_733)],
        ArchiveContents.Members(
            Cifar100Reader.FolderName, 200L << 20, Cifar100Reader.TrainFile, Cifar100Reader.TestFile));

    /// <inheritdoc/>
    public override bool IsIn(string folder) => Cifar100Reader.IsIn(folder);

    /// <inheritdoc/>
    public override DatasetPair Load(string? folder, LoadOptions options) =>
        Cifar100Reader.LoadFolder(folder!, Traits, limits: options.Limits);
}
