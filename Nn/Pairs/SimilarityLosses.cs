using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// InfoNCE with a similarity (LoRS, Xu et al., ICML 2024, "eNCE"): −mean_i Σ_j A_ij·log softmax_j z_ij, both ways, averaged. With
/// A = I, which a set without similarity has, it is InfoNCE.
/// </summary>
public sealed class ExtendedNce : PairLoss
{
    /// <inheritdoc/>
    public override string Name => "ence";

    /// <inheritdoc/>
    public override bool UsesSimilarity => true;

    /// <inheritdoc/>
    protected override Variable Of(PairScores scores, Variable? similarity)
    {
        (Variable ofImages, Variable ofTexts) = (scores.OfImages.LogSoftmax(), scores.OfTexts.LogSoftmax());
        if (similarity is null)
            return -(PairLabels.DiagonalOf(ofImages).Mean() + PairLabels.DiagonalOf(ofTexts).Mean()) / 2;
        Variable both = similarity.Dot(ofImages) + Transposed(similarity).Dot(ofTexts);
        return -both / (2 * scores.Count);
    }

    // I·Aᵀ: matrices are transposed where they are multiplied.
    private static Variable Transposed(Variable a)
    {
        int n = a.Shape[0];
        Variable ones = Variable.Constant(Tensor.Full(a.Value.Backend, a.Value.DType, new Shape(n, 1), 1));
        return PairLabels.DiagonalMatrix(ones).MatMul(a, transposeB: true);
    }
}

/// <summary>
/// Binary cross-entropy of each image with each text (LoRS, Xu et al., ICML 2024, "wBCE"): ℓ_ij = −A_ij·log σ(z_ij) −
/// (1 − A_ij)·log(1 − σ(z_ij)), the mean where A_ij is above ½ and the mean elsewhere, averaged. Where one of the two is empty it
/// counts 0. The authors add 1e-6 inside the logarithms; here they are softplus of z, which needs none.
/// </summary>
public sealed class WeightedBce : PairLoss
{
    /// <inheritdoc/>
    public override string Name => "wbce";

    /// <inheritdoc/>
    public override bool UsesSimilarity => true;

    /// <inheritdoc/>
    protected override Variable Of(PairScores scores, Variable? similarity)
    {
        Variable z = scores.OfImages;
        Variable a = similarity ?? PairLabels.DiagonalMatrix(
            Variable.Constant(Tensor.Full(z.Value.Backend, z.Value.DType, new Shape(scores.Count, 1), 1)));
        Variable losses = z.Softplus() - a * z;
        // Which of the two means a pair belongs to has no derivative.
        Variable positive = new Sign().On(a - 0.5).Relu(), negative = 1 - positive;
        return (MeanWhere(positive) + MeanWhere(negative)) / 2;

        Variable MeanWhere(Variable mask) => losses.Dot(mask) / mask.Sum().Maximum(1.0);
    }
}
