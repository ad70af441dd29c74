using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>Random real images with their hard labels; each network has its own draw.</summary>
internal sealed class RandomRealColumn : ResultColumn
{
    /// <inheritdoc/>
    public override string Name => "randomReal";

    /// <inheritdoc/>
    public override string Title => "random real";

    /// <inheritdoc/>
    public override int Place => 10;

    /// <inheritdoc/>
    public override string Colour => "real";

    /// <inheritdoc/>
    public override bool IsOptional => false;

    /// <inheritdoc/>
    public override bool IsTrained(ColumnCase of) => true;

    /// <inheritdoc/>
    public override LabelledImages TrainingSet(ColumnSources sources, int network) => sources.Real.Random(sources.Ipc, network);
}
