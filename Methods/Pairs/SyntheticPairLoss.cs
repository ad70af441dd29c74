using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>The loss of image-text pairs: S is the parts of <see cref="SyntheticPairs"/>. Its rows are compared with each other, so
/// it is no mean of terms of rows, and a minibatch has a loss of its own and not a part of that of S.</summary>
/// <param name="network">The heads, with the loss that S is trained with.</param>
/// <param name="key">What the order of minibatches follows from.</param>
public sealed class SyntheticPairLoss(PairNetwork network, RandomKey key) : SyntheticLoss
{
    /// <summary>Pairs in a step; 0 for all of S.</summary>
    public int BatchSize { get; init; }

    private int Step { get; init; }

    /// <inheritdoc/>
    public override Variable At(Variable theta, IReadOnlyList<Variable> s)
    {
        int count = s[0].Shape[0];
        if (BatchSize > 0 && BatchSize < count)
        {
            int[] rows = RowsOfStep(key, Step, BatchSize, count);
            s = [.. s.Select(part => part.GatherRows(rows))];
        }
        return network.TrainingLoss.Of(network, theta, SyntheticPairs.BatchOf(s, network.Options.Loss.UsesSimilarity));
    }

    /// <inheritdoc/>
    public override SyntheticPairLoss OfStep(int step) => new(network, key) { BatchSize = BatchSize, Step = step };
}
