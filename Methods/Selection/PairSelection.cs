using System.Numerics.Tensors;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>What real pairs are chosen from.</summary>
/// <param name="Pairs">D: features [N, F, 1, 1] and text features, one or several for each image.</param>
/// <param name="Network">The heads that a choice by training trains.</param>
/// <param name="Plan">How it trains them.</param>
/// <param name="Key">What is drawn follows from it.</param>
public sealed record SelectionContext(LabelledImages Pairs, PairNetwork Network, TrainingPlan Plan, RandomKey Key)
{
    private readonly Lazy<float[][]> _rows = new(() => Joint(Pairs));

    /// <summary>A row of each pair: the features of its image and the mean of those of its texts, each of length 1.</summary>
    public IReadOnlyList<float[]> Rows => _rows.Value;

    private static float[][] Joint(LabelledImages pairs)
    {
        float[] images = pairs.Images.To(DType.Float32).ToArray<float>(), texts = pairs.Labels.To(DType.Float32).ToArray<float>();
        int n = pairs.Count, each = pairs.LabelsEach, ofImage = images.Length / n, ofText = texts.Length / (n * each);
        var rows = new float[n][];
        for (int i = 0; i < n; i++)
        {
            rows[i] = new float[ofImage + ofText];
            images.AsSpan(i * ofImage, ofImage).CopyTo(rows[i]);
            Span<float> text = rows[i].AsSpan(ofImage);
            for (int k = 0; k < each; k++)
                TensorPrimitives.Add(text, texts.AsSpan((i * each + k) * ofText, ofText), text);
            ToUnit(rows[i].AsSpan(0, ofImage));
            ToUnit(text);
        }
        return rows;
    }

    private static void ToUnit(Span<float> row)
    {
        float norm = TensorPrimitives.Norm(row);
        if (norm > 0)
            TensorPrimitives.Divide(row, norm, row);
    }
}

/// <summary>A choice of real pairs, which stands in tables beside what was learned: one type, found by enumeration.</summary>
public abstract class PairSelection : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>One line that says what is chosen, and whose it is.</summary>
    public abstract string Help { get; }

    /// <summary>Whether every key gives another choice; else what is drawn only breaks ties or trains what chooses.</summary>
    public virtual bool IsDrawn => false;

    /// <summary>The indices of so many different pairs.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    public int[] Choose(SelectionContext context, int count) => count >= 1 && count <= context.Pairs.Count
        ? Chosen(context, count)
        : throw new ArgumentOutOfRangeException(
            nameof(count), count, $"Of {context.Pairs.Count} pairs between 1 and all of them can be chosen.");

    /// <summary>The indices; the count is possible.</summary>
    protected abstract int[] Chosen(SelectionContext context, int count);

    /// <summary>The mean of some rows.</summary>
    protected static float[] MeanOf(IReadOnlyList<float[]> rows)
    {
        var mean = new float[rows[0].Length];
        foreach (float[] row in rows)
            TensorPrimitives.Add(mean, row, mean);
        TensorPrimitives.Divide(mean, rows.Count, mean);
        return mean;
    }

    /// <summary>‖a − b‖².</summary>
    protected static float SquaredDistance(float[] a, float[] b)
    {
        float distance = TensorPrimitives.Distance(a, b);
        return distance * distance;
    }

    /// <summary>The nearest row to a place among those that are free; the first of equal ones.</summary>
    protected static int Nearest(IReadOnlyList<float[]> rows, float[] place, HashSet<int> taken)
    {
        (int found, float least) = (-1, float.PositiveInfinity);
        for (int i = 0; i < rows.Count; i++)
        {
            if (!taken.Contains(i) && SquaredDistance(rows[i], place) is var distance && (found < 0 || distance < least))
                (found, least) = (i, distance);
        }
        return found;
    }
}
