using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>Choices of real pairs.</summary>
public sealed class PairSelectionTests
{
    private static readonly CpuBackend s_backend = new(1);

    public static TheoryData<string> Names() => [.. Kinds.Names<PairSelection>()];

    [Theory, MemberData(nameof(Names))]
    public void It_chooses_as_many_different_pairs_as_are_asked_for_and_the_same_again(string name)
    {
        using var scope = TensorScope.Begin();
        PairSelection selection = Kinds.Find<PairSelection>(name)!;
        Assert.NotEqual("", selection.Help, StringComparer.Ordinal);
        foreach (int count in (int[])[1, 7, 24])
        {
            int[] chosen = selection.Choose(Context(), count);
            Assert.Equal(count, chosen.Distinct().Count());
            Assert.All(chosen, i => Assert.InRange(i, 0, 23));
            Assert.Equal(chosen, selection.Choose(Context(), count));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => selection.Choose(Context(), 25));
    }

    [Fact]
    public void Each_of_three_clusters_gives_k_center_and_k_means_a_pair()
    {
        using var scope = TensorScope.Begin();
        foreach (string name in (string[])["k-center", "k-means"])
        {
            int[] chosen = Kinds.Find<PairSelection>(name)!.Choose(Context(), 3);
            Assert.Equal([0, 1, 2], chosen.Select(i => i % 3).Order());
        }
    }

    [Fact]
    public void Herding_follows_the_mean_better_than_chance()
    {
        using var scope = TensorScope.Begin();
        SelectionContext context = Context();
        double[] apart = [.. ((string[])["herding", "random"]).Select(name =>
        {
            int[] chosen = Kinds.Find<PairSelection>(name)!.Choose(context, 6);
            return Enumerable.Range(0, context.Rows[0].Length).Sum(k =>
                Math.Pow(chosen.Average(i => context.Rows[i][k]) - context.Rows.Average(row => row[k]), 2));
        })];
        Assert.True(apart[0] < apart[1] / 2, string.Join(", ", apart));
    }

    [Fact]
    public void Pairs_that_cannot_be_told_apart_are_never_right_and_chosen_before_those_that_were_learned()
    {
        using var scope = TensorScope.Begin();
        // Pairs 2 and 5 are the same.
        int[] chosen = new ForgettingSelection().Choose(Context(hasTwins: true), 6);
        Assert.Superset(new HashSet<int> { 2, 5 }, chosen.ToHashSet());
    }

    // Eight pairs around each of three directions, pair i around i mod 3.
    private static SelectionContext Context(bool hasTwins = false)
    {
        const int n = 24;
        RandomKey key = RandomKey.FromSeed(3);
        double[] x = new double[n * 6], texts = new double[n * 6];
        key.Normal(x);
        for (int i = 0; i < n; i++)
        for (int k = 0; k < 6; k++)
            x[i * 6 + k] = (hasTwins ? 2 : 0.3) * x[i * 6 + k] + (k == i % 3 ? 3 : 0);
        if (hasTwins)
            x.AsSpan(2 * 6, 6).CopyTo(x.AsSpan(5 * 6));
        x.CopyTo(texts, 0);
        var pairs = new LabelledImages(
            Tensor.From<double>(s_backend, x, new Shape(n, 6, 1, 1)), Tensor.From<double>(s_backend, texts, new Shape(n, 6)));
        return new SelectionContext(
            pairs, new PairNetwork(6, 6, new PairNetworkOptions { Size = 6, Head = new LinearHead() }),
            new TrainingPlan(60, 12, 0.1, 0.9, 0, RateSchedule.Constant), RandomKey.FromSeed(4));
    }
}
