using System.Buffers.Binary;
using System.Text;

namespace InfMatch.Methods;

/// <summary>
/// Ranks that end together. With all that a rank gathers goes whether it continues, is to stop, or has failed, and every rank
/// draws the same conclusion from the same bytes: so all stop after the same update, and nobody waits for one that is gone.
/// </summary>
/// <param name="ranks">The ranks.</param>
/// <param name="cancel">Stops all of them, once it is cancelled in one.</param>
public sealed class LockStep(IRanks ranks, CancellationToken cancel = default)
{
    private const byte Continues = 0, Stops = 1, Failed = 2;

    /// <summary>A process that works alone.</summary>
    public static LockStep Alone { get; } = new(new OneRank());

    /// <summary>How many ranks there are.</summary>
    public int Count => ranks.Count;

    /// <summary>Which one this is, from 0.</summary>
    public int Own => ranks.Own;

    /// <summary>Whether this is the rank that writes and prints.</summary>
    public bool IsFirst => ranks.Own == 0;

    /// <summary>Whether the updates that are made now are shared out: all ranks make them. Others are the work of this rank
    /// alone.</summary>
    public bool IsShared { get; private set; }

    /// <summary>How long this rank has gathered in updates that were shared out, waiting for the others among it.</summary>
    public TimeSpan Gathering { get; private set; }

    /// <summary>Whether the ranks have ended together, after which none of them gathers anything.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Updates are shared out until the result is disposed of; a process that works alone has nobody to share with.</summary>
    public IDisposable Share()
    {
        IsShared = Count > 1;
        return new Sharing(this);
    }

    /// <summary>What every rank gives, in their order.</summary>
    /// <exception cref="OperationCanceledException">One of them is to stop.</exception>
    /// <exception cref="OtherRankException">One of them failed.</exception>
    public byte[][] Gather(byte[] own) =>
        GatherAll([cancel.IsCancellationRequested ? Stops : Continues, .. own], patience: null);

    /// <summary>What rank 0 gives; others give nothing.</summary>
    /// <exception cref="OperationCanceledException">One of them is to stop.</exception>
    /// <exception cref="OtherRankException">One of them failed.</exception>
    public byte[] FromFirst(byte[] own) => Gather(IsFirst ? own : [])[0];

    /// <summary>Ends this rank: all others end with it, at the next thing that they gather.</summary>
    /// <param name="code">The exit code; 0 where it has done its work.</param>
    /// <param name="message">What went wrong; empty for nothing.</param>
    /// <param name="isStopped">Whether it was asked to stop.</param>
    /// <param name="patience">How long it waits for the others; null for as long as they take.</param>
    /// <exception cref="OperationCanceledException">Another is to stop.</exception>
    /// <exception cref="OtherRankException">Another failed.</exception>
    /// <exception cref="TimeoutException">The others did not come in time.</exception>
    public void End(int code, string message, bool isStopped, TimeSpan? patience)
    {
        if (HasEnded)
            return;
        if (isStopped || code == 0)
        {
            GatherAll([isStopped ? Stops : Continues], patience);
            HasEnded = true;
            return;
        }
        var own = new byte[1 + sizeof(int) + Encoding.UTF8.GetByteCount(message)];
        own[0] = Failed;
        BinaryPrimitives.WriteInt32LittleEndian(own.AsSpan(1), code);
        Encoding.UTF8.GetBytes(message, own.AsSpan(1 + sizeof(int)));
        GatherAll(own, patience);
    }

    private byte[][] GatherAll(byte[] own, TimeSpan? patience)
    {
        long began = TimeProvider.System.GetTimestamp();
        byte[][] all = ranks.Gather(own, patience);
        if (IsShared)
            Gathering += TimeProvider.System.GetElapsedTime(began);
        for (int rank = 0; rank < all.Length; rank++)
        {
            if (all[rank][0] != Failed)
                continue;
            HasEnded = true;
            int code = BinaryPrimitives.ReadInt32LittleEndian(all[rank].AsSpan(1));
            throw new OtherRankException(rank, code, Encoding.UTF8.GetString(all[rank].AsSpan(1 + sizeof(int))));
        }
        if (all.Any(bytes => bytes[0] == Stops))
        {
            HasEnded = true;
            throw new OperationCanceledException(cancel);
        }
        return [.. all.Select(bytes => bytes[1..])];
    }

    private sealed class Sharing(LockStep step) : IDisposable
    {
        public void Dispose() => step.IsShared = false;
    }
}
