using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>A run on classified images as ranks above 0 make it.</summary>
/// <param name="settings">The settings of the run.</param>
/// <param name="context">Where this rank computes, what shows how far it is, and what ends it early.</param>
/// <param name="ranks">All ranks.</param>
/// <param name="load">Loads its data set.</param>
internal sealed class FollowingImageRun(
    RunSettings settings, RunContext context, LockStep ranks, Func<RunSettings, DatasetPair> load) : FollowingRun(settings, context, ranks)
{
    private readonly RunContext _context = context;

    /// <inheritdoc/>
    protected override void Distil(string experts, Action<Func<SharedState, Distiller>> follow)
    {
        using PreparedData data = PreparedData.Load(load(Settings), Backend, Settings, _context.Progress, _context.Cancel);
        Network network = data.NetworkOf(Settings, Settings.Width);
        using ExpertLibrary library = Open(experts, network, data);
        using MethodSession method = DistillationRun.BeginMethod(Settings, data, network, library.Experts, Key, Ranks);
        follow(state => DistillationRun.MakeDistiller(Settings, data, method, state.Set, Key, state.Size));
    }
}
