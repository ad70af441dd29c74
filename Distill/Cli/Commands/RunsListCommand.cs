namespace InfMatch.Distill;

/// <summary>'runs list': the same as 'runs', as 'datasets list' is called.</summary>
internal sealed class RunsListCommand : RunsCommand
{
    /// <inheritdoc/>
    public override string Name => "runs list";
}
