using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// The first-order form, with H := 0: a_Z = −Σ_t c_t·G_Z^t, c_t the sum of the effective rates from checkpoint t to the
/// next. For plain SGD a_D is then the recorded displacement itself, exact and free; with momentum or weight decay the
/// displacement also holds the velocity that entered the window and the decay. Source: docs/theory.md, "First order";
/// close to TracIn (Pruthi et al., NeurIPS 2020).
/// </summary>
public sealed class FirstOrderEstimator(EstimationContext context) : InfluenceEstimator(context)
{
    /// <inheritdoc/>
    public override string Name => "first-order";

    /// <inheritdoc/>
    protected override Tensor ComputeRealSide(Window window) => RecordedDisplacement(window);

    /// <inheritdoc/>
    protected override Tensor Side(Window window, ParameterLoss lossOfZ)
    {
        Tensor sum = Zeros(window);
        for (int t = window.First; t < window.Last; t += Context.Backend.DegreeOfParallelism)
        {
            using var scope = TensorScope.Begin();
            Tensor[][] gradients = AtCheckpoints(
                scope, window, t, Math.Min(Context.Backend.DegreeOfParallelism, window.Last - t),
                theta => [Differential.GradientAt(lossOfZ, theta)]);
            Tensor next = sum;
            for (int i = 0; i < gradients.Length; i++)
                next = TensorAlgebra.Axpy(-EffectiveRate(window, t + i), gradients[i][0], next);
            sum = scope.Replace(sum, next);
        }
        return sum;
    }

    /// <inheritdoc/>
    public override SyntheticGradient Pullback(Window window, SyntheticSet s, SyntheticLoss loss, Tensor u)
    {
        SyntheticGradient sum = ZerosLike(s);
        for (int t = window.First; t < window.Last; t += Context.Backend.DegreeOfParallelism)
        {
            using var scope = TensorScope.Begin();
            Tensor[][] mixed = AtCheckpoints(scope, window, t, Math.Min(Context.Backend.DegreeOfParallelism, window.Last - t), theta =>
            {
                SyntheticGradient m = Context.Field.Mixed(theta, loss, s, u);
                return [m.Images, m.LabelLogits];
            });
            SyntheticGradient next = sum;
            for (int i = 0; i < mixed.Length; i++)
                next = next.Plus(-EffectiveRate(window, t + i), new SyntheticGradient(mixed[i][0], mixed[i][1]));
            sum = Next(scope, sum, next);
        }
        return sum;
    }
}
