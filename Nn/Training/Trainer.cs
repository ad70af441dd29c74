using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>Images with their labels, on a backend; their numbers do not change.</summary>
/// <param name="images">Standardised images [N, C, H, W].</param>
/// <param name="labels">Class probabilities [N, M]: one-hot for hard labels.</param>
public sealed class LabelledImages(Tensor images, Tensor labels)
{
    private string? _contentHash;

    /// <summary>Standardised images [N, C, H, W].</summary>
    public Tensor Images { get; } = images;

    /// <summary>Class probabilities [N, M]: one-hot for hard labels.</summary>
    public Tensor Labels { get; } = labels;

    /// <summary>N.</summary>
    public int Count => Images.Shape[0];

    /// <summary>Chosen images with their labels, in the order of the indices; they belong to the current scope.</summary>
    public LabelledImages Rows(int[] indices) => new(
        Variable.Constant(Images).GatherRows(indices).Value, Variable.Constant(Labels).GatherRows(indices).Value);

    /// <summary>SHA-256, in lower-case hex, of number type, shapes, labels and pixels: what was trained on, for a file that
    /// outlives it. Computed once.</summary>
    public string ContentHash() => _contentHash ??= ComputeContentHash();

    private string ComputeContentHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Tensor tensor in (Tensor[])[Images, Labels])
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{tensor.DType} {tensor.Shape}"));
            int row = tensor.Count / Math.Max(1, tensor.Shape[0]);
            // A part at a time: a copy of all pixels at once would double what a large set takes.
            for (int start = 0, most = Math.Max(1, (1 << 20) / Math.Max(1, row)) * row; start < tensor.Count; start += most)
            {
                Tensor part = tensor.View(start, new Shape(Math.Min(most, tensor.Count - start)));
                hash.AppendData(tensor.DType == DType.Float32
                    ? MemoryMarshal.AsBytes<float>(part.ToArray<float>())
                    : MemoryMarshal.AsBytes<double>(part.ToArray<double>()));
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>One-hot labels [N, M] from class indices.</summary>
    /// <exception cref="ShapeException">A label is not in 0 … M−1.</exception>
    public static Tensor OneHot(Backend backend, DType dtype, ReadOnlySpan<int> labels, int classes)
    {
        var values = new double[labels.Length * classes];
        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i] < 0 || labels[i] >= classes)
                throw new ShapeException($"Label {i} is {labels[i]}, but there are {classes} classes.");
            values[i * classes + labels[i]] = 1;
        }
        return Tensor.From(backend, dtype, values, new Shape(labels.Length, classes));
    }
}

/// <summary>How a network is trained over whole epochs of shuffled batches; SGD with momentum and weight decay, unless the
/// <see cref="Optimiser"/> says otherwise.</summary>
/// <param name="Epochs">Passes over the data.</param>
/// <param name="BatchSize">Images a step; the last batch of an epoch is smaller if they do not divide.</param>
/// <param name="Rate">Learning rate per step.</param>
/// <param name="Momentum">μ.</param>
/// <param name="WeightDecay">λ in v' = μ·v + g + λ·θ, or AdamW's decoupled one.</param>
/// <param name="Schedule">How the rate changes.</param>
/// <param name="Augmentation">Applied to every batch, with random numbers of its own for each image.</param>
public sealed record TrainingPlan(
    int Epochs, int BatchSize, double Rate, double Momentum, double WeightDecay, RateSchedule Schedule,
    Augmentation Augmentation)
{
    /// <summary>Where training ends, in steps, if the epochs do not end before; null for nowhere.</summary>
    public int? MostSteps { get; init; }

    /// <summary>What moves the parameters; AdamW does not use <see cref="Momentum"/>.</summary>
    public Optimiser Optimiser { get; init; }

    /// <summary>The probability with which a batch is mixed by <see cref="Nn.CutMix"/>, behind the augmentation.</summary>
    public double CutMix { get; init; }

    /// <summary>The epoch, from 0, at which the optimiser starts afresh with a tenth of the rate and no velocity, as a new
    /// optimiser object in PyTorch does; the <see cref="Schedule"/> does not count then. Null for never. Only for SGD.</summary>
    public int? FreshAt { get; init; }

    /// <summary>Steps in an epoch of so many images.</summary>
    public int StepsPerEpoch(int images) => (images + BatchSize - 1) / BatchSize;

    /// <summary>Steps in all on so many images.</summary>
    public int Steps(int images) => Math.Min(StepsPerEpoch(images) * Epochs, MostSteps ?? int.MaxValue);
}

