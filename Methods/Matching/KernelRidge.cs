using InfMatch.Autograd;

namespace InfMatch.Methods;

/// <summary>
/// The last layer that features of S determine exactly: ridge regression W = Φᵀ(ΦΦᵀ + λ·(tr ΦΦᵀ/n)·I)⁻¹·Y, solved in the n
/// examples of S and not in the features.
/// </summary>
public static class KernelRidge
{
    /// <summary>W [F, M] for features Φ [n, F] and targets Y [n, M], differentiable in both to any order; NaN where the system is
    /// not positive definite in the number type of Φ.</summary>
    /// <param name="features">Φ.</param>
    /// <param name="targets">Y.</param>
    /// <param name="ridge">λ, a share of the mean of the diagonal.</param>
    public static Variable LastLayer(Variable features, Variable targets, double ridge)
    {
        Variable mean = features.Dot(features) / features.Shape[0];
        Variable kernel = features.MatMul(features, transposeB: true) / mean;
        return features.MatMul(kernel.CholeskySolve(targets, ridge) / mean, transposeA: true);
    }
}
