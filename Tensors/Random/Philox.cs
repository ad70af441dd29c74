namespace InfMatch.Tensors;

/// <summary>The four 32-bit words one Philox call gives.</summary>
/// <param name="X">Word 0.</param>
/// <param name="Y">Word 1.</param>
/// <param name="Z">Word 2.</param>
/// <param name="W">Word 3.</param>
public readonly record struct PhiloxBlock(uint X, uint Y, uint Z, uint W);

/// <summary>
/// Philox4x32-10, a counter-based generator: a pure function from (counter, key) to four random words.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
/// </summary>
/// <remarks>
/// Only unsigned multiply, add and xor, no branches and no spans: the same methods compile into device kernels, so
/// host and device draw the same words.
/// </remarks>
public static class Philox
{
    private const uint MultiplierX = 0xD2511F53;
    private const uint MultiplierZ = 0xCD9E8D57;
    private const uint WeylLow = 0x9E3779B9;
    private const uint WeylHigh = 0xBB67AE85;

    /// <summary>
    /// Encrypts the 128-bit counter (c0 lowest) under the 64-bit key (k0 lower) with ten rounds.
    /// </summary>
    /// <param name="c0">Counter bits 0-31.</param>
    /// <param name="c1">Counter bits 32-63.</param>
    /// <param name="c2">Counter bits 64-95.</param>
    /// <param name="c3">Counter bits 96-127.</param>
    /// <param name="k0">Key bits 0-31.</param>
    /// <param name="k1">Key bits 32-63.</param>
    /// <returns>Four words; for a fixed key, different counters give different blocks.</returns>
    public static PhiloxBlock Block(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        // No loop: the words change places in every round, which ILGPU 1.5.3 compiles wrongly (docs/design.md).
        PhiloxBlock block = Round(new PhiloxBlock(c0, c1, c2, c3), k0, k1, 0);
        block = Round(block, k0, k1, 1);
        block = Round(block, k0, k1, 2);
        block = Round(block, k0, k1, 3);
        block = Round(block, k0, k1, 4);
        block = Round(block, k0, k1, 5);
        block = Round(block, k0, k1, 6);
        block = Round(block, k0, k1, 7);
        block = Round(block, k0, k1, 8);
        return Round(block, k0, k1, 9);
    }

    private static PhiloxBlock Round(PhiloxBlock c, uint k0, uint k1, uint round)
    {
        ulong productX = (ulong)MultiplierX * c.X;
        ulong productZ = (ulong)MultiplierZ * c.Z;
        return new PhiloxBlock(
            (uint)(productZ >> 32) ^ c.Y ^ unchecked(k0 + round * WeylLow), (uint)productZ,
            (uint)(productX >> 32) ^ c.W ^ unchecked(k1 + round * WeylHigh), (uint)productX);
    }

    /// <summary>Maps a word to a float in [0, 1): its top 24 bits times 2⁻²⁴, exactly representable, never 1.</summary>
    /// <param name="word">A random word.</param>
    /// <returns>A finite value in [0, 1).</returns>
    // Through int: signed conversion is one instruction on every target, unsigned is not.
    public static float ToUnitFloat(uint word) => (int)(word >> 8) * (1f / (1 << 24));

    /// <summary>
    /// Maps two words to a double in [0, 1): their top 53 bits times 2⁻⁵³, exactly representable, never 1.
    /// </summary>
    /// <param name="high">The word that gives the more significant bits.</param>
    /// <param name="low">The word that gives the less significant bits.</param>
    /// <returns>A finite value in [0, 1).</returns>
    public static double ToUnitDouble(uint high, uint low) => ToWhole(high, low) * (1.0 / (1L << 53));

    // The top 53 bits of two words.
    internal static long ToWhole(uint high, uint low) => (long)((((ulong)high << 32) | low) >> 11);
}
