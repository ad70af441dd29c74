using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

/// <summary>What the rows of a table of retrieval say of a set of pairs.</summary>
public sealed class PairEvidenceTests
{
    [Fact]
    public void A_set_is_held_against_the_best_other_small_set_by_the_interval_of_Welch()
    {
        Verdict verdict = Of([40, 41, 39], ("random", [10, 11, 9]), ("k-means", [30, 31, 29]), ("herding", [20, 21, 19]))!;
        Assert.Equal(Verdict.Better, verdict.Kind);
        // s² is 1 for both, so the standard error is √(2/3) = 0.816; t of 4 degrees of freedom is 2.78.
        Assert.Equal("10.0 ± 2.3 points over k-means, the best of 3 other sets (95 % confidence, 3 and 3 networks)", verdict.Text);
        Assert.Null(verdict.Next);
    }

    [Fact]
    public void Full_data_are_no_other_small_set_and_where_there_is_one_it_is_named_alone()
    {
        Verdict verdict = Of([40, 41, 39], ("random", [30, 31, 29]), ("full data", [90, 91, 89]))!;
        Assert.StartsWith("10.0 ± 2.3 points over random (95 %", verdict.Text, StringComparison.Ordinal);
        Assert.Null(Of([40, 41, 39], ("full data", [90, 91, 89])));
        Assert.Null(Of(null, ("random", [30, 31, 29])));
    }

    [Fact]
    public void A_set_that_is_worse_than_one_choice_is_worse_and_lower_rates_are_tried_next()
    {
        Verdict verdict = Of([20, 21, 19], ("random", [15, 16, 14]), ("k-means", [30, 31, 29]))!;
        Assert.Equal(Verdict.Worse, verdict.Kind);
        Assert.Contains("10.0 ± 2.3 points under k-means", verdict.Text, StringComparison.Ordinal);
        Assert.StartsWith("half of --lr-image-features and --lr-text-features: ", verdict.Next, StringComparison.Ordinal);
        Assert.StartsWith(
            "more --iterations than ",
            Of([20, 21, 19], new LossCourse(0.9, 0.5, FallsAtEnd: true, IsFixed: true), 0, ("k-means", [30, 31, 29]))!.Next, StringComparison.Ordinal);
    }

    [Fact]
    public void A_difference_that_chance_explains_asks_for_more_networks()
    {
        Verdict verdict = Of([31, 27, 32], ("random", [28, 29, 26]))!;
        Assert.Equal(Verdict.Within, verdict.Kind);
        Assert.Contains("which chance explains", verdict.Text, StringComparison.Ordinal);
        Assert.StartsWith("--repeats ", verdict.Next, StringComparison.Ordinal);
        // A set that is behind and still learns is not to be measured better first.
        Assert.StartsWith(
            "more --iterations than ",
            Of([25, 27, 29], new LossCourse(0.9, 0.5, FallsAtEnd: true, IsFixed: true), 0, ("random", [28, 29, 26]))!.Next, StringComparison.Ordinal);
    }

    [Fact]
    public void Recalls_of_guessing_under_random_pairs_are_a_divergence()
    {
        // Among 300 images guessing finds (1 + 5 + 10)/3/300 = 1.8 %.
        Verdict verdict = Of([1.7, 1.8, 1.9], ("random", [15, 16, 14]))!;
        Assert.Equal(Verdict.Diverged, verdict.Kind);
        Assert.StartsWith("the mean of the recalls 1.8 is that of guessing; ", verdict.Text, StringComparison.Ordinal);
        Assert.StartsWith("half of ", verdict.Next, StringComparison.Ordinal);
        Assert.Equal(Verdict.Worse, Of([8, 8.1, 7.9], ("random", [15, 16, 14]))!.Kind);
    }

    [Fact]
    public void A_loss_above_its_start_under_random_pairs_and_features_far_outside_are_divergences()
    {
        var rose = new LossCourse(0.5, 0.9, FallsAtEnd: false, IsFixed: true);
        Assert.StartsWith("J in fixed places rose from 0.500 to 0.900; ", Of([8, 8.1, 7.9], rose, 0, ("random", [15, 16, 14]))!.Text, StringComparison.Ordinal);
        Assert.Equal(Verdict.Worse, Of([18, 18.1, 17.9], rose, 0, ("random", [15, 16, 14]), ("k-means", [30, 31, 29]))!.Kind);
        Verdict far = Of([18, 18.1, 17.9], null, 0.5, ("random", [15, 16, 14]), ("k-means", [30, 31, 29]))!;
        Assert.Equal(Verdict.Diverged, far.Kind);
        Assert.StartsWith("50 % of the features are more than 100 deviations from the mean; ", far.Text, StringComparison.Ordinal);
        Assert.Null(far.Next); // of a set that was only evaluated nobody knows the rates
        Assert.Equal(Verdict.Better, Of([58, 58.1, 57.9], null, 0.5, ("random", [15, 16, 14]))!.Kind);
    }

    [Fact]
    public void Features_far_outside_are_counted_in_both_parts_and_not_in_a_similarity()
    {
        var backend = new ReferenceBackend();
        using var scope = TensorScope.Begin();
        SyntheticSet set = new([
            new SyntheticPart(SyntheticPairs.ImagesPart, Tensor.From<float>(backend, [1, 101, -1, 2], new Shape(2, 2))),
            new SyntheticPart(SyntheticPairs.TextsPart, Tensor.From<float>(backend, [-500, 3, 100, 0], new Shape(2, 2))),
            new SyntheticPart(SyntheticPairs.DiagonalPart, Tensor.From<float>(backend, [1000, 1000], new Shape(2, 1))),
        ]);
        Assert.Equal(0.25, PairEvidence.FarOf(set));
    }

    private static Verdict? Of(double[]? distilled, params (string Name, double[] Means)[] others) =>
        Of(distilled, new LossCourse(0.9, 0.5, FallsAtEnd: false, IsFixed: true), 0, others);

    private static Verdict? Of(double[]? distilled, LossCourse? loss, double far, params (string Name, double[] Means)[] others) => new PairEvidence
    {
        Result = new RetrievalResult(
            100, "influence", [.. others.Select(o => Row(o.Name, o.Means)), .. distilled is null ? [] : (RetrievalRow[])[Row("distilled", distilled)]]),
        Settings = Settings.Resolve(null, s => s.Name == "--dataset" ? "pairs-demo" : null, _ => null).Settings,
        Images = 300, Far = far, Loss = loss,
    }.Decide();

    private static RetrievalRow Row(string name, double[] means) => new(name, [.. means.Select(mean => (IReadOnlyList<double>)[.. Enumerable.Repeat(mean, 6)])]);
}
