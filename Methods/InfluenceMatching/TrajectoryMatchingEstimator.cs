using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// I_{+S} as it is, not linearised: a_S = θ_S^last − θ^first, where θ_S starts at θ^first and S alone is trained on, one step
/// of the rate c_t for each macro-step of the window, θ_S^{t+1} = θ_S^t − c_t·∇L(θ_S^t; S), under an augmentation drawn for
/// each step. c_t is <see cref="EstimationContext.SyntheticRate"/>, or else the sum of the effective rates from checkpoint t to
/// the next. The first-order form is the same sum with the gradients taken at D's θ^t. a_S is not
/// linear in S's gradients, so the weight scales the displacement and not the training; a class of D is trained on alone, too.
/// Memory grows with the window, by one θ a macro-step. Source: docs/theory.md, "Training on S"; for one step a checkpoint the
/// objective of MTT (Cazenavette et al., CVPR 2022).
/// </summary>
public sealed class TrajectoryMatchingEstimator : InfluenceEstimator
{
    /// <summary>Its name in earlier versions.</summary>
    public const string OlderName = "retrained";

    private static readonly SgdRule s_rule = new();

    /// <inheritdoc/>
    public override string Name => "trajectory-matching";

    /// <inheritdoc/>
    public override bool IsSiamese => false;

    /// <inheritdoc/>
    public override Tensor Real(OpenWindow window) => window.RecordedDisplacement();

    /// <inheritdoc/>
    public override Tensor Of(OpenWindow window, ParameterLoss lossOfZ)
    {
        using var scope = TensorScope.Begin();
        WalkState start = WalkState.At(window.Theta(window.First));
        WalkState end = PlanOn(window, window.EffectiveRate).End(start, _ => lossOfZ);
        return scope.Keep(end.Theta.Minus(start.Theta));
    }

    /// <inheritdoc/>
    public override Displacement Synthetic(OpenWindow window, SyntheticSet s, SyntheticLoss loss)
    {
        WalkState start = WalkState.At(window.Theta(window.First));
        WalkPlan plan = TrainingOnSet(window);
        Walk walk = plan.From(start, s, loss, window.Context.Products);
        return new Displacement(
            walk.End.Theta.Minus(start.Theta), u => walk.Pullback(window.Context.Products, s, loss, u).Set);
    }

    /// <summary>The training on S that stands for a window.</summary>
    public static WalkPlan TrainingOnSet(OpenWindow window) =>
        PlanOn(window, t => window.Context.SyntheticRate ?? window.EffectiveRate(t));

    private static WalkPlan PlanOn(OpenWindow window, Func<int, double> rateAt) =>
        new(s_rule, window.Last - window.First, i => new StepRates(rateAt(window.First + i))) { FirstDraw = window.First };
}
