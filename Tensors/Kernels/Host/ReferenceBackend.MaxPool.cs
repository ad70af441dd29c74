using System.Numerics;

namespace InfMatch.Tensors;

public sealed partial class ReferenceBackend
{
    /// <inheritdoc/>
    protected override void MaxPool2d<T>(Pool2dGeometry g, HostBlock<T> x, HostBlock<T> v, HostBlock<T> y)
    {
        int[] largest = Largest(g, x.Span);
        for (int o = 0; o < largest.Length; o++)
            y.Span[o] = v.Span[largest[o]];
    }

    /// <inheritdoc/>
    protected override void MaxPool2dGradient<T>(Pool2dGeometry g, HostBlock<T> x, HostBlock<T> dy, HostBlock<T> dx)
    {
        int[] largest = Largest(g, x.Span);
        dx.Span.Clear();
        for (int o = 0; o < largest.Length; o++)
            dx.Span[largest[o]] = dy.Span[o];
    }

    // For each window where x is largest in it: the first of equal elements, and the first NaN where there is one.
    private static int[] Largest<T>(Pool2dGeometry g, Span<T> x) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var largest = new int[g.Output.Count];
        Array.Fill(largest, -1);
        foreach ((int i, int o) in Windows(g))
        {
            int best = largest[o];
            if (best < 0 || (!T.IsNaN(x[best]) && (T.IsNaN(x[i]) || x[i] > x[best])))
                largest[o] = i;
        }
        return largest;
    }
}
