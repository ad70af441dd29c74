using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>Kernels that draw random numbers: each thread encrypts a counter of its own.</summary>
internal static class RandomKernels
{
    /// <summary>y_i = low + range·u_i, u_i number i of the key's fill in float64; a thread draws the two of one block.</summary>
    public static void Uniform<T, N>(ArrayView<T> y, int count, ulong key, double low, double range)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int i = Grid.GlobalIndex.X;
        int even = 2 * i;
        if ((uint)even >= (uint)count)
            return;
        PhiloxBlock block = Philox.Block((uint)i, 0, 0, RandomKey.DoubleDomain, (uint)key, (uint)(key >> 32));
        y[even] = N.Narrow(low + range * Philox.ToUnitDouble(block.X, block.Y));
        int odd = even + 1;
        if ((uint)odd < (uint)count)
            y[odd] = N.Narrow(low + range * Philox.ToUnitDouble(block.Z, block.W));
    }
}
