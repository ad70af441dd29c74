using InfMatch.Datasets;
using InfMatch.Tensors;

namespace InfMatch.Tests.Datasets;

/// <summary>Retrieval by canonical correlation in closed form: images and captions are compared by the cosine of their projections
/// onto the canonical directions of training pairs, each weighted by how much its correlation tells.</summary>
internal sealed class LinearRetrieval
{
    private readonly double[] _imageMap, _captionMap, _imageMean, _captionMean;
    private readonly int _width;

    public LinearRetrieval(PairDataset train, double imageRidge, double captionRidge, int directions)
    {
        using var scope = TensorScope.Begin();
        var backend = new CpuBackend();
        (FeatureTable images, FeatureTable captions) = train.Features;
        (Tensor v, _imageMean) = Centred(backend, images, [.. train.ImageOfCaption]);
        (Tensor t, _captionMean) = Centred(backend, captions, null);
        Tensor imageRoot = InverseRoot(v, imageRidge), captionRoot = InverseRoot(t, captionRidge);
        Tensor cross = Product(Product(imageRoot, false, Product(v, true, t).Times(1.0 / train.CaptionCount)), false, captionRoot);
        // The singular vectors of the whitened cross-covariance are the canonical directions, its singular values their correlations.
        (double[] squares, double[] right) = LeadingEigenvectors.Of(Product(cross, true, cross), directions);
        double[] weights = Array.ConvertAll(squares, s => Math.Sqrt(Math.Sqrt(s) / (1 - Math.Min(s, 0.999))));
        Tensor b = Tensor.From<double>(backend, right, new Shape(directions, captions.Width));
        _captionMap = Scaled(Product(captionRoot, false, Transposed(b)), weights, null);
        _imageMap = Scaled(Product(imageRoot, false, Product(cross, false, Transposed(b))), weights, squares);
        _width = directions;
    }

    /// <summary>The share of images whose best caption is one of their own, and of captions whose best image is theirs.</summary>
    public (double CaptionOfImage, double ImageOfCaption) RecallAtOne(PairDataset test)
    {
        (FeatureTable images, FeatureTable captions) = test.Features;
        double[][] left = Map(images, _imageMean, _imageMap), right = Map(captions, _captionMean, _captionMap);
        int captionRight = Enumerable.Range(0, left.Length).Count(i => test.ImageOfCaption[Nearest(left[i], right)] == i);
        int imageRight = Enumerable.Range(0, right.Length).Count(c => test.ImageOfCaption[c] == Nearest(right[c], left));
        return ((double)captionRight / left.Length, (double)imageRight / right.Length);
    }

    private static int Nearest(double[] one, double[][] all) =>
        Enumerable.Range(0, all.Length).MaxBy(i => System.Numerics.Tensors.TensorPrimitives.Dot<double>(one, all[i]));

    private double[][] Map(FeatureTable table, double[] mean, double[] map) =>
    [
        .. Enumerable.Range(0, table.Rows).Select(i =>
        {
            var result = new double[_width];
            for (int k = 0; k < table.Width; k++)
            {
                double value = table.Row(i)[k] - mean[k];
                for (int j = 0; j < _width; j++)
                    result[j] += value * map[k * _width + j];
            }
            double length = Math.Sqrt(result.Sum(x => x * x));
            return Array.ConvertAll(result, x => x / length);
        }),
    ];

    private static (Tensor Rows, double[] Mean) Centred(CpuBackend backend, FeatureTable table, int[]? rows)
    {
        rows ??= [.. Enumerable.Range(0, table.Rows)];
        var mean = new double[table.Width];
        var values = new double[rows.Length * table.Width];
        for (int i = 0; i < rows.Length; i++)
        {
            ReadOnlySpan<float> row = table.Row(rows[i]);
            for (int k = 0; k < row.Length; k++)
            {
                values[i * row.Length + k] = row[k];
                mean[k] += (double)row[k] / rows.Length;
            }
        }
        for (int i = 0; i < values.Length; i++)
            values[i] -= mean[i % mean.Length];
        return (Tensor.From<double>(backend, values, new Shape(rows.Length, table.Width)), mean);
    }

    private static Tensor InverseRoot(Tensor rows, double ridge)
    {
        double[] moments = Product(rows, true, rows).Times(1.0 / rows.Shape[0]).ToArray<double>();
        int d = rows.Shape[1];
        double mean = Enumerable.Range(0, d).Average(i => moments[i * (d + 1)]);
        for (int i = 0; i < d; i++)
            moments[i * (d + 1)] += ridge * mean;
        return MatrixRoots.Of(Tensor.From<double>(rows.Backend, moments, new Shape(d, d)), ridge * mean).InverseRoot;
    }

    private static Tensor Transposed(Tensor a)
    {
        (int rows, int columns) = (a.Shape[0], a.Shape[1]);
        double[] values = a.ToArray<double>(), result = new double[values.Length];
        for (int i = 0; i < result.Length; i++)
            result[i] = values[i % rows * columns + i / rows];
        return Tensor.From<double>(a.Backend, result, new Shape(columns, rows));
    }

    // Columns by their weights, and divided by the correlations where their squares are given.
    private static double[] Scaled(Tensor map, double[] weights, double[]? squares)
    {
        double[] values = map.ToArray<double>();
        for (int i = 0; i < values.Length; i++)
        {
            int k = i % weights.Length;
            values[i] *= weights[k] / (squares is null ? 1 : Math.Sqrt(Math.Max(squares[k], 1e-12)));
        }
        return values;
    }

    private static Tensor Product(Tensor a, bool transposeA, Tensor b)
    {
        Tensor y = a.Backend.Empty(new Shape(a.Shape[transposeA ? 1 : 0], b.Shape[1]), DType.Float64);
        a.Backend.Run(new MatMulCall(a, transposeA, b, false, y));
        return y;
    }
}
