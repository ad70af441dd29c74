using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace InfMatch.Tensors;

/// <summary>
/// Multiply-add as the processor does it: with one rounding where it has the instruction, else as a product and a sum,
/// with two. What .NET does there in its place, <see cref="IFloatingPointIeee754{T}.FusedMultiplyAdd"/> by a function of
/// the C library for each single number, takes a hundred times as long. .NET 10 counts the instruction of x86 to AVX2
/// (DOTNET_EnableAVX2); every 64-bit Arm has it.
/// </summary>
internal static class FusedArithmetic
{
    /// <summary>Whether the processor has the instruction, as the JIT knows when it compiles.</summary>
    public static bool IsInHardware
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Fma.IsSupported || AdvSimd.IsSupported;
    }

    /// <summary>a·b + c, rounded as the vectors of the kernels round it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T MultiplyAdd<T>(T a, T b, T c) where T : IFloatingPointIeee754<T> =>
        IsInHardware ? T.FusedMultiplyAdd(a, b, c) : a * b + c;
}
