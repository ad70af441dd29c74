using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>How a training computes the loss of each step and its gradient.</summary>
internal abstract class StepGradient : IDisposable
{
    /// <summary>The loss of step t at θ [p], a scalar, and its gradient [p]; they belong to the current scope, or to
    /// this and are valid until the next call.</summary>
    public abstract (Tensor Loss, Tensor Gradient) At(int step, Tensor theta);

    /// <summary>The same of the same batch at another θ [p]; it may end what <see cref="At"/> gave.</summary>
    public abstract (Tensor Loss, Tensor Gradient) AgainAt(Tensor theta);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}

/// <summary>Records the graph of each step anew: any loss, on any backend.</summary>
internal sealed class RecordedGradient(Func<int, ParameterLoss> lossAt) : StepGradient
{
    private ParameterLoss? _loss;

    public override (Tensor Loss, Tensor Gradient) At(int step, Tensor theta)
    {
        _loss = lossAt(step);
        return AgainAt(theta);
    }

    public override (Tensor Loss, Tensor Gradient) AgainAt(Tensor theta)
    {
        Variable parameters = Variable.Leaf(theta), loss = _loss!(parameters);
        return (loss.Value, Gradient.Of(loss, parameters).Value);
    }
}

/// <summary>Replays the kernels of a captured graph on each step's batch: the network's own loss, where the backend can
/// capture.</summary>
internal sealed class CapturedGradient(Network network, LabelledImages data, TrainingPlan plan, BatchSequence batches)
    : StepGradient
{
    private readonly List<CapturedBatch> _captured = new(2); // batches of full size, and the last of an epoch
    private CapturedBatch? _last;

    public override (Tensor Loss, Tensor Gradient) At(int step, Tensor theta)
    {
        ReadOnlyMemory<int> indices = batches.IndicesAt(step);
        CapturedBatch captured = OfSize(indices.Length, theta);
        theta.Backend.Run(new GatherRowsCall(data.Images, indices, captured.Images));
        theta.Backend.Run(new GatherRowsCall(data.Labels, batches.LabelIndicesAt(step), captured.Labels));
        captured.Augment(plan.Augmentation, batches.AugmentationKey(step));
        if (plan.CutMix > 0)
            Mix(step, captured);
        _last = captured;
        return captured.LossAndGradient(theta);
    }

    public override (Tensor Loss, Tensor Gradient) AgainAt(Tensor theta) => _last!.LossAndGradient(theta);

    private void Mix(int step, CapturedBatch captured)
    {
        var batch = new Batch(Variable.Constant(captured.Images), Variable.Constant(captured.Labels));
        Batch mixed = batches.Mixed(step, batch);
        if (ReferenceEquals(mixed.Images, batch.Images))
            return; // no box: it is there already
        captured.Images.Backend.Copy(mixed.Images.Value, captured.Images);
        captured.Labels.Backend.Copy(mixed.Labels.Value, captured.Labels);
    }

    public override void Dispose()
    {
        foreach (CapturedBatch captured in _captured)
            captured.Dispose();
        base.Dispose();
    }

    private CapturedBatch OfSize(int count, Tensor theta)
    {
        foreach (CapturedBatch one in _captured)
        {
            if (one.Count == count)
                return one;
        }
        var captured = new CapturedBatch(network, theta, data, count, _captured.FirstOrDefault());
        _captured.Add(captured);
        return captured;
    }
}

/// <summary>The direction of sharpness-aware minimisation in place of the gradient, from two gradients of one batch.</summary>
internal sealed class SharpnessAwareGradient(StepGradient plain, SharpnessAware by) : StepGradient
{
    public override (Tensor Loss, Tensor Gradient) At(int step, Tensor theta)
    {
        (Tensor loss, Tensor gradient) = plain.At(step, theta);
        // The second gradient may be written over the first.
        Tensor first = gradient.Clone(), at = loss.Clone();
        (_, Tensor second) = plain.AgainAt(by.Perturbed(theta, first));
        return (at, by.Direction(first, second));
    }

    public override (Tensor Loss, Tensor Gradient) AgainAt(Tensor theta) =>
        throw new InvalidOperationException("A direction of two gradients is not taken again.");

    public override void Dispose()
    {
        plain.Dispose();
        base.Dispose();
    }
}
