using System.Runtime.InteropServices;
using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>Ranks that MPI joins. One that waits for others sleeps between two looks: MPI's own waiting would take a core.</summary>
/// <param name="library">The library, which has joined them.</param>
internal sealed unsafe class MpiRanks(MpiLibrary library) : IRanks
{
    // A call of MPI counts bytes in 32 bits.
    private const int MostAtOnce = 1 << 30;

    // Others that compute as long as this rank come within this time; a longer wait is slept through.
    private static readonly TimeSpan s_spin = TimeSpan.FromMilliseconds(0.2);

    /// <inheritdoc/>
    public int Count { get; } = library.Size;

    /// <inheritdoc/>
    public int Own { get; } = library.Rank;

    /// <inheritdoc/>
    public byte[][] Gather(byte[] own, TimeSpan? patience = null)
    {
        long[] lengths = Lengths(own.Length, patience);
        byte[][] all = [.. lengths.Select(length => new byte[length])];
        int most = MostAtOnce / Count;
        var counts = new int[Count];
        var places = new int[Count];
        for (long from = 0; from < lengths.Max(); from += most)
        {
            int total = 0;
            for (int rank = 0; rank < Count; rank++)
            {
                counts[rank] = (int)Math.Clamp(lengths[rank] - from, 0, most);
                places[rank] = total;
                total += counts[rank];
            }
            var received = new byte[total];
            library.Gather(own.AsSpan((int)Math.Min(from, own.Length), counts[Own]), received, counts, places);
            for (int rank = 0; rank < Count; rank++)
                received.AsSpan(places[rank], counts[rank]).CopyTo(all[rank].AsSpan((int)Math.Min(from, lengths[rank])));
        }
        return all;
    }

    // When all have told them, all are there, and what follows waits for nobody.
    private long[] Lengths(int own, TimeSpan? patience)
    {
        long* memory = (long*)NativeMemory.Alloc((nuint)(Count + 1), sizeof(long));
        memory[0] = own;
        nint request = library.BeginGather(memory, memory + 1);
        long began = TimeProvider.System.GetTimestamp();
        while (!library.IsDone(ref request))
        {
            TimeSpan waited = TimeProvider.System.GetElapsedTime(began);
            if (patience is { } most && waited > most)
                throw new TimeoutException(); // the memory stays: MPI may still write to it
            if (waited > s_spin)
                Thread.Sleep(1);
        }
        long[] lengths = new ReadOnlySpan<long>(memory + 1, Count).ToArray();
        NativeMemory.Free(memory);
        return lengths;
    }
}
