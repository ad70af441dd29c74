using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// Trains a network. Everything random follows from the key: batch order from its stream "batches", augmentation from
/// "augmentation", which label of an image that has several from "labels", so that a run can be replayed from any checkpoint.
/// </summary>
/// <example>
/// <code>
/// RandomKey key = RandomKey.FromSeed(1);
/// Tensor images = Tensor.Normal(Backend.Default, DType.Float32, new Shape(20, 1, 16, 16), key.Split("images"));
/// int[] classes = [.. Enumerable.Range(0, 20).Select(i =&gt; i % 2)];
/// var data = new LabelledImages(images, LabelledImages.OneHot(Backend.Default, DType.Float32, classes, 2));
/// Network network = new ConvNet(new Shape(1, 16, 16), classes: 2, width: 8, depth: 2);
/// var plan = new TrainingPlan(
///     Epochs: 5, BatchSize: 10, Rate: 0.05, Momentum: 0.9, WeightDecay: 0, RateSchedule.Constant);
/// Tensor start = network.Initialise(Backend.Default, DType.Float32, key.Split("start"));
/// Tensor theta = new Trainer(network, data, plan, key).Run(
///     start, observeLosses: losses =&gt; Console.WriteLine($"from step {losses.First}: {losses.Values[0]}"));
/// </code>
/// </example>
public sealed class Trainer(Network network, LabelledImages data, TrainingPlan plan, RandomKey key)
{
    /// <summary>Losses stay on the device for so many steps, because reading one waits for all that was
    /// queued.</summary>
    public const int StepsPerRead = 16;

    private readonly BatchSequence _batches = new(data, plan, key);

    /// <summary>Steps in an epoch.</summary>
    public int StepsPerEpoch => _batches.StepsPerEpoch;

    /// <summary>Steps in all.</summary>
    public int Steps { get; } = plan.Steps(data.Count);

    /// <summary>The weight of each example's loss in the mean over its batch [N], whose divisor stays the batch's size;
    /// null for weights of 1. A weight of 0 leaves an example out while order, sizes and augmentation stay as they
    /// were.</summary>
    public IReadOnlyList<double>? Weights { get; init; }

    /// <summary>A loss that is added to that of every step's batch; null for none.</summary>
    public ParameterLoss? Added { get; init; }

    /// <summary>Ends the training behind a step for which it is true, where the epochs have not ended before; asked once a step, when
    /// that was observed. Null for never.</summary>
    public Predicate<TrainingStep>? EndsAfter { get; init; }

    /// <summary>The rate η^t of a step.</summary>
    public double RateAt(int step) => plan.FreshAt is { } epoch
        ? step < (long)epoch * StepsPerEpoch ? plan.Rate : plan.Rate / 10
        : plan.Schedule.At(plan.Rate, step, Steps);

    /// <summary>The images and labels of step t, augmented as training sees them.</summary>
    public Batch BatchAt(int step) => _batches.At(step);

    /// <summary>Which examples of D the batch of step t holds, in its order.</summary>
    public int[] IndicesAt(int step) => _batches.IndicesAt(step).ToArray();

    /// <summary>The loss that step t descends, without weight decay: of its batch, by <see cref="Weights"/>, and what
    /// is <see cref="Added"/>.</summary>
    /// <exception cref="InvalidOperationException">Examples are weighted that CutMix makes pairs of, or that the
    /// network's loss compares with each other.</exception>
    public ParameterLoss LossAt(int step)
    {
        if (Weights is not null && plan.CutMix > 0)
        {
            throw new InvalidOperationException(
                "CutMix makes pairs of the examples of a batch, which have no weight of their own.");
        }
        Batch batch = BatchAt(step);
        ParameterLoss loss = Weights is null
            ? theta => network.TrainingLoss.Of(network, theta, batch)
            : Weighted(batch, [.. IndicesAt(step).Select(i => Weights[i])]);
        return Added is null ? loss : theta => loss(theta) + Added(theta);
    }

