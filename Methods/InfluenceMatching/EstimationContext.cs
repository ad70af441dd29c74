using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>The inputs of every estimator: experts, real images, and how second derivatives are computed.</summary>
/// <param name="Experts">Trainings on D with their trajectories.</param>
/// <param name="Products">How second derivatives are computed.</param>
/// <param name="RealBatch">The images of D on which gradients at sparse checkpoints are taken; all of D, or a fixed
/// balanced part of it. One fixed set: fresh minibatches inside a squared norm would be biased by their variance.</param>
public sealed record EstimationContext(IReadOnlyList<Expert> Experts, SecondOrderProducts Products, LabelledImages RealBatch)
{
    /// <summary>The images of D of each class, on which the influence of a class is taken; empty where no class is
    /// matched on its own.</summary>
    public IReadOnlyList<LabelledImages> RealClasses { get; init; } = [];

    /// <summary>The rate of each step by which <see cref="TrajectoryMatchingEstimator"/> trains on S; null for what D's steps add
    /// up to.</summary>
    public double? SyntheticRate { get; init; }

    /// <summary>The backend that holds everything.</summary>
    public Backend Backend => RealBatch.Images.Backend;

    /// <summary>The number type in which everything is computed.</summary>
    public DType DType => RealBatch.Images.DType;

    /// <summary>θ at a checkpoint of a window's expert.</summary>
    public Tensor Theta(Window window, int checkpoint) =>
        Experts[window.Expert].Trajectory.Theta(checkpoint, Backend, DType);

    /// <summary>L_D(θ) on <see cref="RealBatch"/>.</summary>
    public Variable RealLoss(Network network, Variable theta) => LossOn(RealBatch, network, theta);

    /// <summary>The mean loss of the real images of one class.</summary>
    public Variable ClassLoss(int label, Network network, Variable theta) => LossOn(RealClasses[label], network, theta);

    private static Variable LossOn(LabelledImages z, Network network, Variable theta) =>
        network.Loss(theta, Variable.Constant(z.Images), Variable.Constant(z.Labels));
}
