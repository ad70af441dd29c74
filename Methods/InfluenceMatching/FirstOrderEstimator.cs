using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// The first-order form, with H := 0: a_Z = −Σ_t c_t·G_Z^t, c_t the sum of the effective rates from checkpoint t to the
/// next. For plain SGD a_D is then the recorded displacement itself, exact and free; with momentum or weight decay the
/// displacement also holds the velocity that entered the window and the decay, and for sharpness-aware experts it is that of
/// their own steps: a_D stays what D's training did, a_S what plain steps on S would add to it. Source: docs/theory.md, "First order";
/// close to TracIn (Pruthi et al., NeurIPS 2020).
/// </summary>
public sealed class FirstOrderEstimator : InfluenceEstimator
{
    /// <inheritdoc/>
    public override string Name => "first-order";

    /// <inheritdoc/>
    public override Tensor Real(OpenWindow window) => window.RecordedDisplacement();

    /// <inheritdoc/>
    public override Tensor Of(OpenWindow window, ParameterLoss lossOfZ)
    {
        Tensor sum = window.Zeros();
        int together = window.Context.Backend.DegreeOfParallelism;
        for (int t = window.First; t < window.Last; t += together)
        {
            using var scope = TensorScope.Begin();
            Tensor[][] gradients = window.AtCheckpoints(
                scope, t, Math.Min(together, window.Last - t), theta => [Differential.GradientAt(lossOfZ, theta)]);
            Tensor next = sum;
            for (int i = 0; i < gradients.Length; i++)
                next = TensorAlgebra.Axpy(-window.EffectiveRate(t + i), gradients[i][0], next);
            sum = scope.Replace(sum, next);
        }
        return sum;
    }

    /// <inheritdoc/>
    public override Displacement Synthetic(OpenWindow window, SyntheticSet s, SyntheticLoss loss) =>
        new(Of(window, loss.Of(s)), u => Pullback(window, s, loss, u));

    private static SyntheticGradient Pullback(OpenWindow window, SyntheticSet s, SyntheticLoss loss, Tensor u)
    {
        SyntheticGradient sum = SyntheticGradient.ZerosLike(s);
        int together = window.Context.Backend.DegreeOfParallelism;
        for (int t = window.First; t < window.Last; t += together)
        {
            using var scope = TensorScope.Begin();
            Tensor[][] mixed = window.AtCheckpoints(
                scope, t, Math.Min(together, window.Last - t),
                theta => [.. window.Context.Products.Mixed(theta, loss, s, u).Parts.Select(part => part.Value)]);
            SyntheticGradient next = sum;
            for (int i = 0; i < mixed.Length; i++)
                next = next.Plus(-window.EffectiveRate(t + i), SyntheticGradient.Of(s, mixed[i]));
            sum = sum.ReplacedBy(next, scope);
        }
        return sum;
    }
}