    private ParameterLoss Weighted(Batch batch, double[] weights)
    {
        Tensor labels = batch.Labels.Value;
        Variable w = Variable.Constant(Tensor.From(labels.Backend, labels.DType, weights, new Shape(weights.Length)));
        return theta => network.WeightedLoss(theta, batch.Images, batch.Labels, w);
    }

    /// <summary>Trains from θ^0 [p] and returns θ^T, which the caller owns.</summary>
    /// <param name="theta">θ^0.</param>
    /// <param name="observe">Called right after every step.</param>
    /// <param name="observeLosses">Called with the losses of every <see cref="StepsPerRead"/> steps, and of the last
    /// ones.</param>
    /// <param name="cancel">Stops between two steps.</param>
    /// <exception cref="NumericalException">The loss of a step or the last parameters are not finite; up to
    /// <see cref="StepsPerRead"/> − 1 steps behind the named one were made, too.</exception>
    /// <exception cref="InvalidOperationException">The network copies numbers from the host, and its steps are
    /// captured.</exception>
    public Tensor Run(
        Tensor theta, Action<TrainingStep>? observe = null, Action<TrainingLosses>? observeLosses = null,
        CancellationToken cancel = default)
    {
        (OptimiserState state, Tensor losses) = Start(theta);
        try
        {
            using StepGradient gradients = GradientOn(theta.Backend);
            Tensor[] places = [.. Enumerable.Range(0, StepsPerRead).Select(i => losses.View(i, Shape.Scalar))];
            for (int step = 0; step < Steps; step++)
            {
                cancel.ThrowIfCancellationRequested();
                using var scope = TensorScope.Begin();
                (Tensor loss, Tensor gradient) = gradients.At(step, state.Theta);
                if (step == (long?)plan.FreshAt * StepsPerEpoch)
                    state.Forget();
                state.Step(gradient, step, RateAt(step), scope);
                int unread = step % StepsPerRead + 1;
                loss.Backend.Copy(loss, places[unread - 1]);
                var made = new TrainingStep(step, step / StepsPerEpoch, RateAt(step), state.Theta);
                observe?.Invoke(made);
                bool ends = EndsAfter?.Invoke(made) == true || step == Steps - 1;
                if (unread == StepsPerRead || ends)
                {
                    TrainingLosses read = Read(losses, step + 1 - unread, unread);
                    observeLosses?.Invoke(read);
                }
                if (ends)
                    break;
            }
            CheckEnd(state.Theta);
            return state.TakeTheta();
        }
        finally
        {
            losses.Dispose();
            state.Dispose();
        }
    }

    // What lives through the training; it belongs to the caller's scope.
    private (OptimiserState State, Tensor Losses) Start(Tensor theta)
    {
        using var scope = TensorScope.Begin();
        OptimiserState state = OptimiserState.Of(plan, theta);
        Tensor losses = theta.Backend.Empty(new Shape(StepsPerRead), theta.DType);
        state.KeepIn(scope); // only when all are made: memory may end between them
        scope.Keep(losses);
        return (state, losses);
    }

    private StepGradient GradientOn(Backend backend)
    {
        StepGradient plain = backend.CanCapture && Weights is null && Added is null
            ? new CapturedGradient(network, data, plan, _batches)
            : new RecordedGradient(LossAt);
        return plan.SharpnessAware is { } by ? new SharpnessAwareGradient(plain, by) : plain;
    }

    private TrainingLosses Read(Tensor losses, int first, int count)
    {
        double[] values = losses.View(0, new Shape(count)).ToArray<double>();
        for (int i = 0; i < count; i++)
        {
            if (!double.IsFinite(values[i]))
                throw Diverged($"the training loss of {network.Name}", first + i, values[i]);
        }
        return new TrainingLosses(first, values);
    }

    private void CheckEnd(Tensor theta)
    {
        double size = theta.Norm();
        if (!double.IsFinite(size))
            throw Diverged($"the length of the parameters of {network.Name}", Steps - 1, size);
    }

    private NumericalException Diverged(string what, int step, double value) =>
        new(what, step, value, $"Lower the learning rate (now {plan.Rate}).");
}
