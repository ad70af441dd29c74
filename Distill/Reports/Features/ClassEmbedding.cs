using System.Numerics.Tensors;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// The features of the real images of one class, as a measure for synthetic ones. Two principal components make the
/// plane that is drawn; distances are those of all features. A real image is covered by a set of m images if one of
/// them is nearer than r, the median distance of a real image from the nearest of m other real ones: as many random
/// real images cover one half.
/// </summary>
internal sealed class ClassEmbedding
{
    private const int Draws = 20, Iterations = 200, Digits = 4;

    private readonly float[][] _real;
    private readonly float[] _middle;
    private readonly float[][] _axes;
    private readonly double[] _distances;
    private readonly RandomKey _key;

    /// <summary>Of features of real images, at least three.</summary>
    public ClassEmbedding(float[][] real, RandomKey key)
    {
        if (real.Length < 3)
            throw new ArgumentException($"A class needs at least 3 real images, got {real.Length}.", nameof(real));
        (_real, _key) = (real, key);
        _middle = new float[real[0].Length];
        foreach (float[] image in real)
            TensorPrimitives.Add(_middle, image, _middle);
        TensorPrimitives.Divide(_middle, real.Length, _middle);
        _distances = [.. real.Select(r => (double)TensorPrimitives.Distance<float>(r, _middle)).Order()];
        (_axes, Explained) = Principal();
    }

    /// <summary>The share of the variance that the plane shows.</summary>
    public double Explained { get; }

    /// <summary>The real images in the plane, x y x y …</summary>
    public double[] Plane() => Project(_real);

    /// <summary>Synthetic images among the real ones; at least one.</summary>
    public PlacedImages Place(float[][] images) => new(
        Project(images), Math.Round(Coverage(images), Digits),
        Math.Round(images.Average(s => Below(TensorPrimitives.Distance<float>(s, _middle))), Digits));

    /// <summary>The share of real images that have one of these nearer than <see cref="Radius"/>.</summary>
    public double Coverage(float[][] images)
    {
        double radius = Radius(images.Length);
        return (double)_real.Count(r => Nearest(r, images) < radius) / _real.Length;
    }

    /// <summary>The median distance of a real image from the nearest of so many other real ones, over random draws of
    /// them.</summary>
    public double Radius(int count)
    {
        // Half of them stay to be measured, or nothing would be.
        int drawn = Math.Clamp(count, 1, _real.Length / 2);
        var found = new List<double>();
        for (int draw = 0; draw < Draws; draw++)
        {
            int[] order = _key.Split((ulong)draw).Permutation(_real.Length);
            float[][] near = [.. order[..drawn].Select(i => _real[i])];
            found.AddRange(order[drawn..].Select(i => Nearest(_real[i], near)));
        }
        double[] sorted = [.. found.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static double Nearest(float[] image, float[][] others) =>
        others.Min(other => (double)TensorPrimitives.Distance<float>(image, other));

    private double Below(double distance)
    {
        int at = Array.BinarySearch(_distances, distance);
        return (double)(at < 0 ? ~at : at) / _distances.Length;
    }

    private double[] Project(float[][] images) =>
    [
        .. images.SelectMany(image => _axes.Select(axis =>
            Math.Round(TensorPrimitives.Dot<float>(image, axis) - TensorPrimitives.Dot<float>(_middle, axis), Digits))),
    ];

    // The two directions of most variance, by orthogonal iteration on the products of the images among themselves, of
    // which there are fewer than of features.
    private (float[][] Axes, double Explained) Principal()
    {
        int n = _real.Length;
        float[][] centred = [.. _real.Select(r => r.Select((v, i) => v - _middle[i]).ToArray())];
        double[][] products = [.. centred.Select(a => centred.Select(b => (double)TensorPrimitives.Dot<float>(a, b)).ToArray())];
        double total = Enumerable.Range(0, n).Sum(i => products[i][i]);
        double[] first = new double[n], second = new double[n];
        _key.Split("axes").Split(0).Normal(first);
        _key.Split("axes").Split(1).Normal(second);
        double largest = 0, next = 0;
        for (int i = 0; i < Iterations; i++)
        {
            (largest, first) = Unit(Times(products, first));
            second = Times(products, second);
            double along = TensorPrimitives.Dot<double>(first, second);
            (next, second) = Unit([.. second.Select((v, k) => v - along * first[k])]);
        }
        return ([Axis(centred, first), Axis(centred, second)], total > 0 ? Math.Round((largest + next) / total, Digits) : 0);
    }

    private static double[] Times(double[][] matrix, double[] vector) =>
        [.. matrix.Select(row => TensorPrimitives.Dot<double>(row, vector))];

    private static (double Length, double[] Direction) Unit(double[] vector)
    {
        double length = TensorPrimitives.Norm<double>(vector);
        return (length, length > 0 ? [.. vector.Select(v => v / length)] : vector);
    }

    // A direction of the features from one of the images; its sign is that of its largest part, so that it is the same
    // everywhere.
    private static float[] Axis(float[][] centred, double[] weights)
    {
        var axis = new double[centred[0].Length];
        for (int i = 0; i < centred.Length; i++)
        {
            for (int f = 0; f < axis.Length; f++)
                axis[f] += weights[i] * centred[i][f];
        }
        (_, double[] unit) = Unit(axis);
        double sign = unit[TensorPrimitives.IndexOfMaxMagnitude<double>(unit)] < 0 ? -1 : 1;
        return [.. unit.Select(v => (float)(sign * v))];
    }
}
