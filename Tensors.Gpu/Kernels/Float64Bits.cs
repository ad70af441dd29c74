using ILGPU;

namespace InfMatch.Tensors;

/// <summary>The bits of float64 numbers from float32 ones and back, by whole numbers alone: a device without float64 keeps
/// the numbers of others in its memory, and rounds them.</summary>
internal static class Float64Bits
{
    private const ulong Infinity = 0x7FF0000000000000, NoNumber = 0x7FF8000000000000;

    /// <summary>high + low, rounded to the nearest; |low| is far below |high|.</summary>
    public static ulong Of(float high, float low)
    {
        // High takes what of low it can.
        float sum = high + low, rest = low - (sum - high);
        uint bits = Interop.FloatAsInt(sum), size = bits & 0x7FFFFFFF;
        ulong sign = (ulong)(bits >> 31) << 63;
        if (size > 0x7F800000)
            return NoNumber;
        if (size == 0x7F800000)
            return sign | Infinity;
        if (size == 0)
            return sign;
        // Units of 2^(exponent − 188): the 24 bits of sum stand 38 above them, those of rest below. The last bit stands for
        // what lies below the units, so that the rounding sees it.
        int exponent = ExponentOf(size);
        ulong value = MantissaOf(size) << 38;
        uint restBits = Interop.FloatAsInt(rest), restSize = restBits & 0x7FFFFFFF;
        ulong whole = MantissaOf(restSize) << 38;
        int below = exponent - ExponentOf(restSize);
        below = below < 63 ? below : 63;
        ulong part = whole >> below, lost = part << below == whole ? 0UL : 1UL;
        value = (((restBits ^ bits) >> 31) == 0 ? value + part : value - part - lost) | lost;
        while (value < 1UL << 61)
        {
            value <<= 1;
            exponent--;
        }
        // 53 bits of 62; what rounding carries over belongs to the exponent.
        ulong rounded = Shifted(value, 9);
        return sign | (((ulong)(exponent + 896) << 52) + (rounded - (1UL << 52)));
    }

    /// <summary>The nearest float32 number, of two equally near ones the even.</summary>
    public static float Round(ulong bits)
    {
        uint sign = (uint)(bits >> 63) << 31;
        ulong size = bits & 0x7FFFFFFFFFFFFFFF, mantissa = bits & 0xFFFFFFFFFFFFF;
        int exponent = (int)(size >> 52) - 896;
        uint rounded;
        if (size > Infinity)
            rounded = 0x7FC00000;
        else if (exponent > 254)
            rounded = 0x7F800000;
        else if (exponent > 0)
            rounded = ((uint)exponent << 23) + (uint)Shifted(mantissa, 29);
        else
            rounded = (uint)Shifted(mantissa | 1UL << 52, exponent < -30 ? 60 : 30 - exponent);
        return Interop.IntAsFloat(sign | rounded);
    }

    private static ulong Shifted(ulong value, int bits)
    {
        ulong kept = value >> bits, lost = value - (kept << bits), half = 1UL << (bits - 1);
        return lost > half || (lost == half && (kept & 1) != 0) ? kept + 1 : kept;
    }

    // A number below the normal range has the exponent of its smallest.
    private static int ExponentOf(uint size) => size < 0x800000 ? 1 : (int)(size >> 23);

    private static ulong MantissaOf(uint size) => size < 0x800000 ? size : (size & 0x7FFFFF) | 0x800000;
}
