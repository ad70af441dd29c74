using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>What a step of training used and gave. θ before step 0 is the initial one.</summary>
/// <param name="Step">t.</param>
/// <param name="Epoch">The epoch of the step.</param>
/// <param name="Rate">η^t.</param>
/// <param name="Theta">θ^{t+1}; later steps overwrite it, so clone it to keep it.</param>
public readonly record struct TrainingStep(int Step, int Epoch, double Rate, Tensor Theta);

/// <summary>The losses of consecutive steps, read from the device at once.</summary>
/// <param name="First">The first of the steps.</param>
/// <param name="Values">The loss of each step's batch before the step; finite.</param>
public readonly record struct TrainingLosses(int First, IReadOnlyList<double> Values);
