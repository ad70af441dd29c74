using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A network whose last parameters give labels.</summary>
/// <param name="Network">What was trained.</param>
/// <param name="Trajectory">Its recorded training.</param>
internal sealed record LabelNetwork(Network Network, TrajectoryFile Trajectory)
{
    /// <summary>The logits [n·M] of images [n, C, H, W].</summary>
    public float[] Logits(Tensor images)
    {
        using var scope = TensorScope.Begin();
        return Network.Logits(Trajectory.Theta(Trajectory.Count - 1, images.Backend, DType.Float32), images);
    }
}
