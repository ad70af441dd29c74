using InfMatch.Datasets;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Which training images a run holds out to be evaluated on. It follows from the seed alone, so that runs of one seed hold
/// the same ones out.</summary>
internal static class ValidationSplit
{
    /// <summary>The data of a run: where its settings hold images out, without them, and with them in the place of the test
    /// images.</summary>
    /// <exception cref="DatasetException">A class has fewer than two images.</exception>
    public static DatasetPair Of(RunSettings settings, DatasetPair pair) => settings.ValidationShare is { } share
        ? pair.HoldOut(share, RandomKey.FromSeed(settings.Seed).Split("validation"))
        : pair;
}
