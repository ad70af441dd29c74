using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>A run on image-text pairs as ranks above 0 make it.</summary>
/// <param name="settings">The settings of the run.</param>
/// <param name="context">Where this rank computes, what shows how far it is, and what ends it early.</param>
/// <param name="ranks">All ranks.</param>
/// <param name="open">Opens its data.</param>
internal sealed class FollowingPairRun(RunSettings settings, RunContext context, LockStep ranks, Func<PairData> open)
    : FollowingRun(settings, context, ranks)
{
    /// <inheritdoc/>
    protected override void Distil(string experts, Action<Func<SharedState, Distiller>> follow)
    {
        using PairData data = open();
        using ExpertLibrary library = Open(experts, data.NetworkOf(Settings), data);
        using MethodSession method = PairRun.BeginMethod(Settings, data, library.Experts, Key, Ranks);
        follow(state => PairRun.MakeDistiller(Settings, method, state.Set, Key, state.Size));
    }
}
