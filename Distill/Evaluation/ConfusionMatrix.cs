using System.Text.Json;

namespace InfMatch.Distill;

/// <summary>How often networks took test images of one class for another.</summary>
/// <param name="Networks">How many networks were counted, from 1.</param>
/// <param name="Counts">[true class][class that was found], summed over the networks.</param>
internal sealed record ConfusionMatrix(int Networks, IReadOnlyList<IReadOnlyList<int>> Counts)
{
    /// <summary>Of one network.</summary>
    /// <param name="labels">The class of each image.</param>
    /// <param name="found">The class that the network found for each.</param>
    /// <param name="classes">M.</param>
    public static ConfusionMatrix Of(ReadOnlySpan<int> labels, ReadOnlySpan<int> found, int classes)
    {
        int[][] counts = [.. Enumerable.Range(0, classes).Select(_ => new int[classes])];
        for (int i = 0; i < labels.Length; i++)
            counts[labels[i]][found[i]]++;
        return new ConfusionMatrix(1, counts);
    }

    /// <summary>The sum of some; null where one of them is not known.</summary>
    public static ConfusionMatrix? Sum(IReadOnlyList<ConfusionMatrix?> all)
    {
        if (all.Count == 0 || all.Any(one => one is null))
            return null;
        int classes = all[0]!.Counts.Count;
        return new ConfusionMatrix(all.Sum(one => one!.Networks),
        [
            .. Enumerable.Range(0, classes).Select(t => (IReadOnlyList<int>)
                [.. Enumerable.Range(0, classes).Select(f => all.Sum(one => one!.Counts[t][f]))]),
        ]);
    }

    /// <summary>The accuracy on the images of each class, in percent; NaN for a class without images.</summary>
    public double[] PerClass() =>
        [.. Counts.Select((row, label) => row.Sum() is > 0 and var sum ? 100.0 * row[label] / sum : double.NaN)];

    /// <summary>The accuracy on all images, in percent; NaN without images.</summary>
    public double Accuracy()
    {
        long right = Counts.Select((row, label) => (long)row[label]).Sum(), all = Counts.Sum(row => row.Sum(n => (long)n));
        return all == 0 ? double.NaN : 100.0 * right / all;
    }

    /// <summary>Fails unless the counts are square, of so many classes, and from 0.</summary>
    /// <exception cref="JsonException">They are not; the message names the key.</exception>
    public void RequireAcceptable(int classes, string place)
    {
        if (Networks < 1)
            throw new JsonException($"{place}.networks is {Networks}; expected a number from 1.");
        if (Counts.Count != classes || Counts.Any(row => row.Count != classes))
            throw new JsonException($"{place}.counts is not {classes} rows of {classes} numbers.");
        if (Counts.Any(row => row.Any(n => n < 0)))
            throw new JsonException($"{place}.counts has a number below 0.");
    }
}
