namespace InfMatch.Influence;

/// <summary>The estimators by the names under which users choose them.</summary>
public static class Estimators
{
    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["first-order", "retrained", "unrolled", "paper", "paper+first"];

    /// <summary>Makes an estimator that keeps so many real sides.</summary>
    /// <exception cref="ArgumentException">The name is unknown; the message lists the known ones.</exception>
    public static InfluenceEstimator Create(string name, EstimationContext context, int cacheCapacity = 256) => name switch
    {
        "first-order" => new FirstOrderEstimator(context) { CacheCapacity = cacheCapacity },
        "retrained" => new TrajectoryMatchingEstimator(context) { CacheCapacity = cacheCapacity },
        "unrolled" => new UnrolledEstimator(context) { CacheCapacity = cacheCapacity },
        "paper" => new PaperEstimator(context, includeFirstOrder: false) { CacheCapacity = cacheCapacity },
        "paper+first" => new PaperEstimator(context, includeFirstOrder: true) { CacheCapacity = cacheCapacity },
        _ => throw new ArgumentException($"Unknown estimator '{name}'. Known: {string.Join(", ", Names)}.", nameof(name)),
    };

    /// <summary>Which windows the estimator of a name can use, without making it.</summary>
    public static WindowNeed WindowsOf(string name) => name switch
    {
        "unrolled" => new WindowNeed(name, 1, IsDense: true),
        "paper" or "paper+first" => new WindowNeed(name, 2, IsDense: false),
        _ => new WindowNeed(name, 1, IsDense: false),
    };
}
