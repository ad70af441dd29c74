using InfMatch.Datasets;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Pixels of arrays: the one way for every picture and every file.</summary>
internal static class Destandardisation
{
    /// <summary>Standardised images [n, C, H, W] as bytes: rounded and clipped.</summary>
    /// <exception cref="ArgumentException">A number is NaN.</exception>
    public static byte[] ToPixels(this Standardisation standardisation, ReadOnlySpan<float> images, Shape image)
    {
        var pixels = new byte[images.Length];
        standardisation.ToPixels(images, image[1] * image[2], pixels);
        return pixels;
    }
}
