using System.Globalization;
using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>A displacement a_S [p] with the adjoint of S ↦ a_S, as an operation has its VJP; both belong to the scope in which the
/// displacement was estimated.</summary>
/// <param name="Value">a_S [p].</param>
/// <param name="Pullback">(∂a_S/∂S)ᵀ·u for a cotangent u [p]; what it makes belongs to the current scope.</param>
public sealed record Displacement(Tensor Value, Func<Tensor, SyntheticGradient> Pullback);

/// <summary>
/// An estimate, to first or second order and without inverse Hessians, of the displacement that training on the real
/// set D undergoes when weight moves from D to the synthetic set S over a window: δ = α·a_S − a_D, with a_Z the
/// displacement caused by Z alone and α the weight of S. An estimator gives a_Z of D, of a class of D and of S, and the
/// adjoint of S ↦ a_S. It is one type, found by enumeration, and has no state. Cost is linear in the window's length;
/// memory is constant, except for <see cref="TrajectoryMatchingEstimator"/>. Source: docs/theory.md, "Estimators".
/// </summary>
public abstract class InfluenceEstimator : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>Whether the window must consist of consecutive steps.</summary>
    public virtual bool NeedsDenseWindow => false;

    /// <summary>The fewest (macro-)steps of a window on which the estimate is not zero.</summary>
    public virtual int ShortestWindow => 1;

    /// <summary>Whether one draw of the augmentation serves a whole evaluation; a training on S draws for each step and
    /// image.</summary>
    public virtual bool IsSiamese => true;

    /// <summary>Whether it holds for experts whose steps are sharpness-aware: it reads what they did from the recording, and does
    /// not derive it as a step of SGD.</summary>
    public virtual bool HoldsForSharpnessAware => true;

    /// <summary>Whether weight decay is in its formula, or in the recording that it reads instead.</summary>
    public virtual bool HoldsForWeightDecay => true;

    /// <summary>Refuses a training of experts that its formula does not describe.</summary>
    /// <exception cref="SettingException">It is such a training; the message names the setting.</exception>
    public void Check(TrainingPlan training)
    {
        if (training.SharpnessAware is not null && !HoldsForSharpnessAware)
        {
            throw new SettingException(
                "ExpertOptimiser", "gsam",
                $"sgd beside --estimator {Name}, which is derived for steps of SGD; first-order and trajectory-matching read the " +
                "recorded displacement instead");
        }
        if (training.WeightDecay != 0 && !HoldsForWeightDecay)
        {
            throw new SettingException(
                "ExpertDecay", training.WeightDecay.ToString("R", CultureInfo.InvariantCulture),
                $"0 beside --estimator {Name}, whose formula has no weight decay; that of unrolled has");
        }
    }

    /// <summary>Which windows it can use.</summary>
    public WindowNeed Windows => new(Name, ShortestWindow, NeedsDenseWindow);

    /// <summary>The estimator of a name.</summary>
    /// <exception cref="ArgumentException">The name is unknown; the message lists the known ones.</exception>
    public static InfluenceEstimator Of(string name) => Kinds.Find<InfluenceEstimator>(name)
        ?? throw new ArgumentException(
            $"Unknown estimator '{name}'. Known: {string.Join(", ", Kinds.Names<InfluenceEstimator>())}.", nameof(name));

    /// <summary>a_D [p] of all of D, from the recorded steps; belongs to the current scope.</summary>
    public abstract Tensor Real(OpenWindow window);

    /// <summary>a_Z [p] of a set Z given by its loss; belongs to the current scope.</summary>
    public abstract Tensor Of(OpenWindow window, ParameterLoss lossOfZ);

    /// <summary>a_S and its adjoint.</summary>
    public abstract Displacement Synthetic(OpenWindow window, SyntheticSet s, SyntheticLoss loss);
}
