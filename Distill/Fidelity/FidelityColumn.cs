namespace InfMatch.Distill;

/// <summary>A column of the table of 'influence validate'.</summary>
/// <param name="Head">What stands above it.</param>
/// <param name="Meaning">What it means, for the legend below the table.</param>
internal sealed record FidelityColumn(string Head, string Meaning)
{
    /// <summary>The columns in the order of <see cref="FidelityRow.Values"/>.</summary>
    public static IReadOnlyList<FidelityColumn> All { get; } =
    [
        new("error", "relative error ‖δ̂ − δ‖/‖δ‖ of the predicted displacement of the parameters; 0 is perfect"),
        new("cosine", "cosine of predicted and true displacement; 1 is perfect, 0 is chance"),
        new("ρ one out", "Spearman's ρ of predicted and true change of the measure, one example left out; 1 is perfect"),
        new("ρ group", "the same, a group left out"),
        new("LDS", "linear datamodeling score: the same over random subsets, mean over test images"),
        new("ρ J dist", "ρ of J(S) and the distance from where training on S ends to where training on D ends"),
        new("ρ J acc", "ρ of −J(S) and the test accuracy of a network trained on S"),
        new("grads", "gradients of an image that the scores take, for each example"),
        new("s", "seconds that the scores of all examples take"),
    ];
}