/// <summary>What a step of training used and gave. θ before step 0 is the initial one.</summary>
/// <param name="Step">t.</param>
/// <param name="Epoch">The epoch of the step.</param>
/// <param name="Rate">η^t.</param>
/// <param name="Theta">θ^{t+1}; later steps write over it, so clone what is to stay.</param>
public readonly record struct TrainingStep(int Step, int Epoch, double Rate, Tensor Theta);

/// <summary>The losses of consecutive steps, read from the device at once.</summary>
/// <param name="First">The first of the steps.</param>
/// <param name="Values">The loss of each step's batch before the step; finite.</param>
public readonly record struct TrainingLosses(int First, IReadOnlyList<double> Values);

/// <summary>
/// Trains a network. Everything random follows from the key: batch order from its stream "batches", augmentation from
/// "augmentation", so that a run can be replayed from any checkpoint.
/// </summary>
public sealed class Trainer(Network network, LabelledImages data, TrainingPlan plan, RandomKey key)
{
    /// <summary>Losses stay on the device for so many steps, because reading one waits for all that was queued.</summary>
    public const int StepsPerRead = 16;

    /// <summary>Steps in an epoch.</summary>
    public int StepsPerEpoch { get; } = plan.StepsPerEpoch(data.Count);

    /// <summary>Steps in all.</summary>
    public int Steps { get; } = plan.Steps(data.Count);

    /// <summary>The weight of each example's loss in the mean over its batch [N], whose divisor stays the batch's size;
    /// null for weights of 1. A weight of 0 leaves an example out while order, sizes and augmentation stay as they
    /// were.</summary>
    public IReadOnlyList<double>? Weights { get; init; }

    /// <summary>A loss that is added to that of every step's batch; null for none.</summary>
    public ParameterLoss? Added { get; init; }

    /// <summary>The rate η^t of a step.</summary>
    public double RateAt(int step) => plan.FreshAt is { } epoch
        ? step < (long)epoch * StepsPerEpoch ? plan.Rate : plan.Rate / 10
        : plan.Schedule.At(plan.Rate, step, Steps);

    /// <summary>The images and labels of step t, augmented as training sees them.</summary>
    public (Variable Images, Variable Labels) BatchAt(int step)
    {
        LabelledImages batch = data.Rows(IndicesAt(step));
        Variable images = plan.Augmentation.Apply(Variable.Constant(batch.Images), AugmentationKey(step), siamese: false);
        return Mixed(step, images, Variable.Constant(batch.Labels));
    }

    private RandomKey AugmentationKey(int step) => key.Split("augmentation").Split((ulong)step);

    private (Variable Images, Variable Labels) Mixed(int step, Variable images, Variable labels) => plan.CutMix > 0
        ? CutMix.Apply(images, labels, plan.CutMix, key.Split("cutmix").Split((ulong)step))
        : (images, labels);

    /// <summary>Which examples of D the batch of step t holds, in its order.</summary>
    public int[] IndicesAt(int step) => RowsAt(step).ToArray();

    private ReadOnlyMemory<int> RowsAt(int step)
    {
        int[] order = OrderOf(step / StepsPerEpoch);
        int start = step % StepsPerEpoch * plan.BatchSize;
        return order.AsMemory(start, Math.Min(order.Length - start, plan.BatchSize));
    }

    /// <summary>The loss that step t descends, without weight decay: of its batch, by <see cref="Weights"/>, and what is
    /// <see cref="Added"/>.</summary>
    /// <exception cref="InvalidOperationException">Examples are weighted that CutMix makes pairs of.</exception>
    public ParameterLoss LossAt(int step)
    {
        if (Weights is not null && plan.CutMix > 0)
            throw new InvalidOperationException("CutMix makes pairs of the examples of a batch, which have no weight of their own.");
        (Variable images, Variable labels) = BatchAt(step);
        ParameterLoss loss = Weights is null
            ? theta => network.Loss(theta, images, labels)
            : Weighted(images, labels, [.. IndicesAt(step).Select(i => Weights[i])]);
        return Added is null ? loss : theta => loss(theta) + Added(theta);
    }

