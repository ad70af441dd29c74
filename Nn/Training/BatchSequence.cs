using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// The batches of a training: which examples each step takes, and how they are augmented. Everything random follows
/// from the key and the step, the order from its stream "batches", so that any batch can be had again in any order.
/// </summary>
internal sealed class BatchSequence(LabelledImages data, TrainingPlan plan, RandomKey key)
{
    private volatile EpochOrder? _cached;

    /// <summary>Steps in an epoch.</summary>
    public int StepsPerEpoch { get; } = plan.StepsPerEpoch(data.Count);

    /// <summary>The batch of step t as training sees it.</summary>
    public Batch At(int step)
    {
        Variable rows = Variable.Constant(data.Images).GatherRows(IndicesAt(step).ToArray());
        Variable labels = Variable.Constant(data.Labels).GatherRows(LabelIndicesAt(step).ToArray());
        return Mixed(step, new Batch(plan.Augmentation.Apply(rows, AugmentationKey(step), siamese: false), labels));
    }

    /// <summary>Which examples the batch of step t holds, in its order.</summary>
    public ReadOnlyMemory<int> IndicesAt(int step)
    {
        int[] order = OrderOf(step / StepsPerEpoch);
        int start = step % StepsPerEpoch * plan.BatchSize;
        return order.AsMemory(start, Math.Min(order.Length - start, plan.BatchSize));
    }

    /// <summary>Which rows of the labels it holds: of an image with several one, by the stream "labels", drawn anew in each
    /// epoch.</summary>
    public ReadOnlyMemory<int> LabelIndicesAt(int step) => data.LabelsEach == 1
        ? IndicesAt(step)
        : data.DrawnLabelsOf(IndicesAt(step).Span, key.Split("labels").Split((ulong)(step / StepsPerEpoch)));

    /// <summary>From what the augmentation of step t is drawn.</summary>
    public RandomKey AugmentationKey(int step) => key.Split("augmentation").Split((ulong)step);

    /// <summary>The batch of step t, mixed where the plan has CutMix and the step draws a box; else as it is.</summary>
    public Batch Mixed(int step, Batch batch) => plan.CutMix > 0
        ? CutMix.Apply(batch, plan.CutMix, key.Split("cutmix").Split((ulong)step))
        : batch;

    private int[] OrderOf(int epoch)
    {
        if (_cached is { } cached && cached.Epoch == epoch)
            return cached.Order;
        int[] order = key.Split("batches").Split((ulong)epoch).Permutation(data.Count);
        _cached = new EpochOrder(epoch, order);
        return order;
    }

    // Both in one object: threads that replay different epochs of one training must not see the order of another's.
    private sealed record EpochOrder(int Epoch, int[] Order);
}
