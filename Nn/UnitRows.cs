using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>Rows of length 1.</summary>
public static class UnitRows
{
    // Of the squared length; below it a row stays short instead of becoming NaN.
    private const double Least = 1e-24;

    /// <summary>x [N, K] with each row divided by its length; a row of zeros stays so.</summary>
    public static Variable ToUnitRows(this Variable x) => x / (x * x).Sum(1, keepDims: true).Maximum(Least).Sqrt();

    /// <summary>The mean [1, K] over the rows of x [N, K].</summary>
    public static Variable MeanRow(this Variable x) => x.SumTo(new Shape(1, x.Shape[1])) / x.Shape[0];
}
