using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>What a distilled set was made from, beside the data.</summary>
/// <param name="Start">The hash of the set that it started from.</param>
/// <param name="Experts">The hashes of the trajectories it was learned from, in their order.</param>
internal sealed record SetOrigin(string Start, IReadOnlyList<string> Experts)
{
    /// <summary>From the start and the experts themselves.</summary>
    public static SetOrigin Of(SyntheticSet start, IReadOnlyList<Expert> experts) => new(
        SyntheticSetFile.Hash(start), [.. experts.Select(e => ArtifactHash.OfTrajectory(e.Trajectory))]);

    /// <summary>The same where the set is seen through an encoder, whose hash is then part of that of the start; null for none.</summary>
    public SetOrigin Through(string? encoder) => encoder is null ? this : this with { Start = ArtifactHash.OfText($"{Start} {encoder}") };
}
