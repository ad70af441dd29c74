using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Nn;

/// <summary>Heads on features of images and texts, and the losses of their pairs.</summary>
public sealed class PairNetworkTests
{
    private const int Count = 4, ImageFeatures = 3, TextFeatures = 2, Rank = 2;
    private const double Scale = 1.5;

    private static readonly ReferenceBackend s_backend = new();

    public static TheoryData<string, string, bool> Losses()
    {
        var cases = new TheoryData<string, string, bool>();
        foreach (PairLoss loss in Kinds.Of<PairLoss>())
        foreach (string head in Kinds.Names<ProjectionHead>())
        {
            cases.Add(loss.Name, head, false);
            if (loss.UsesSimilarity)
                cases.Add(loss.Name, head, true);
        }
        return cases;
    }

    [Theory, MemberData(nameof(Losses))]
    public void A_loss_is_what_its_formula_says(string loss, string head, bool hasSimilarity)
    {
        using var scope = TensorScope.Begin();
        PairNetwork network = NetworkOf(loss, head);
        (Tensor theta, Tensor images, Tensor labels) = Inputs(network, hasSimilarity);
        double[] rows = labels.ToArray<double>();
        double[,] z = Scores(network, theta, images, labels), a = hasSimilarity ? SimilarityOf(rows) : Identity();

        double found = network.Loss(Variable.Constant(theta), Variable.Constant(images), Variable.Constant(labels)).Value.ToScalar();

        Assert.Equal(loss == "wbce" ? BinaryByHand(z, a) : NceByHand(z, a), found, 1e-12);
    }

    [Theory, MemberData(nameof(Losses))]
    public void Its_derivatives_agree_with_differences_to_second_order(string loss, string head, bool hasSimilarity)
    {
        using var scope = TensorScope.Begin();
        PairNetwork network = NetworkOf(loss, head);
        (Tensor theta, Tensor images, Tensor labels) = Inputs(network, hasSimilarity);
        Variable Loss(IReadOnlyList<Variable> x) => network.Loss(x[0], x[1], x[2]);
        GradCheck.FirstOrder(Loss, [theta, images, labels]);
        // A cosine bends by 1/τ, so differences of a derivative leave more of it.
        GradCheck.SecondOrder(Loss, [theta, images, labels], new GradCheckOptions(Absolute: 1e-6, Relative: 1e-5));
    }

    [Fact]
    public void Weights_of_one_change_nothing_and_a_weight_of_zero_is_a_batch_without_the_pair()
    {
        using var scope = TensorScope.Begin();
        PairNetwork network = NetworkOf("infonce", "residual");
        (Tensor theta, Tensor images, Tensor labels) = Inputs(network, false);
        double Weighted(params double[] weights) => network.WeightedLoss(
            Variable.Constant(theta), Variable.Constant(images), Variable.Constant(labels), Weights(weights)).Value.ToScalar();
        double Of(params int[] rows) => network.Loss(
            Variable.Constant(theta), Variable.Constant(images).GatherRows(rows), Variable.Constant(labels).GatherRows(rows))
            .Value.ToScalar();
        Assert.Equal(Of(0, 1, 2, 3), Weighted(1, 1, 1, 1), 1e-12);
        Assert.Equal(Of(0, 1, 3), Weighted(1, 1, 0, 1), 1e-12);
        Assert.Equal(Of(0, 1, 2, 3), Weighted(2, 2, 2, 2) - Math.Log(2), 1e-12); // each sum over others has twice the terms
        // Twice a pair is a batch that has it twice, among its own rivals, too.
        Assert.Equal(Of(0, 1, 2, 2, 3), Weighted(1, 1, 2, 1), 1e-12);
    }

    [Fact]
    public void The_slope_in_a_weight_is_a_pairs_own_term_and_its_share_in_those_of_others()
    {
        using var scope = TensorScope.Begin();
        PairNetwork network = NetworkOf("infonce", "linear");
        (Tensor theta, Tensor images, Tensor labels) = Inputs(network, false);
        double[,] z = Scores(network, theta, images, labels);
        Variable weights = Variable.Leaf(Weights(1, 1, 1, 1).Value);
        Variable loss = network.WeightedLoss(Variable.Constant(theta), Variable.Constant(images), Variable.Constant(labels), weights);
        double[] found = Gradient.Of(loss, weights).Value.ToArray<double>();
        double whole = loss.Value.ToScalar();
        for (int i = 0; i < Count; i++)
        {
            double own = (LogSum(z, i, isRow: true) + LogSum(z, i, isRow: false)) / 2 - z[i, i], asNegative = 0;
            for (int k = 0; k < Count; k++)
                asNegative += (Math.Exp(z[k, i] - LogSum(z, k, isRow: true)) + Math.Exp(z[i, k] - LogSum(z, k, isRow: false))) / 2;
            Assert.Equal((own - whole + asNegative) / Count, found[i], 1e-12);
        }
    }

