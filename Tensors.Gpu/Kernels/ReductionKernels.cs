using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>Sums with more bits than their numbers, each in one order that follows from the shape alone.</summary>
internal static class ReductionKernels
{
    /// <summary>Threads of a group at most: what every device offers.</summary>
    public const int MostThreads = 256;

    /// <summary>The sum of one number a thread, for all threads. The group's size is a power of two.</summary>
    public static A GroupSum<A>(ArrayView<A> shared, A mine) where A : unmanaged, IAdditionOperators<A, A, A>
    {
        int t = Group.IdxX;
        shared[t] = mine;
        Group.Barrier();
        for (int half = Group.DimX >> 1; half > 0; half >>= 1)
        {
            if (t < half)
                shared[t] += shared[t + half];
            Group.Barrier();
        }
        A sum = shared[0];
        Group.Barrier();
        return sum;
    }

    /// <summary>partial[group] = Σ x_i·y_i over the group's chunk.</summary>
    public static void Dot<T, X>(ArrayView<T> x, ArrayView<T> y, ArrayView<X> partial, int count, int chunk)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        ArrayView<X> shared = SharedMemory.Allocate<X>(MostThreads);
        int first = Grid.IdxX * chunk, last = first + chunk < count ? first + chunk : count;
        X sum = X.Of(T.Zero);
        for (int i = first + Group.IdxX; i < last; i += Group.DimX)
            sum = X.PlusProduct(sum, x[i], y[i]);
        sum = GroupSum(shared, sum);
        if (Group.IdxX == 0)
            partial[Grid.IdxX] = sum;
    }

    /// <summary>partial[output·splits + split]: sums of one part of what goes into an output; y[output] itself where there is one
    /// part.</summary>
    public static void SumTo<T, X>(ArrayView<T> x, ArrayView<X> partial, ArrayView<T> y, Sum s)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        ArrayView<X> shared = SharedMemory.Allocate<X>(MostThreads);
        int output = Grid.IdxX / s.Splits, split = Grid.IdxX - output * s.Splits;
        int start = DeviceIntrinsics.Here(Start(s, output)), first = DeviceIntrinsics.Here(split * s.Chunk);
        int last = first + s.Chunk < s.Terms ? first + s.Chunk : s.Terms;
        X sum = X.Of(T.Zero);
        for (int i = first + Group.IdxX; i < last; i += Group.DimX)
            sum = X.Plus(sum, x[start + Term(s, i)]);
        sum = GroupSum(shared, sum);
        if (Group.IdxX == 0)
            Write(partial, y, s, sum);
    }

    /// <summary>The same where the innermost of what is summed is a multiple of four: four loads are on their way at once, and
    /// their place is found once.</summary>
    public static void SumToByFours<T, X>(ArrayView<T> x, ArrayView<X> partial, ArrayView<T> y, Sum s)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        ArrayView<X> shared = SharedMemory.Allocate<X>(MostThreads);
        int output = Grid.IdxX / s.Splits, split = Grid.IdxX - output * s.Splits;
        int start = DeviceIntrinsics.Here(Start(s, output)), first = DeviceIntrinsics.Here(split * s.Chunk);
        int last = first + s.Chunk < s.Terms ? first + s.Chunk : s.Terms;
        X sum = X.Of(T.Zero);
        for (int i = first + 4 * Group.IdxX; i < last; i += 4 * Group.DimX)
        {
            int at = start + Term(s, i);
            T a = x[at], b = x[at + s.RS2], c = x[at + 2 * s.RS2], d = x[at + 3 * s.RS2];
            sum = X.Plus(X.Plus(X.Plus(X.Plus(sum, a), b), c), d);
        }
        sum = GroupSum(shared, sum);
        if (Group.IdxX == 0)
            Write(partial, y, s, sum);
    }

    private static void Write<T, X>(ArrayView<X> partial, ArrayView<T> y, Sum s, X sum)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        if (s.Splits == 1)
            y[Grid.IdxX] = X.Round(sum);
        else
            partial[Grid.IdxX] = sum;
    }

    /// <summary>y[output] for sums of few terms: one thread each.</summary>
    public static void SumFew<T, X>(ArrayView<T> x, ArrayView<T> y, Sum s)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        int output = Grid.GlobalIndex.X;
        if ((uint)output >= (uint)s.Outputs)
            return;
        int start = DeviceIntrinsics.Here(Start(s, output));
        X sum = X.Of(T.Zero);
        for (int i = 0; i < s.Terms; i++)
            sum = X.Plus(sum, x[start + Term(s, i)]);
        y[output] = X.Round(sum);
    }

    private static int Start(Sum s, int output)
    {
        int outer = output / s.K2, outermost = outer / s.K1;
        return (output - outer * s.K2) * s.KS2 + (outer - outermost * s.K1) * s.KS1 + outermost * s.KS0;
    }

    private static int Term(Sum s, int i)
    {
        int outer = s.ByR2.Quotient(i), outermost = s.ByR1.Quotient(outer);
        return (i - outer * s.R2) * s.RS2 + (outer - outermost * s.R1) * s.RS1 + outermost * s.RS0;
    }

    /// <summary>y[0] = the sum of count partial sums over a divisor, by one group.</summary>
    public static void Total<T, X>(ArrayView<X> partial, ArrayView<T> y, int count, X divisor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        X sum = TotalOf<T, X>(SharedMemory.Allocate<X>(MostThreads), partial, count);
        if (Group.IdxX == 0)
            y[0] = X.Round(X.Quotient(sum, divisor));
    }

    /// <summary>y[0] = the bits, in float64, of the sum of count partial sums, by one group.</summary>
    public static void TotalInFloat64<T, X>(ArrayView<X> partial, ArrayView<long> y, int count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        X sum = TotalOf<T, X>(SharedMemory.Allocate<X>(MostThreads), partial, count);
        if (Group.IdxX == 0)
            y[0] = X.Float64BitsOf(sum);
    }

    private static X TotalOf<T, X>(ArrayView<X> shared, ArrayView<X> partial, int count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        X sum = X.Of(T.Zero);
        for (int i = Group.IdxX; i < count; i += Group.DimX)
            sum += partial[i];
        return GroupSum(shared, sum);
    }

    /// <summary>y[output] = the sum of its partial sums, in order.</summary>
    public static void Finish<T, X>(ArrayView<X> partial, ArrayView<T> y, int outputs, int splits)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        int output = Grid.GlobalIndex.X;
        if ((uint)output >= (uint)outputs)
            return;
        X sum = X.Of(T.Zero);
        for (int i = 0; i < splits; i++)
            sum += partial[output * splits + i];
        y[output] = X.Round(sum);
    }

    /// <summary>y[output] = Σ over slices of partial[slice·outputs + output]: strands of threads take each so many slices in
    /// order, then the strands' sums are added in order.</summary>
    public static void FinishSlices<T, X>(ArrayView<T> partial, ArrayView<T> y, int outputs, int slices, int strands)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        ArrayView<X> shared = SharedMemory.Allocate<X>(MostThreads);
        int width = DeviceIntrinsics.Here(Group.DimX / strands), strand = Group.IdxX / width, lane = Group.IdxX - strand * width;
        int output = DeviceIntrinsics.Here(Grid.IdxX * width + lane);
        X sum = X.Of(T.Zero);
        for (int i = output < outputs ? strand : slices; i < slices; i += strands)
            sum = X.Plus(sum, partial[i * outputs + output]);
        shared[Group.IdxX] = sum;
        Group.Barrier();
        if (strand > 0 || output >= outputs)
            return;
        for (int other = 1; other < strands; other++)
            sum += shared[other * width + lane];
        y[output] = X.Round(sum);
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
    public Divisor ByR1, ByR2;
}
