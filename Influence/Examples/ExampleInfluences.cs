namespace InfMatch.Influence;

/// <summary>The estimates of the influence of examples by the names under which users choose them.</summary>
public static class ExampleInfluences
{
    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "first-order", "unrolled", "paper", "paper-plain", "paper+first", "paper+first-plain", "koh-liang-cg",
        "koh-liang-lissa", "tracin",
    ];

    /// <summary>Makes an estimate.</summary>
    /// <exception cref="ArgumentException">The name is unknown; the message lists the known ones.</exception>
    public static ExampleInfluence Create(string name, ExampleContext context, double damping = 1e-2) => name switch
    {
        "first-order" => new UnrolledInfluence(context, curvature: false),
        "unrolled" => new UnrolledInfluence(context, curvature: true),
        "paper" => new PaperInfluence(context, includeFirstOrder: false),
        "paper-plain" => new PaperInfluence(context, includeFirstOrder: false, PaperRate.Plain),
        "paper+first" => new PaperInfluence(context, includeFirstOrder: true),
        "paper+first-plain" => new PaperInfluence(context, includeFirstOrder: true, PaperRate.Plain),
        "koh-liang-cg" => new KohLiangInfluence(context, InverseSolver.ConjugateGradients) { Damping = damping },
        "koh-liang-lissa" => new KohLiangInfluence(context, InverseSolver.Lissa) { Damping = damping },
        "tracin" => new TracInInfluence(context),
        _ => throw new ArgumentException($"Unknown estimate '{name}'. Known: {string.Join(", ", Names)}.", nameof(name)),
    };
}
