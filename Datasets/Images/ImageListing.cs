using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>One image file that belongs to a set, by what can be told without opening it.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Name">Its path from the root of the set, with forward slashes.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Written">When it was written, in ticks of UTC.</param>
/// <param name="Label">Its class.</param>
internal sealed record ListedImage(string Path, string Name, long Bytes, long Written, byte Label);

/// <summary>Which files make a set, in the order of its images.</summary>
internal sealed record ImageListing(
    string Dataset, string Root, ImmutableArray<string> ClassNames, ListedImage[] Train, ListedImage[] Test);
