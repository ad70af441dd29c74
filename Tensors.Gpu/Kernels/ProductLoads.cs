using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>Four neighbours: of float32 numbers, one access of 16 bytes to global or shared memory.</summary>
internal struct Four<T> where T : unmanaged
{
    public T X, Y, Z, W;
}

/// <summary>A thread's four elements of a tile, from global memory and into the shared one.</summary>
internal static class ProductLoads
{
    /// <summary>The nearest row or column that is there to one that a thread loads. What is loaded for others goes into no
    /// result.</summary>
    internal static int Clamp(int index, int last) => index < last ? index : last;

    /// <summary>The elements, 0 from the end of the depth on. There the first element is loaded in their place: a load that
    /// nobody needs costs less than a branch around each.</summary>
    internal static Four<T> Fetch<T, F>(ArrayView<T> view, ProductSizes s, F at, int depth, int step, int end)
        where T : unmanaged, INumber<T> where F : struct, IFactor<F> => new()
    {
        X = Take(view, s, at, 0, depth, end),
        Y = Take(view, s, at, 1, depth + step, end),
        Z = Take(view, s, at, 2, depth + 2 * step, end),
        W = Take(view, s, at, 3, depth + 3 * step, end),
    };

    private static T Take<T, F>(ArrayView<T> view, ProductSizes s, F at, int i, int depth, int end)
        where T : unmanaged, INumber<T> where F : struct, IFactor<F>
    {
        Place place = F.Of(s, at, i);
        if (F.IsWhole)
        {
            T whole = view[place.Index];
            return place.IsThere ? whole : T.Zero;
        }
        bool isThere = place.IsThere & depth < end;
        T value = view[isThere ? place.Index : 0];
        return isThere ? value : T.Zero;
    }

    /// <summary>The same where they are neighbours of one access.</summary>
    internal static Four<float> FetchFour<F>(ArrayView<float> view, ProductSizes s, F at, int depth, int end)
        where F : struct, IFactor<F>
    {
        int index = F.Of(s, at, 0).Index / 4;
        if (F.IsWhole)
            return view.Cast<Four<float>>()[index];
        bool isThere = depth < end;
        Four<float> four = view.Cast<Four<float>>()[isThere ? index : 0];
        four.X = isThere ? four.X : 0;
        four.Y = isThere ? four.Y : 0;
        four.Z = isThere ? four.Z : 0;
        four.W = isThere ? four.W : 0;
        return four;
    }

    /// <summary>Into a tile, from one place to the next.</summary>
    internal static void Keep<T>(ArrayView<T> tiles, int slot, int step, Four<T> v) where T : unmanaged
    {
        ArrayView<T> from = tiles.SubView(slot, 3 * step + 1);
        from[0] = v.X;
        from[step] = v.Y;
        from[2 * step] = v.Z;
        from[3 * step] = v.W;
    }
}
