using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>The images of S with the class of each as a hard label: what the images are worth without their labels. Where the
/// labels of S are hard themselves it is S, and nothing is trained twice.</summary>
internal sealed class DistilledHardLabelsColumn : ResultColumn
{
    /// <inheritdoc/>
    public override string Name => "distilledHardLabels";

    /// <inheritdoc/>
    public override string Title => "distilled, hard labels";

    /// <inheritdoc/>
    public override int Place => 40;

    /// <inheritdoc/>
    public override string Colour => "hard";

    /// <inheritdoc/>
    public override bool IsOfSet => true;

    /// <inheritdoc/>
    public override bool IsTrained(ColumnCase of) => of is { HasSet: true, HasHardLabels: false };

    /// <inheritdoc/>
    public override ResultColumn? SameAs(ColumnCase of) =>
        of is { HasSet: true, HasHardLabels: true } ? Of<DistilledColumn>() : null;

    /// <inheritdoc/>
    public override LabelledImages TrainingSet(ColumnSources sources, int network) =>
        sources.Set!.AsTrainingSet(sources.Classes);
}
