using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>S: its images with its labels.</summary>
internal sealed class DistilledColumn : ResultColumn
{
    /// <inheritdoc/>
    public override string Name => "distilled";

    /// <inheritdoc/>
    public override string Title => "distilled";

    /// <inheritdoc/>
    public override int Place => 30;

    /// <inheritdoc/>
    public override string Colour => "distilled";

    /// <inheritdoc/>
    public override bool IsOptional => false;

    /// <inheritdoc/>
    public override bool IsOfSet => true;

    /// <inheritdoc/>
    public override bool IsTrained(ColumnCase of) => of.HasSet;

    /// <inheritdoc/>
    public override LabelledImages TrainingSet(ColumnSources sources, int network) => sources.Set!.AsTrainingSet();
}