    [Fact]
    public void The_similarity_of_some_rows_is_that_part_of_the_whole()
    {
        using var scope = TensorScope.Begin();
        PairNetwork network = NetworkOf("wbce", "linear");
        Variable labels = Variable.Constant(Inputs(network, true).Labels);
        double[] whole = PairLabels.Of(labels, TextFeatures).Similarity(Scale)!.Value.ToArray<double>();
        int[] rows = [3, 1];
        double[] part = PairLabels.Of(labels.GatherRows(rows), TextFeatures).Similarity(Scale)!.Value.ToArray<double>();
        double[,] expected = SimilarityOf(labels.Value.ToArray<double>());
        for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
        {
            Assert.Equal(expected[rows[i], rows[j]], part[2 * i + j], 1e-14);
            Assert.Equal(expected[i, j], whole[Count * i + j], 1e-14);
        }
        Assert.Equal(labels.Value.ToArray<double>(), PairLabels.Of(labels, TextFeatures).Rows.Value.ToArray<double>());
    }

    [Fact]
    public void Embeddings_have_length_one_and_the_blocks_are_the_heads()
    {
        using var scope = TensorScope.Begin();
        PairNetwork network = NetworkOf("infonce", "residual");
        (Tensor theta, Tensor images, Tensor labels) = Inputs(network, false);
        PairEmbeddings embedded = network.Embed(Variable.Constant(theta), Variable.Constant(images), Variable.Constant(labels));
        foreach (double[] row in embedded.Images.Value.ToArray<double>().Concat(embedded.Texts.Value.ToArray<double>())
            .Chunk(network.EmbeddingSize))
        {
            Assert.Equal(1, row.Sum(x => x * x), 1e-12);
        }
        Assert.Equal(
            embedded.Images.Value.ToArray<double>(),
            network.Features(Variable.Constant(theta), Variable.Constant(images)).Embedding.Value.ToArray<double>());
        Assert.Equal(
            embedded.Texts.Value.ToArray<double>(),
            network.EmbedTexts(Variable.Constant(theta), Variable.Constant(labels)).Value.ToArray<double>());
        Assert.Equal(["image", "text"], network.Blocks.Select(b => b.Name), StringComparer.Ordinal);
        Assert.Equal(network.Layout.Count, network.Blocks.Sum(b => b.Count));
        Assert.Equal(
            network.Layout.Parameters.First(p => p.Name.StartsWith("text.", StringComparison.Ordinal)).Offset, network.Blocks[1].Offset);
        // The image head has no part in a text's embedding.
        Variable leaf = Variable.Leaf(theta);
        double[] slope = Gradient.Of(network.EmbedTexts(leaf, Variable.Constant(labels)).Slice(1, ..1).Sum(), leaf).Value.ToArray<double>();
        Assert.All(slope[..network.Blocks[0].Count], x => Assert.Equal(0, x));
        Assert.Contains(slope[network.Blocks[1].Offset..], x => x != 0);
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_what_it_is()
    {
        using var scope = TensorScope.Begin();
        PairNetwork network = NetworkOf("infonce", "residual");
        (Tensor theta, Tensor images, Tensor labels) = Inputs(network, true);
        Variable p = Variable.Constant(theta), x = Variable.Constant(images), y = Variable.Constant(labels);
        Refused<ShapeException>("The loss infonce does not read the similarity", () => network.Loss(p, x, y));
        Refused<ShapeException>(
            "rows of 2 text features, or with a similarity of rank r of 2 + 1 + 2r numbers, got [4, 4]",
            () => network.Loss(p, x, y.Slice(1, ..4)));
        Refused<ShapeException>("4 images do not pair with 3 texts", () => network.Loss(p, x, y.Slice(1, ..2).Slice(0, ..3)));
        Refused<NotSupportedException>("has no classes", () => network.Forward(p, x));
        Refused<NotSupportedException>(
            "has no weighted form", () => NetworkOf("wbce", "residual").WeightedLoss(p, x, y, Weights(1, 1, 1, 1)));
        Refused<ShapeException>(
            "4 pairs take weights [4], got [3]", () => network.WeightedLoss(p, x, y.Slice(1, ..2), Weights(1, 1, 1)));
        Refused<ArgumentException>("Known: linear, residual", () => ProjectionHead.Of("none"));
        Refused<ArgumentException>("Known: ence, infonce, wbce", () => PairLoss.Named("none"));
        Refused<ArgumentException>("has no head for texts", () => PairNetwork.Of(new Mlp(new Shape(1, 2, 2), 2, [])));

        static void Refused<T>(string why, Func<object?> what)
            where T : Exception => Assert.Contains(why, Assert.Throws<T>(() => _ = what()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_names_mean_equal_functions()
    {
        string[] names =
        [
            NetworkOf("infonce", "residual").Name, NetworkOf("infonce", "linear").Name, NetworkOf("wbce", "residual").Name,
            new PairNetwork(ImageFeatures, TextFeatures, new PairNetworkOptions { Size = 3, Temperature = 0.1 }).Name,
            new PairNetwork(ImageFeatures, TextFeatures, new PairNetworkOptions { Size = 4 }).Name,
            NetworkOf("wbce", "residual").With(new ExtendedNce()).Name,
        ];
        Assert.Equal(names.Length, names.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal("pairs-3-2-residual-d3-wbce-t0.3-a1.5", names[2]);
    }

    private static PairNetwork NetworkOf(string loss, string head) => new(
        ImageFeatures, TextFeatures,
        new PairNetworkOptions
        {
            Size = 3, Head = ProjectionHead.Of(head), Loss = PairLoss.Named(loss), Temperature = 0.3, SimilarityScale = Scale,
        });

    private static (Tensor Theta, Tensor Images, Tensor Labels) Inputs(PairNetwork network, bool hasSimilarity)
    {
        RandomKey key = RandomKey.FromSeed(5);
        return (
            network.Initialise(s_backend, DType.Float64, key.Split("theta")),
            Tensor.Normal(s_backend, DType.Float64, new Shape(Count, ImageFeatures, 1, 1), key.Split("images")),
            Tensor.Normal(
                s_backend, DType.Float64, new Shape(Count, TextFeatures + (hasSimilarity ? 1 + 2 * Rank : 0)), key.Split("labels")));
    }

    private static Variable Weights(params double[] weights) =>
        Variable.Constant(Tensor.From<double>(s_backend, weights, new Shape(weights.Length)));

    private static double[,] Scores(PairNetwork network, Tensor theta, Tensor images, Tensor labels)
    {
        PairEmbeddings embedded = network.Embed(
            Variable.Constant(theta), Variable.Constant(images), Variable.Constant(labels).Slice(1, ..TextFeatures));
        double[][] u = [.. embedded.Images.Value.ToArray<double>().Chunk(3)], w = [.. embedded.Texts.Value.ToArray<double>().Chunk(3)];
        var z = new double[Count, Count];
        for (int i = 0; i < Count; i++)
        for (int j = 0; j < Count; j++)
            z[i, j] = u[i].Zip(w[j], (a, b) => a * b).Sum() / 0.3;
        return z;
    }

    private static double[,] SimilarityOf(double[] labels)
    {
        double[][] rows = [.. labels.Chunk(TextFeatures + 1 + 2 * Rank)];
        var a = new double[Count, Count];
        for (int i = 0; i < Count; i++)
        for (int j = 0; j < Count; j++)
        {
            a[i, j] = i == j ? rows[i][TextFeatures] : 0;
            for (int k = 0; k < Rank; k++)
                a[i, j] += Scale / Rank * rows[i][TextFeatures + 1 + k] * rows[j][TextFeatures + 1 + Rank + k];
        }
        return a;
    }

    private static double[,] Identity()
    {
        var a = new double[Count, Count];
        for (int i = 0; i < Count; i++)
            a[i, i] = 1;
        return a;
    }

    private static double LogSum(double[,] z, int at, bool isRow) =>
        Math.Log(Enumerable.Range(0, Count).Sum(k => Math.Exp(isRow ? z[at, k] : z[k, at])));

    private static double NceByHand(double[,] z, double[,] a)
    {
        double sum = 0;
        for (int i = 0; i < Count; i++)
        for (int j = 0; j < Count; j++)
            sum -= a[i, j] * (z[i, j] - LogSum(z, i, isRow: true) + z[i, j] - LogSum(z, j, isRow: false)) / 2;
        return sum / Count;
    }

    private static double BinaryByHand(double[,] z, double[,] a)
    {
        (double[] sums, int[] counts) = ([0, 0], [0, 0]);
        for (int i = 0; i < Count; i++)
        for (int j = 0; j < Count; j++)
        {
            double p = 1 / (1 + Math.Exp(-z[i, j]));
            int side = a[i, j] > 0.5 ? 1 : 0;
            sums[side] -= a[i, j] * Math.Log(p) + (1 - a[i, j]) * Math.Log(1 - p);
            counts[side]++;
        }
        return (sums[0] / Math.Max(1, counts[0]) + sums[1] / Math.Max(1, counts[1])) / 2;
    }
}
