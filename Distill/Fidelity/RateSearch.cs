using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Finds a learning rate for a training that is to be scored: short trainings by rates half a decade apart, and of those that
/// learn nearly as much as the best, by the loss on validation images, the smallest. Scores of a network that has learned
/// nothing, or that diverged, say nothing; and the smaller a step, the better first-order estimates describe it.
/// </summary>
internal sealed class RateSearch(Network network, LabelledImages data, TrainingPlan plan, RandomKey key)
{
    private const int ShareOfSteps = 6, FewestSteps = 50;

    // Of how far the best rate brings the loss below that of equal probabilities.
    private const double NearlyAsMuch = 0.75;

    // What a step amounts to; under momentum the rate is (1 − μ) times as much.
    private static readonly double[] s_rates = [0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 3e-4, 1e-4];

    /// <summary>The steps of a short training.</summary>
    public int Steps { get; } = Math.Min(plan.Steps(data.Count), Math.Max(FewestSteps, plan.Steps(data.Count) / ShareOfSteps));

    /// <summary>The smallest rate that lowers the validation loss below that of equal probabilities by nearly as much as the best
    /// one; the best one where none does.</summary>
    /// <param name="images">Validation images [N, C, H, W].</param>
    /// <param name="labels">Their classes.</param>
    /// <param name="progress">Called for every short training.</param>
    /// <param name="cancel">Stops between two steps.</param>
    /// <exception cref="NumericalException">The loss stops being finite by every rate.</exception>
    public double Find(Tensor images, int[] labels, IProgressView? progress, CancellationToken cancel)
    {
        using IProgressStage? stage = progress?.Begin("Rate", s_rates.Length);
        var found = new List<(double Rate, double Loss)>();
        foreach (double rate in s_rates.Select(r => r * (1 - plan.Momentum)))
        {
            found.Add((rate, LossBy(rate, images, labels, cancel)));
            stage?.Report(found.Count, FormattableString.Invariant($"{rate:G3}: loss {found[^1].Loss:F3}"));
        }
        double? taken = Choose(found, network.Classes);
        stage?.Report(found.Count, FormattableString.Invariant($"{taken:G3} taken"));
        return taken ?? throw new NumericalException(
            $"the validation loss of {network.Name} by every rate from {s_rates[0]} to {s_rates[^1]}", Steps,
            double.PositiveInfinity, "Check the images, or give --rate.");
    }

    /// <summary>What <see cref="Find"/> takes of rates and losses, the largest rate first; null where no loss is
    /// finite.</summary>
    internal static double? Choose(IReadOnlyList<(double Rate, double Loss)> found, int classes)
    {
        (double rate, double least) = found.MinBy(f => f.Loss);
        double equal = Math.Log(classes), enough = equal - NearlyAsMuch * (equal - least);
        return !double.IsFinite(least) ? null : least < equal ? found.Last(f => f.Loss <= enough).Rate : rate;
    }

    // A training that ends in NaN loses to every other.
    private double LossBy(double rate, Tensor images, int[] labels, CancellationToken cancel)
    {
        try
        {
            using var scope = TensorScope.Begin();
            Tensor start = network.Initialise(data.Images.Backend, data.Images.DType, key.Split("init"));
            using Tensor theta = new Trainer(network, data, plan with { Rate = rate, MostSteps = Steps }, key.Split("train"))
                .Run(start, cancel: cancel);
            double loss = NetworkFit.Of(network, theta, images, labels).Loss;
            return double.IsNaN(loss) ? double.PositiveInfinity : loss;
        }
        catch (NumericalException)
        {
            return double.PositiveInfinity;
        }
    }
}
