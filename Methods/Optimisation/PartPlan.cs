namespace InfMatch.Methods;

/// <summary>How a part of S is learned.</summary>
/// <param name="Optimiser">The optimiser that steps it.</param>
/// <param name="Rate">0 keeps the part as it is.</param>
/// <param name="Momentum">The momentum μ.</param>
public sealed record PartPlan(SetOptimiser Optimiser, double Rate, double Momentum)
{
    /// <summary>The weight decay λ.</summary>
    public double WeightDecay { get; init; }

    /// <summary>The range to which it is clamped after each step; null for none.</summary>
    public ValueRange? Range { get; init; }

    /// <summary>The root mean square beyond which a step is refused, because numbers that far out mean nothing.</summary>
    public double Bound { get; init; } = double.PositiveInfinity;

    /// <summary>What the part is called in a message, such as "the synthetic images".</summary>
    public string Says { get; init; } = "a part of the synthetic set";

    /// <summary>The option that sets the rate, for messages.</summary>
    public string Option { get; init; } = "its rate";

    /// <summary>What else helps where the part is out of bounds; empty for nothing.</summary>
    public string Advice { get; init; } = "";
}
