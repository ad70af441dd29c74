using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>The same random real images, labelled by the experts.</summary>
internal sealed class RandomRealSoftLabelsColumn : ResultColumn
{
    /// <inheritdoc/>
    public override string Name => "randomRealSoftLabels";

    /// <inheritdoc/>
    public override string Title => "random real + soft labels";

    /// <inheritdoc/>
    public override int Place => 20;

    /// <inheritdoc/>
    public override string Colour => "soft";

    /// <inheritdoc/>
    public override bool IsOptional => false;

    /// <inheritdoc/>
    public override bool HasTeacher => true;

    /// <inheritdoc/>
    public override bool IsTrained(ColumnCase of) => of.HasTeacher;

    /// <inheritdoc/>
    public override LabelledImages TrainingSet(ColumnSources sources, int network) =>
        sources.Real.RandomWithSoftLabels(sources.Ipc, network);
}