    private ParameterLoss Weighted(Variable images, Variable labels, double[] weights)
    {
        Variable w = Variable.Constant(
            Tensor.From(labels.Value.Backend, labels.Value.DType, weights, new Shape(weights.Length)));
        return theta => network.WeightedLoss(theta, images, labels, w);
    }

    /// <summary>Trains from θ^0 [p] and returns θ^T, which the caller owns.</summary>
    /// <param name="theta">θ^0.</param>
    /// <param name="observe">Sees every step, right behind it.</param>
    /// <param name="observeLosses">Sees the losses of every <see cref="StepsPerRead"/> steps, and of the last ones.</param>
    /// <param name="cancel">Stops between two steps.</param>
    /// <exception cref="NumericalException">The loss of a step or the last parameters are not finite; up to
    /// <see cref="StepsPerRead"/> − 1 steps behind the named one were made, too.</exception>
    /// <exception cref="InvalidOperationException">The network copies numbers from the host, and its steps are
    /// captured.</exception>
    public Tensor Run(
        Tensor theta, Action<TrainingStep>? observe = null, Action<TrainingLosses>? observeLosses = null,
        CancellationToken cancel = default)
    {
        Tensor losses;
        OptimiserState state;
        using (var start = TensorScope.Begin())
        {
            state = OptimiserState.Of(plan, theta);
            losses = theta.Backend.Empty(new Shape(StepsPerRead), theta.DType);
            state.KeepIn(start); // only when all are made: memory may end between them
            start.Keep(losses);
        }
        Tensor[] places = [.. Enumerable.Range(0, StepsPerRead).Select(i => losses.View(i, Shape.Scalar))];
        var captured = new List<CapturedBatch>(2); // batches of full size, and the last of an epoch
        try
        {
            for (int step = 0; step < Steps; step++)
            {
                cancel.ThrowIfCancellationRequested();
                using var scope = TensorScope.Begin();
                (Tensor loss, Tensor gradient) = LossAndGradient(step, state.Theta, captured);
                if (step == (long?)plan.FreshAt * StepsPerEpoch)
                    state.Forget();
                state.Step(gradient, step, RateAt(step), scope);
                int unread = step % StepsPerRead + 1;
                loss.Backend.Copy(loss, places[unread - 1]);
                observe?.Invoke(new TrainingStep(step, step / StepsPerEpoch, RateAt(step), state.Theta));
                if (unread == StepsPerRead || step == Steps - 1)
                {
                    TrainingLosses read = Read(losses, step + 1 - unread, unread);
                    observeLosses?.Invoke(read);
                }
            }
            double size = state.Theta.Norm();
            if (!double.IsFinite(size))
            {
                throw new NumericalException(
                    $"the length of the parameters of {network.Name}", Steps - 1, size, $"Lower the learning rate (now {plan.Rate}).");
            }
            return state.TakeTheta();
        }
        finally
        {
            foreach (CapturedBatch batch in captured)
                batch.Dispose();
            losses.Dispose();
            state.Dispose();
        }
    }

    // Both belong to the current scope or to what was captured, until the next step.
    private (Tensor Loss, Tensor Gradient) LossAndGradient(int step, Tensor theta, List<CapturedBatch> captured)
    {
        if (!theta.Backend.CanCapture || Weights is not null || Added is not null)
        {
            Variable parameters = Variable.Leaf(theta), loss = LossAt(step)(parameters);
            return (loss.Value, Gradient.Of(loss, parameters).Value);
        }
        ReadOnlyMemory<int> indices = RowsAt(step);
        CapturedBatch batch = OfSize(indices.Length, theta, captured);
        theta.Backend.Run(new GatherRowsCall(data.Images, indices, batch.Images));
        theta.Backend.Run(new GatherRowsCall(data.Labels, indices, batch.Labels));
        batch.Augment(plan.Augmentation, AugmentationKey(step));
        if (plan.CutMix > 0)
        {
            (Variable images, Variable labels) = Mixed(step, Variable.Constant(batch.Images), Variable.Constant(batch.Labels));
            // A batch that is not mixed is there already.
            if (images.Value.Storage != batch.Images.Storage)
            {
                theta.Backend.Copy(images.Value, batch.Images);
                theta.Backend.Copy(labels.Value, batch.Labels);
            }
        }
        return batch.LossAndGradient(theta);
    }

