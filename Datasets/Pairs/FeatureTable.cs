using System.Collections.Immutable;
using System.Runtime.InteropServices;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>Feature vectors [n, F] in float32, one a row, all finite; immutable.</summary>
public sealed class FeatureTable
{
    /// <summary>Takes the numbers without copying them.</summary>
    /// <param name="width">Numbers in a row, F.</param>
    /// <param name="values">All rows one after another, [n, F].</param>
    /// <exception cref="ArgumentException">They are no whole number of rows, or one is NaN or infinite.</exception>
    public FeatureTable(int width, ImmutableArray<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (values.Length % width != 0)
            throw new ArgumentException($"FeatureTable: {values.Length} numbers are no whole rows of {width}.", nameof(values));
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                throw new ArgumentException(
                    $"FeatureTable: row {i / width} has {values[i]} in column {i % width}; features are finite.", nameof(values));
            }
        }

        (Width, AllValues) = (width, values);
    }

    /// <summary>Numbers in a row, F.</summary>
    public int Width { get; }

    /// <summary>Number of rows n.</summary>
    public int Rows => AllValues.Length / Width;

    /// <summary>All numbers, [n, F].</summary>
    public ReadOnlySpan<float> Values => AllValues.AsSpan();

    private ImmutableArray<float> AllValues { get; }

    /// <summary>One row, [F].</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public ReadOnlySpan<float> Row(int index)
    {
        if ((uint)index >= (uint)Rows)
            throw new ArgumentOutOfRangeException(nameof(index), index, $"There are {Rows} rows, counted from 0.");
        return Values.Slice(index * Width, Width);
    }

    /// <summary>The given rows in the given order; one may occur more than once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public FeatureTable Subset(ReadOnlySpan<int> rows)
    {
        var values = new float[checked(rows.Length * Width)];
        CopyRows(rows, values);
        return new FeatureTable(Width, ImmutableCollectionsMarshal.AsImmutableArray(values));
    }

    /// <summary>The given rows, all where none are given, on a backend: [n, F] in float32; the caller or the current scope owns
    /// them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public Tensor ToTensor(Backend backend, int[]? rows = null)
    {
        if (rows is null)
            return Tensor.From<float>(backend, Values, new Shape(Rows, Width));
        var values = new float[checked(rows.Length * Width)];
        CopyRows(rows, values);
        return Tensor.From<float>(backend, values, new Shape(rows.Length, Width));
    }

    /// <inheritdoc/>
    public override string ToString() => $"[{Rows}, {Width}]";

    private void CopyRows(ReadOnlySpan<int> rows, Span<float> destination)
    {
        for (int i = 0; i < rows.Length; i++)
            Row(rows[i]).CopyTo(destination.Slice(i * Width, Width));
    }
}
