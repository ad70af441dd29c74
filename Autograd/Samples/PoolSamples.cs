using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>The geometries on which poolings are checked.</summary>
internal static class PoolSamples
{
    private const double LeastLead = 0.1;

    public static Pool2dGeometry Small { get; } = new(1, 2, 4, 4, Window: 2);

    // Windows of 1, 2 and 3, some with rows and columns that fill no window.
    public static IEnumerable<Pool2dGeometry> Geometries() =>
    [
        new(2, 2, 4, 4, Window: 2),
        new(1, 2, 5, 7, Window: 2),
        new(2, 1, 3, 4, Window: 1),
        new(1, 2, 7, 6, Window: 3),
        new(1, 1, 3, 3, Window: 3),
    ];

    /// <summary>A sample of an operation that is linear in its first input and follows the maxima of its
    /// second.</summary>
    public static OpSample AlongMaxima(Op op, Shape linear, Pool2dGeometry g) =>
        new(op, linear, g.Input) { LinearIn = [[0]], Accepts = numbers => HasClearMaxima(g, numbers[1]) };

    /// <summary>Whether the largest element of each window of x is well above the others: no small step moves
    /// it.</summary>
    public static bool HasClearMaxima(Pool2dGeometry g, double[] x)
    {
        for (int plane = 0; plane < g.N * g.C; plane++)
        for (int h = 0; h < g.OutH; h++)
        for (int w = 0; w < g.OutW; w++)
        {
            double[] window =
            [
                .. from i in Enumerable.Range(h * g.Window, g.Window)
                   from j in Enumerable.Range(w * g.Window, g.Window)
                   let value = x[(plane * g.H + i) * g.W + j]
                   orderby value descending
                   select value,
            ];
            if (window.Length > 1 && window[0] - window[1] < LeastLead)
                return false;
        }
        return true;
    }
}
