namespace InfMatch.Tensors;

/// <summary>dy [N, K, OH, OW] as [k, (n, oh, ow)]: the left factor of the weight gradient.</summary>
internal struct OutputsOfChannel : IFactor<OutputsOfChannel>
{
    private int _offset, _depth;

    public static bool IsAlongDepth => true;

    public static bool HasRuns => true;

    public static bool IsOfRuns => false;

    public static bool IsWhole => false;

    public static int RunOf(ProductSizes s) => s.OutH * s.OutW;

    public static OutputsOfChannel At(ProductSizes s, int index, int depth, int step) =>
        new() { _offset = index * s.OutH * s.OutW, _depth = depth };

    public static OutputsOfChannel Next(ProductSizes s, OutputsOfChannel at, int by) =>
        new() { _offset = at._offset, _depth = at._depth + by };

    public static Place Of(ProductSizes s, OutputsOfChannel at, int i)
    {
        int depth = at._depth + i, n = s.ByOutPlane.Quotient(depth);
        return new() { Index = at._offset + n * (s.K - 1) * s.OutH * s.OutW + depth, IsThere = true };
    }
}

/// <summary>x [N, C, H, W] as [(n, oh, ow), (c, r, s)]: the right factor of the weight gradient.</summary>
internal struct PatchesOfWeight : IFactor<PatchesOfWeight>
{
    private int _offset, _y, _x, _depth;

    public static bool IsAlongDepth => true;

    public static bool HasRuns => false;

    public static bool IsOfRuns => false;

    public static bool IsWhole => false;

    public static int RunOf(ProductSizes s) => 1;

    public static PatchesOfWeight At(ProductSizes s, int index, int depth, int step)
    {
        int rest = s.ByS.Quotient(index), c = s.ByR.Quotient(rest);
        return new()
        {
            _offset = DeviceIntrinsics.Here(c * s.H * s.W), _y = DeviceIntrinsics.Here(rest - c * s.R - s.Padding),
            _x = DeviceIntrinsics.Here(index - rest * s.S - s.Padding), _depth = depth,
        };
    }

    public static PatchesOfWeight Next(ProductSizes s, PatchesOfWeight at, int by) =>
        new() { _offset = at._offset, _y = at._y, _x = at._x, _depth = at._depth + by };

    public static Place Of(ProductSizes s, PatchesOfWeight at, int i)
    {
        int depth = at._depth + i, row = s.ByOutW.Quotient(depth), n = s.ByOutH.Quotient(row);
        int y = (row - n * s.OutH) * s.Stride + at._y, x = (depth - row * s.OutW) * s.Stride + at._x;
        return new()
        {
            Index = at._offset + (n * s.C * s.H + y) * s.W + x,
            IsThere = (uint)y < (uint)s.H & (uint)x < (uint)s.W,
        };
    }
}

/// <summary>An <see cref="OutputsOfChannel"/> whose rows are multiples of four numbers, whose planes are no smaller than a
/// tile is deep, and which begins where 16 bytes do: it walks through a plane, and then to the next image.</summary>
internal struct OutputsInFours : IFactor<OutputsInFours>
{
    private int _offset, _place;

    public static bool IsAlongDepth => true;

    public static bool HasRuns => true;

    public static bool IsOfRuns => true;

    public static bool IsWhole => false;

    public static int RunOf(ProductSizes s) => s.OutH * s.OutW;

    public static OutputsInFours At(ProductSizes s, int index, int depth, int step)
    {
        int n = s.ByOutPlane.Quotient(depth), place = depth - n * s.OutH * s.OutW;
        return new() { _offset = (n * s.K + index) * s.OutH * s.OutW + place, _place = place };
    }

    public static OutputsInFours Next(ProductSizes s, OutputsInFours at, int by)
    {
        int plane = s.OutH * s.OutW, place = at._place + by;
        bool isNext = place >= plane;
        return new()
        {
            _offset = at._offset + by + (isNext ? (s.K - 1) * plane : 0), _place = isNext ? place - plane : place,
        };
    }

    public static Place Of(ProductSizes s, OutputsInFours at, int i) => new() { Index = at._offset + i, IsThere = true };
}

/// <summary>The <see cref="PatchesOfWeight"/> of <see cref="OutputsInFours"/>: four neighbours lie in one row of the
/// output, and a tile goes on by whole rows and some columns.</summary>
internal struct PatchesInFours : IFactor<PatchesInFours>
{
    // Of the column: its channel's plane in the image, and its tap; of the tile: the output, and the first patch.
    private int _image, _top, _left, _oh, _ow, _offset, _x;

    public static bool IsAlongDepth => true;

    public static bool HasRuns => false;

    public static bool IsOfRuns => false;

    public static bool IsWhole => false;

    public static int RunOf(ProductSizes s) => 1;

    public static PatchesInFours At(ProductSizes s, int index, int depth, int step)
    {
        int rest = s.ByS.Quotient(index), c = s.ByR.Quotient(rest);
        int row = s.ByOutW.Quotient(depth), n = s.ByOutH.Quotient(row);
        return Placed(s, new()
        {
            _image = (n * s.C + c) * s.H * s.W, _top = DeviceIntrinsics.Here(rest - c * s.R - s.Padding),
            _left = DeviceIntrinsics.Here(index - rest * s.S - s.Padding), _oh = row - n * s.OutH, _ow = depth - row * s.OutW,
        });
    }

    public static PatchesInFours Next(ProductSizes s, PatchesInFours at, int by)
    {
        int ow = at._ow + s.ColumnsOfTile, oh = at._oh + s.RowsOfTile;
        bool isNextRow = ow >= s.OutW;
        at._ow = isNextRow ? ow - s.OutW : ow;
        oh = isNextRow ? oh + 1 : oh;
        bool isNextImage = oh >= s.OutH;
        at._oh = isNextImage ? oh - s.OutH : oh;
        at._image = isNextImage ? at._image + s.C * s.H * s.W : at._image;
        return Placed(s, at);
    }

    public static Place Of(ProductSizes s, PatchesInFours at, int i) => new()
    {
        Index = at._offset + i * s.Stride, IsThere = (uint)(at._x + i * s.Stride) < (uint)s.W,
    };

    // A row outside is one whose columns all lie outside.
    private static PatchesInFours Placed(ProductSizes s, PatchesInFours at)
    {
        int y = at._oh * s.Stride + at._top, x = at._ow * s.Stride + at._left;
        at._offset = at._image + y * s.W + x;
        at._x = (uint)y < (uint)s.H ? x : int.MinValue;
        return at;
    }
}
