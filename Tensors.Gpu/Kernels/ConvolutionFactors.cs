namespace InfMatch.Tensors;

/// <summary>Where the taps of a filter lie for a column of a product: the image, and the place of tap (0, 0) in a
/// plane.</summary>
internal struct Corner
{
    public int Image, Y, X;
}

/// <summary>What the taps of a filter see of images of some channels.</summary>
internal interface IPatch
{
    static abstract int Channels(ProductSizes s);

    static abstract Divisor ByChannels(ProductSizes s);

    /// <summary>The elements of a plane.</summary>
    static abstract int Plane(ProductSizes s);

    static abstract Corner At(ProductSizes s, int index);

    /// <summary>Where tap (row, column) lies in a plane; below 0 where it lies outside.</summary>
    static abstract int Within(ProductSizes s, Corner at, int row, int column);
}

/// <summary>The patch of x [N, C, H, W] that makes an output (n, oh, ow).</summary>
internal readonly struct Patch : IPatch
{
    public static int Channels(ProductSizes s) => s.C;

    public static Divisor ByChannels(ProductSizes s) => s.ByC;

    public static int Plane(ProductSizes s) => s.H * s.W;

    public static Corner At(ProductSizes s, int index)
    {
        int row = s.ByOutW.Quotient(index), n = s.ByOutH.Quotient(row);
        return new Corner
        {
            Image = n * s.C * s.H * s.W,
            Y = (row - n * s.OutH) * s.Stride - s.Padding,
            X = (index - row * s.OutW) * s.Stride - s.Padding,
        };
    }

    public static int Within(ProductSizes s, Corner at, int row, int column)
    {
        int y = at.Y + row, x = at.X + column;
        return (uint)y < (uint)s.H & (uint)x < (uint)s.W ? y * s.W + x : -1;
    }
}

/// <summary>What of dy [N, K, OH, OW] an input (n, h, w) reached: nothing where a stride passed over it.</summary>
internal readonly struct Receivers : IPatch
{
    public static int Channels(ProductSizes s) => s.K;

    public static Divisor ByChannels(ProductSizes s) => s.ByK;

    public static int Plane(ProductSizes s) => s.OutH * s.OutW;

    public static Corner At(ProductSizes s, int index)
    {
        int row = s.ByW.Quotient(index), n = s.ByH.Quotient(row);
        return new Corner
        {
            Image = n * s.K * s.OutH * s.OutW,
            Y = row - n * s.H + s.Padding,
            X = index - row * s.W + s.Padding,
        };
    }

    public static int Within(ProductSizes s, Corner at, int row, int column)
    {
        int y = at.Y - row, x = at.X - column;
        int oh = s.ByStride.Quotient(y), ow = s.ByStride.Quotient(x);
        bool isInside = y >= 0 & x >= 0 & oh * s.Stride == y & ow * s.Stride == x & oh < s.OutH & ow < s.OutW;
        return isInside ? oh * s.OutW + ow : -1;
    }
}

/// <summary>Patches as [(channel, row, column), outputs or inputs], for any number of channels.</summary>
internal struct ByChannel<P> : IFactor<ByChannel<P>> where P : struct, IPatch
{
    private Corner _corner;
    private int _depth, _step;

    public static bool IsAlongDepth => false;

    public static bool HasRuns => false;

    public static bool IsOfRuns => false;

    public static bool IsWhole => false;

    public static int RunOf(ProductSizes s) => 1;

    public static ByChannel<P> At(ProductSizes s, int index, int depth, int step)
    {
        Corner at = P.At(s, index);
        at.Image = DeviceIntrinsics.Here(at.Image);
        at.Y = DeviceIntrinsics.Here(at.Y);
        at.X = DeviceIntrinsics.Here(at.X);
        return new() { _corner = at, _depth = depth, _step = step };
    }

    public static ByChannel<P> Next(ProductSizes s, ByChannel<P> at, int by) =>
        new() { _corner = at._corner, _depth = at._depth + by, _step = at._step };

    public static Place Of(ProductSizes s, ByChannel<P> at, int i)
    {
        int depth = at._depth + i * at._step, rest = s.ByS.Quotient(depth), channel = s.ByR.Quotient(rest);
        int within = P.Within(s, at._corner, rest - channel * s.R, depth - rest * s.S);
        return new() { Index = at._corner.Image + channel * P.Plane(s) + within, IsThere = within >= 0 };
    }
}

/// <summary>
/// Patches as [(row, column, channel), outputs or inputs], for channels that are a multiple of each tile's depth. So a tile
/// lies in one tap. Whether that lies inside is found once for all channels, and a tile takes no more than an addition.
/// </summary>
internal struct ByTap<P> : IFactor<ByTap<P>> where P : struct, IPatch
{
    private Corner _corner;
    private int _channel, _row, _column, _offset, _step, _stepInside;

    public static bool IsAlongDepth => false;

    public static bool HasRuns => false;

    public static bool IsOfRuns => false;

    public static bool IsWhole => true;

    public static int RunOf(ProductSizes s) => 1;

    public static ByTap<P> At(ProductSizes s, int index, int depth, int step)
    {
        Corner at = P.At(s, index);
        at.Image = DeviceIntrinsics.Here(at.Image);
        at.Y = DeviceIntrinsics.Here(at.Y);
        at.X = DeviceIntrinsics.Here(at.X);
        int tap = P.ByChannels(s).Quotient(depth), row = s.ByS.Quotient(tap);
        return Placed(s, new()
        {
            _corner = at, _channel = depth - tap * P.Channels(s), _row = row, _column = tap - row * s.S,
            _stepInside = DeviceIntrinsics.Here(step * P.Plane(s)),
        });
    }

    public static ByTap<P> Next(ProductSizes s, ByTap<P> at, int by)
    {
        at._channel += by;
        if (at._channel < P.Channels(s))
        {
            at._offset += 4 * at._step;
            return at;
        }
        at._channel -= P.Channels(s);
        at._column++;
        if (at._column == s.S)
        {
            at._column = 0;
            at._row++;
        }
        return Placed(s, at);
    }

    public static Place Of(ProductSizes s, ByTap<P> at, int i) =>
        new() { Index = at._offset + i * at._step, IsThere = at._step != 0 };

    // Outside the step is 0, and every channel is the first element.
    private static ByTap<P> Placed(ProductSizes s, ByTap<P> at)
    {
        int within = P.Within(s, at._corner, at._row, at._column);
        at._offset = within < 0 ? 0 : at._corner.Image + at._channel * P.Plane(s) + within;
        at._step = within < 0 ? 0 : at._stepInside;
        return at;
    }
}

/// <summary>w [K, C, R, S] as [c, (k, r, s)]: the left factor of the input gradient for any number of channels.</summary>
internal struct WeightsOfInput : IFactor<WeightsOfInput>
{
    private int _offset, _depth;

    public static bool IsAlongDepth => true;

    public static bool HasRuns => false;

    public static bool IsOfRuns => false;

    public static bool IsWhole => false;

    public static int RunOf(ProductSizes s) => 1;

    public static WeightsOfInput At(ProductSizes s, int index, int depth, int step) =>
        new() { _offset = index * s.R * s.S, _depth = depth };

    public static WeightsOfInput Next(ProductSizes s, WeightsOfInput at, int by) =>
        new() { _offset = at._offset, _depth = at._depth + by };

    public static Place Of(ProductSizes s, WeightsOfInput at, int i)
    {
        int depth = at._depth + i, k = s.ByArea.Quotient(depth);
        return new() { Index = at._offset + k * (s.C - 1) * s.R * s.S + depth, IsThere = true };
    }
}
