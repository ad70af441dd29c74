namespace InfMatch.Tensors;

/// <summary>The sizes of a product [Rows, Depth]·[Depth, Columns] and of the convolution it may stand for.</summary>
internal struct ProductSizes
{
    public int Rows, Columns, Depth, DepthOfSplit, TilesOfColumns, Tiles, HasBias;
    public int C, H, W, K, R, S, Stride, Padding, OutH, OutW;

    /// <summary>1 where four neighbours of a factor or of the result are one aligned access of 16 bytes.</summary>
    public int IsWideLeft, IsWideRight, IsWideResult;

    public Divisor ByR, ByS, ByArea, ByOutH, ByOutW, ByOutPlane, ByPlane, ByStride;
}

/// <summary>What a factor knows of one of its rows (left) or columns (right) for every depth.</summary>
internal struct Anchor
{
    public int IsInside, Offset, Y, X;
}

/// <summary>
/// Where the elements of a factor come from: a matrix, or images seen as the matrix of their patches, which is never
/// stored (implicit GEMM).
/// </summary>
internal interface IFactor
{
    /// <summary>Whether neighbours along the depth are neighbours in memory: then the threads of a warp load along
    /// it.</summary>
    static abstract bool IsAlongDepth { get; }

    /// <summary>Whether <see cref="RunOf"/> can be more than 1: known when a kernel is compiled, so that what does not
    /// occur is dropped.</summary>
    static abstract bool HasRuns { get; }

    /// <summary>How many neighbours, in the direction in which it is loaded, lie one behind the other from each
    /// multiple of that number on.</summary>
    static abstract int RunOf(ProductSizes s);

    static abstract Anchor At(ProductSizes s, int index);

    /// <summary>Where the element lies; below 0 where it is 0 and lies nowhere.</summary>
    static abstract int IndexOf(ProductSizes s, Anchor at, int depth);
}

/// <summary>Where a result goes: element (row, column) to ColumnOf(column) + row·RowStride.</summary>
internal interface IResult
{
    static abstract int ColumnOf(ProductSizes s, int column);

    static abstract int RowStride(ProductSizes s);
}

/// <summary>A matrix stored with the depth innermost: A in A·B, or B given transposed.</summary>
internal readonly struct AlongDepth : IFactor
{
    public static bool IsAlongDepth => true;

    public static bool HasRuns => true;

    public static int RunOf(ProductSizes s) => s.Depth;

    public static Anchor At(ProductSizes s, int index) => new() { Offset = index * s.Depth };

    public static int IndexOf(ProductSizes s, Anchor at, int depth) => at.Offset + depth;
}

/// <summary>A left matrix stored as [Depth, Rows].</summary>
internal readonly struct AcrossRows : IFactor
{
    public static bool IsAlongDepth => false;

    public static bool HasRuns => true;

    public static int RunOf(ProductSizes s) => s.Rows;

    public static Anchor At(ProductSizes s, int index) => new() { Offset = index };

    public static int IndexOf(ProductSizes s, Anchor at, int depth) => at.Offset + depth * s.Rows;
}

/// <summary>A right matrix stored as [Depth, Columns].</summary>
internal readonly struct AcrossColumns : IFactor
{
    public static bool IsAlongDepth => false;

    public static bool HasRuns => true;

    public static int RunOf(ProductSizes s) => s.Columns;

    public static Anchor At(ProductSizes s, int index) => new() { Offset = index };

    public static int IndexOf(ProductSizes s, Anchor at, int depth) => at.Offset + depth * s.Columns;
}

/// <summary>x [N, C, H, W] as [(c, r, s), (n, oh, ow)]: the patches of a forward convolution.</summary>
internal readonly struct Patches : IFactor
{
    public static bool IsAlongDepth => false;

    public static bool HasRuns => false;

    public static int RunOf(ProductSizes s) => 1;

    public static Anchor At(ProductSizes s, int index)
    {
        int row = s.ByOutW.Quotient(index), n = s.ByOutH.Quotient(row);
        return new Anchor
        {
            Offset = n * s.C * s.H * s.W,
            Y = (row - n * s.OutH) * s.Stride - s.Padding,
            X = (index - row * s.OutW) * s.Stride - s.Padding,
        };
    }

    public static int IndexOf(ProductSizes s, Anchor at, int depth)
    {
        int rest = s.ByS.Quotient(depth), c = s.ByR.Quotient(rest);
        int y = at.Y + rest - c * s.R, x = at.X + depth - rest * s.S;
        bool isInside = (uint)y < (uint)s.H & (uint)x < (uint)s.W;
        return isInside ? at.Offset + (c * s.H + y) * s.W + x : -1;
    }
}

