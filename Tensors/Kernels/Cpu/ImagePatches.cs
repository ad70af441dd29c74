using System.Runtime.Intrinsics;

namespace InfMatch.Tensors;

/// <summary>
/// How a convolution reads its input as a matrix [C·R·S, OH·OW] that is never built: an image with its zero border
/// laid out as [C, height, width], where element (row, column) lies at rowOffset + columnOffset. A border below 0 on both
/// axes leaves out as much of the image, which is then read where it lies.
/// </summary>
internal readonly unsafe struct ImagePatches(
    int channels, int height, int width, int kernelHeight, int kernelWidth, int stride, int paddingH, int paddingW)
{
    private readonly int _paddedHeight = Math.Max(height, height + 2 * paddingH);

    public int PaddedWidth { get; } = Math.Max(width, width + 2 * paddingW);

    public int OutH => (height + 2 * paddingH - kernelHeight) / stride + 1;

    public int OutW => (width + 2 * paddingW - kernelWidth) / stride + 1;

    /// <summary>Rows of the matrix, C·R·S.</summary>
    public int Rows => channels * kernelHeight * kernelWidth;

    /// <summary>Whether the pixels of every vector of this width are neighbours in the image.</summary>
    public bool HasWholeVectors(int vector) => stride == 1 && OutW % vector == 0;

    /// <summary>Whether every row of pixels can be covered by vectors of this width, some of which may overlap.</summary>
    public bool HasVectorsInRows(int vector) => stride == 1 && OutW >= vector;

    /// <summary>Where an output pixel's patch begins.</summary>
    public int PixelOffset(int pixel) => (pixel / OutW * PaddedWidth + pixel % OutW) * stride;

    /// <summary>Writes where each matrix row begins, <see cref="Rows"/> numbers.</summary>
    public void FindRowOffsets(int* offsets)
    {
        int i = 0;
        for (int c = 0; c < channels; c++)
        for (int r = 0; r < kernelHeight; r++)
        for (int s = 0; s < kernelWidth; s++)
            offsets[i++] = (c * _paddedHeight + r) * PaddedWidth + s;
    }

    /// <summary>The image with its border: a copy in scratch memory, or the image itself, from its first pixel that is
    /// read, where no border is asked.</summary>
    public T* Pad<T>(T* image) where T : unmanaged
    {
        if (paddingH <= 0 && paddingW <= 0)
            return image - (nint)paddingH * width - paddingW;
        int plane = _paddedHeight * PaddedWidth;
        T* padded = Scratch.Get<T>(ScratchUse.Image, (long)channels * plane);
        for (int c = 0; c < channels; c++)
        {
            T* to = padded + (nint)c * plane;
            int border = paddingH * PaddedWidth;
            new Span<T>(to, border).Clear();
            to += border;
            for (int h = 0; h < height; h++)
            {
                for (int p = 0; p < paddingW; p++)
                    to[p] = to[p + paddingW + width] = default;
                new ReadOnlySpan<T>(image, width).CopyTo(new Span<T>(to + paddingW, width));
                image += width;
                to += PaddedWidth;
            }
            new Span<T>(to, border).Clear();
        }
        return padded;
    }

    /// <summary>Packs matrix rows [0, depth) of <paramref name="rowOffsets"/> and pixels [pixel, pixel + count) as
    /// [depth][panel], with zeros behind the last pixel.</summary>
    public void Pack<T>(T* padded, int* rowOffsets, int depth, int pixel, int count, int panel, T* destination)
        where T : unmanaged
    {
        int outW = OutW, bytes = stride == 1 && count == panel ? RunBytes(outW, panel, sizeof(T)) : 0;
        int run = bytes == 0 ? 1 : bytes / sizeof(T);
        int* offsets = stackalloc int[panel];
        for (int i = 0; i * run < count; i++)
            offsets[i] = PixelOffset(pixel + i * run);
        switch (bytes)
        {
            case 64:
                CopyRuns<T, Vector512<byte>>(padded, rowOffsets, depth, offsets, panel / run, destination);
                break;
            case 32:
                CopyRuns<T, Vector256<byte>>(padded, rowOffsets, depth, offsets, panel / run, destination);
                break;
            case 16:
                CopyRuns<T, Vector128<byte>>(padded, rowOffsets, depth, offsets, panel / run, destination);
                break;
            default:
                for (int d = 0; d < depth; d++)
                {
                    T* from = padded + rowOffsets[d], to = destination + (nint)d * panel;
                    for (int i = 0; i < count; i++)
                        to[i] = from[offsets[i]];
                    for (int i = count; i < panel; i++)
                        to[i] = default;
                }
                break;
        }
    }

    // The longest run of pixels that is contiguous in the image wherever a panel begins, as one vector move.
    private static int RunBytes(int outW, int panel, int size)
    {
        for (int bytes = 64; bytes >= 16; bytes /= 2)
        {
            int run = bytes / size;
            if (panel % run == 0 && outW % run == 0)
                return bytes;
        }
        return 0;
    }

    private static void CopyRuns<T, TRun>(
        T* padded, int* rowOffsets, int depth, int* offsets, int runs, T* destination)
        where T : unmanaged where TRun : unmanaged
    {
        var to = (TRun*)destination;
        for (int d = 0; d < depth; d++)
        {
            T* from = padded + rowOffsets[d];
            for (int i = 0; i < runs; i++)
                to[i] = *(TRun*)(from + offsets[i]);
            to += runs;
        }
    }
}
