namespace InfMatch.Influence;

/// <summary>How well predictions agree with what happened; sums in float64, in order.</summary>
public static class Agreement
{
    /// <summary>‖predicted − true‖/‖true‖; NaN for a true vector of zeros.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double RelativeError(ReadOnlySpan<double> predicted, ReadOnlySpan<double> actual)
    {
        Require(predicted.Length, actual.Length);
        (double difference, double length) = (0, 0);
        for (int i = 0; i < actual.Length; i++)
        {
            difference += (predicted[i] - actual[i]) * (predicted[i] - actual[i]);
            length += actual[i] * actual[i];
        }
        return length == 0 ? double.NaN : Math.Sqrt(difference / length);
    }

    /// <summary>⟨a, b⟩/‖a‖‖b‖; NaN where one is zero.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double Cosine(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        Require(a.Length, b.Length);
        (double ab, double aa, double bb) = (0, 0, 0);
        for (int i = 0; i < a.Length; i++)
        {
            ab += a[i] * b[i];
            aa += a[i] * a[i];
            bb += b[i] * b[i];
        }
        return aa == 0 || bb == 0 ? double.NaN : ab / Math.Sqrt(aa * bb);
    }

    /// <summary>Spearman's ρ: Pearson's correlation of the ranks, equal values sharing the mean of theirs; NaN where
    /// all values of one side are equal or a value is NaN.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double Spearman(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        Require(a.Length, b.Length);
        double[] x = Ranks(a), y = Ranks(b);
        double middle = (a.Length + 1) / 2.0;
        return Cosine([.. x.Select(r => r - middle)], [.. y.Select(r => r - middle)]);
    }

    /// <summary>The chance that a marked example has a larger score than one that is not, ties counting half (the area
    /// under the ROC curve; Hanley and McNeil, Radiology 143, 1982); NaN without both kinds.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double AreaUnderCurve(ReadOnlySpan<double> scores, ReadOnlySpan<bool> marked)
    {
        Require(scores.Length, marked.Length);
        double[] ranks = Ranks(scores);
        (double sum, double count) = (0, 0);
        for (int i = 0; i < ranks.Length; i++)
        {
            if (!marked[i])
                continue;
            sum += ranks[i];
            count++;
        }
        double others = ranks.Length - count;
        return count == 0 || others == 0 ? double.NaN : (sum - count * (count + 1) / 2) / (count * others);
    }

    // 1 for the smallest; NaN throughout where a value is NaN.
    private static double[] Ranks(ReadOnlySpan<double> values)
    {
        double[] sorted = values.ToArray();
        var ranks = new double[sorted.Length];
        if (Array.Exists(sorted, double.IsNaN))
        {
            Array.Fill(ranks, double.NaN);
            return ranks;
        }
        int[] order = [.. Enumerable.Range(0, sorted.Length)];
        Array.Sort(sorted, order);
        for (int first = 0, end; first < order.Length; first = end)
        {
            for (end = first + 1; end < order.Length && sorted[end] == sorted[first]; end++)
            {
            }
            for (int i = first; i < end; i++)
                ranks[order[i]] = (first + 1 + end) / 2.0;
        }
        return ranks;
    }

    private static void Require(int a, int b)
    {
        if (a != b)
            throw new ArgumentException($"{a} values cannot be compared with {b}; give as many of both.", nameof(b));
    }
}
