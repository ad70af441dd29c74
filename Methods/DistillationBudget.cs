namespace InfMatch.Methods;

/// <summary>What a budget is counted in.</summary>
public enum BudgetUnit
{
    /// <summary>Images that pass forward through a network in updates of S: the same everywhere, so runs keep their bits.</summary>
    Images,

    /// <summary>Seconds of the updates of S, which differ from machine to machine.</summary>
    Seconds,
}

/// <summary>What learning a set may cost: with the update that spends the rest of it the learning ends.</summary>
/// <param name="Unit">What is counted.</param>
/// <param name="Amount">How many; above 0.</param>
public sealed record DistillationBudget(BudgetUnit Unit, double Amount);

/// <summary>What the updates of a set have cost.</summary>
/// <param name="Images">Images that passed forward through a network.</param>
/// <param name="Seconds">How long they took.</param>
public readonly record struct DistillationCost(long Images, double Seconds)
{
    /// <summary>What it is in a unit.</summary>
    public double In(BudgetUnit unit) => unit == BudgetUnit.Images ? Images : Seconds;
}
