using System.Text;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// A run as ranks above 0 make it: they open the experts that rank 0 has recorded, take over its state of each set, and compute their
/// share of every update. They write no file.
/// </summary>
/// <param name="settings">The settings of the run.</param>
/// <param name="context">Where this rank computes, what shows how far it is, and what ends it early.</param>
/// <param name="ranks">All ranks.</param>
internal abstract class FollowingRun(RunSettings settings, RunContext context, LockStep ranks)
{
    /// <summary>The settings of the run.</summary>
    protected RunSettings Settings => settings;

    /// <summary>Where this rank computes.</summary>
    protected Backend Backend => context.Backend;

    /// <summary>All ranks.</summary>
    protected LockStep Ranks => ranks;

    /// <summary>What all random numbers of the run follow from.</summary>
    protected RandomKey Key { get; } = RandomKey.FromSeed(settings.Seed);

    /// <summary>Follows rank 0 until its sets are distilled.</summary>
    /// <exception cref="OperationCanceledException">One of the ranks was interrupted.</exception>
    /// <exception cref="OtherRankException">Another rank failed.</exception>
    /// <exception cref="DistillException">This rank does not see the experts of rank 0.</exception>
    public void Execute()
    {
        // What rank 0 downloads, prepares or records is there when it tells where.
        string experts = Encoding.UTF8.GetString(ranks.FromFirst([]));
        Distil(experts, begin =>
        {
            while (ranks.FromFirst([]) is { Length: > 0 } sent)
            {
                using Distiller distiller = Begin(sent, begin);
                using IDisposable shared = ranks.Share();
                while (!distiller.IsDone)
                    distiller.Step();
            }
        });
    }

    /// <summary>Opens the data and the experts of the run, follows all its sets, and gives them back.</summary>
    /// <param name="experts">The folder of the experts.</param>
    /// <param name="follow">Follows the sets; it is given what begins the distiller of a state.</param>
    protected abstract void Distil(string experts, Action<Func<SharedState, Distiller>> follow);

    /// <summary>The experts that rank 0 has recorded.</summary>
    /// <exception cref="DistillException">One is not there for this rank.</exception>
    protected ExpertLibrary Open(string folder, Network network, IExpertData data)
    {
        string[] missing = ExpertLibrary.Missing(settings, folder);
        return missing.Length == 0
            ? ExpertLibrary.Gather(settings, network, data, folder, context.Progress, context.Cancel)
            : throw new DistillException( // to train them here would write them a second time
                ExitCode.Data, "IM3024",
                $"{missing[0]}, which rank 0 has recorded, is not there for rank {ranks.Own} on {Environment.MachineName}. Name a folder " +
                "that all machines share with --out, or with --experts-from.");
    }

    private Distiller Begin(byte[] sent, Func<SharedState, Distiller> begin)
    {
        using var scope = TensorScope.Begin();
        var state = SharedState.Read(sent, Backend);
        Distiller distiller;
        using (TensorScope.BeginDetached())
            distiller = begin(state);
        distiller.Restore(state.State);
        return distiller;
    }
}
