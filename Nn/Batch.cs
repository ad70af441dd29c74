using InfMatch.Autograd;

namespace InfMatch.Nn;

/// <summary>The examples of one step of training.</summary>
/// <param name="Images">Images [N, C, H, W].</param>
/// <param name="Labels">One row for each image: class probabilities [N, M], or rows [N, …] of another kind that
/// the network's loss reads, such as embeddings of texts.</param>
public readonly record struct Batch(Variable Images, Variable Labels);
