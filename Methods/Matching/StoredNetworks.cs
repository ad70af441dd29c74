using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>The networks of trajectories that a method takes features of: checkpoints, and what lies between the first and the
/// last.</summary>
public static class StoredNetworks
{
    /// <summary>θ [p] of a checkpoint, a constant of the current scope.</summary>
    public static Variable At(Expert expert, int checkpoint, Tensor like) =>
        Variable.Constant(expert.Trajectory.Theta(checkpoint, like.Backend, like.DType));

    /// <summary>θ [p] of the last checkpoint, a constant of the current scope.</summary>
    public static Variable Last(Expert expert, Tensor like) => At(expert, expert.Trajectory.Count - 1, like);

    /// <summary>λ·θ of the first checkpoint + (1 − λ)·θ of the last one, such as NCFM draws its networks (Wang et al., CVPR 2025); a
    /// constant [p] of the current scope.</summary>
    public static Variable Between(Expert expert, double first, Tensor like)
    {
        using var scope = TensorScope.Begin();
        Tensor mixed = TensorAlgebra.Axpy(1 - first, Last(expert, like).Value, At(expert, 0, like).Value.Times(first));
        return Variable.Constant(scope.Keep(mixed));
    }

    /// <summary>Refuses a trajectory that does not hold the initial parameters and enough checkpoints behind them.</summary>
    /// <param name="steps">The step of each checkpoint, ascending.</param>
    /// <param name="behind">So many checkpoints of later steps are needed.</param>
    /// <param name="trajectory">Which one it is, for the message.</param>
    /// <exception cref="TrajectoryException">It does not.</exception>
    public static void Require(IReadOnlyList<int> steps, int behind, string trajectory)
    {
        if (steps.Count == 0 || steps[0] != 0)
        {
            throw new TrajectoryException(
                $"The first checkpoint of {trajectory} is of step {(steps.Count == 0 ? "none" : steps[0])}, expected 0: the initial " +
                "parameters. Record the experts anew.");
        }
        if (steps.Count - 1 < behind)
        {
            throw new TrajectoryException(
                $"{steps.Count - 1} checkpoints lie behind the initial parameters of {trajectory}, expected at least {behind}. " +
                "Raise --checkpoints or --expert-epochs.");
        }
    }

    /// <summary>Refuses experts of whose trajectories one does not hold what <see cref="Require"/> asks for.</summary>
    /// <exception cref="TrajectoryException">One does not, or there is none.</exception>
    public static void RequireAll(IReadOnlyList<Expert> experts, int behind)
    {
        if (experts.Count == 0)
            throw new TrajectoryException("There are no experts, whose networks give the features. Give --experts 1 or more.");
        for (int e = 0; e < experts.Count; e++)
        {
            TrajectoryFile trajectory = experts[e].Trajectory;
            Require([.. Enumerable.Range(0, trajectory.Count).Select(trajectory.StepOf)], behind, $"expert {e} ({trajectory.Path})");
        }
    }
}
