using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>Sums in float64, each in one order that follows from the shape alone.</summary>
internal static class ReductionKernels
{
    /// <summary>Threads of a group at most: what every device offers.</summary>
    public const int MostThreads = 256;

    /// <summary>The sum of one number a thread, for all threads. The group's size is a power of two.</summary>
    public static double GroupSum(ArrayView<double> shared, double mine)
    {
        int t = Group.IdxX;
        shared[t] = mine;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (t < half)
                shared[t] += shared[t + half];
            Group.Barrier();
        }
        double sum = shared[0];
        Group.Barrier();
        return sum;
    }

    /// <summary>partial[group] = Σ x_i·y_i over the group's chunk.</summary>
    public static void Dot<T, N>(ArrayView<T> x, ArrayView<T> y, ArrayView<double> partial, int count, int chunk)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        ArrayView<double> shared = SharedMemory.Allocate<double>(MostThreads);
        int first = Grid.IdxX * chunk, last = first + chunk < count ? first + chunk : count;
        double sum = 0;
        for (int i = first + Group.IdxX; i < last; i += Group.DimX)
            sum += N.Wide(x[i]) * N.Wide(y[i]);
        sum = GroupSum(shared, sum);
        if (Group.IdxX == 0)
            partial[Grid.IdxX] = sum;
    }

    /// <summary>partial[output·splits + split]: sums of one part of what goes into an output.</summary>
    public static void SumTo<T, N>(ArrayView<T> x, ArrayView<double> partial, Sum s)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        ArrayView<double> shared = SharedMemory.Allocate<double>(MostThreads);
        int output = Grid.IdxX / s.Splits, split = Grid.IdxX - output * s.Splits;
        int start = Start(s, output), first = split * s.Chunk;
        int last = first + s.Chunk < s.Terms ? first + s.Chunk : s.Terms;
        double sum = 0;
        for (int i = first + Group.IdxX; i < last; i += Group.DimX)
            sum += N.Wide(x[start + Term(s, i)]);
        sum = GroupSum(shared, sum);
        if (Group.IdxX == 0)
            partial[Grid.IdxX] = sum;
    }

    /// <summary>y[output] for sums of few terms: one thread each.</summary>
    public static void SumFew<T, N>(ArrayView<T> x, ArrayView<T> y, Sum s)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int output = Grid.GlobalIndex.X;
        if ((uint)output >= (uint)s.Outputs)
            return;
        int start = Start(s, output);
        double sum = 0;
        for (int i = 0; i < s.Terms; i++)
            sum += N.Wide(x[start + Term(s, i)]);
        y[output] = N.Narrow(sum);
    }

    private static int Start(Sum s, int output)
    {
        int outer = output / s.K2, outermost = outer / s.K1;
        return (output - outer * s.K2) * s.KS2 + (outer - outermost * s.K1) * s.KS1 + outermost * s.KS0;
    }

    private static int Term(Sum s, int i)
    {
        int outer = i / s.R2, outermost = outer / s.R1;
        return (i - outer * s.R2) * s.RS2 + (outer - outermost * s.R1) * s.RS1 + outermost * s.RS0;
    }

    /// <summary>y[0] = the sum of count partial sums over a divisor, by one group.</summary>
    public static void Total<T, N>(ArrayView<double> partial, ArrayView<T> y, int count, double divisor)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        ArrayView<double> shared = SharedMemory.Allocate<double>(MostThreads);
        double sum = 0;
        for (int i = Group.IdxX; i < count; i += Group.DimX)
            sum += partial[i];
        sum = GroupSum(shared, sum);
        if (Group.IdxX == 0)
            y[0] = N.Narrow(sum / divisor);
    }

    /// <summary>y[output] = the sum of its partial sums, in order.</summary>
    public static void Finish<T, N>(ArrayView<double> partial, ArrayView<T> y, int outputs, int splits)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int output = Grid.GlobalIndex.X;
        if ((uint)output >= (uint)outputs)
            return;
        double sum = 0;
        for (int i = 0; i < splits; i++)
            sum += partial[output * splits + i];
        y[output] = N.Narrow(sum);
    }

    /// <summary>y[output] = Σ over slices of partial[slice·outputs + output], in order.</summary>
    public static void FinishSlices<T, N>(ArrayView<T> partial, ArrayView<T> y, int outputs, int slices)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int output = Grid.GlobalIndex.X;
        if ((uint)output >= (uint)outputs)
            return;
        double sum = 0;
        for (int i = 0; i < slices; i++)
            sum += N.Wide(partial[i * outputs + output]);
        y[output] = N.Narrow(sum);
    }
}

/// <summary>
/// A sum over some dimensions, merged to at most three that stay and three that go: their sizes and their strides in
/// what is summed, outermost first; and how the terms of an output are cut.
/// </summary>
internal struct Sum
{
    public int Outputs, Terms, Splits, Chunk;
    public int K1, K2, KS0, KS1, KS2;
    public int R1, R2, RS0, RS1, RS2;
}