    private CapturedBatch OfSize(int count, Tensor theta, List<CapturedBatch> captured)
    {
        foreach (CapturedBatch one in captured)
        {
            if (one.Count == count)
                return one;
        }
        var batch = new CapturedBatch(network, theta, data, count, captured.FirstOrDefault());
        captured.Add(batch);
        return batch;
    }

    private TrainingLosses Read(Tensor losses, int first, int count)
    {
        double[] values = losses.View(0, new Shape(count)).ToArray<double>();
        for (int i = 0; i < count; i++)
        {
            if (!double.IsFinite(values[i]))
            {
                throw new NumericalException(
                    $"the training loss of {network.Name}", first + i, values[i],
                    $"Lower the learning rate (now {plan.Rate}).");
            }
        }
        return new TrainingLosses(first, values);
    }

    // Both in one object: threads that replay different epochs of one training must not see the order of another's.
    private sealed record EpochOrder(int Epoch, int[] Order);

    private volatile EpochOrder? _cached;

    private int[] OrderOf(int epoch)
    {
        if (_cached is { } cached && cached.Epoch == epoch)
            return cached.Order;
        int[] order = key.Split("batches").Split((ulong)epoch).Permutation(data.Count);
        _cached = new EpochOrder(epoch, order);
        return order;
    }
}

/// <summary>Losses, gradients and accuracies of a network, in numbers.</summary>
public static class Evaluation
{
    /// <summary>The loss, a scalar, and its gradient with respect to θ [p]; both belong to the current scope, and nothing
    /// waits for a device.</summary>
    public static (Tensor Loss, Tensor Gradient) LossAndGradient(
        this Network network, Tensor theta, Variable images, Variable labels)
    {
        Variable parameters = Variable.Leaf(theta);
        Variable loss = network.Loss(parameters, images, labels);
        return (loss.Value, Gradient.Of(loss, parameters).Value);
    }

    // A batch's values are all alive until its logits are read; a ResNet-18 has so many that 250 images of 32×32 took 4 GiB.
    private const int MostAtOnce = 250;
    private const long MostNumbersAtOnce = 1L << 28;

    /// <summary>The images that <see cref="Logits"/> looks at together: 250, or fewer where a network's activations would
    /// take more than 1 GiB in float32.</summary>
    public static int ImagesAtOnce(Network network) =>
        (int)Math.Clamp(MostNumbersAtOnce / Math.Max(1, network.ActivationCount), 1, MostAtOnce);

    /// <summary>Logits [N, M] of many images, a batch at a time, of <see cref="ImagesAtOnce"/> where it
    /// is not given, copied to the host.</summary>
    public static float[] Logits(this Network network, Tensor theta, Tensor images, int? imagesAtOnce = null)
    {
        int batchSize = imagesAtOnce ?? ImagesAtOnce(network);
        using IDisposable off = Recording.Off();
        int n = images.Shape[0], row = images.Count / Math.Max(1, n);
        var result = new float[n * network.Classes];
        int[] sizes = images.Shape.Sizes.ToArray();
        for (int start = 0; start < n; start += batchSize)
        {
            using var scope = TensorScope.Begin();
            sizes[0] = Math.Min(batchSize, n - start);
            Variable batch = Variable.Constant(images.View(start * row, new Shape(sizes)));
            Variable logits = network.Forward(Variable.Constant(theta), batch);
            logits.Value.CopyTo(result.AsSpan(start * network.Classes, sizes[0] * network.Classes));
        }
        return result;
    }

    /// <summary>The share of images, 0 … 1, whose largest logit is at their label; ties go to the first class. NaN without
    /// images.</summary>
    /// <exception cref="NumericalException">The largest logit of an image is NaN or infinite: it would pass for a guess.</exception>
    public static double Accuracy(this Network network, Tensor theta, Tensor images, ReadOnlySpan<int> labels)
    {
        float[] logits = network.Logits(theta, images);
        int right = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            ReadOnlySpan<float> row = logits.AsSpan(i * network.Classes, network.Classes);
            int found = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(row); // a NaN, where there is one
            if (!float.IsFinite(row[found]))
            {
                throw new NumericalException(
                    $"a logit of {network.Name} on test image {i}", row[found], "Lower the learning rate (--eval-rate, --expert-rate).");
            }
            if (found == labels[i])
                right++;
        }
        return labels.Length == 0 ? double.NaN : (double)right / labels.Length;
    }
}
