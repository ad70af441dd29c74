using System.Numerics.Tensors;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>Pairs drawn at random.</summary>
public sealed class RandomSelection : PairSelection
{
    /// <inheritdoc/>
    public override string Name => "random";

    /// <inheritdoc/>
    public override bool IsDrawn => true;

    /// <inheritdoc/>
    public override string Help => "real pairs at random";

    /// <inheritdoc/>
    protected override int[] Chosen(SelectionContext context, int count) =>
        [.. context.Key.Split("random").Permutation(context.Pairs.Count).Take(count)];
}

/// <summary>Herding (Welling, ICML 2009): each next pair brings the mean of those chosen nearest to the mean of all.</summary>
public sealed class HerdingSelection : PairSelection
{
    /// <inheritdoc/>
    public override string Name => "herding";

    /// <inheritdoc/>
    public override string Help => "real pairs whose mean follows that of all (Welling, ICML 2009)";

    /// <inheritdoc/>
    protected override int[] Chosen(SelectionContext context, int count)
    {
        float[] mean = MeanOf(context.Rows);
        var wanted = new float[mean.Length]; // k·mean less the sum of those chosen
        var chosen = new HashSet<int>();
        var order = new List<int>(count);
        while (order.Count < count)
        {
            TensorPrimitives.Add(wanted, mean, wanted);
            int next = Nearest(context.Rows, wanted, chosen);
            chosen.Add(next);
            order.Add(next);
            TensorPrimitives.Subtract(wanted, context.Rows[next], wanted);
        }
        return [.. order];
    }
}

/// <summary>Greedy k-center (Sener and Savarese, ICLR 2018): from the pair nearest to the mean on, each next one is the farthest from
/// those chosen.</summary>
public sealed class KCenterSelection : PairSelection
{
    /// <inheritdoc/>
    public override string Name => "k-center";

    /// <inheritdoc/>
    public override string Help => "real pairs from which none is far (Sener and Savarese, ICLR 2018)";

    /// <inheritdoc/>
    protected override int[] Chosen(SelectionContext context, int count)
    {
        var order = new List<int>(count) { Nearest(context.Rows, MeanOf(context.Rows), []) };
        float[] least = [.. context.Rows.Select(row => SquaredDistance(row, context.Rows[order[0]]))];
        least[order[0]] = -1;
        while (order.Count < count)
        {
            int next = TensorPrimitives.IndexOfMax<float>(least);
            order.Add(next);
            for (int i = 0; i < least.Length; i++)
                least[i] = Math.Min(least[i], SquaredDistance(context.Rows[i], context.Rows[next]));
            least[next] = -1; // equal rows are taken once each
        }
        return [.. order];
    }
}

/// <summary>The real pairs nearest to the centres of k-means (Lloyd, 1982) with k-means++ starts (Arthur and Vassilvitskii, SODA
/// 2007).</summary>
public sealed class KMeansSelection : PairSelection
{
    private const int Rounds = 20;

    /// <inheritdoc/>
    public override string Name => "k-means";

    /// <inheritdoc/>
    public override string Help => "real pairs nearest to the centres of k-means";

    /// <inheritdoc/>
    protected override int[] Chosen(SelectionContext context, int count)
    {
        IReadOnlyList<float[]> rows = context.Rows;
        float[][] centres = Starts(rows, count, context.Key.Split("k-means"));
        var of = new int[rows.Count];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < of.Length; i++)
                of[i] = Nearest(centres, rows[i], []);
            centres = [.. centres.Select((old, c) =>
                rows.Where((_, i) => of[i] == c).ToArray() is { Length: > 0 } own ? MeanOf(own) : old)];
        }
        var chosen = new HashSet<int>();
        foreach (float[] centre in centres)
            chosen.Add(Nearest(rows, centre, chosen));
        return [.. chosen];
    }

    // Each next start is drawn with a chance that grows with the squared distance from those there are.
    private static float[][] Starts(IReadOnlyList<float[]> rows, int count, RandomKey key)
    {
        var starts = new List<float[]>(count) { rows[key.Below(rows.Count, 0)] };
        double[] least = [.. rows.Select(row => (double)SquaredDistance(row, starts[0]))];
        while (starts.Count < count)
        {
            double drawn = key.Split("chance").UniformAt(starts.Count) * least.Sum();
            int next = 0;
            for (double sum = least[0]; next < rows.Count - 1 && sum <= drawn; sum += least[next])
                next++;
            starts.Add(rows[next]);
            for (int i = 0; i < least.Length; i++)
                least[i] = Math.Min(least[i], SquaredDistance(rows[i], rows[next]));
        }
        return [.. starts];
    }
}
