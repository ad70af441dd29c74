using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What the program gives to the work on a run.</summary>
/// <param name="Backend">Where it computes.</param>
/// <param name="Progress">Shows how far it is.</param>
/// <param name="Cancel">Stops it.</param>
internal sealed record RunContext(Backend Backend, IProgressView Progress, CancellationToken Cancel)
{
    /// <summary>The ranks that distil together; this process alone by default.</summary>
    public LockStep Ranks { get; init; } = LockStep.Alone;
}
