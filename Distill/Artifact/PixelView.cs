using InfMatch.Datasets;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What 8-bit pixels lose of a set, in pixel units of 0…255.</summary>
/// <param name="Largest">The largest difference of a pixel.</param>
/// <param name="Mean">The mean difference.</param>
/// <param name="Clipped">The share of pixels that lay outside 0…255.</param>
internal sealed record PixelLoss(double Largest, double Mean, double Clipped)
{
    /// <summary>One line for people.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"8-bit pixels lose {Mean:F2} of 255 on average and {Largest:F1} at most; ") + FormattableString.Invariant(
        $"{100 * Clipped:F1} % of the pixels lay outside 0…255 and were clipped");
}

/// <summary>
/// A set as 8-bit pixels: whitening and standardisation undone, rounded and clipped. The preprocessing of test images
/// makes training images of them again.
/// </summary>
internal sealed class PixelView
{
    private readonly SyntheticArtifact _artifact;
    private readonly Lazy<(byte[] Pixels, PixelLoss Loss)> _view;

    /// <summary>Of a set's images; computed when it is first asked for, because the artifact itself can be kept without.</summary>
    public PixelView(SyntheticArtifact artifact)
    {
        _artifact = artifact;
        _view = new Lazy<(byte[], PixelLoss)>(() => View(artifact));
    }

    private static ReadOnlySpan<float> ImagesOf(SyntheticArtifact artifact)
    {
        ReadOnlySpan<float> images = artifact.Images.AsFloat32();
        return artifact.Whitening is { } zca ? zca.Inverse.Undo(images) : images;
    }

    // A number as a pixel of 0…255, neither rounded nor clipped.
    private static double Exact(Standardisation s, float value, int channel) => ((double)value * s.Std[channel] + s.Mean[channel]) * 255;

    private static (byte[] Pixels, PixelLoss Loss) View(SyntheticArtifact artifact)
    {
        Standardisation s = artifact.Standardisation;
        ReadOnlySpan<float> images = ImagesOf(artifact);
        int plane = artifact.Image[1] * artifact.Image[2], outside = 0;
        byte[] pixels = s.ToPixels(images, artifact.Image);
        double largest = 0, sum = 0;
        for (int i = 0; i < images.Length; i++)
        {
            double exact = Exact(s, images[i], i / plane % s.Channels);
            double lost = Math.Abs(exact - pixels[i]);
            (largest, sum) = (Math.Max(largest, lost), sum + lost);
            outside += exact is < -0.5 or > 255.5 ? 1 : 0;
        }
        return (pixels, new PixelLoss(largest, sum / images.Length, (double)outside / images.Length));
    }

    /// <summary>[n, C, H, W].</summary>
    /// <exception cref="DistillException">The set's whitening cannot be undone.</exception>
    public byte[] Pixels => _view.Value.Pixels;

    /// <summary>What is lost.</summary>
    /// <exception cref="DistillException">The set's whitening cannot be undone.</exception>
    public PixelLoss Loss => _view.Value.Loss;

    /// <summary>The pixels of one image [C, H, W].</summary>
    public ReadOnlySpan<byte> this[int image] => Pixels.AsSpan(image * _artifact.Image.Count, _artifact.Image.Count);

    /// <summary>The images as eyes see more of them, [n, C, H, W]: the range of an image, without its darkest and brightest fiftieth,
    /// is mapped to 0…255 where it reaches beyond.</summary>
    /// <exception cref="DistillException">The set's whitening cannot be undone.</exception>
    public byte[] InOwnRange()
    {
        const int Fiftieth = 50;
        Standardisation s = _artifact.Standardisation;
        ReadOnlySpan<float> images = ImagesOf(_artifact);
        int size = _artifact.Image.Count, plane = _artifact.Image[1] * _artifact.Image[2];
        var pixels = new byte[images.Length];
        var exact = new double[size];
        for (int first = 0; first < images.Length; first += size)
        {
            for (int i = 0; i < size; i++)
                exact[i] = Exact(s, images[first + i], i / plane);
            double[] sorted = [.. exact.Order()];
            double low = Math.Min(0, sorted[size / Fiftieth]), high = Math.Max(255, sorted[size - 1 - size / Fiftieth]);
            for (int i = 0; i < size; i++)
                pixels[first + i] = (byte)Math.Round(Math.Clamp((exact[i] - low) / (high - low) * 255, 0, 255));
        }
        return pixels;
    }

    /// <summary>What a network is trained on when only the pixels are left: standardised, and whitened where the set is.</summary>
    public float[] ToTrainingImages(Backend backend)
    {
        var images = new float[Pixels.Length];
        _artifact.Standardisation.Apply(Pixels, _artifact.Image[1] * _artifact.Image[2], images);
        if (_artifact.Whitening is null)
            return images;
        using var scope = TensorScope.Begin();
        Tensor whitened = Tensor.From<float>(backend, images, new Shape(_artifact.Images.Dimensions));
        _artifact.Whitening.Apply(whitened);
        return whitened.ToArray<float>();
    }
}
