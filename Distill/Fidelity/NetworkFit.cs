using System.Text.Json.Serialization;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>How well a network predicts labelled images.</summary>
/// <param name="Loss">Mean cross-entropy in nats; for a network of regression, too, whose outputs are then taken as logits.</param>
/// <param name="Accuracy">The share of images, 0 … 1, whose largest logit is at their label.</param>
internal sealed record NetworkFit(double Loss, double Accuracy)
{
    /// <summary>The fit of θ [p] on images with one class each, some images at a time; NaN spreads into the loss.</summary>
    public static NetworkFit Of(Network network, Tensor theta, Tensor images, ReadOnlySpan<int> labels)
    {
        float[] logits = network.Logits(theta, images);
        double loss = 0;
        int right = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            ReadOnlySpan<float> row = logits.AsSpan(i * network.Classes, network.Classes);
            int best = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(row);
            double sum = 0;
            foreach (float z in row)
                sum += Math.Exp(z - row[best]);
            loss += Math.Log(sum) + row[best] - row[labels[i]];
            right += best == labels[i] ? 1 : 0;
        }
        return new NetworkFit(loss / labels.Length, (double)right / labels.Length);
    }
}

/// <summary>The network whose training examples are scored, and whether it has learned anything that scores could tell of.</summary>
/// <param name="Rate">The learning rate.</param>
/// <param name="Steps">Steps of its training.</param>
/// <param name="Training">On the examples with the labels that training is told.</param>
/// <param name="Validation">On the test images whose measure is predicted.</param>
/// <param name="Images">How many these are.</param>
/// <param name="Chance">The accuracy, 0 … 1, of always answering their most frequent class.</param>
internal sealed record ScoredNetwork(
    double Rate, int Steps, NetworkFit Training, NetworkFit Validation, int Images, double Chance)
{
    /// <summary>Classes of the set.</summary>
    public required int Classes { get; init; }

    /// <summary>What would let it learn more: a sentence that names options.</summary>
    [JsonIgnore]
    public string WhatHelps { get; init; } = "";

    // An accuracy within three standard errors of chance may be chance.
    private const double StandardErrors = 3;

    /// <summary>Why the scores say little, or null. The loss alone may be above that of equal probabilities on images that were
    /// not trained on, and the accuracy good.</summary>
    public string? WhatIsWrong
    {
        get
        {
            double least = Chance + StandardErrors * Math.Sqrt(Chance * (1 - Chance) / Images);
            return !(Validation.Accuracy > least)
                ? FormattableString.Invariant(
                    $"the network has not learned: {100 * Validation.Accuracy:F1} % of {Images} validation images are right, and ") +
                    FormattableString.Invariant($"{100 * Chance:F1} % would be by chance. ") +
                    WhatHelps
                : Validation.Loss > 2 * Math.Log(Classes)
                    ? FormattableString.Invariant(
                        $"the loss on the validation images is {Validation.Loss:F2}, twice that of equal probabilities or more: the ") +
                        "network fits its examples and no others. Lower --steps or --rate, or raise --examples."
                    : null;
        }
    }

    /// <summary>The options that help a network of such settings to learn; none that says what is so already.</summary>
    /// <param name="settings">How it was trained.</param>
    /// <param name="available">Training images of the set.</param>
    public static string AdviceFor(FidelitySettings settings, int available)
    {
        string[] options =
        [
            .. (IEnumerable<string>)(settings.Examples < available ? ["Raise --steps", "raise --examples"] : ["Raise --steps"]),
            .. (IEnumerable<string>)(settings.SearchesRate ? [] : ["leave --rate at auto"]),
            .. (IEnumerable<string>)(settings.Momentum == 0 ? ["give --momentum 0.9"] : []),
            .. (IEnumerable<string>)(settings.Model == "convnet" ? [] : ["score with --model convnet"]),
        ];
        return options.Length == 1 ? $"{options[0]}." : $"{string.Join(", ", options[..^1])} or {options[^1]}.";
    }

    /// <summary>What was trained and how well it does, in one line.</summary>
    public override string ToString() =>
        FormattableString.Invariant(
            $"rate {Rate:G3}, {Steps} steps: training loss {Training.Loss:F3}, accuracy {100 * Training.Accuracy:F1} %; ") +
        FormattableString.Invariant(
            $"validation loss {Validation.Loss:F3}, accuracy {100 * Validation.Accuracy:F1} % (chance {100 * Chance:F1})");
}
