namespace InfMatch.Methods;

/// <summary>How a number of S is learned, by SGD.</summary>
/// <param name="Rate">Of the number, or of its logarithm.</param>
public sealed record NumberPlan(double Rate)
{
    /// <summary>The logarithm is stepped, without momentum, so that the number stays above 0; else the number itself, which must
    /// stay there.</summary>
    public bool IsLogarithmic { get; init; } = true;

    /// <summary>The momentum μ of v' = μv + g, x' = x − ηv'; not of a logarithm.</summary>
    public double Momentum { get; init; }

    /// <summary>Where the number starts in a set that has none of its name; null where every set has it.</summary>
    public double? Start { get; init; }

    /// <summary>What helps where the number stops being one above 0, for messages.</summary>
    public string Option { get; init; } = "its rate";

    /// <summary>Whether there is a velocity, which is a part of the state.</summary>
    public bool HasVelocity => !IsLogarithmic && Momentum > 0;

    /// <summary>The number and its velocity after a step.</summary>
    /// <param name="value">The number.</param>
    /// <param name="velocity">v, 0 at first.</param>
    /// <param name="gradient">The derivative of the loss in the number.</param>
    /// <param name="factor">The factor of all rates by the schedule.</param>
    public (double Value, double Velocity) Step(double value, double velocity, double gradient, double factor)
    {
        if (IsLogarithmic)
            return (value * Math.Exp(-factor * Rate * gradient * value), 0); // d log α = dα/α
        double next = Momentum * velocity + gradient;
        return (value - factor * Rate * next, next);
    }
}
