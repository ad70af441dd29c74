using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>Products with second derivatives of L(θ; S) in θ and S. All results belong to the current scope;
/// intermediate results are freed.</summary>
public static class SyntheticProducts
{
    private const string ByDifferences = "differences", OneSided = "one-sided", Exactly = "exact";

    /// <summary>How they are computed, a setting of each method that leaves it open.</summary>
    public static ChoiceSetting SecondDerivatives { get; } = new(
        "SecondDerivatives", 
        "How products with second derivatives are computed: by differences of gradients, by one-sided ones that reuse the gradients of the steps on S, or exactly",
        ByDifferences, ByDifferences, OneSided, Exactly)
    {
        Neutral = ByDifferences,
    };

    /// <summary>The products that a method computes with: by differences where it does not leave it open.</summary>
    public static SecondOrderProducts Of(DistillationMethod method, MethodValues values) => new(
        (method.Settings.Contains(SecondDerivatives) ? SecondDerivatives.Of(values) : ByDifferences) switch
        {
            Exactly => Influence.SecondDerivatives.Exact,
            OneSided => Influence.SecondDerivatives.OneSided,
            _ => Influence.SecondDerivatives.FiniteDifference,
        });

    /// <summary>M_S(θ; v) = ∂/∂S ⟨v, ∇_θ L(θ; S)⟩ with v held constant.</summary>
    public static SyntheticGradient Mixed(
        this SecondOrderProducts products, Tensor theta, SyntheticLoss loss, SyntheticSet s, Tensor v)
    {
        // The tensors of a double backward pass are many, each read once and again: in parts they stay in the caches.
        if (products.Mode == Influence.SecondDerivatives.Exact && loss.RowsAtOnce(theta.Backend, s.Count) is { } part && part < s.Count)
            return ExactInParts(theta, loss, s, v, part);
        return SyntheticGradient.Of(s, products.Mixed(loss.At, theta, v, s.Tensors));
    }

    /// <summary>∇_θ L(θ; S) [p] and ∇_S L(θ; S) from one backward pass, in full precision.</summary>
    public static (Tensor Gradient, SyntheticGradient InSet) Gradients(Tensor theta, SyntheticLoss loss, SyntheticSet s)
    {
        Tensor[] found = MixedProduct.GradientInS(Moved(loss, s), theta, [.. s.Tensors, theta.ZerosLike()]);
        return (found[^1], SyntheticGradient.Of(s, found));
    }

    /// <summary>∇²L(θ; S)·v [p] and M_S(θ; v) from the same backward passes: the first is the mixed product of θ itself,
    /// moved by a z that is zero.</summary>
    /// <param name="products">How they are computed.</param>
    /// <param name="theta">θ [p].</param>
    /// <param name="loss">L.</param>
    /// <param name="s">S.</param>
    /// <param name="v">The direction, [p].</param>
    /// <param name="known">What <see cref="Gradients"/> gave at θ; null where that is not known.</param>
    public static (Tensor HessianVector, SyntheticGradient Mixed) HessianAndMixed(
        this SecondOrderProducts products, Tensor theta, SyntheticLoss loss, SyntheticSet s, Tensor v,
        (Tensor Gradient, SyntheticGradient InSet)? known = null)
    {
        if (products.Mode == Influence.SecondDerivatives.Exact && ExactByRows(theta, loss, s, v) is { } found)
            return found;
        Tensor[] result = products.Mixed(
            Moved(loss, s), theta, v, [.. s.Tensors, theta.ZerosLike()],
            known is { } at ? [.. at.InSet.Parts.Select(part => part.Value), at.Gradient] : null);
        return (result[^1], SyntheticGradient.Of(s, result));
    }

    // L(θ + z; S) of S's parts and z.
    private static Loss Moved(SyntheticLoss loss, SyntheticSet s)
    {
        int parts = s.Parts.Length;
        return (theta, all) => loss.At(theta + all[parts], [.. all.Take(parts)]);
    }

    // The network is differentiated twice for some rows at a time, which keeps memory small. What leads from S to the rows, draws of
    // an augmentation by their places among it, does not depend on θ: one backward pass goes through all of that.
    private static (Tensor HessianVector, SyntheticGradient Mixed)? ExactByRows(
        Tensor theta, SyntheticLoss loss, SyntheticSet s, Tensor v)
    {
        using var scope = TensorScope.Begin();
        using IDisposable _ = Recording.On();
        Backend backend = theta.Backend;
        Variable[] leaves = [.. s.Tensors.Select(Variable.Leaf)];
        if (loss.Seen(backend, leaves) is not { } seen || seen.Rows[0].Shape[0] <= seen.AtOnce)
            return null;
        int rows = seen.Rows[0].Shape[0];
        int parts = (rows + seen.AtOnce - 1) / seen.AtOnce, together = backend.DegreeOfParallelism;
        Tensor[] slopes = [.. seen.Rows.Select(row => backend.Empty(row.Shape, row.Value.DType))];
        Tensor hessian = theta.ZerosLike();
        for (int first = 0; first < parts; first += together)
        {
            using var group = TensorScope.Begin();
            Tensor[][] found = group.InParallel(backend, Math.Min(together, parts - first), i => OfPart(first + i));
            Tensor sum = hessian;
            for (int i = 0; i < found.Length; i++)
            {
                for (int k = 0; k < slopes.Length; k++)
                    backend.Copy(found[i][k].Times(ShareOf(first + i)), RowsOf(slopes[k], first + i));
                sum = TensorAlgebra.Axpy(ShareOf(first + i), found[i][^1], sum);
            }
            hessian = group.Replace(hessian, sum);
        }
        Variable along = seen.Rows.Select((row, k) => row.Dot(Variable.Constant(slopes[k]))).Aggregate((a, b) => a + b);
        Tensor[] mixed = [.. Gradient.Of(along, leaves).Select(slope => scope.Keep(slope.Value))];
        return (scope.Keep(hessian), SyntheticGradient.Of(s, mixed));

        int CountOf(int part) => Math.Min(seen.AtOnce, rows - part * seen.AtOnce);

        double ShareOf(int part) => (double)CountOf(part) / rows;

        Tensor RowsOf(Tensor all, int part) => all.View(
            part * seen.AtOnce * (all.Count / rows), new Shape([CountOf(part), .. all.Shape.Sizes[1..]]));

        Tensor[] OfPart(int part) => MixedProduct.Exact(
            (parameters, all) => seen.Loss(parameters + all[^1], all), theta, v,
            [.. seen.Rows.Select(row => RowsOf(row.Value, part)), theta.ZerosLike()]);
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
