namespace InfMatch.Distill;

/// <summary>The whole training set: the experts themselves, at their own plan.</summary>
internal sealed class WholeSetColumn : ResultColumn
{
    /// <inheritdoc/>
    public override string Name => "whole";

    /// <inheritdoc/>
    public override string Title => "whole set";

    /// <inheritdoc/>
    public override int Place => 50;

    /// <inheritdoc/>
    public override string Colour => "whole";

    /// <inheritdoc/>
    public override bool IsOptional => false;

    /// <inheritdoc/>
    public override bool IsTrained(ColumnCase of) => false;
}
