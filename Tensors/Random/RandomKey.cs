using System.Text;

namespace InfMatch.Tensors;

/// <summary>
/// A splittable, stateless source of random numbers: element i of every fill depends only on the key and on i, so
/// results do not depend on threads, chunk sizes or the order of calls.
/// </summary>
/// <param name="Value">The 64-bit Philox key; store it to reproduce every number drawn from this key.</param>
/// <remarks>
/// The usual path is <c>FromSeed(seed).Split("augmentation").Split(step).Split(sample)</c>. The kinds of draw
/// (float, double, normal, integer, permutation) and the splits use disjoint counters, so they are independent of each
/// other under one key; two calls of the same kind with the same indices give the same numbers.
/// Keys have 64 bits: among k derived keys the chance that any two coincide is about k²/2⁶⁵ (10⁶ keys: 3·10⁻⁸).
/// Source of the idea: JAX design note 263 (splittable counter-based keys) on the generator in <see cref="Philox"/>.
/// </remarks>
public readonly record struct RandomKey(ulong Value)
{
    // The fourth counter word says what a block is for. Never renumber: stored seeds would give other numbers.
    private const uint SeedDomain = 1;
    private const uint IndexDomain = 2;
    private const uint NameDomain = 3;
    private const uint FloatDomain = 4;
    internal const uint DoubleDomain = 5; // a device fills with it, too
    private const uint NormalDomain = 6;
    private const uint BelowDomain = 7;
    private const uint PermutationDomain = 8;

    private static readonly UTF8Encoding s_utf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Makes the root key of a run from its seed; different seeds give unrelated keys.</summary>
    /// <param name="seed">Any 64-bit value.</param>
    /// <returns>The root key.</returns>
    public static RandomKey FromSeed(ulong seed) => default(RandomKey).Derive(seed, 0, SeedDomain);

    /// <summary>Derives the key of a named stream, for example "init" or "augmentation".</summary>
    /// <param name="streamName">A well-formed name, compared by its UTF-8 bytes; not empty.</param>
    /// <returns>The derived key.</returns>
    /// <exception cref="ArgumentException">The name is empty or holds a lone surrogate.</exception>
    public RandomKey Split(string streamName)
    {
        ArgumentException.ThrowIfNullOrEmpty(streamName);
        int most = s_utf8.GetMaxByteCount(streamName.Length);
        Span<byte> bytes = most <= 256 ? stackalloc byte[256] : new byte[most];
        try
        {
            bytes = bytes[..s_utf8.GetBytes(streamName, bytes)];
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException(
                $"RandomKey.Split: the stream name has a lone surrogate at character {e.Index}. Use well-formed text.",
                nameof(streamName), e);
        }

        // The length in every block keeps "a" apart from "a\0"; the chain makes every byte reach every key bit.
        RandomKey key = this;
        for (int at = 0; at < bytes.Length; at += 8)
        {
            ulong word = 0;
            for (int k = 0; k < 8 && at + k < bytes.Length; k++)
                word |= (ulong)bytes[at + k] << (8 * k);
            key = key.Derive(word, (uint)bytes.Length, NameDomain);
        }

        return key;
    }

    /// <summary>Derives the key of a numbered stream, for example a step or a sample.</summary>
    /// <param name="index">Any 64-bit value.</param>
    /// <returns>The derived key.</returns>
    public RandomKey Split(ulong index) => Derive(index, 0, IndexDomain);

    /// <summary>
    /// Fills with uniform floats in [0, 1) of 24 random bits; element k is number start + k of this key.
    /// </summary>
    /// <param name="destination">Receives the numbers; any length.</param>
    /// <param name="start">Number of the first element, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range of numbers leaves [0, 2⁶³).</exception>
    public void Uniform(Span<float> destination, long start = 0)
    {
        CheckRange(start, destination.Length);
        for (int at = 0; at < destination.Length;)
        {
            long i = start + at;
            PhiloxBlock block = Block((ulong)i >> 2, 0, FloatDomain);
            for (int lane = (int)(i & 3); lane < 4 && at < destination.Length; lane++)
            {
                uint word = lane == 0 ? block.X : lane == 1 ? block.Y : lane == 2 ? block.Z : block.W;
                destination[at++] = Philox.ToUnitFloat(word);
            }
        }
    }

    /// <summary>
    /// Fills with uniform doubles in [0, 1) of 53 random bits; element k is number start + k of this key.
    /// </summary>
    /// <param name="destination">Receives the numbers; any length.</param>
    /// <param name="start">Number of the first element, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range of numbers leaves [0, 2⁶³).</exception>
    public void Uniform(Span<double> destination, long start = 0)
    {
        CheckRange(start, destination.Length);
        for (int at = 0; at < destination.Length;)
        {
            long i = start + at;
            PhiloxBlock block = Block((ulong)i >> 1, 0, DoubleDomain);
            if ((i & 1) == 0)
                destination[at++] = Philox.ToUnitDouble(block.X, block.Y);
            if (at < destination.Length)
                destination[at++] = Philox.ToUnitDouble(block.Z, block.W);
        }
    }

    /// <summary>Gives number i of the double fill, in [0, 1).</summary>
    /// <param name="i">Number of the draw, at least 0.</param>
    /// <returns>The same bits as element i of <see cref="Uniform(Span{double}, long)"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">i is negative.</exception>
    public double UniformAt(long i)
    {
        Span<double> one = stackalloc double[1];
        Uniform(one, i);
        return one[0];
    }

    /// <summary>
    /// Fills with standard normal doubles by Box-Muller; element k is number start + k of this key. All values are
    /// finite, magnitudes at most 8.58. Source: Box and Muller, Ann. Math. Statist. 29 (1958).
    /// </summary>
    /// <param name="destination">Receives the numbers; any length.</param>
    /// <param name="start">Number of the first element, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range of numbers leaves [0, 2⁶³).</exception>
    /// <remarks>
    /// Logarithm, sine and cosine come from the platform's mathematics library: the last bit may differ between
    /// operating systems or processors, never between runs on one machine.
    /// </remarks>
    public void Normal(Span<double> destination, long start = 0)
    {
        CheckRange(start, destination.Length);
        for (int at = 0; at < destination.Length;)
        {
            long i = start + at;
            (double even, double odd) = NormalPair((ulong)i >> 1);
            if ((i & 1) == 0)
                destination[at++] = even;
            if (at < destination.Length)
                destination[at++] = odd;
        }
    }

    /// <summary>
    /// Fills with standard normal floats: the rounded values of the double fill with the same numbers.
    /// </summary>
    /// <param name="destination">Receives the numbers; any length.</param>
    /// <param name="start">Number of the first element, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range of numbers leaves [0, 2⁶³).</exception>
    public void Normal(Span<float> destination, long start = 0)
    {
        CheckRange(start, destination.Length);
        for (int at = 0; at < destination.Length;)
        {
            long i = start + at;
            (double even, double odd) = NormalPair((ulong)i >> 1);
            if ((i & 1) == 0)
                destination[at++] = (float)even;
            if (at < destination.Length)
                destination[at++] = (float)odd;
        }
    }

    /// <summary>
    /// Gives an integer in [0, bound) by multiplying 64 random bits with the bound; each value's probability is within
    /// 2⁻⁶⁴ of 1/bound.
    /// </summary>
    /// <param name="bound">Number of possible values, at least 1.</param>
    /// <param name="i">Number of the draw, at least 0.</param>
    /// <returns>An integer in [0, bound).</returns>
    /// <exception cref="ArgumentOutOfRangeException">The bound is below 1 or i is negative.</exception>
    public int Below(int bound, long i)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(i);
        return Below(bound, i, BelowDomain);
    }

    /// <summary>
    /// Gives a random order of 0 … n − 1 (Fisher-Yates); the same key and n always give the same order.
    /// </summary>
    /// <param name="n">Number of items, at least 0.</param>
    /// <returns>A new array that holds every index once.</returns>
    /// <exception cref="ArgumentOutOfRangeException">n is negative.</exception>
    public int[] Permutation(int n)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        int[] order = new int[n];
        for (int k = 0; k < n; k++)
        {
            int j = Below(k + 1, k, PermutationDomain);
            order[k] = order[j];
            order[j] = k;
        }

        return order;
    }

    private static void CheckRange(long start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, long.MaxValue - length);
    }

    private (double Even, double Odd) NormalPair(ulong pair)
    {
        PhiloxBlock block = Block(pair, 0, NormalDomain);

        // 1 − u lies in (0, 1], so the logarithm is finite.
        double radius = Math.Sqrt(-2.0 * Math.Log(1.0 - Philox.ToUnitDouble(block.X, block.Y)));
        (double sin, double cos) = Math.SinCos(2.0 * Math.PI * Philox.ToUnitDouble(block.Z, block.W));
        return (radius * cos, radius * sin);
    }

    private int Below(int bound, long i, uint domain)
    {
        PhiloxBlock block = Block((ulong)i, 0, domain);
        return (int)Math.BigMul(((ulong)block.X << 32) | block.Y, (ulong)bound, out _);
    }

    private RandomKey Derive(ulong index, uint extra, uint domain)
    {
        PhiloxBlock block = Block(index, extra, domain);
        return new RandomKey(((ulong)block.Y << 32) | block.X);
    }

    private PhiloxBlock Block(ulong index, uint extra, uint domain) =>
        Philox.Block((uint)index, (uint)(index >> 32), extra, domain, (uint)Value, (uint)(Value >> 32));
}
