using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>Mean and standard deviation of each channel in pixel units of [0, 1]; travels with the data set.</summary>
public sealed class Standardisation : IEquatable<Standardisation>
{
    private readonly float[] _table;

    /// <summary>Takes one mean and one standard deviation a channel, in [0, 1] pixel units.</summary>
    /// <exception cref="DatasetException">A deviation is not above 0, or a number is not finite.</exception>
    /// <exception cref="ArgumentException">The two lists are empty or differ in length.</exception>
    public Standardisation(ReadOnlySpan<float> mean, ReadOnlySpan<float> std)
    {
        if (mean.IsEmpty || mean.Length != std.Length)
        {
            throw new ArgumentException(
                $"Standardisation: {mean.Length} means and {std.Length} standard deviations; one of each a channel.",
                nameof(std));
        }

        for (int c = 0; c < mean.Length; c++)
        {
            if (!float.IsFinite(mean[c]) || !float.IsFinite(std[c]) || std[c] <= 0)
            {
                throw new DatasetException(
                    DatasetFault.ConstantPixels, "standardisation",
                    $"channel {c} cannot be divided by its standard deviation",
                    $"mean {mean[c]}, std {std[c]}", "finite numbers and std above 0",
                    Constant(c, std));
            }
        }

        Mean = [.. mean];
        Std = [.. std];
        _table = new float[256 * mean.Length];
        for (int i = 0; i < _table.Length; i++)
            _table[i] = (((i & 255) / 255f) - mean[i >> 8]) / std[i >> 8];
    }

    /// <summary>Mean of each channel, [C], in [0, 1] pixel units.</summary>
    public ImmutableArray<float> Mean { get; }

    /// <summary>Standard deviation of each channel, [C], in [0, 1] pixel units, above 0.</summary>
    public ImmutableArray<float> Std { get; }

    /// <summary>Number of channels C.</summary>
    public int Channels => Mean.Length;

    /// <summary>Measures mean and (population) standard deviation over every pixel of pixels [N, C, H·W].</summary>
    /// <exception cref="DatasetException">A channel is constant, so that its standard deviation is 0.</exception>
    /// <exception cref="ArgumentException">The pixels are empty or no whole number of images.</exception>
    public static Standardisation Measure(ReadOnlySpan<byte> pixels, int channels, int planeSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(planeSize);
        RequireWholeImages(pixels.Length, channels, planeSize, nameof(pixels));
        if (pixels.IsEmpty)
            throw new ArgumentException("Standardisation: there are no pixels to measure.", nameof(pixels));

        // Counting the 256 values makes the sums exact integers, so no order of summation can show in the result.
        long[] histogram = new long[256 * channels];
        for (int start = 0, plane = 0; start < pixels.Length; start += planeSize, plane++)
        {
            int row = plane % channels * 256;
            foreach (byte p in pixels.Slice(start, planeSize))
                histogram[row + p]++;
        }

        float[] mean = new float[channels], std = new float[channels];
        for (int c = 0; c < channels; c++)
        {
            double count = pixels.Length / channels, first = 0, second = 0;
            for (int p = 0; p < 256; p++)
                first += (double)histogram[(c * 256) + p] * p;
            double centre = first / count;
            for (int p = 0; p < 256; p++)
                second += histogram[(c * 256) + p] * (p - centre) * (p - centre);
            mean[c] = (float)(centre / 255);
            std[c] = (float)(Math.Sqrt(second / count) / 255);
        }

        return new Standardisation(mean, std);
    }

    /// <summary>Writes (pixel / 255 − mean) / std for pixels [N, C, H·W] to a destination of the same length.</summary>
    /// <exception cref="ArgumentException">The lengths differ or are no whole number of images.</exception>
    public void Apply(ReadOnlySpan<byte> pixels, int planeSize, Span<float> destination)
    {
        RequireWholeImages(pixels.Length, Channels, planeSize, nameof(pixels));
        RequireSameLength(pixels.Length, destination.Length, nameof(destination));
        for (int start = 0, plane = 0; start < pixels.Length; start += planeSize, plane++)
        {
            var table = _table.AsSpan(plane % Channels * 256, 256);
            var source = pixels.Slice(start, planeSize);
            var target = destination.Slice(start, planeSize);
            for (int i = 0; i < source.Length; i++)
                target[i] = table[source[i]];
        }
    }

    /// <summary>
    /// Turns standardised values [N, C, H·W] back into pixels, round((x · std + mean) · 255) clamped to 0…255: how
    /// synthetic images are shown.
    /// </summary>
    /// <exception cref="ArgumentException">The lengths differ or do not fit, or a value is NaN.</exception>
    public void ToPixels(ReadOnlySpan<float> values, int planeSize, Span<byte> destination)
    {
        RequireWholeImages(values.Length, Channels, planeSize, nameof(values));
        RequireSameLength(values.Length, destination.Length, nameof(destination));
        for (int i = 0; i < values.Length; i++)
        {
            int c = i / planeSize % Channels;
            float pixel = ((values[i] * Std[c]) + Mean[c]) * 255f;
            if (float.IsNaN(pixel))
                throw new ArgumentException($"Standardisation: value {i} is NaN and has no pixel.", nameof(values));
            destination[i] = (byte)MathF.Round(Math.Clamp(pixel, 0f, 255f));
        }
    }

    /// <summary>True when all means and deviations are equal.</summary>
    public bool Equals(Standardisation? other) =>
        other is not null && Mean.AsSpan().SequenceEqual(other.Mean.AsSpan())
        && Std.AsSpan().SequenceEqual(other.Std.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Standardisation);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Channels, Mean[0], Std[0]);

    /// <inheritdoc/>
    public override string ToString() => $"mean ({string.Join(", ", Mean)}), std ({string.Join(", ", Std)})";

    private static string Constant(int channel, ReadOnlySpan<float> std)
    {
        if (std.Length == 1 || !std.ContainsAnyExcept(0f))
            return "Are all pixels of the set equal?";
        string name = std.Length == 3 ? $"{channel}, {(channel == 0 ? "red" : channel == 1 ? "green" : "blue")}," : $"{channel}";
        return $"Channel {name} has one value in all images: save them in grey, or add images in which it differs.";
    }

    private static void RequireWholeImages(int length, int channels, int planeSize, string parameter)
    {
        if (planeSize <= 0 || length % ((long)channels * planeSize) != 0)
        {
            throw new ArgumentException(
                $"Standardisation: {length} values are no whole number of images of {channels} channels with " +
                $"{planeSize} pixels each.",
                parameter);
        }
    }

    private static void RequireSameLength(int source, int destination, string parameter)
    {
        if (source != destination)
        {
            throw new ArgumentException(
                $"Standardisation: the destination holds {destination} values, {source} are to be written.", parameter);
        }
    }
}
