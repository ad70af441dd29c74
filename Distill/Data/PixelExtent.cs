using InfMatch.Datasets;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>How far the pixels of a set are from ones that can be shown.</summary>
/// <param name="Clipped">The share outside 0…255, which every picture clips.</param>
/// <param name="Far">The share that is outside by more than the whole range: below −255 or above 510.</param>
internal readonly record struct PixelExtent(double Clipped, double Far)
{
    private const double Rounding = 0.5, Range = 255;

    /// <summary>Of images [n, C, H, W] of which only the standardisation is to be undone.</summary>
    public static PixelExtent Of(ReadOnlySpan<float> images, Shape image, Standardisation by)
    {
        int plane = image[1] * image[2];
        long clipped = 0, far = 0;
        for (int i = 0; i < images.Length; i++)
        {
            int c = i / plane % by.Channels;
            double pixel = ((double)images[i] * by.Std[c] + by.Mean[c]) * Range;
            clipped += pixel is < -Rounding or > Range + Rounding ? 1 : 0;
            far += pixel is < -Range or > 2 * Range ? 1 : 0;
        }
        return new PixelExtent((double)clipped / Math.Max(1, images.Length), (double)far / Math.Max(1, images.Length));
    }
}
