using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>What the training and the test images of a set have in common, as a reader has to know it.</summary>
/// <param name="Name">Name of the set, for example "cifar-10".</param>
/// <param name="ClassNames">Name of each class, [M], in the order of the labels.</param>
/// <param name="Standardisation">Mean and deviation of the pixels.</param>
public sealed record DatasetTraits(string Name, ImmutableArray<string> ClassNames, Standardisation Standardisation);
