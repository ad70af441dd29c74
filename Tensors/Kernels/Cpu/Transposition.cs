using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace InfMatch.Tensors;

/// <summary>
/// Copies a block of a matrix and exchanges its rows and columns: 4×4 numbers of 32 bits at a time in vectors of 128 bits, two
/// rows that are left in half vectors, and the rest and wider numbers one by one. Blocks of 16×16 in the widest vectors take as
/// many exchanges, all of which wait for one unit of the processor, where these have two.
/// </summary>
internal static unsafe class Transposition
{
    private const int Side = 4;

    /// <summary>to[j·toStride + i] = from[i·fromStride + j] for i below <paramref name="rows"/> and j below
    /// <paramref name="columns"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy<T>(T* from, nint fromStride, int rows, int columns, T* to, nint toStride) where T : unmanaged
    {
        int i = 0;
        if (sizeof(T) == sizeof(float) && Vector128.IsHardwareAccelerated)
        {
            for (; i + Side <= rows; i += Side)
            {
                T* source = from + i * fromStride, target = to + i;
                int j = 0;
                for (; j + Side <= columns; j += Side)
                    Block((float*)(source + j), fromStride, (float*)(target + j * toStride), toStride);
                for (; j < columns; j++)
                for (int r = 0; r < Side; r++)
                    target[j * toStride + r] = source[r * fromStride + j];
            }
            if (i + 2 <= rows)
            {
                T* source = from + i * fromStride, target = to + i;
                int j = 0;
                for (; j + Side <= columns; j += Side)
                    TwoRows((float*)(source + j), fromStride, (float*)(target + j * toStride), toStride);
                for (; j < columns; j++)
                    (target[j * toStride], target[j * toStride + 1]) = (source[j], source[fromStride + j]);
                i += 2;
            }
        }
        for (; i < rows; i++)
        for (int j = 0; j < columns; j++)
            to[j * toStride + i] = from[i * fromStride + j];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TwoRows(float* from, nint fromStride, float* to, nint toStride)
    {
        (Vector128<float> low, Vector128<float> high) = Interleave(Vector128.Load(from), Vector128.Load(from + fromStride));
        low.GetLower().Store(to);
        low.GetUpper().Store(to + toStride);
        high.GetLower().Store(to + 2 * toStride);
        high.GetUpper().Store(to + 3 * toStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block(float* from, nint fromStride, float* to, nint toStride)
    {
        Vector128<float> a = Vector128.Load(from), b = Vector128.Load(from + fromStride);
        Vector128<float> c = Vector128.Load(from + 2 * fromStride), d = Vector128.Load(from + 3 * fromStride);
        (Vector128<float> ac, Vector128<float> acHigh) = Interleave(a, c);
        (Vector128<float> bd, Vector128<float> bdHigh) = Interleave(b, d);
        (Vector128<float> first, Vector128<float> second) = Interleave(ac, bd);
        (Vector128<float> third, Vector128<float> fourth) = Interleave(acHigh, bdHigh);
        first.Store(to);
        second.Store(to + toStride);
        third.Store(to + 2 * toStride);
        fourth.Store(to + 3 * toStride);
    }

    // [a0, b0, a1, b1] and [a2, b2, a3, b3].
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float> Low, Vector128<float> High) Interleave(Vector128<float> a, Vector128<float> b)
    {
        if (Sse.IsSupported)
            return (Sse.UnpackLow(a, b), Sse.UnpackHigh(a, b));
        if (AdvSimd.Arm64.IsSupported)
            return (AdvSimd.Arm64.ZipLow(a, b), AdvSimd.Arm64.ZipHigh(a, b));
        (Vector128<ulong> aLow, Vector128<ulong> aHigh) = Vector128.Widen(a.AsUInt32());
        (Vector128<ulong> bLow, Vector128<ulong> bHigh) = Vector128.Widen(b.AsUInt32());
        return ((aLow | (bLow << 32)).AsSingle(), (aHigh | (bHigh << 32)).AsSingle());
    }
}
