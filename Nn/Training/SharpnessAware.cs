using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// Surrogate gap guided sharpness-aware minimisation (GSAM; Zhuang et al., ICLR 2022, algorithm 1): the optimiser is given
/// another direction in place of a step's gradient. With g = ∇L(θ) and h = ∇L(θ + e) of the same batch it is
/// h − α·(g − ⟨g, h⟩/‖h‖²·h): down on the loss around θ, and up on the part of g that is orthogonal to h, which closes the
/// gap between both losses. e = ρ·g/‖g‖, or where it is adaptive ρ·θ²⊙g/‖θ⊙g‖ (Kwon et al., ASAM, ICML 2021). Two gradients a step.
/// </summary>
/// <param name="Rho">ρ, how far from θ the second gradient is taken.</param>
/// <param name="Alpha">α, the weight of the surrogate gap; 0 for SAM.</param>
public sealed record SharpnessAware(double Rho, double Alpha)
{
    /// <summary>ρ of DATM (ICLR 2024).</summary>
    public const double DefaultRho = 0.01;

    /// <summary>α of DATM (ICLR 2024).</summary>
    public const double DefaultAlpha = 0.3;

    // As in the authors' code, beside every length that is divided by.
    private const double Epsilon = 1e-12;

    /// <summary>Whether a parameter is moved in proportion to its own square, as DATM's experts are.</summary>
    public bool IsAdaptive { get; init; } = true;

    /// <summary>What it is, with its numbers: equal text, equal training.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"gsam rho {Rho:R} alpha {Alpha:R}{(IsAdaptive ? " adaptive" : "")}");

    /// <summary>θ + e [p], where the second gradient is taken; it belongs to the current scope.</summary>
    /// <param name="theta">θ [p].</param>
    /// <param name="gradient">g [p] at θ.</param>
    public Tensor Perturbed(Tensor theta, Tensor gradient)
    {
        using IDisposable off = Recording.Off();
        (Variable t, Variable g) = (Variable.Constant(theta), Variable.Constant(gradient));
        Variable scaled = IsAdaptive ? t * g : g;
        Variable length = Dot(scaled.Value, scaled.Value).Sqrt() + Epsilon;
        return (t + (IsAdaptive ? t * scaled : scaled) * (Rho / length)).Value;
    }

    /// <summary>The direction [p] that takes the gradient's place; it belongs to the current scope.</summary>
    /// <param name="gradient">g [p] at θ.</param>
    /// <param name="perturbed">h [p] at θ + e, of the same batch.</param>
    public Tensor Direction(Tensor gradient, Tensor perturbed)
    {
        using IDisposable off = Recording.Off();
        Variable ofG = Dot(gradient, gradient).Sqrt(), ofH = Dot(perturbed, perturbed).Sqrt();
        Variable cosine = Dot(gradient, perturbed) / (ofG * ofH + Epsilon);
        Variable along = cosine * ofG / (ofH + Epsilon);
        return (Variable.Constant(perturbed) * (along * Alpha + 1) - Variable.Constant(gradient) * Alpha).Value;
    }

    // Summed with more bits and kept on the device: a step waits for nothing.
    private static Variable Dot(Tensor x, Tensor y)
    {
        Tensor sum = x.Backend.Empty(Shape.Scalar, DType.Float64);
        x.Backend.Run(new DotCall(x, y, sum));
        return Variable.Constant(sum.To(x.DType));
    }
}
