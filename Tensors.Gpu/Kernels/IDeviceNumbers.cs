using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>
/// What a kernel needs of a number type beside its operators. Exponential and logarithm are written out in arithmetic:
/// what a driver offers differs from device to device, and on NVIDIA it is an approximation.
/// </summary>
internal interface IDeviceNumbers<T> : IScalarMath<T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>A whole number, rounded.</summary>
    static abstract T Of(int x);

    /// <summary>⌊x⌋, of a number that is bounded before: what a device makes of one beyond the integers is its own
    /// affair.</summary>
    static abstract int Floor(T x);
}
