using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>Products with second derivatives of L(θ; S) in θ and S. All results belong to the current scope;
/// intermediate results are freed.</summary>
public static class SyntheticProducts
{
    /// <summary>M_S(θ; v) = ∂/∂S ⟨v, ∇_θ L(θ; S)⟩ with v held constant.</summary>
    public static SyntheticGradient Mixed(
        this SecondOrderProducts products, Tensor theta, SyntheticLoss loss, SyntheticSet s, Tensor v)
    {
        // The tensors of a double backward pass are many, each read once and again: in parts they stay in the caches.
        if (products.Mode == SecondDerivatives.Exact && loss.RowsAtOnce(theta.Backend, s.Count) is { } part && part < s.Count)
            return ExactInParts(theta, loss, s, v, part);
        return SyntheticGradient.Of(s, products.Mixed(loss.At, theta, v, s.Tensors));
    }

    /// <summary>∇²L(θ; S)·v [p] and M_S(θ; v) from the same two backward passes: the first is the mixed product of θ itself,
    /// moved by a z that is zero.</summary>
    public static (Tensor HessianVector, SyntheticGradient Mixed) HessianAndMixed(
        this SecondOrderProducts products, Tensor theta, SyntheticLoss loss, SyntheticSet s, Tensor v)
    {
        int parts = s.Parts.Length;
        Tensor[] result = products.Mixed(
            (parameters, all) => loss.At(parameters + all[parts], [.. all.Take(parts)]), theta, v,
            [.. s.Tensors, theta.ZerosLike()]);
        return (result[parts], SyntheticGradient.Of(s, result));
    }

    // A row of S moves its own term of the mean alone.
    private static SyntheticGradient ExactInParts(
        Tensor theta, SyntheticLoss loss, SyntheticSet s, Tensor v, int part)
    {
        using var scope = TensorScope.Begin();
        Tensor[][] found = scope.InParallel(theta.Backend, (s.Count + part - 1) / part, i =>
        {
            SyntheticSet rows = s.Rows(i * part, Math.Min(part, s.Count - i * part));
            double share = (double)rows.Count / s.Count;
            Tensor[] mixed = MixedProduct.Exact(loss.At, theta, v, rows.Tensors);
            return [.. mixed.Select(m => m.Times(share))];
        });
        return SyntheticGradient.Of(s, [.. s.Tensors.Select((like, which) =>
        {
            Tensor whole = like.Backend.Empty(like.Shape, like.DType);
            like.Backend.Concat([.. found.Select(parts => parts[which])], whole);
            return scope.Keep(whole);
        })]);
    }
}
