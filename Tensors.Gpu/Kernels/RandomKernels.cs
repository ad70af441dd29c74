using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>Kernels that draw random numbers: each thread encrypts a counter of its own.</summary>
internal static class RandomKernels
{
    /// <summary>y_i = low + range·u_i rounded once, u_i number i of the key's fill with its 53 bits; a thread draws the two
    /// of one block.</summary>
    public static void Uniform<T, X>(ArrayView<T> y, int count, ulong key, X low, X range)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        int i = Grid.GlobalIndex.X;
        int even = 2 * i;
        if ((uint)even >= (uint)count)
            return;
        PhiloxBlock block = Philox.Block((uint)i, 0, 0, RandomKey.DoubleDomain, (uint)key, (uint)(key >> 32));
        y[even] = X.Round(low + X.Product(range, X.OfUnit(Philox.ToWhole(block.X, block.Y))));
        int odd = even + 1;
        if ((uint)odd < (uint)count)
            y[odd] = X.Round(low + X.Product(range, X.OfUnit(Philox.ToWhole(block.Z, block.W))));
    }
}
