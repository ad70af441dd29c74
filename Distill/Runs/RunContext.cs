using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What work on a run has of the program around it.</summary>
/// <param name="Backend">Where it computes.</param>
/// <param name="Progress">Is told how far it is.</param>
/// <param name="Cancel">Stops it.</param>
internal sealed record RunContext(Backend Backend, IProgressView Progress, CancellationToken Cancel);
