using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>Everything that decides a recorded training.</summary>
/// <param name="Network">What is trained.</param>
/// <param name="Data">D.</param>
/// <param name="Plan">How it is trained.</param>
/// <param name="Schedule">What is stored.</param>
/// <param name="Key">Initialisation, batch order and augmentation follow from it.</param>
public sealed record ExpertTraining(
    Network Network, LabelledImages Data, TrainingPlan Plan, CheckpointSchedule Schedule, RandomKey Key);

/// <summary>Who sees a training while it is recorded.</summary>
public sealed record ExpertObserver
{
    /// <summary>Measures the test accuracy of the last θ, 0 … 1; NaN is stored without it.</summary>
    public Func<Tensor, double>? Accuracy { get; init; }

    /// <summary>Called after every step.</summary>
    public Action<TrainingStep>? Step { get; init; }

    /// <summary>Called with the losses of every <see cref="Trainer.StepsPerRead"/> steps.</summary>
    public Action<TrainingLosses>? Losses { get; init; }
}
