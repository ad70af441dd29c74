using System.Text.Json.Serialization;
using InfMatch.Datasets;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>One thing that was checked, in words.</summary>
internal sealed record VerificationCheck(string Name, bool Passed, string Text);

/// <summary>What 'verify' found. Without <see cref="Holds"/> nothing was measured.</summary>
internal sealed record Verification
{
    public required string File { get; init; }

    public string? Format { get; init; }

    public required bool Passed { get; init; }

    /// <summary>Whether the claimed accuracy was found again; null where it was not tested, because only the file was looked at
    /// or the data are others.</summary>
    public bool? Holds { get; init; }

    /// <summary>Whether every network reached exactly the claimed accuracy.</summary>
    public bool? SameBits { get; init; }

    public Accuracy? Claimed { get; init; }

    public Accuracy? Measured { get; init; }

    /// <summary>How far the means may be apart where the bits need not be the same.</summary>
    public double? Tolerance { get; init; }

    public string? Protocol { get; init; }

    public required IReadOnlyList<VerificationCheck> Checks { get; init; }

    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>The name of the check against the run folder.</summary>
    public const string OriginName = "origin";

    /// <summary>Why, where it did not pass, in one line.</summary>
    [JsonIgnore]
    public string Failures => string.Join("; ", Checks.Where(c => !c.Passed).Select(c => c.Text));

    /// <summary>What the file alone shows; it has been read, so its structure and hashes are right.</summary>
    public static Verification OfFile(SyntheticArtifact artifact, string path) => new()
    {
        File = path,
        Format = artifact.Metadata["format"],
        Passed = true,
        Claimed = artifact.Claim?.Accuracy,
        Protocol = artifact.Metadata.GetValueOrDefault("protocol"),
        Missing = artifact.Missing,
        Checks =
        [
            new VerificationCheck(
                "file", true,
                $"file: {artifact.Count} images {artifact.Image} of {artifact.Classes} classes; types, shapes, numbers, labels " +
                $"and hashes are right ({artifact.Metadata["format"]})"),
        ],
    };

    /// <summary>With the data beside it: are they those that the set was made from and evaluated on?</summary>
    public Verification WithData(SyntheticArtifact artifact, DatasetPair pair)
    {
        VerificationCheck Compare(string what, string key, ImageDataset set)
        {
            bool same = artifact.Metadata[key] == set.ContentHash();
            return new VerificationCheck(
                what, same,
                same ? $"{what} images: those of the file ({set.Count})"
                    : $"{what} images: {pair.Name} here is not the one of the file ({key} differs)");
        }
        VerificationCheck[] images =
            [Compare("training", "dataset_sha256", pair.Train), Compare(pair.HeldOutShare > 0 ? "validation" : "test", "test_sha256", pair.Test)];
        if (artifact.ClassNames.SequenceEqual(pair.Train.ClassNames, StringComparer.Ordinal))
            return With(images);
        // Where images and labels are the file's own, only the names are others, and the claim can be tested.
        bool isOnlyName = images.All(c => c.Passed);
        return With(
        [
            .. images,
            new VerificationCheck(
                "classes", isOnlyName,
                $"classes: {ClassNames.Difference(artifact.ClassNames, pair.Train.ClassNames)}" +
                (isOnlyName ? "; the images and labels are the same" : "")),
        ]);
    }

    /// <summary>With the run folder in which the set lies: do its settings and its recorded experts agree with those that the
    /// set was made with? A problem of null is none; experts that were removed are none either.</summary>
    public Verification WithOrigin(string? problem) => With(new VerificationCheck(
        OriginName, problem is null, problem ?? "origin: settings and experts of the run folder are those of the file"));

    /// <summary>
    /// With the accuracy that was found: on the same processor or device and the same build every network must reach what it
    /// is claimed to have reached; elsewhere the means may be apart by the combined deviation √(s₁² + s₂²), or by that of
    /// counting so many test images, √(p(1 − p)/N), where it is larger. Fewer networks than are claimed are held to the first of
    /// these, with the deviation of all of them.
    /// </summary>
    /// <param name="claim">What the file claims.</param>
    /// <param name="measured">What was found.</param>
    /// <param name="environment">On which processor or device, and by which build.</param>
    /// <param name="testImages">Over how many images.</param>
    /// <param name="what">What these percents are of, for people.</param>
    public Verification WithMeasured(Claim claim, Accuracy measured, string environment, int testImages, string what = "accuracy")
    {
        (int few, int all) = (measured.Runs.Count, claim.Accuracy.Runs.Count);
        Accuracy claimed = few == all ? claim.Accuracy : Accuracy.Of([.. claim.Accuracy.Runs.Take(few)]);
        bool same = claimed.Runs.SequenceEqual(measured.Runs);
        double tolerance = Tolerated(claimed.Mean, claim.Accuracy.Std, few == all ? measured.Std : claim.Accuracy.Std, testImages);
        double apart = Math.Abs(claimed.Mean - measured.Mean);
        bool mustBeSame = claim.Environment == environment, holds = same || (!mustBeSame && apart <= tolerance);
        string numbers = FormattableString.Invariant(
            $"claimed {Told(claimed)} %, found {Told(measured)} % ") +
            FormattableString.Invariant($"({(few == all ? $"{all}" : $"{few} of {all}")} {(all == 1 ? "network" : "networks")})");
        string text = same ? $"{numbers}: every network the same"
            : mustBeSame ? $"{numbers}: on this processor and build every network must be the same"
            : FormattableString.Invariant($"{numbers}: {apart:F2} apart, {(holds ? "within" : "beyond")} {tolerance:F2}; ") +
                $"measured on {claim.Environment}, here {environment}";
        var checks = new List<VerificationCheck> { new("claim", holds, $"{what}: {text}") };
        if (claim.Best is { } best && few == all)
        {
            // Told with one digit: half of its last place is no difference.
            Accuracy found = measured.Best!;
            bool agrees = same
                ? FormattableString.Invariant($"{best.Mean:F1} ± {best.Std:F1}") == found.ToString()
                : Math.Abs(best.Mean - found.Mean) <= Tolerated(best.Mean, best.Std, found.Std, testImages) + 0.05;
            checks.Add(new VerificationCheck(
                "best", agrees,
                FormattableString.Invariant($"accuracy of the best epochs: claimed {best.Mean:F1} ± {best.Std:F1} %, found {found} %")));
            holds &= agrees;
        }
        return With([.. checks]) with
        {
            Holds = holds,
            SameBits = same,
            Measured = measured,
            Tolerance = tolerance,
        };
    }

    // One network has no deviation.
    private static string Told(Accuracy found) => found.Runs.Count == 1
        ? FormattableString.Invariant($"{found.Mean:F2}") : FormattableString.Invariant($"{found.Mean:F2} ± {found.Std:F2}");

    private static double Tolerated(double mean, double std, double otherStd, int testImages)
    {
        double p = mean / 100, counting = 100 * Math.Sqrt(p * (1 - p) / testImages);
        return Math.Max(Math.Sqrt(std * std + otherStd * otherStd), counting);
    }

    private Verification With(params VerificationCheck[] more) => this with
    {
        Checks = [.. Checks, .. more],
        Passed = Passed && more.All(c => c.Passed),
    };
}
