using System.Collections.Immutable;
using System.Runtime.InteropServices;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>
/// Feature vectors of small grey images without a network: brightness averaged over squares of 2×2 pixels and the strength of
/// edges across and along averaged over squares of 4×4, centred and projected onto the principal components of the images it was
/// fitted to, each brought to deviation 1.
/// </summary>
internal sealed class PixelFeatures
{
    // As in LatentSemanticAnalysis.
    private const double Grain = 1.0 / 4096;

    private const int Fine = 2, Coarse = 4;

    private readonly double[] _mean;
    private readonly double[] _projection;
    private readonly int _height;
    private readonly int _width;

    private PixelFeatures(ImageDataset images, double[] mean, double[] projection, int width) =>
        (_height, _width, _mean, _projection, Width) = (images.Height, images.Width, mean, projection, width);

    /// <summary>Numbers in a feature vector, F.</summary>
    public int Width { get; }

    /// <summary>Fits to images [N, 1, H, W] with H and W divisible by 4.</summary>
    public static PixelFeatures Fit(ImageDataset images, int width)
    {
        (int count, int numbers) = (images.Count, Numbers(images.Height, images.Width));
        var rows = new double[count * numbers];
        Parallel.For(0, count, i => Measure(images.Image(i), images.Height, images.Width, rows.AsSpan(i * numbers, numbers)));
        var mean = new double[numbers];
        for (int i = 0; i < rows.Length; i++)
            mean[i % numbers] += rows[i] / count;
        for (int i = 0; i < rows.Length; i++)
            rows[i] -= mean[i % numbers];
        using var scope = TensorScope.Begin();
        var backend = new CpuBackend();
        Tensor x = Tensor.From<double>(backend, rows, new Shape(count, numbers));
        Tensor moments = backend.Empty(new Shape(numbers, numbers), DType.Float64);
        backend.Run(new MatMulCall(x, true, x, false, moments));
        (double[] values, double[] vectors) = LeadingEigenvectors.Of(moments, width, LatentSemanticAnalysis.SpectrumTolerance);
        for (int i = 0; i < vectors.Length; i++)
            vectors[i] /= Math.Sqrt(values[i / numbers] / count);
        return new PixelFeatures(images, mean, vectors, width);
    }

    /// <summary>Feature vectors [N, F] of images of the same size.</summary>
    public FeatureTable Of(ImageDataset images)
    {
        int numbers = _mean.Length;
        var values = new float[images.Count * Width];
        Parallel.For(0, images.Count, i =>
        {
            Span<double> measured = stackalloc double[numbers];
            Measure(images.Image(i), _height, _width, measured);
            for (int n = 0; n < numbers; n++)
                measured[n] -= _mean[n];
            for (int k = 0; k < Width; k++)
            {
                double sum = System.Numerics.Tensors.TensorPrimitives.Dot(measured, _projection.AsSpan(k * numbers, numbers));
                values[i * Width + k] = (float)(Math.Round(sum / Grain) * Grain);
            }
        });
        return new FeatureTable(Width, ImmutableCollectionsMarshal.AsImmutableArray(values));
    }

    private static int Numbers(int height, int width) => height / Fine * (width / Fine) + 2 * (height / Coarse * (width / Coarse));

    private static void Measure(ReadOnlySpan<byte> image, int height, int width, Span<double> result)
    {
        result.Clear();
        int fineAcross = width / Fine, coarseAcross = width / Coarse, across = height / Fine * fineAcross;
        int along = across + height / Coarse * coarseAcross;
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                int pixel = image[y * width + x];
                int right = x + 1 < width ? image[y * width + x + 1] : 0, below = y + 1 < height ? image[(y + 1) * width + x] : 0;
                result[y / Fine * fineAcross + x / Fine] += pixel / (255.0 * Fine * Fine);
                int square = y / Coarse * coarseAcross + x / Coarse;
                result[across + square] += Math.Abs(pixel - right) / (255.0 * Coarse * Coarse);
                result[along + square] += Math.Abs(pixel - below) / (255.0 * Coarse * Coarse);
            }
        }
    }
}
