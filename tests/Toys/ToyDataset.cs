using System.Collections.Immutable;
using InfMatch.Datasets;
using InfMatch.Tensors;

namespace InfMatch.Tests.Toys;

/// <summary>Two classes of images, dark and light: a data set in one file, as a user would add it.</summary>
public sealed class ToyDataset : Dataset
{
    private const int Count = 24, Side = 8;

    public override string Name => "toy-shades";

    public override string Description => "dark and light squares";

    public override PublishedSize Published { get; } = new(Count, Count, 2, "8×8");

    public override DatasetLicence Licence { get; } = new("cc0-1.0", "The shades belong to nobody.");

    public override ImmutableArray<string> ClassNames => ["dark", "light"];

    public override Standardisation Standardisation { get; } = new([0.5f], [0.25f]);

    public override string Files => "a file shades.txt";

    public override bool IsIn(string folder) => File.Exists(Path.Combine(folder, "shades.txt"));

    public override DatasetPair Load(string? folder, LoadOptions options) =>
        new(Name, Half("train", 0), Half("test", 7));

    private ImageDataset Half(string half, int shift)
    {
        byte[] labels = [.. Enumerable.Range(0, Count).Select(i => (byte)(i % 2))];
        byte[] pixels =
        [
            .. Enumerable.Range(0, Count * Side * Side).Select(p =>
                (byte)((p / (Side * Side) % 2 * 120) + ((p * 31) + shift) % 100)),
        ];
        return new ImageDataset(Traits with { Name = $"{Name} {half}" }, new Shape(1, Side, Side), [.. pixels], [.. labels]);
    }
}
