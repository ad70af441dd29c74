using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>A matrix stored with the depth innermost: A in A·B, or B given transposed.</summary>
internal readonly struct AlongDepth : IFactor
{
    public static bool IsAlongDepth => true;

    public static Anchor At(ProductSizes s, int index) => new() { Offset = index * s.Depth };

    public static T Load<T>(ArrayView<T> view, ProductSizes s, Anchor at, int depth)
        where T : unmanaged, INumber<T> => view[at.Offset + depth];
}

/// <summary>A left matrix stored as [Depth, Rows].</summary>
internal readonly struct AcrossRows : IFactor
{
    public static bool IsAlongDepth => false;

    public static Anchor At(ProductSizes s, int index) => new() { Offset = index };

    public static T Load<T>(ArrayView<T> view, ProductSizes s, Anchor at, int depth)
        where T : unmanaged, INumber<T> => view[at.Offset + depth * s.Rows];
}

/// <summary>A right matrix stored as [Depth, Columns].</summary>
internal readonly struct AcrossColumns : IFactor
{
    public static bool IsAlongDepth => false;

    public static Anchor At(ProductSizes s, int index) => new() { Offset = index };

    public static T Load<T>(ArrayView<T> view, ProductSizes s, Anchor at, int depth)
        where T : unmanaged, INumber<T> => view[at.Offset + depth * s.Columns];
}

/// <summary>x [N, C, H, W] as [(c, r, s), (n, oh, ow)]: the patches of a forward convolution.</summary>
internal readonly struct Patches : IFactor
{
    public static bool IsAlongDepth => false;

    public static Anchor At(ProductSizes s, int index)
    {
        int row = index / s.OutW, n = row / s.OutH;
        return new Anchor
        {
            Offset = n * s.C * s.H * s.W,
            Y = (row - n * s.OutH) * s.Stride - s.Padding,
            X = (index - row * s.OutW) * s.Stride - s.Padding,
        };
    }

    public static T Load<T>(ArrayView<T> view, ProductSizes s, Anchor at, int depth) where T : unmanaged, INumber<T>
    {
        int rest = depth / s.S, c = rest / s.R;
        int y = at.Y + rest - c * s.R, x = at.X + depth - rest * s.S;
        T value = T.Zero;
        if ((uint)y < (uint)s.H && (uint)x < (uint)s.W)
            value = view[at.Offset + (c * s.H + y) * s.W + x];
        return value;
    }
}

/// <summary>w [K, C, R, S] as [c, (k, r, s)]: the left factor of the input gradient.</summary>
internal readonly struct WeightsOfInput : IFactor
{
    public static bool IsAlongDepth => true;

    public static Anchor At(ProductSizes s, int index) => new() { Offset = index * s.R * s.S };

    public static T Load<T>(ArrayView<T> view, ProductSizes s, Anchor at, int depth) where T : unmanaged, INumber<T>
    {
        int area = s.R * s.S, k = depth / area;
        return view[at.Offset + k * s.C * area + depth - k * area];
    }
}

/// <summary>dy [N, K, OH, OW] as [(k, r, s), (n, h, w)]: what reached each input, 0 where a stride passed over it.</summary>
internal readonly struct Receivers : IFactor
{
    public static bool IsAlongDepth => false;

    public static Anchor At(ProductSizes s, int index)
    {
        int row = index / s.W, n = row / s.H;
        return new Anchor
        {
            Offset = n * s.K * s.OutH * s.OutW,
            Y = row - n * s.H + s.Padding,
            X = index - row * s.W + s.Padding,
        };
    }

    public static T Load<T>(ArrayView<T> view, ProductSizes s, Anchor at, int depth) where T : unmanaged, INumber<T>
    {
        int rest = depth / s.S, k = rest / s.R;
        int y = at.Y - (rest - k * s.R), x = at.X - (depth - rest * s.S);
        int oh = y / s.Stride, ow = x / s.Stride;
        T value = T.Zero;
        if (y >= 0 && x >= 0 && oh * s.Stride == y && ow * s.Stride == x && oh < s.OutH && ow < s.OutW)
            value = view[at.Offset + (k * s.OutH + oh) * s.OutW + ow];
        return value;
    }
}

/// <summary>dy [N, K, OH, OW] as [k, (n, oh, ow)]: the left factor of the weight gradient.</summary>
internal readonly struct OutputsOfChannel : IFactor
{
    public static bool IsAlongDepth => true;

    public static Anchor At(ProductSizes s, int index) => new() { Offset = index * s.OutH * s.OutW };

    public static T Load<T>(ArrayView<T> view, ProductSizes s, Anchor at, int depth) where T : unmanaged, INumber<T>
    {
        int plane = s.OutH * s.OutW, n = depth / plane;
        return view[at.Offset + n * s.K * plane + depth - n * plane];
    }
}

/// <summary>x [N, C, H, W] as [(n, oh, ow), (c, r, s)]: the right factor of the weight gradient.</summary>
internal readonly struct PatchesOfWeight : IFactor
{
    public static bool IsAlongDepth => true;

    public static Anchor At(ProductSizes s, int index)
    {
        int rest = index / s.S, c = rest / s.R;
        return new Anchor
        {
            Offset = c * s.H * s.W,
            Y = rest - c * s.R - s.Padding,
            X = index - rest * s.S - s.Padding,
        };
    }

    public static T Load<T>(ArrayView<T> view, ProductSizes s, Anchor at, int depth) where T : unmanaged, INumber<T>
    {
        int row = depth / s.OutW, n = row / s.OutH;
        int y = (row - n * s.OutH) * s.Stride + at.Y, x = (depth - row * s.OutW) * s.Stride + at.X;
        T value = T.Zero;
        if ((uint)y < (uint)s.H && (uint)x < (uint)s.W)
            value = view[at.Offset + (n * s.C * s.H + y) * s.W + x];
        return value;
    }
}

/// <summary>A matrix [Rows, Columns].</summary>
internal readonly struct MatrixResult : IResult
{
    public static int IndexOf(ProductSizes s, int row, int column) => row * s.Columns + column;
}

/// <summary>y [N, K, OH, OW] from rows k and columns (n, oh, ow).</summary>
internal readonly struct OutputResult : IResult
{
    public static int IndexOf(ProductSizes s, int row, int column)
    {
        int plane = s.OutH * s.OutW, n = column / plane;
        return (n * s.K + row) * plane + column - n * plane;
    }
}

/// <summary>dx [N, C, H, W] from rows c and columns (n, h, w).</summary>
internal readonly struct InputResult : IResult
{
    public static int IndexOf(ProductSizes s, int row, int column)
    {
        int plane = s.H * s.W, n = column / plane;
        return (n * s.C + row) * plane + column - n * plane;
    }
}
