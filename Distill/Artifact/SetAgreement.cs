using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>
/// Whether data are those that a distilled set was made from: its classes in its order, and its images. Equal shapes and numbers of
/// classes do not show it: a renamed folder moves every label behind it, and networks then learn one class and are tested on another.
/// </summary>
/// <param name="Contradiction">Why the set must not be evaluated on the data; null where it may.</param>
/// <param name="Note">What a reader of the result must know; null for nothing.</param>
internal sealed record SetAgreement(string? Contradiction, string? Note)
{
    /// <summary>The option that evaluates in spite of a contradiction.</summary>
    public const string Option = "--allow-other-data";

    /// <summary>
    /// Compares a set with data of the same shapes. Equal hashes of training and test images show that every label means the same,
    /// whatever the classes are called. Else the names must be equal, up to capitals; names that only number the classes, such as
    /// those of MNIST, fit any data and show nothing.
    /// </summary>
    public static SetAgreement Of(SyntheticArtifact artifact, DatasetPair pair)
    {
        IReadOnlyList<string> own = artifact.ClassNames, here = pair.Train.ClassNames;
        bool? train = SameImages(artifact, "dataset_sha256", pair.Train), test = LooksAtOthers(artifact, pair) ? null : SameImages(artifact, "test_sha256", pair.Test);
        bool areSame = train == true && test != false; // the first format has no hash of the test images
        bool isCalledSame = own.SequenceEqual(here, StringComparer.Ordinal);
        string names = isCalledSame ? "" : $"the classes are called otherwise: {ClassNames.Difference(own, here)}";
        if (areSame)
        {
            return isCalledSame && LooksAtOthers(artifact, pair)
                ? new(null, $"the set was made and measured on {PlanFactory.EvaluatedOn(artifact.Settings!)}; these are the test images")
                : isCalledSame ? new(null, null)
                : train == true && test == true ? new(null, $"{names}. Images and labels are the set's own, so only the names differ.")
                : new($"{names}.", null);
        }
        if (!ClassNames.AreSame(own, here))
            return new($"{names}.", null);
        string others = (train, test) switch
        {
            (false, true) => "the training images are not",
            (true, false) => "the test images are not",
            (null, null) => "nobody can tell whether the images are",
            _ => "training and test images are not",
        };
        string images = $"{others} those of {artifact.Source}, which was made from {artifact.Dataset}";
        if (ClassNames.AreNumbers(own))
            return new($"{images}, and classes that are only numbered do not show that they mean the same.", null);
        return new(null, isCalledSame ? $"{images}. The classes have the same names." : $"{images}; {names}.");
    }

    /// <summary>The note of data that agree, or that are taken in spite of what contradicts.</summary>
    /// <exception cref="DistillException">They contradict, and nobody has asked for them all the same.</exception>
    public string? Require(SyntheticArtifact artifact, DatasetPair pair, bool isAllowed) => Contradiction is null ? Note
        : isAllowed ? $"evaluated on other data, as {Option} asks: {Contradiction}"
        : throw new DistillException(
            ExitCode.Data, "IM3047",
            $"{artifact.Source} does not belong to {pair.Name} here: {Contradiction} Name the set's own data with --dataset and " +
            $"--data, or evaluate it on these all the same with {Option}.");

    // What a set held out to be chosen by is not what it is evaluated on at the end.
    private static bool LooksAtOthers(SyntheticArtifact artifact, DatasetPair pair) =>
        artifact.Settings?.ValidationShare is not null && pair.HeldOutShare == 0;

    private static bool? SameImages(SyntheticArtifact artifact, string key, ImageDataset set) =>
        artifact.Metadata.TryGetValue(key, out string? hash) ? hash == set.ContentHash() : null;
}
