using System.Globalization;
using System.Text;

namespace InfMatch.Nn;

/// <summary>How a network is trained over whole epochs of shuffled batches; SGD with momentum and weight decay, unless
/// the <see cref="Optimiser"/> says otherwise.</summary>
/// <param name="Epochs">Passes over the data.</param>
/// <param name="BatchSize">Images a step; the last batch of an epoch is smaller if they do not divide.</param>
/// <param name="Rate">Learning rate per step.</param>
/// <param name="Momentum">μ.</param>
/// <param name="WeightDecay">λ in v' = μ·v + g + λ·θ, or AdamW's decoupled one.</param>
/// <param name="Schedule">How the rate changes.</param>
public sealed record TrainingPlan(
    int Epochs, int BatchSize, double Rate, double Momentum, double WeightDecay, RateSchedule Schedule)
{
    /// <summary>Applied to every batch, with random numbers of its own for each image.</summary>
    public Augmentation Augmentation { get; init; } = Augmentation.None;

    /// <summary>Where training ends, in steps, if the epochs do not end before; null for nowhere.</summary>
    public int? MostSteps { get; init; }

    /// <summary>What moves the parameters; AdamW does not use <see cref="Momentum"/>.</summary>
    public Optimiser Optimiser { get; init; }

    /// <summary>The probability with which a batch is mixed by <see cref="Nn.CutMix"/>, behind the
    /// augmentation.</summary>
    public double CutMix { get; init; }

    /// <summary>The epoch, from 0, at which the optimiser starts afresh with a tenth of the rate and no velocity, as a
    /// new optimiser object in PyTorch does; the <see cref="Schedule"/> does not count then. Null for never. Only for
    /// SGD.</summary>
    public int? FreshAt { get; init; }

    /// <summary>How each step's gradient is replaced by one of two around θ; null for the gradient itself. Momentum and weight
    /// decay are the optimiser's, as ever.</summary>
    public SharpnessAware? SharpnessAware { get; init; }

    /// <summary>Steps in an epoch of a number of images.</summary>
    public int StepsPerEpoch(int images) => (images + BatchSize - 1) / BatchSize;

    /// <summary>Steps of the whole training on a number of images.</summary>
    public int Steps(int images) => Math.Min(StepsPerEpoch(images) * Epochs, MostSteps ?? int.MaxValue);

    // Recordings are found again by this text, so what a plan does not use leaves it as it was.
    private bool PrintMembers(StringBuilder text)
    {
        text.Append(
            CultureInfo.InvariantCulture,
            $"Epochs = {Epochs}, BatchSize = {BatchSize}, Rate = {Rate}, Momentum = {Momentum}, WeightDecay = {WeightDecay}, ");
        text.Append(
            CultureInfo.InvariantCulture,
            $"Schedule = {Schedule}, Augmentation = {Augmentation}, MostSteps = {MostSteps}, Optimiser = {Optimiser}, ");
        text.Append(CultureInfo.InvariantCulture, $"CutMix = {CutMix}, FreshAt = {FreshAt}");
        if (SharpnessAware is { } by)
            text.Append(CultureInfo.InvariantCulture, $", SharpnessAware = {by}");
        return true;
    }
}
