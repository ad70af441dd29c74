using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// The derivative of training with respect to what its loss is made of, along a recorded trajectory with every step:
/// ν' = μν + (H_D^t + λI)δ + q^t, δ' = δ − η^t ν', and the adjoint of q ↦ δ^T; or, without curvature, the same with
/// H_D + λI := 0. Two vectors [p] are held, whatever the length. Source: docs/theory.md, "The unrolled form".
/// </summary>
/// <param name="expert">The recorded training.</param>
/// <param name="field">How products with second derivatives are computed.</param>
/// <param name="theta">θ [p] at a checkpoint.</param>
/// <param name="curvature">Whether H_D + λI is kept.</param>
public sealed class LinearisedTraining(Expert expert, SecondOrderProducts field, Func<int, Tensor> theta, bool curvature = true)
{
    private readonly double _momentum = LinearPlan(expert).Momentum, _decay = expert.Plan.WeightDecay;

    /// <summary>How many images gradients were taken of in products with H_D: two for an image of a batch.</summary>
    public long ImageGradients { get; private set; }

    /// <summary>δ [p] at the last checkpoint, from zero at the first; it belongs to the current scope.</summary>
    /// <param name="first">The checkpoint at which δ is zero.</param>
    /// <param name="last">The checkpoint at which δ is wanted.</param>
    /// <param name="source">q^t [p] at θ^t and step t; null for zero.</param>
    /// <exception cref="TrajectoryException">A step in between is not recorded.</exception>
    public Tensor Forward(int first, int last, Func<Tensor, int, Tensor?> source)
    {
        Tensor delta = expert.Zeros(), velocity = expert.Zeros();
        bool moved = false;
        for (int t = first; t < last; t++)
        {
            using var scope = TensorScope.Begin();
            int step = StepOf(t);
            Tensor at = theta(t);
            Tensor? q = source(at, step);
            if (q is null && !moved)
                continue;
            Tensor nextVelocity = moved ? velocity.Times(_momentum) : velocity;
            if (moved && curvature)
                nextVelocity = TensorAlgebra.Axpy(_decay, delta, nextVelocity).Plus(HessianVector(at, step, delta));
            if (q is not null)
                nextVelocity = nextVelocity.Plus(q);
            moved = true;
            Tensor nextDelta = TensorAlgebra.Axpy(-expert.Trajectory.RateAt(step), nextVelocity, delta);
            (velocity, delta) = (scope.Replace(velocity, nextVelocity), scope.Replace(delta, nextDelta));
        }
        velocity.Dispose();
        return delta;
    }

    /// <summary>
    /// The adjoint: from the last checkpoint to the first, what a source q^t of each step does to ⟨u, δ^T⟩ is ⟨b^t,
    /// q^t⟩. u_δ = u, u_ν = 0; b = u_ν − η^t u_δ;  u_δ += (H_D^t + λI) b;  u_ν = μ b.
    /// </summary>
    /// <param name="first">The first checkpoint.</param>
    /// <param name="last">The last checkpoint.</param>
    /// <param name="u">The cotangent of δ^T [p].</param>
    /// <param name="visit">Called with θ^t, t and b^t, in a scope of the step.</param>
    /// <exception cref="TrajectoryException">A step in between is not recorded.</exception>
    public void Backward(int first, int last, Tensor u, Action<TensorScope, Tensor, int, Tensor> visit)
    {
        Tensor uDelta = u.Clone(), uVelocity = u.ZerosLike();
        for (int t = last - 1; t >= first; t--)
        {
            using var scope = TensorScope.Begin();
            int step = StepOf(t);
            Tensor at = theta(t);
            Tensor b = TensorAlgebra.Axpy(-expert.Trajectory.RateAt(step), uDelta, uVelocity);
            visit(scope, at, step, b);
            if (curvature)
            {
                Tensor bent = TensorAlgebra.Axpy(_decay, b, HessianVector(at, step, b));
                uDelta = scope.Replace(uDelta, uDelta.Plus(bent));
            }
            uVelocity = scope.Replace(uVelocity, b.Times(_momentum));
        }
        uDelta.Dispose();
        uVelocity.Dispose();
    }

    private Tensor HessianVector(Tensor at, int step, Tensor v)
    {
        ImageGradients += 2L * expert.Replay.IndicesAt(step).Length;
        return field.HessianVector(at, expert.Replay.LossAt(step), v);
    }

    // A sharpness-aware step moves θ by two gradients, whose derivative is another one.
    private static TrainingPlan LinearPlan(Expert expert) => expert.Plan.SharpnessAware is null
        ? expert.Plan
        : throw new TrajectoryException(
            $"{expert.Trajectory.Path} was recorded with {expert.Plan.SharpnessAware}, and the linearised training is that of SGD. " +
            "Take experts of SGD, or an estimator that reads the recorded displacement alone.");

    private int StepOf(int checkpoint)
    {
        TrajectoryFile trajectory = expert.Trajectory;
        int step = trajectory.StepOf(checkpoint);
        return trajectory.StepOf(checkpoint + 1) == step + 1
            ? step
            : throw new TrajectoryException(
                $"The unrolled estimator needs every step of its window, but {trajectory.Path} stores step {step} and then " +
                $"{trajectory.StepOf(checkpoint + 1)}. Record dense segments, or use --estimator first-order.");
    }
}
