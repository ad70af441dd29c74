using System.Globalization;
using System.Security.Cryptography;
using System.Runtime.InteropServices;
using System.Text;
using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// A change of what is trained on, at the same θ^0, order and augmentation: the weight of every example's loss in the
/// recorded minibatches, whose divisors stay, and a set whose mean loss is added to every step's. Source:
/// docs/theory.md, "Ground truth by retraining".
/// </summary>
public sealed record Intervention
{
    /// <summary>The weights of the examples of D [N]; 1 where nothing changes.</summary>
    public required IReadOnlyList<double> Weights { get; init; }

    /// <summary>The set whose mean loss is added to every step's, or null.</summary>
    public LabelledImages? Added { get; init; }

    /// <summary>The weight of the added set's mean loss.</summary>
    public double AddedWeight { get; init; }

    /// <summary>The examples whose weight is not 1.</summary>
    public IEnumerable<int> Changed => Enumerable.Range(0, Weights.Count).Where(i => Weights[i] != 1);

    /// <summary>Leaves examples out: their weight is 0.</summary>
    /// <param name="count">N, the number of examples of D.</param>
    /// <param name="examples">Which to leave out.</param>
    /// <exception cref="ArgumentOutOfRangeException">An example is none of D.</exception>
    public static Intervention LeaveOut(int count, params ReadOnlySpan<int> examples) => TakeAway(count, 1, examples);

    /// <summary>Takes a share of their weight from examples: it is 1 − share.</summary>
    /// <param name="count">N.</param>
    /// <param name="share">1 leaves them out.</param>
    /// <param name="examples">From which to take it.</param>
    /// <exception cref="ArgumentOutOfRangeException">An example is none of D.</exception>
    public static Intervention TakeAway(int count, double share, params ReadOnlySpan<int> examples)
    {
        double[] weights = [.. Enumerable.Repeat(1.0, count)];
        foreach (int i in examples)
        {
            weights[i >= 0 && i < count
                ? i
                : throw new ArgumentOutOfRangeException(
                    nameof(examples), i, $"D has the examples 0 to {count - 1}; leave out one of these.")] = 1 - share;
        }
        return new Intervention { Weights = weights };
    }

    /// <summary>Takes weight from a random part of the examples and gives it to the others in equal parts, so that the
    /// total weight stays. LDS takes half of the examples and all of their weight.</summary>
    /// <param name="count">N.</param>
    /// <param name="part">How many of the examples lose weight: above 0 to below 1, rounded up.</param>
    /// <param name="share">How much of its weight each of them loses: 1 leaves them out.</param>
    /// <param name="key">Which ones.</param>
    /// <exception cref="ArgumentOutOfRangeException">All or none of the examples would lose weight.</exception>
    public static Intervention Subset(int count, double part, double share, RandomKey key)
    {
        int kept = KeptOf(count, part);
        if (kept <= 0 || kept >= count)
        {
            throw new ArgumentOutOfRangeException(
                nameof(part), part, $"Of {count} examples {count - kept} would lose weight to the others; take some, not all.");
        }
        double[] weights = [.. Enumerable.Repeat(1 - share, count)];
        foreach (int i in key.Permutation(count).AsSpan(0, kept))
            weights[i] = 1 + share * (count - kept) / kept;
        return new Intervention { Weights = weights };
    }

    /// <summary>How many of the examples a subset keeps where a part of them loses weight, rounded down.</summary>
    public static int KeptOf(int count, double part) => (int)Math.Floor((1 - part) * count + Rounding);

    // 0.9·1000 is 900 and not 899.99…, whatever the share is in binary.
    private const double Rounding = 1e-9;

    /// <summary>Adds a set to the training: its mean loss, with a weight of its own, to every step's.</summary>
    /// <param name="count">N.</param>
    /// <param name="set">What is added.</param>
    /// <param name="weight">Its weight, where all of D has 1.</param>
    public static Intervention Add(int count, LabelledImages set, double weight) => new()
    {
        Weights = [.. Enumerable.Repeat(1.0, count)],
        Added = set,
        AddedWeight = weight,
    };

    /// <summary>Moves a share of D's weight to a set: weights 1 − share, and the set with weight share·α.</summary>
    /// <param name="count">N.</param>
    /// <param name="set">S, the set that takes over.</param>
    /// <param name="share">How much of D's weight moves: 0 to 1.</param>
    /// <param name="alpha">α, the weight of S for that of D.</param>
    public static Intervention Replace(int count, LabelledImages set, double share = 1, double alpha = 1) => new()
    {
        Weights = [.. Enumerable.Repeat(1 - share, count)],
        Added = set,
        AddedWeight = share * alpha,
    };

    /// <summary>The same change of a training whose examples have other weights than 1 [N].</summary>
    /// <exception cref="ArgumentException">There are not N weights.</exception>
    public Intervention Of(IReadOnlyList<double> weights) => weights.Count == Weights.Count
        ? this with { Weights = [.. Weights.Zip(weights, (mine, other) => mine * other)] }
        : throw new ArgumentException(
            $"{weights.Count} weights are not one for each of {Weights.Count} examples.", nameof(weights));

    /// <summary>The added loss, with its weight, under θ; null where nothing is added.</summary>
    public ParameterLoss? AddedLoss(Network network)
    {
        if (Added is null)
            return null;
        Variable images = Variable.Constant(Added.Images), labels = Variable.Constant(Added.Labels);
        return theta => AddedWeight * network.Loss(theta, images, labels);
    }

    /// <summary>SHA-256, in lower-case hex, of everything that it changes.</summary>
    public string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes<double>(Weights.ToArray()));
        if (Added is not null)
            hash.AppendData(Encoding.UTF8.GetBytes(
                string.Create(CultureInfo.InvariantCulture, $"{Added.ContentHash()} {AddedWeight:R}")));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
