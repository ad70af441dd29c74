using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>θ [p] and what an optimiser remembers beside it.</summary>
internal abstract class OptimiserState : IDisposable
{
    /// <summary>θ, valid until the next step.</summary>
    public abstract Tensor Theta { get; }

    /// <summary>All tensors of the state.</summary>
    protected abstract Tensor[] Tensors { get; }

    /// <summary>The state before step 0 of a plan; its tensors belong to the current scope.</summary>
    public static OptimiserState Of(TrainingPlan plan, Tensor theta) =>
        plan.Optimiser == Optimiser.AdamW ? new AdamWState(plan, theta) : new SgdState(plan, theta);

    /// <summary>Moves θ along the gradient of step t by rate η^t; the scope is that of the step, inside the one that
    /// holds the state.</summary>
    public abstract void Step(Tensor gradient, int step, double rate, TensorScope scope);

    /// <summary>Forgets all but θ, as a new optimiser would.</summary>
    public abstract void Forget();

    /// <summary>Hands all tensors of a scope to the enclosing one.</summary>
    public void KeepIn(TensorScope scope)
    {
        foreach (Tensor tensor in Tensors)
            scope.Keep(tensor);
    }

    /// <summary>θ, which the caller owns from here on; the state can only be disposed of then.</summary>
    public abstract Tensor TakeTheta();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in Tensors)
            tensor.Dispose();
    }

    private sealed class SgdState(TrainingPlan plan, Tensor theta) : OptimiserState
    {
        // A step writes beside what it reads, then both change places.
        private Tensor? _theta = theta.Clone();
        private Tensor _velocity = theta.ZerosLike();
        private Tensor _nextTheta = theta.Backend.Empty(theta.Shape, theta.DType);
        private Tensor _nextVelocity = theta.Backend.Empty(theta.Shape, theta.DType);

        public override Tensor Theta => _theta!;

        protected override Tensor[] Tensors =>
            [.. _theta is { } own ? (Tensor[])[own] : [], _velocity, _nextTheta, _nextVelocity];

        public override void Step(Tensor gradient, int step, double rate, TensorScope scope)
        {
            gradient.Backend.Run(new SgdStepCall(
                new SgdTensors(Theta, _velocity), gradient, new SgdRates(rate, plan.Momentum, plan.WeightDecay),
                new SgdTensors(_nextTheta, _nextVelocity)));
            (_theta, _nextTheta) = (_nextTheta, Theta);
            (_velocity, _nextVelocity) = (_nextVelocity, _velocity);
        }

        public override void Forget() => _velocity.Backend.Fill(_velocity, 0);

        public override Tensor TakeTheta()
        {
            Tensor taken = Theta;
            _theta = null;
            return taken;
        }
    }

    private sealed class AdamWState(TrainingPlan plan, Tensor theta) : OptimiserState
    {
        private Tensor? _theta = theta.Clone();
        private AdamMeans _means = new(theta.ZerosLike(), theta.ZerosLike());

        public override Tensor Theta => _theta!;

        protected override Tensor[] Tensors =>
            [.. _theta is { } own ? (Tensor[])[own] : [], _means.First, _means.Second];

        public override void Step(Tensor gradient, int step, double rate, TensorScope scope)
        {
            (Tensor moved, AdamMeans means) = AdamW.Step(Theta, _means, gradient, step, rate, plan.WeightDecay);
            _theta = scope.Replace(Theta, moved);
            _means = new AdamMeans(
                scope.Replace(_means.First, means.First), scope.Replace(_means.Second, means.Second));
        }

        // Its steps count from the beginning of training, so half of its memory would remain.
        public override void Forget() =>
            throw new InvalidOperationException("Only SGD starts afresh within a training.");

        public override Tensor TakeTheta()
        {
            Tensor taken = Theta;
            _theta = null;
            return taken;
        }
    }
}
