namespace InfMatch.Benchmarks;

/// <summary>The instructions of a kernel's PTX that stand in so many loops, without copies of registers, which an assembler
/// removes.</summary>
/// <param name="Loops">The number of loops.</param>
/// <param name="MultiplyAdds">Fused ones, and those on tensor cores.</param>
/// <param name="SharedLoads">Loads from shared memory, of any width.</param>
/// <param name="Others">All the rest.</param>
internal sealed record PtxCounts(int Loops, int MultiplyAdds, int SharedLoads, int Others)
{
    /// <summary>Outermost first.</summary>
    public static IEnumerable<PtxCounts> Of(string text) => PtxLoops.Instructions(text)
        .Where(i => !i.Name.StartsWith("mov.", StringComparison.Ordinal))
        .GroupBy(i => i.Loops).OrderBy(g => g.Key)
        .Select(g =>
        {
            int fused = g.Count(i => Is(i, "fma.") || Is(i, "mma.")), shared = g.Count(i => Is(i, "ld.shared."));
            return new PtxCounts(g.Key, fused, shared, g.Count() - fused - shared);
        });

    private static bool Is(PtxInstruction instruction, string start) => instruction.Name.StartsWith(start, StringComparison.Ordinal);
}
