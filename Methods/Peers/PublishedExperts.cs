namespace InfMatch.Methods;

/// <summary>How the authors of the peers trained the networks that they match on the real data, as settings with their texts: what a
/// <see cref="DistillationMethod.Published"/> begins with.</summary>
public static class PublishedExperts
{
    /// <summary>MTT (Cazenavette et al., CVPR 2022; its buffer.py): plain SGD under DSA, the parameters kept at the beginning and after each epoch.</summary>
    public static IReadOnlyList<(string Property, string Text)> Mtt { get; } =
    [
        ("Experts", "100"), ("ExpertEpochs", "50"), ("ExpertSteps", "0"), ("ExpertBatch", "256"), ("ExpertRate", "0.01"),
        ("ExpertMomentum", "0"), ("ExpertDecay", "0"), ("ExpertOptimiser", "sgd"), ("ExpertSchedule", "constant"),
        ("ExpertAugment", "auto"), ("ExpertCutmix", "0"), ("Checkpoints", "1"), ("DenseSteps", "0"),
    ];

    /// <summary>DATM (Guo et al., ICLR 2024; its buffer_FTD.py): those of MTT for twice as long, by steps of adaptive GSAM, which are
    /// those of FTD (Du et al., CVPR 2023). Its images are whitened with 0.1 on every data set.</summary>
    public static IReadOnlyList<(string Property, string Text)> Datm { get; } =
    [
        ("Zca", "0.1"), ("Experts", "100"), ("ExpertEpochs", "100"), ("ExpertSteps", "0"), ("ExpertBatch", "256"),
        ("ExpertRate", "0.01"), ("ExpertMomentum", "0"), ("ExpertDecay", "0"), ("ExpertOptimiser", "gsam"), ("ExpertRho", "0.01"),
        ("ExpertAlpha", "0.3"), ("ExpertSchedule", "constant"), ("ExpertAugment", "auto"), ("ExpertCutmix", "0"),
        ("Checkpoints", "1"), ("DenseSteps", "0"),
    ];

    /// <summary>NCFM (Wang et al., CVPR 2025; its pretraining): SGD with momentum and decay, color and crop without flip and cutout,
    /// CutMix in half of the batches; only the first and the last parameters are read, those of every epoch are kept.</summary>
    public static IReadOnlyList<(string Property, string Text)> Ncfm { get; } =
    [
        ("Experts", "20"), ("ExpertEpochs", "60"), ("ExpertSteps", "0"), ("ExpertBatch", "128"), ("ExpertRate", "0.01"),
        ("ExpertMomentum", "0.9"), ("ExpertDecay", "0.0005"), ("ExpertOptimiser", "sgd"), ("ExpertSchedule", "multi-step"),
        ("ExpertAugment", "color-crop"), ("ExpertCutmix", "0.5"), ("Checkpoints", "1"), ("DenseSteps", "0"),
    ];
}
