using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// The exact first-order Taylor expansion of the training dynamics: with ν the displacement's velocity,
/// ν' = μν + (H_D^t + λI)δ + G_Z^t, δ' = δ − η^t ν', from zero, with the Hessian of the minibatch really used at step t;
/// a_Z = δ at the window's end. Source: docs/theory.md, "The unrolled form"; Hara, Nitanda and Maehara (NeurIPS 2019)
/// for μ = 0.
/// </summary>
public sealed class UnrolledEstimator(EstimationContext context) : InfluenceEstimator(context)
{
    /// <inheritdoc/>
    public override string Name => "unrolled";

    /// <inheritdoc/>
    public override bool NeedsDenseWindow => true;

    /// <inheritdoc/>
    protected override Tensor ComputeRealSide(Window window) =>
        Forward(window, (theta, step) =>
        {
            (Variable images, Variable labels) = Context.Experts[window.Expert].BatchAt(step);
            return Differential.GradientAt(parameters => NetworkOf(window).Loss(parameters, images, labels), theta);
        });

    /// <inheritdoc/>
    protected override Tensor Side(Window window, ParameterLoss lossOfZ) =>
        Forward(window, (theta, _) => Differential.GradientAt(lossOfZ, theta));

    private Tensor Forward(Window window, Func<Tensor, int, Tensor> gradient)
    {
        Expert expert = Context.Experts[window.Expert];
        (double momentum, double decay) = (expert.Plan.Momentum, expert.Plan.WeightDecay);
        Tensor delta = Zeros(window), velocity = Zeros(window);
        for (int t = window.First; t < window.Last; t++)
        {
            using var scope = TensorScope.Begin();
            int step = StepOf(window, t);
            Tensor theta = Theta(window, t);
            Tensor curvature = TensorAlgebra.Axpy(decay, delta, HessianVector(window, theta, step, delta));
            Tensor nextVelocity = TensorAlgebra.Axpy(momentum, velocity, curvature).Plus(gradient(theta, step));
            Tensor nextDelta = TensorAlgebra.Axpy(-expert.Trajectory.RateAt(step), nextVelocity, delta);
            (velocity, delta) = (Next(scope, velocity, nextVelocity), Next(scope, delta, nextDelta));
        }
        velocity.Dispose();
        return delta;
    }

    /// <inheritdoc/>
    // The adjoint of the recursion: u_δ = u, u_ν = 0; for t = T−1 … 0:  b = u_ν − η^t u_δ;  dS += M_S(θ^t; b);
    // u_δ += (H_D^t + λI) b;  u_ν = μ b.
    public override SyntheticGradient Pullback(Window window, SyntheticSet s, SyntheticLoss loss, Tensor u)
    {
        Expert expert = Context.Experts[window.Expert];
        SyntheticGradient sum = ZerosLike(s);
        Tensor uDelta = u.Clone(), uVelocity = u.ZerosLike();
        for (int t = window.Last - 1; t >= window.First; t--)
        {
            using var scope = TensorScope.Begin();
            int step = StepOf(window, t);
            Tensor theta = Theta(window, t);
            Tensor b = TensorAlgebra.Axpy(-expert.Trajectory.RateAt(step), uDelta, uVelocity);
            sum = Next(scope, sum, sum.Plus(1, Context.Field.Mixed(theta, loss, s, b)));
            Tensor curvature = TensorAlgebra.Axpy(expert.Plan.WeightDecay, b, HessianVector(window, theta, step, b));
            uDelta = Next(scope, uDelta, uDelta.Plus(curvature));
            uVelocity = Next(scope, uVelocity, b.Times(expert.Plan.Momentum));
        }
        uDelta.Dispose();
        uVelocity.Dispose();
        return sum;
    }

    private Tensor HessianVector(Window window, Tensor theta, int step, Tensor v)
    {
        (Variable images, Variable labels) = Context.Experts[window.Expert].BatchAt(step);
        return Context.Field.HessianVector(
            theta, parameters => NetworkOf(window).Loss(parameters, images, labels), v);
    }

    private int StepOf(Window window, int checkpoint)
    {
        TrajectoryFile trajectory = Context.Experts[window.Expert].Trajectory;
        int step = trajectory.StepOf(checkpoint);
        return trajectory.StepOf(checkpoint + 1) == step + 1
            ? step
            : throw new TrajectoryException(
                $"The unrolled estimator needs every step of its window, but {trajectory.Path} stores step {step} and then " +
                $"{trajectory.StepOf(checkpoint + 1)}. Record dense segments, or use --estimator first-order.");
    }
}
