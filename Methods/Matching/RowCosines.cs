using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// How far two gradients of a network point apart, row by row: D(g, h) = Σ_layers Σ_rows (1 − ⟨g_r, h_r⟩/(‖g_r‖‖h_r‖ + 10⁻⁶)).
/// The rows of a convolution are its output channels, those of a matrix its rows; parameters of one axis, such as biases, count
/// nothing. Source: Zhao, Mopuri and Bilen (DC, ICLR 2021), equation 10, with the constant of their code.
/// </summary>
/// <param name="layout">Where the layers lie in a gradient [p].</param>
public sealed class RowCosines(ParameterLayout layout)
{
    private const double Floor = 1e-6;

    // Of a squared length: its root has no derivative at 0. Far below what a row that is not zero can have.
    private const double LeastSquare = 1e-30;

    /// <summary>D(g, h) of two gradients [p], a scalar; a row that is zero adds 1, and NaN spreads.</summary>
    public Variable Between(Variable g, Variable h)
    {
        Variable[] given = layout.Split(g), moved = layout.Split(h);
        Variable? sum = null;
        for (int i = 0; i < given.Length; i++)
        {
            if (given[i].Shape.Rank < 2)
                continue;
            Variable layer = OfRows(given[i].Flatten(), moved[i].Flatten());
            sum = sum is null ? layer : sum + layer;
        }
        return sum ?? throw new ShapeException("A network without a matrix has no rows to compare.");
    }

    /// <summary>D(g, h), a scalar, and its cotangent dD/dh [p] with g held; both belong to the current scope.</summary>
    public (Tensor Distance, Tensor Cotangent) At(Tensor g, Tensor h)
    {
        using var scope = TensorScope.Begin();
        using IDisposable _ = Recording.On();
        Variable leaf = Variable.Leaf(h), distance = Between(Variable.Constant(g), leaf);
        Tensor cotangent = Gradient.Of(distance, leaf).Value;
        return (scope.Keep(distance.Value), scope.Keep(cotangent));
    }

    private static Variable OfRows(Variable g, Variable h)
    {
        Variable lengths = Length(g) * Length(h);
        return (1 - (g * h).Sum(1) / (lengths + Floor)).Sum();
    }

    private static Variable Length(Variable rows) => ((rows * rows).Sum(1) + LeastSquare).Sqrt();
}
