using System.Collections.Immutable;
using System.Runtime.InteropServices;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>
/// Feature vectors of sentences without a network: counts of words and of pairs of words that follow each other without a mark
/// between them, hashed into buckets and weighted by their rarity (tf-idf), projected onto the leading right singular vectors of
/// the counts of the sentences it was fitted to. Source: Deerwester and others, "Indexing by Latent Semantic Analysis", JASIS 1990; hashing after Weinberger and
/// others, ICML 2009.
/// </summary>
public sealed class LatentSemanticAnalysis
{
    /// <summary>How exact the spectrum need be: directions of nearly equal variance may share their span.</summary>
    internal const double SpectrumTolerance = 1e-4;

    // Features are rounded to multiples of this: a processor that rounds sums otherwise then still makes the same numbers.
    private const double Grain = 1.0 / 4096;

    private const uint Basis = 2166136261;

    private readonly int[] _columnOf; // of each bucket; −1 for one in which no word fell
    private readonly double[] _rarity;
    private readonly double[] _projection;

    private LatentSemanticAnalysis(int[] columnOf, double[] rarity, double[] projection, int width) =>
        (_columnOf, _rarity, _projection, Width) = (columnOf, rarity, projection, width);

    /// <summary>Numbers in a feature vector, G.</summary>
    public int Width { get; }

    /// <summary>Fits the analysis.</summary>
    /// <param name="sentences">What it is fitted to, such as the training captions.</param>
    /// <param name="buckets">How many counts a sentence has; two words that share one are told apart by their neighbours alone.</param>
    /// <param name="width">Numbers in a feature vector; at most as many as buckets in which a word falls.</param>
    /// <exception cref="ArgumentException">The sentences have too few different words.</exception>
    public static LatentSemanticAnalysis Fit(IReadOnlyCollection<string> sentences, int buckets, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(buckets);
        var columnOf = new int[buckets];
        Array.Fill(columnOf, -1);
        int[][] counted = [.. sentences.AsParallel().AsOrdered().Select(s => Buckets(s, buckets))];
        int used = 0;
        foreach (int bucket in counted.SelectMany(c => c).Distinct().Order())
            columnOf[bucket] = used++;
        if (used < width)
        {
            throw new ArgumentException(
                $"LatentSemanticAnalysis: the sentences have {used} different words and pairs of words, which is fewer than the " +
                $"{width} numbers asked for.", nameof(sentences));
        }
        var rarity = new double[used];
        foreach (int[] sentence in counted)
        {
            foreach (int bucket in sentence.Distinct())
                rarity[columnOf[bucket]]++;
        }
        for (int column = 0; column < used; column++)
            rarity[column] = Math.Log((1.0 + counted.Length) / (1 + rarity[column])) + 1;
        var analysis = new LatentSemanticAnalysis(columnOf, rarity, [], width);
        var moments = new double[used * used];
        foreach (int[] sentence in counted)
        {
            (int Column, double Weight)[] weighted = analysis.Weigh(sentence);
            foreach ((int row, double left) in weighted)
            {
                foreach ((int column, double right) in weighted)
                    moments[row * used + column] += left * right;
            }
        }
        using var scope = TensorScope.Begin();
        Tensor a = Tensor.From<double>(new CpuBackend(), moments, new Shape(used, used));
        return new LatentSemanticAnalysis(columnOf, rarity, LeadingEigenvectors.Of(a, width, SpectrumTolerance).Vectors, width);
    }

    /// <summary>Feature vectors of sentences, [C, G]; each of length 1, or 0 where no word was ever seen.</summary>
    public FeatureTable Features(IReadOnlyList<string> sentences)
    {
        var values = new float[sentences.Count * Width];
        Parallel.For(0, sentences.Count, i =>
        {
            (int Column, double Weight)[] weighted = Weigh(Buckets(sentences[i], _columnOf.Length));
            Span<double> found = stackalloc double[Width];
            for (int k = 0; k < found.Length; k++)
            {
                double sum = 0;
                foreach ((int column, double weight) in weighted)
                    sum += weight * _projection[k * _rarity.Length + column];
                found[k] = sum;
            }
            double length = Math.Sqrt(SumOfSquares(found));
            for (int k = 0; k < found.Length; k++)
                values[i * Width + k] = length > 0 ? (float)(Math.Round(found[k] / length / Grain) * Grain) : 0;
        });
        return new FeatureTable(Width, ImmutableCollectionsMarshal.AsImmutableArray(values));
    }

    private static double SumOfSquares(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double value in values)
            sum += value * value;
        return sum;
    }

    // Of length 1, so that a long sentence weighs as much as a short one; words that were never seen count nothing.
    private (int Column, double Weight)[] Weigh(int[] sentence)
    {
        (int Column, double Weight)[] weighted =
        [
            .. sentence.Where(bucket => _columnOf[bucket] >= 0).CountBy(bucket => _columnOf[bucket])
                .Select(count => (count.Key, count.Value * _rarity[count.Key])),
        ];
        double length = Math.Sqrt(weighted.Sum(w => w.Weight * w.Weight));
        return Array.ConvertAll(weighted, w => (w.Column, w.Weight / length));
    }

    // The bucket of each word, and of each pair of neighbours.
    private static int[] Buckets(string sentence, int buckets)
    {
        var found = new List<int>();
        uint before = 0;
        int start = -1;
        for (int i = 0; i <= sentence.Length; i++)
        {
            bool isInWord = i < sentence.Length && (char.IsLetterOrDigit(sentence[i]) || sentence[i] == '\'');
            if (isInWord)
            {
                start = start < 0 ? i : start;
                continue;
            }
            if (start >= 0)
            {
                uint word = Hash(sentence.AsSpan(start, i - start), Basis);
                found.Add((int)(Mixed(word) % (uint)buckets));
                if (before != 0)
                    found.Add((int)(Mixed(Hash(sentence.AsSpan(start, i - start), before)) % (uint)buckets));
                (before, start) = (word, -1);
            }
            if (i < sentence.Length && sentence[i] != ' ')
                before = 0;
        }
        return [.. found];
    }

    // FNV-1a in lower case; the low bits need mixing.
    private static uint Hash(ReadOnlySpan<char> word, uint hash)
    {
        foreach (char c in word)
            hash = (hash ^ char.ToLowerInvariant(c)) * 16777619;
        return hash;
    }

    private static uint Mixed(uint hash)
    {
        hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
        return hash ^ (hash >> 13);
    }
}
