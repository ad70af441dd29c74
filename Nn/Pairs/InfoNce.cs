using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// InfoNCE both ways (van den Oord et al., 2018; CLIP, Radford et al., ICML 2021): the mean of −log softmax of each image's score
/// with its text among all texts of the batch, and of each text's among all images, averaged.
/// </summary>
public sealed class InfoNce : PairLoss
{
    /// <inheritdoc/>
    public override string Name => "infonce";

    /// <inheritdoc/>
    public override bool UsesSimilarity => false;

    /// <inheritdoc/>
    protected override Variable Of(PairScores scores, Variable? similarity) =>
        -(PairLabels.DiagonalOf(scores.OfImages.LogSoftmax()).Mean() + PairLabels.DiagonalOf(scores.OfTexts.LogSoftmax()).Mean()) / 2;

    // L(p, n) = Σ_i p_i(−z_ii + log Σ_j n_j·exp z_ij)/Σp, and the same of the columns, averaged. With p = n = w it is the loss of a
    // batch without the pairs whose weight is 0. Exponents end at 0, because cosines do not exceed 1.
    /// <inheritdoc/>
    protected override Variable Weighted(PairScores scores, Variable? similarity, Variable asPositive, Variable asNegative)
    {
        double most = 1 / scores.Temperature;
        Variable column = asNegative.Reshape(new Shape(scores.Count, 1));
        Variable own = PairLabels.DiagonalOf(scores.OfImages) - most;
        Variable terms = (Sum(scores.OfImages) + Sum(scores.OfTexts)) / 2 - own;
        return terms.Dot(asPositive) / asPositive.Sum();

        Variable Sum(Variable z) => (z - most).Exp().MatMul(column).Log().Reshape(new Shape(scores.Count));
    }
}
