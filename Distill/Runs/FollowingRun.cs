using System.Text;
using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// A run as ranks above 0 make it: they open the experts that rank 0 has recorded, take over its state of each set, and compute their
/// share of every update. They write no file.
/// </summary>
/// <param name="settings">The settings of the run.</param>
/// <param name="load">Loads its data set.</param>
/// <param name="backend">The device of this rank.</param>
/// <param name="ranks">All ranks.</param>
/// <param name="cancel">Ends it early.</param>
internal sealed class FollowingRun(
    RunSettings settings, Func<RunSettings, DatasetPair> load, Backend backend, LockStep ranks, CancellationToken cancel)
{
    private readonly PlainProgress _silent = new(_ => { }, TimeProvider.System, TimeSpan.MaxValue);

    /// <summary>Follows rank 0 until its sets are distilled.</summary>
    /// <exception cref="OperationCanceledException">One of the ranks was interrupted.</exception>
    /// <exception cref="OtherRankException">Another rank failed.</exception>
    /// <exception cref="DistillException">This rank does not see the experts of rank 0.</exception>
    public void Execute()
    {
        string experts = Encoding.UTF8.GetString(ranks.FromFirst([]));
        using PreparedData data = PreparedData.Load(load(settings), backend, settings, _silent, cancel);
        RequireExperts(experts);
        Network network = data.NetworkOf(settings, settings.Width);
        using ExpertLibrary library = ExpertLibrary.Gather(settings, network, data, experts, _silent, cancel);
        RandomKey key = RandomKey.FromSeed(settings.Seed);
        using MethodSession method = DistillationRun.BeginMethod(settings, data, network, library.Experts, key, ranks);
        while (ranks.FromFirst([]) is { Length: > 0 } sent)
        {
            using Distiller distiller = Begin(sent, data, method, key);
            using IDisposable shared = ranks.Share();
            while (!distiller.IsDone)
                distiller.Step();
        }
    }

    private Distiller Begin(byte[] sent, PreparedData data, MethodSession method, RandomKey key)
    {
        using var scope = TensorScope.Begin();
        var state = SharedState.Read(sent, backend);
        Distiller distiller;
        using (TensorScope.BeginDetached())
            distiller = DistillationRun.MakeDistiller(settings, data, method, state.Set, key, state.Size);
        distiller.Restore(state.State);
        return distiller;
    }

    // To train them here would write them a second time.
    private void RequireExperts(string folder)
    {
        string[] missing = ExpertLibrary.Missing(settings, folder);
        if (missing.Length > 0)
        {
            throw new DistillException(
                ExitCode.Data, "IM3024",
                $"{missing[0]}, which rank 0 has recorded, is not there for rank {ranks.Own} on {Environment.MachineName}. Name a folder that all machines " +
                "share with --out, or with --experts-from.");
        }
    }
}
