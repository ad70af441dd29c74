namespace InfMatch.Tensors;

/// <summary>
/// Division by one number as a multiplication and a shift (Granlund and Montgomery, "Division by Invariant Integers
/// using Multiplication", 1994): a kernel's inner loop divides where an index is taken apart, and a division of two
/// integers costs a GPU about as much as twenty multiplications.
/// </summary>
internal readonly struct Divisor
{
    private readonly uint _multiplier;
    private readonly int _shift;

    /// <summary>Division by a number from 1 on.</summary>
    public Divisor(int value)
    {
        // 2^shift/value rounded up, shift = 31 + ⌈log2 value⌉: what it exceeds, times value and a dividend below 2^31, is
        // less than 2^shift, so that no quotient reaches the next.
        _shift = 63 - System.Numerics.BitOperations.LeadingZeroCount((uint)value - 1);
        _multiplier = (uint)((1UL << _shift) / (ulong)value + 1);
    }

    /// <summary>⌊dividend/value⌋ for a dividend from 0 to 2^31 − 1.</summary>
    public int Quotient(int dividend) => (int)((ulong)(uint)dividend * _multiplier >> _shift);
}
