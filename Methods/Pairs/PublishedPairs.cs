namespace InfMatch.Methods;

/// <summary>
/// The numbers with which the authors of vision-language distillation ran it on Flickr30K, by the number of pairs; where they have
/// none for it, those of the nearest smaller number, or else of the smallest. They learn pixels through a network in training, so
/// rates of images are not comparable with those of features.
/// </summary>
public sealed record PublishedPairs
{
    /// <summary>Experts, each of <see cref="ExpertEpochs"/>.</summary>
    public int Experts { get; init; } = 20;

    /// <summary>Epochs of an expert.</summary>
    public int ExpertEpochs { get; init; } = 10;

    /// <summary>Pairs in a step of an expert.</summary>
    public int ExpertBatch { get; init; } = 128;

    /// <summary>Rate of an expert, plain SGD.</summary>
    public double ExpertRate { get; init; } = 0.1;

    /// <summary>N, steps on S in an update.</summary>
    public int SyntheticSteps { get; init; } = 8;

    /// <summary>M, epochs of an expert that they are to cover.</summary>
    public int Window { get; init; } = 1;

    /// <summary>Walks begin below this epoch.</summary>
    public int StartLast { get; init; } = 2;

    /// <summary>Updates of S.</summary>
    public int Iterations { get; init; } = 3000;

    /// <summary>Rate of images and of texts.</summary>
    public double Rate { get; init; } = 1000;

    /// <summary>Rate of the rate of steps on S.</summary>
    public double LrRate { get; init; } = 1e-2;

    /// <summary>Rate of the similarity; 0 where none is learned.</summary>
    public double LrSimilarity { get; init; }

    /// <summary>r; 0 without similarity.</summary>
    public int Rank { get; init; }

    /// <summary>α of <see cref="Nn.PairNetworkOptions.SimilarityScale"/>.</summary>
    public double SimilarityScale { get; init; }

    /// <summary>Pairs of S in a step; 0 for all.</summary>
    public int BatchSyn { get; init; }

    /// <summary>The name of the loss on S, a <see cref="Nn.PairLoss"/>.</summary>
    public string Loss { get; init; } = "infonce";

    /// <summary>Pairs of S in a step of the evaluation.</summary>
    public int EvaluationBatch { get; init; } = 64;

    /// <summary>Epochs of the evaluation.</summary>
    public int EvaluationEpochs { get; init; } = 50;

    /// <summary>Matching trajectories of images and texts (MTT-VL; Wu et al., 2023).</summary>
    public static PublishedPairs TrajectoryMatching { get; } = new();

    /// <summary>Low-rank similarity mining (LoRS; Xu et al., ICML 2024): one pair fewer makes room for the similarity.</summary>
    public static PublishedPairs LowRankSimilarity(int pairs) => (pairs < 199 ? 0 : pairs < 499 ? 1 : 2) switch
    {
        0 => s_lowRank with { Rate = 100, LrSimilarity = 10, Rank = 10, SimilarityScale = 3 },
        1 => s_lowRank with { LrSimilarity = 10, Rank = 5, SimilarityScale = 1 },
        _ => s_lowRank with { LrSimilarity = 100, Rank = 20, SimilarityScale = 0.01, BatchSyn = 40, StartLast = 3 },
    };

    private static readonly PublishedPairs s_lowRank = new()
    {
        BatchSyn = 20, Loss = "wbce", EvaluationBatch = 128, EvaluationEpochs = 100,
    };
}
