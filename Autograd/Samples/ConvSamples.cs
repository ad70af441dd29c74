using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>The geometries on which the three forms of the convolution are checked.</summary>
internal static class ConvSamples
{
    public static Conv2dGeometry Small { get; } = new(1, 2, 4, 4, new Conv2dFilter(2, 3, 3, Stride: 1, Padding: 1));

    // Kernels 1×1, 3×3, 5×5 and one that is not square; strides 1 and 2, also with a row and a column that no window
    // of the output reaches; padding up to more than half of the kernel. The last has channels and rows that a device walks
    // through tile by tile.
    public static IEnumerable<Conv2dGeometry> Geometries() =>
    [
        new(2, 2, 4, 5, new Conv2dFilter(3, 3, 3, 1, 1)),
        new(1, 2, 6, 6, new Conv2dFilter(2, 3, 3, 2, 0)),
        new(1, 1, 7, 6, new Conv2dFilter(2, 3, 3, 2, 1)),
        new(2, 3, 3, 3, new Conv2dFilter(2, 1, 1, 1, 0)),
        new(1, 2, 4, 4, new Conv2dFilter(1, 1, 1, 2, 0)),
        new(1, 1, 5, 5, new Conv2dFilter(2, 5, 5, 1, 3)),
        new(1, 1, 4, 5, new Conv2dFilter(1, 2, 3, 1, 0)),
        new(1, 16, 4, 4, new Conv2dFilter(16, 1, 1, 1, 0)),
    ];
}
