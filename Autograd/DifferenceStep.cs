using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// The step of central differences along a direction v at θ: ‖εv‖ = c·max(‖θ‖, 1). The truncation error grows with
/// c², the rounding error with u/c, u the rounding unit: they balance at the cube root of u, 3.9e-3 in float32 and
/// 4.8e-6 in float64. u is that of float32: every difference is taken under <see cref="FullPrecision"/>.
/// </summary>
/// <remarks>
/// Bounds that the tests check, as ‖difference − exact‖/‖exact‖ of H v and of M_S (images, label logits) on a smooth
/// network of one block (softplus, tanh or GELU; convolution, instance norm, pooling, linear layer, soft labels):
/// 2e-4 in float32 against the exact product in float64 (measured: 7e-5 at most), 1e-9 in float64 (measured: 1.1e-10).
/// One-sided differences with their longer step: 7e-2 in float32 (measured: 5.5e-2), 1e-4 in float64 (measured: 6.7e-5).
/// Across ReLU kinks a difference averages, and no such bound holds.
/// </remarks>
public static class DifferenceStep
{
    /// <summary>c: the cube root of 6e-8 for float32, of 1.1e-16 for float64.</summary>
    public static double Default(DType dtype) => Math.Cbrt(dtype == DType.Float32 ? 6e-8 : 1.1e-16);

    /// <summary>c of a one-sided difference: five times that of a central one, 2e-2 in float32. It is what serves sets best that are
    /// learned with kinked networks: a longer difference averages over more kinks (docs/theory.md, "One-sided differences").
    /// </summary>
    public static double OneSided(DType dtype) => 5 * Default(dtype);

    /// <summary>c for the outer of two nested differences, the fourth root of the rounding unit: 1.6e-2 for float32,
    /// 1e-4 for float64.</summary>
    public static double Nested(DType dtype) => Math.Sqrt(Math.Sqrt(dtype == DType.Float32 ? 6e-8 : 1.1e-16));

    /// <summary>ε for the direction v at θ; 0 where v is zero, NaN where θ or v holds NaN.</summary>
    /// <exception cref="ShapeException">v is not of θ's shape.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is not positive and finite.</exception>
    public static double Along(Tensor theta, Tensor v, double? relativeStep = null)
    {
        CheckDirection(theta, v);
        double c = relativeStep ?? Default(theta.DType);
        if (!(c > 0) || !double.IsFinite(c))
            throw new ArgumentOutOfRangeException(nameof(relativeStep), c, "A step must be positive and finite.");
        double[] squares = TensorAlgebra.Dots((v, v), (theta, theta));
        double length = Math.Sqrt(squares[0]);
        return length == 0 ? 0 : c * Math.Max(Math.Sqrt(squares[1]), 1) / length;
    }

    internal static void CheckDirection(Tensor theta, Tensor v)
    {
        if (v.Shape != theta.Shape)
            throw new ShapeException($"The direction {v.Shape} must have the shape {theta.Shape} of the parameters.");
    }
}
