using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>From settings of image-text pairs to the plans and objects of the layers below.</summary>
internal static class PairPlans
{
    // As for images: what lies further out has diverged, and the norms in a head would hide it.
    private const double MostDeviations = 1e3;

    private const double Momentum = 0.9, WeightDecay = 5e-4;

    private const int FullBatch = 128;

    /// <summary>The heads for F features of an image and G of a text, trained by InfoNCE.</summary>
    public static PairNetwork NetworkOf(RunSettings s, int imageFeatures, int textFeatures) => new(
        imageFeatures, textFeatures, new PairNetworkOptions
        {
            Size = PairSettings.SizeOf(s), Head = ProjectionHead.Of(PairSettings.HeadOf(s)), SimilarityScale = PairSettings.ScaleOf(s),
        });

    /// <summary>The same heads, trained as they are on S.</summary>
    public static PairNetwork OnSet(RunSettings s, PairNetwork network) => network.With(PairLoss.Named(PairSettings.LossOf(s)));

    /// <summary>The settings under which nothing but the similarity of pairs is learned.</summary>
    public static RunSettings SimilarityAlone(RunSettings s) => s with { LrImageFeatures = 0, LrTextFeatures = 0, LrPixels = 0 };

    /// <summary>How S is learned.</summary>
    public static DistillationPlan DistillationPlanOf(RunSettings s)
    {
        SetOptimiser optimiser = Kinds.Find<SetOptimiser>(s.Optimiser ?? "sgd")!;
        PartPlan Part(double? rate, string says, string option) => new(optimiser, rate ?? 0, 0)
        {
            WeightDecay = s.WeightDecay ?? 0, Bound = MostDeviations, Says = says, Option = option,
        };
        PartPlan Similarity() => Part(PairSettings.SimilarityRateOf(s), "the similarity of the synthetic pairs", "--lr-similarity");
        return new DistillationPlan
        {
            Iterations = s.Iterations,
            Budget = s.BudgetOfSet,
            Schedule = Kinds.Find<SetSchedule>(s.RateSchedule)!,
            MostGradient = s.ClipGradient ?? 0,
            MostSpike = s.ClipSpikes ?? 0,
            Parts = new Dictionary<string, PartPlan>(StringComparer.Ordinal)
            {
                [SyntheticPairs.ImagesPart] = Part(
                    s.LrImageFeatures, "the synthetic image features, in deviations of the data,", "--lr-image-features"),
                [SyntheticSet.ImagesPart] = Part(
                    PairSettings.PixelRateOf(s), "the pixels of the synthetic pairs, from 0 to 1,", "--lr-pixels"),
                [SyntheticPairs.TextsPart] = Part(
                    s.LrTextFeatures, "the synthetic text features, in deviations of the data,", "--lr-text-features"),
                [SyntheticPairs.DiagonalPart] = Similarity(),
                [SyntheticPairs.LeftPart] = Similarity(),
                [SyntheticPairs.RightPart] = Similarity(),
            },
        };
    }

    /// <summary>How heads are trained on so many pairs: all of them in every step.</summary>
    /// <param name="s">The settings.</param>
    /// <param name="pairs">N.</param>
    /// <param name="learned">The rate that was learned with the set; null for that of the settings.</param>
    public static TrainingPlan OnPairs(RunSettings s, int pairs, double? learned = null) => new(
        s.Epochs, pairs, learned ?? (s.RateIsLearned ? FullRateOf(s) : s.EvalRate), Momentum, s.EvalDecay ?? WeightDecay, RateSchedule.Cosine);

    /// <summary>How heads are trained on all pairs.</summary>
    public static TrainingPlan OnAll(RunSettings s) => new(
        s.FullEpochs ?? 1, FullBatch, FullRateOf(s), Momentum, s.EvalDecay ?? WeightDecay, RateSchedule.Cosine);

    /// <summary>How heads are trained on a set, in one line.</summary>
    public static string Describe(RunSettings s)
    {
        TrainingPlan plan = OnPairs(s, 1);
        string rate = s.RateIsLearned ? "the rate learned with the set, others " : "";
        return FormattableString.Invariant($"heads {PairSettings.HeadOf(s)} of size {PairSettings.SizeOf(s)}, {plan.Epochs} steps on all pairs of a set, ") +
            FormattableString.Invariant($"SGD {rate}{plan.Rate} (cosine), momentum {Momentum}, weight decay {plan.WeightDecay}, ") +
            FormattableString.Invariant($"loss {PairSettings.LossOf(s)} on the set and infonce on real pairs, {s.Repeats} {(s.Repeats == 1 ? "network" : "networks")}");
    }

    /// <summary>How heads are trained on all pairs, in one line.</summary>
    public static string DescribeFull(RunSettings s)
    {
        TrainingPlan plan = OnAll(s);
        return FormattableString.Invariant($"{plan.Epochs} epochs of SGD {plan.Rate} (cosine), momentum {Momentum}, ") +
            FormattableString.Invariant($"weight decay {plan.WeightDecay}, batch {plan.BatchSize}, a random caption of each image in an epoch");
    }

    private static double FullRateOf(RunSettings s) => s.FullRate ?? 0.05;
}
