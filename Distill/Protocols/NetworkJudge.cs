using System.Runtime.ExceptionServices;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Judges sets by a protocol (<see cref="Protocols"/>): networks are trained on a set from different initialisations, and
/// the accuracy on the real test images after the last epoch counts; that of the best epoch looked at stands beside it.
/// The k-th network begins equally for every set, so that sets are compared on equal ground.
/// </summary>
/// <param name="network">What is trained.</param>
/// <param name="settings">The protocol and its values.</param>
/// <param name="data">The test images.</param>
/// <param name="key">Initialisations, order and augmentation follow from it.</param>
/// <param name="cancel">Stops between two steps.</param>
internal sealed class NetworkJudge(
    Network network, RunSettings settings, PreparedData data, RandomKey key, CancellationToken cancel)
{
    // Numbers of activations above which kernels keep all threads busy by themselves.
    private const long MostNumbersInLane = 1L << 26;

    // θ, velocity, gradient and their successors.
    private const int VectorsOfLane = 8;

    private readonly TrainingPlan _plan = Protocols.Plan(settings, data.Pair.Name);
    private readonly int _bestEvery = settings.BestEvery ?? Protocols.BestEvery(settings);

    /// <summary>How many networks are trained side by side on batches of so many images: small steps leave threads idle,
    /// large ones, and large looks at the test images, would only take more memory.</summary>
    public static int Lanes(Network network, int images, Backend backend) =>
        Activations(network, images) <= MostNumbersInLane ? backend.Lanes : 1;

    /// <summary>The most numbers that networks hold at once, beside the data, while they are judged on sets of these sizes.</summary>
    public static long NumbersHeld(
        IReadOnlyList<Network> networks, IReadOnlyList<int> images, int batchSize, Backend backend) =>
        networks.Max(n => images.Select(i => Math.Min(i, batchSize)).Max(batch =>
            Lanes(n, batch, backend) * (Activations(n, batch) + VectorsOfLane * (long)n.Layout.Count)));

    // Of a step, forward and back, or of the test images that are looked at together.
    private static long Activations(Network network, int images) =>
        network.ActivationCount * Math.Max(2L * images, Evaluation.ImagesAtOnce(network));

    /// <summary>Accuracy over so many networks, trained side by side where the backend has lanes for them; each may be
    /// trained on a set of its own, which is made here.</summary>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public Accuracy Judge(Func<int, LabelledImages> setOf, int repeats, IProgressStage? stage = null)
    {
        double[] last = new double[repeats], best = new double[repeats];
        var epochs = new EpochCount(repeats, stage);
        for (int first = 0; first < repeats;)
        {
            using var scope = TensorScope.Begin();
            LabelledImages next = setOf(first);
            int lanes = Lanes(network, Math.Min(next.Count, _plan.BatchSize), data.Backend);
            int count = Math.Min(lanes, repeats - first);
            // Networks that would leave half of the lanes idle rather have all threads, one after the other.
            if (2 * count <= lanes)
                count = 1;
            LabelledImages[] sets = [next, .. Enumerable.Range(first + 1, count - 1).Select(setOf)];
            if (count == 1)
                (last[first], best[first]) = JudgeOnce(next, first, epochs, cancel);
            else
                SideBySide(count, (i, stop) => (last[first + i], best[first + i]) = JudgeOnce(sets[i], first + i, epochs, stop));
            first += count;
        }
        Accuracy result = Accuracy.Of(last) with { Best = _bestEvery > 0 ? Accuracy.Of(best) : null };
        stage?.Report((long)repeats * _plan.Epochs, $"{result} % (protocol {Protocols.NameOf(settings)})");
        return result;
    }

    // A network that fails stops its neighbours between two of their steps, and its error is the one that counts.
    private void SideBySide(int count, Action<int, CancellationToken> train)
    {
        using var group = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var errors = new Exception?[count];
        data.Backend.RunSideBySide(count, i =>
        {
            try
            {
                train(i, group.Token);
            }
            catch (Exception e)
            {
                errors[i] = e;
                group.Cancel();
            }
        });
        cancel.ThrowIfCancellationRequested();
        if (errors.FirstOrDefault(e => e is not (null or OperationCanceledException)) is { } error)
            ExceptionDispatchInfo.Throw(error);
    }

    // Epochs of all networks, some of which train at the same time.
    private sealed class EpochCount(int networks, IProgressStage? stage)
    {
        private readonly Lock _gate = new();
        private readonly int[] _done = new int[networks];

        public void Report(int network, int epochs, string loss)
        {
            lock (_gate)
            {
                _done[network] = epochs;
                stage?.Report(_done.Sum(e => (long)e), $"network {network + 1}/{networks}{loss}");
            }
        }
    }

    private (double Last, double Best) JudgeOnce(
        LabelledImages set, int r, EpochCount epochs, CancellationToken stop)
    {
        using var scope = TensorScope.Begin();
        RandomKey own = key.Split((ulong)r);
        var trainer = new Trainer(network, set, _plan, own.Split("train"));
        Tensor start = network.Initialise(data.Backend, DType.Float32, own.Split("init"));
        string loss = "";
        double best = 0;
        void Observe(TrainingStep step)
        {
            epochs.Report(r, step.Epoch, loss);
            bool ends = (step.Step + 1) % trainer.StepsPerEpoch == 0;
            if (_bestEvery > 0 && ends && (step.Epoch + 1) % _bestEvery == 0 && step.Step + 1 < trainer.Steps)
                best = Math.Max(best, Percent(step.Theta));
        }
        Tensor theta = trainer.Run(
            start, Observe, losses => loss = FormattableString.Invariant($", loss {losses.Values[^1]:F3}"), stop);
        epochs.Report(r, _plan.Epochs, loss);
        double last = Percent(theta);
        return (last, Math.Max(best, last));
    }

    // Accuracies are counts over the test images: the rounding only removes the dust of the division.
    private double Percent(Tensor theta) =>
        Math.Round(100 * network.Accuracy(theta, data.TestImages, data.TestLabels), 6);
}
