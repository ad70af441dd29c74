using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>What the progress of a distillation counts: its updates, or what they may spend where there is a budget.</summary>
/// <param name="settings">The settings of the run.</param>
internal sealed class DistillingUnits(RunSettings settings)
{
    private readonly bool _isOfBudget = settings.BudgetOfSet is not null;

    /// <summary>Updates, or the budget in seconds or images.</summary>
    public long Total { get; } = settings.BudgetOfSet is { } budget ? (long)Math.Ceiling(budget.Amount) : settings.Iterations;

    /// <summary>How many of them are done, in this sitting and before.</summary>
    public long DoneOf(Distiller distiller) =>
        !_isOfBudget ? distiller.Iteration : distiller.IsDone ? Total : (long)(Total * distiller.Done);
}
