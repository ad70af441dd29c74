namespace InfMatch.Influence;

/// <summary>The estimators by the names under which users choose them.</summary>
public static class Estimators
{
    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["first-order", "unrolled", "paper", "paper+first"];

    /// <summary>Makes an estimator.</summary>
    /// <exception cref="ArgumentException">The name is unknown; the message lists the known ones.</exception>
    public static InfluenceEstimator Create(string name, EstimationContext context) => name switch
    {
        "first-order" => new FirstOrderEstimator(context),
        "unrolled" => new UnrolledEstimator(context),
        "paper" => new PaperEstimator(context, includeFirstOrder: false),
        "paper+first" => new PaperEstimator(context, includeFirstOrder: true),
        _ => throw new ArgumentException($"Unknown estimator '{name}'. Known: {string.Join(", ", Names)}.", nameof(name)),
    };
}
