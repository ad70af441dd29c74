using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>How the threads of a group add one number each: in one order that follows from the group's size.</summary>
internal interface IGroupSums
{
    /// <summary>The sum of one number a thread, for all threads.</summary>
    /// <param name="shared">Memory of the group for <see cref="ReductionKernels.MostThreads"/> numbers.</param>
    /// <param name="mine">The thread's number.</param>
    static abstract T Sum<T>(ArrayView<T> shared, T mine) where T : unmanaged, INumber<T>;
}

/// <summary>By a tree in group memory, for every device.</summary>
internal readonly struct TreeSums : IGroupSums
{
    public static T Sum<T>(ArrayView<T> shared, T mine) where T : unmanaged, INumber<T> =>
        ReductionKernels.GroupSum(shared, mine);
}

/// <summary>By shuffles within warps of 32 threads, and group memory between warps: two barriers in place of ten. OpenCL
/// promises no warps.</summary>
internal readonly struct ShuffledSums : IGroupSums
{
    public static T Sum<T>(ArrayView<T> shared, T mine) where T : unmanaged, INumber<T>
    {
        mine += Warp.ShuffleXor(mine, 16);
        mine += Warp.ShuffleXor(mine, 8);
        mine += Warp.ShuffleXor(mine, 4);
        mine += Warp.ShuffleXor(mine, 2);
        mine += Warp.ShuffleXor(mine, 1);
        if (Group.DimX <= 32)
            return mine;
        int t = Group.IdxX;
        if ((t & 31) == 0)
            shared[t / 32] = mine;
        Group.Barrier();
        T sum = shared[0];
        for (int warp = 1; warp < Group.DimX / 32; warp++)
            sum += shared[warp];
        Group.Barrier();
        return sum;
    }
}