/// <summary>w [K, C, R, S] as [c, (k, r, s)]: the left factor of the input gradient.</summary>
internal readonly struct WeightsOfInput : IFactor
{
    public static bool IsAlongDepth => true;

    public static bool HasRuns => false;

    public static int RunOf(ProductSizes s) => 1;

    public static Anchor At(ProductSizes s, int index) => new() { Offset = index * s.R * s.S };

    public static int IndexOf(ProductSizes s, Anchor at, int depth)
    {
        int area = s.R * s.S, k = s.ByArea.Quotient(depth);
        return at.Offset + k * s.C * area + depth - k * area;
    }
}

/// <summary>dy [N, K, OH, OW] as [(k, r, s), (n, h, w)]: what reached each input, 0 where a stride passed over it.</summary>
internal readonly struct Receivers : IFactor
{
    public static bool IsAlongDepth => false;

    public static bool HasRuns => false;

    public static int RunOf(ProductSizes s) => 1;

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

    public static int IndexOf(ProductSizes s, Anchor at, int depth)
    {
        int rest = s.ByS.Quotient(depth), k = s.ByR.Quotient(rest);
        int y = at.Y - (rest - k * s.R), x = at.X - (depth - rest * s.S);
        int oh = s.ByStride.Quotient(y), ow = s.ByStride.Quotient(x);
        bool isInside = y >= 0 & x >= 0 & oh * s.Stride == y & ow * s.Stride == x & oh < s.OutH & ow < s.OutW;
        return isInside ? at.Offset + (k * s.OutH + oh) * s.OutW + ow : -1;
    }
}

/// <summary>dy [N, K, OH, OW] as [k, (n, oh, ow)]: the left factor of the weight gradient.</summary>
internal readonly struct OutputsOfChannel : IFactor
{
    public static bool IsAlongDepth => true;

    public static bool HasRuns => true;

    public static int RunOf(ProductSizes s) => s.OutH * s.OutW;

    public static Anchor At(ProductSizes s, int index) => new() { Offset = index * s.OutH * s.OutW };

    public static int IndexOf(ProductSizes s, Anchor at, int depth)
    {
        int plane = s.OutH * s.OutW, n = s.ByOutPlane.Quotient(depth);
        return at.Offset + n * s.K * plane + depth - n * plane;
    }
}

/// <summary>x [N, C, H, W] as [(n, oh, ow), (c, r, s)]: the right factor of the weight gradient.</summary>
internal readonly struct PatchesOfWeight : IFactor
{
    public static bool IsAlongDepth => true;

    public static bool HasRuns => false;

    public static int RunOf(ProductSizes s) => 1;

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

    public static int IndexOf(ProductSizes s, Anchor at, int depth)
    {
        int row = s.ByOutW.Quotient(depth), n = s.ByOutH.Quotient(row);
        int y = (row - n * s.OutH) * s.Stride + at.Y, x = (depth - row * s.OutW) * s.Stride + at.X;
        bool isInside = (uint)y < (uint)s.H & (uint)x < (uint)s.W;
        return isInside ? at.Offset + (n * s.C * s.H + y) * s.W + x : -1;
    }
}

/// <summary>A matrix [Rows, Columns].</summary>
internal readonly struct MatrixResult : IResult
{
    public static int ColumnOf(ProductSizes s, int column) => column;

    public static int RowStride(ProductSizes s) => s.Columns;
}

/// <summary>y [N, K, OH, OW] from rows k and columns (n, oh, ow).</summary>
internal readonly struct OutputResult : IResult
{
    public static int ColumnOf(ProductSizes s, int column)
    {
        int plane = s.OutH * s.OutW, n = s.ByOutPlane.Quotient(column);
        return n * s.K * plane + column - n * plane;
    }

    public static int RowStride(ProductSizes s) => s.OutH * s.OutW;
}

/// <summary>dx [N, C, H, W] from rows c and columns (n, h, w).</summary>
internal readonly struct InputResult : IResult
{
    public static int ColumnOf(ProductSizes s, int column)
    {
        int plane = s.H * s.W, n = s.ByPlane.Quotient(column);
        return n * s.C * plane + column - n * plane;
    }

    public static int RowStride(ProductSizes s) => s.H * s.W;
}
