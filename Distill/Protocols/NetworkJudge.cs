using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Judges sets by protocol A (Zhao et al., DC; Cazenavette et al., MTT): networks are trained on a set from different
/// initialisations, and the accuracy on the real test images after the last epoch counts. The k-th network begins
/// equally for every set, so that sets are compared on equal ground.
/// </summary>
internal sealed class NetworkJudge(
    Network network, TrainingPlan plan, PreparedData data, RandomKey key, CancellationToken cancel)
{
    /// <summary>Accuracy over so many networks; each may be trained on a set of its own, which is made in its scope.</summary>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public Accuracy Judge(Func<int, LabelledImages> setOf, int repeats, IProgressStage? stage = null)
    {
        var percent = new double[repeats];
        for (int r = 0; r < repeats; r++)
            percent[r] = JudgeOnce(setOf, r, repeats, stage);
        Accuracy result = Accuracy.Of(percent);
        stage?.Report((long)repeats * plan.Epochs, $"{result} %");
        return result;
    }

    private double JudgeOnce(Func<int, LabelledImages> setOf, int r, int repeats, IProgressStage? stage)
    {
        using var scope = TensorScope.Begin();
        RandomKey own = key.Split((ulong)r);
        var trainer = new Trainer(network, setOf(r), plan, own.Split("train"));
        Tensor start = network.Initialise(data.Backend, DType.Float32, own.Split("init"));
        string loss = "";
        Tensor theta = trainer.Run(
            start,
            step => stage?.Report((long)r * plan.Epochs + step.Epoch, $"network {r + 1}/{repeats}{loss}"),
            losses => loss = FormattableString.Invariant($", loss {losses.Values[^1]:F3}"),
            cancel);
        // Accuracies are counts over the test images: the rounding only removes the dust of the division.
        return Math.Round(100 * network.Accuracy(theta, data.TestImages, data.TestLabels), 6);
    }
}
