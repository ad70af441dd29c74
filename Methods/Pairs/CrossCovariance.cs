using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// The map that linear heads of a contrastive loss learn from a set Z, to first order in the scores and in closed form:
/// M_Z = (Σ_vv + λ_v·I)⁻¹·Σ_vt·(Σ_tt + λ_t·I)⁻¹ [F, G], with covariances of image features v and text features t; an image and a
/// text are scored vᵀ·M·t. Its ridges are those of D for every set, so that M_S − M_D is what replacing D by S does to the last
/// layer, exactly. With a similarity A of the pairs, Σ_vt = Vᵀ·A·T/N.
/// </summary>
/// <remarks>Source: docs/vision-language.md, "The last layer, exactly"; close to the analytic projections of APM (ICML 2026) and to
/// the cross-covariances of CovMatch, of which no code was read.</remarks>
public sealed class CrossCovariance
{
    private readonly double _imageRidge, _textRidge;

    /// <summary>The map of D, where all texts of an image count.</summary>
    /// <param name="data">Features [N, F, 1, 1] and text features [N·K, G].</param>
    /// <param name="ridge">λ_v and λ_t by the mean variance of the features of D.</param>
    public CrossCovariance(LabelledImages data, double ridge)
    {
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        int n = data.Count, each = data.LabelsEach;
        Variable images = Centred(Variable.Constant(data.Images).Flatten()), texts = Centred(Variable.Constant(data.Labels));
        Variable meanTexts = texts.Reshape(new Shape(n, each, texts.Shape[1])).SumTo(new Shape(n, 1, texts.Shape[1]))
            .Reshape(new Shape(n, texts.Shape[1])) / each;
        Variable vv = images.MatMul(images, transposeA: true) / n, tt = texts.MatMul(texts, transposeA: true) / (n * each);
        Variable vt = images.MatMul(meanTexts, transposeA: true) / n;
        _imageRidge = ridge * TraceOf(vv) / vv.Shape[0];
        _textRidge = ridge * TraceOf(tt) / tt.Shape[0];
        Variable left = vv.CholeskySolve(vt, _imageRidge);
        Variable map = Transposed(tt.CholeskySolve(Transposed(left), _textRidge));
        (Map, Images, Texts) = (scope.Keep(map.Value), scope.Keep(vv.Value), scope.Keep(tt.Value));
        Variable weighed = vv.MatMul(map).MatMul(tt);
        SquaredLength = weighed.Dot(map).Value.ToScalar();
        SquaredFrobenius = map.Dot(map).Value.ToScalar();
    }

    /// <summary>M_D [F, G].</summary>
    public Tensor Map { get; }

    /// <summary>Σ_vv of D [F, F].</summary>
    public Tensor Images { get; }

    /// <summary>Σ_tt of D [G, G].</summary>
    public Tensor Texts { get; }

    /// <summary>tr(Σ_vv·M_D·Σ_tt·M_Dᵀ): the mean square of M_D's scores of D's images with D's texts.</summary>
    public double SquaredLength { get; }

    /// <summary>‖M_D‖².</summary>
    public double SquaredFrobenius { get; }

    /// <summary>M_S [F, G] of a set of pairs, differentiable.</summary>
    /// <param name="images">V [N, F].</param>
    /// <param name="texts">T [N, G].</param>
    /// <param name="similarity">A [N, N]; null for the identity.</param>
    public Variable MapOf(Variable images, Variable texts, Variable? similarity)
    {
        // A set is smaller than its features, so the inverses are taken of [N, N]: (VᵀV/N + λ)⁻¹Vᵀ = Vᵀ(VVᵀ/N + λ)⁻¹.
        int n = images.Shape[0];
        Variable v = Centred(images), t = Centred(texts);
        Variable left = (v.MatMul(v, transposeB: true) / n).CholeskySolve(
            similarity is null ? Identity(v, n) : similarity, _imageRidge);
        // P·T = (K_v + λ)⁻¹·A·(K_t + λ)⁻¹·T
        Variable right = (t.MatMul(t, transposeB: true) / n).CholeskySolve(t, _textRidge);
        return v.MatMul(left.MatMul(right), transposeA: true) / n;
    }

    /// <summary>⟨M, N⟩ in D's metric, tr(Σ_vv·M·Σ_tt·Nᵀ), which compares scores, or ⟨M, N⟩ of Frobenius, which compares
    /// numbers.</summary>
    public Variable Dot(Variable m, Variable n, bool isScores) => isScores
        ? Variable.Constant(Images).MatMul(m).Dot(n.MatMul(Variable.Constant(Texts)))
        : m.Dot(n);

    private static Variable Centred(Variable rows) => rows - rows.MeanRow();

    private static Variable Identity(Variable like, int n) => PairLabels.DiagonalMatrix(
        Variable.Constant(Tensor.Full(like.Value.Backend, like.Value.DType, new Shape(n, 1), 1)));

    private static Variable Transposed(Variable a) => Identity(a, a.Shape[1]).MatMul(a, transposeB: true);

    private static double TraceOf(Variable matrix) => PairLabels.DiagonalOf(matrix).Sum().Value.ToScalar();
}
