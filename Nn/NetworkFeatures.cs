using InfMatch.Autograd;

namespace InfMatch.Nn;

/// <summary>What a network makes of a batch before its last linear layer; what distributions are compared in.</summary>
/// <param name="Embedding">What the last linear layer reads [N, F]: the penultimate layer, as DM (Zhao and Bilen, WACV
/// 2023) and NCFM (CVPR 2025) embed images.</param>
/// <param name="Blocks">The outputs of the blocks in their order, [N, C, H, W] of convolutions behind their pooling,
/// [N, F] of hidden linear layers; none where the network has only the last layer.</param>
public sealed record NetworkFeatures(Variable Embedding, IReadOnlyList<Variable> Blocks)
{
    /// <summary>Features of which the last of at least one block, flattened to [N, F], is the embedding.</summary>
    public static NetworkFeatures Of(IReadOnlyList<Variable> blocks) => new(blocks[^1].Flatten(), blocks);
}
