namespace InfMatch.Tensors;

/// <summary>The sizes of a product [Rows, Depth]·[Depth, Columns] and of the convolution it may stand for.</summary>
internal struct ProductSizes
{
    public int Rows, Columns, Depth, DepthOfSplit, TilesOfColumns, Tiles, HasBias;
    public int C, H, W, K, R, S, Stride, Padding, OutH, OutW;

    /// <summary>From one depth of a <see cref="WholeAcrossRows"/> to the next.</summary>
    public int LeftPitch;

    /// <summary>The depth of a tile in rows of an output, and what is left of it in columns.</summary>
    public int RowsOfTile, ColumnsOfTile;

    /// <summary>1 where four neighbours of a factor or of the result are one aligned access of 16 bytes.</summary>
    public int IsWideLeft, IsWideRight, IsWideResult;

    public Divisor ByR, ByS, ByArea, ByOutH, ByOutW, ByOutPlane, ByW, ByH, ByPlane, ByStride, ByC, ByK;
}

/// <summary>Where an element of a factor lies. What is not there is 0, and its index is any that can be read.</summary>
internal struct Place
{
    public int Index;
    public bool IsThere;
}

/// <summary>
/// Where a thread's four elements of each tile of a factor lie: of one row (left) or column (right), at four depths one
/// step apart. The factor is a matrix, or images seen as the matrix of their patches, which is never stored (implicit
/// GEMM). An instance holds what the thread takes from one tile to the next, so that a tile finds nothing anew.
/// </summary>
internal interface IFactor<F> where F : struct, IFactor<F>
{
    /// <summary>Whether neighbours along the depth are neighbours in memory: then the threads of a warp load along
    /// it.</summary>
    static abstract bool IsAlongDepth { get; }

    /// <summary>Whether <see cref="RunOf"/> can be more than 1: known when a kernel is compiled, so that what does not
    /// occur is dropped.</summary>
    static abstract bool HasRuns { get; }

    /// <summary>Whether four neighbours always are one aligned access of 16 bytes.</summary>
    static abstract bool IsOfRuns { get; }

    /// <summary>Whether the depth is a multiple of that of every tile.</summary>
    static abstract bool IsWhole { get; }

    /// <summary>How many neighbours, in the direction in which it is loaded, lie one behind the other from each
    /// multiple of that number on.</summary>
    static abstract int RunOf(ProductSizes s);

    /// <summary>The elements of a row or column at a depth and three more, one step apart.</summary>
    static abstract F At(ProductSizes s, int index, int depth, int step);

    /// <summary>The elements of the next tile.</summary>
    /// <param name="s">The sizes.</param>
    /// <param name="at">Those of this one.</param>
    /// <param name="by">The depth of a tile. Across the depth it is four steps.</param>
    static abstract F Next(ProductSizes s, F at, int by);

    /// <summary>Element i of 4.</summary>
    static abstract Place Of(ProductSizes s, F at, int i);
}

/// <summary>Where a result goes: element (row, column) to ColumnOf(column) + row·RowStride.</summary>
internal interface IResult
{
    static abstract int ColumnOf(ProductSizes s, int column);

    static abstract int RowStride(ProductSizes s);
}

/// <summary>A matrix stored with the depth innermost: A in A·B, or B given transposed.</summary>
internal struct AlongDepth : IFactor<AlongDepth>
{
    private int _offset;

    public static bool IsAlongDepth => true;

    public static bool HasRuns => true;

    public static bool IsOfRuns => false;

    public static bool IsWhole => false;

    public static int RunOf(ProductSizes s) => s.Depth;

    public static AlongDepth At(ProductSizes s, int index, int depth, int step) =>
        new() { _offset = index * s.Depth + depth };

    public static AlongDepth Next(ProductSizes s, AlongDepth at, int by) => new() { _offset = at._offset + by };

    public static Place Of(ProductSizes s, AlongDepth at, int i) => new() { Index = at._offset + i, IsThere = true };
}

/// <summary>An <see cref="AlongDepth"/> whose depth is a multiple of each tile's and which begins where 16 bytes
/// do.</summary>
internal struct WholeAlongDepth : IFactor<WholeAlongDepth>
{
    private int _offset;

    public static bool IsAlongDepth => true;

    public static bool HasRuns => true;

    public static bool IsOfRuns => true;

    public static bool IsWhole => true;

    public static int RunOf(ProductSizes s) => s.Depth;

    public static WholeAlongDepth At(ProductSizes s, int index, int depth, int step) =>
        new() { _offset = index * s.Depth + depth };

    public static WholeAlongDepth Next(ProductSizes s, WholeAlongDepth at, int by) => new() { _offset = at._offset + by };

    public static Place Of(ProductSizes s, WholeAlongDepth at, int i) =>
        new() { Index = at._offset + i, IsThere = true };
}

/// <summary>A left matrix stored as [Depth, Rows].</summary>
internal struct AcrossRows : IFactor<AcrossRows>
{
    private int _offset, _step;

    public static bool IsAlongDepth => false;

    public static bool HasRuns => true;

    public static bool IsOfRuns => false;

    public static bool IsWhole => false;

    public static int RunOf(ProductSizes s) => s.Rows;

    public static AcrossRows At(ProductSizes s, int index, int depth, int step) =>
        new() { _offset = index + depth * s.Rows, _step = step * s.Rows };

    public static AcrossRows Next(ProductSizes s, AcrossRows at, int by) =>
        new() { _offset = at._offset + by * s.Rows, _step = at._step };

    public static Place Of(ProductSizes s, AcrossRows at, int i) =>
        new() { Index = at._offset + i * at._step, IsThere = true };
}

/// <summary>A left matrix stored as [Depth, LeftPitch], whose depth is a multiple of each tile's and whose rows begin where
/// 16 bytes do.</summary>
internal struct WholeAcrossRows : IFactor<WholeAcrossRows>
{
    private int _offset, _step;

    public static bool IsAlongDepth => false;

    public static bool HasRuns => true;

    public static bool IsOfRuns => true;

    public static bool IsWhole => true;

    public static int RunOf(ProductSizes s) => s.LeftPitch;

    public static WholeAcrossRows At(ProductSizes s, int index, int depth, int step) =>
        new() { _offset = index + depth * s.LeftPitch, _step = step * s.LeftPitch };

    public static WholeAcrossRows Next(ProductSizes s, WholeAcrossRows at, int by) =>
        new() { _offset = at._offset + by * s.LeftPitch, _step = at._step };

    public static Place Of(ProductSizes s, WholeAcrossRows at, int i) =>
        new() { Index = at._offset + i * at._step, IsThere = true };
}

/// <summary>A right matrix stored as [Depth, Columns].</summary>
internal struct AcrossColumns : IFactor<AcrossColumns>
{
    private int _offset, _step;

    public static bool IsAlongDepth => false;

    public static bool HasRuns => true;

    public static bool IsOfRuns => false;

    public static bool IsWhole => false;

    public static int RunOf(ProductSizes s) => s.Columns;

    public static AcrossColumns At(ProductSizes s, int index, int depth, int step) =>
        new() { _offset = index + depth * s.Columns, _step = step * s.Columns };

    public static AcrossColumns Next(ProductSizes s, AcrossColumns at, int by) =>
        new() { _offset = at._offset + by * s.Columns, _step = at._step };

    public static Place Of(ProductSizes s, AcrossColumns at, int i) =>
        new() { Index = at._offset + i * at._step, IsThere = true };
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
