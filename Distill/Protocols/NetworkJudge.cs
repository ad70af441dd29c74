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
    private readonly TrainingPlan _plan = Protocols.Plan(settings, data.Pair.Name);
    private readonly int _bestEvery = settings.BestEvery ?? Protocols.BestEvery(settings);

    /// <summary>Accuracy over so many networks; each may be trained on a set of its own, which is made in its scope.</summary>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public Accuracy Judge(Func<int, LabelledImages> setOf, int repeats, IProgressStage? stage = null)
    {
        double[] last = new double[repeats], best = new double[repeats];
        for (int r = 0; r < repeats; r++)
            (last[r], best[r]) = JudgeOnce(setOf, r, repeats, stage);
        Accuracy result = Accuracy.Of(last) with { Best = _bestEvery > 0 ? Accuracy.Of(best) : null };
        stage?.Report((long)repeats * _plan.Epochs, $"{result} % (protocol {Protocols.NameOf(settings)})");
        return result;
    }

    private (double Last, double Best) JudgeOnce(
        Func<int, LabelledImages> setOf, int r, int repeats, IProgressStage? stage)
    {
        using var scope = TensorScope.Begin();
        RandomKey own = key.Split((ulong)r);
        var trainer = new Trainer(network, setOf(r), _plan, own.Split("train"));
        Tensor start = network.Initialise(data.Backend, DType.Float32, own.Split("init"));
        string loss = "";
        double best = 0;
        void Observe(TrainingStep step)
        {
            stage?.Report((long)r * _plan.Epochs + step.Epoch, $"network {r + 1}/{repeats}{loss}");
            bool ends = (step.Step + 1) % trainer.StepsPerEpoch == 0;
            if (_bestEvery > 0 && ends && (step.Epoch + 1) % _bestEvery == 0 && step.Step + 1 < trainer.Steps)
                best = Math.Max(best, Percent(step.Theta));
        }
        Tensor theta = trainer.Run(
            start, Observe, losses => loss = FormattableString.Invariant($", loss {losses.Values[^1]:F3}"), cancel);
        double last = Percent(theta);
        return (last, Math.Max(best, last));
    }

    // Accuracies are counts over the test images: the rounding only removes the dust of the division.
    private double Percent(Tensor theta) =>
        Math.Round(100 * network.Accuracy(theta, data.TestImages, data.TestLabels), 6);
}
