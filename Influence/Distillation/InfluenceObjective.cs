using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>How the mass α of S is chosen.</summary>
public enum WeightRule
{
    /// <summary>α* = ⟨a_S, a_D⟩/‖a_S‖² at every evaluation; then J = 1 − cos²(a_S, a_D) ≤ 1, and by the envelope theorem
    /// dJ/dS needs no term for it.</summary>
    ClosedForm,

    /// <summary>log α is learned beside S.</summary>
    Learned,

    /// <summary>α stays as it is.</summary>
    Fixed,
}

/// <summary>Of what the influences are matched.</summary>
public enum Partition
{
    /// <summary>Of D and S as wholes.</summary>
    Whole,

    /// <summary>Of each class of D and the images of S that stand for it; J is the mean over classes.</summary>
    Classes,

    /// <summary>Both: J is the mean of the two.</summary>
    Both,
}

/// <summary>The objective on one window, with its derivatives; means over the classes where each is matched.</summary>
/// <param name="Relative">J = ‖α·a_S − a_D‖²/‖a_D‖²: 1 is what an empty S scores.</param>
/// <param name="Cosine">The cosine of a_S and a_D.</param>
/// <param name="Weight">α.</param>
/// <param name="WeightGradient">dJ/dα.</param>
/// <param name="Gradient">dJ/dS, in the scope of the evaluation; null where J is not finite or none was asked for.</param>
public sealed record ObjectiveValue(
    double Relative, double Cosine, double Weight, double WeightGradient, SyntheticGradient? Gradient);

/// <summary>
/// J(S) = ‖I_{−D} + I_{+S}‖² over a window, relative to the displacement of the real run, and dJ/dS. Source:
/// Inf-Match (CVPR 2026), the objective; normalisation and mass: docs/theory.md, "Objective"; classes: "Class by class".
/// </summary>
public sealed class InfluenceObjective(InfluenceEstimator estimator, WeightRule rule, Partition partition = Partition.Whole)
{
    private const double LeastLength = 1e-3;

    /// <summary>J and its derivatives at S; under <see cref="Partition.Classes"/> the images of S must stand class by
    /// class, equally many of each.</summary>
    /// <exception cref="ShapeException">S cannot be divided so.</exception>
    public ObjectiveValue Evaluate(Window window, SyntheticSet s, SyntheticLoss loss, bool gradient = true)
    {
        using IDisposable _ = estimator.HoldCheckpoints();
        return partition switch
        {
            Partition.Whole => Evaluate(window, null, s, loss, gradient),
            Partition.Classes => ByClass(window, s, loss, gradient),
            _ => Mean(Evaluate(window, null, s, loss, gradient), ByClass(window, s, loss, gradient)),
        };
    }

    private static ObjectiveValue Mean(ObjectiveValue a, ObjectiveValue b) => new(
        (a.Relative + b.Relative) / 2, (a.Cosine + b.Cosine) / 2, (a.Weight + b.Weight) / 2,
        (a.WeightGradient + b.WeightGradient) / 2,
        a.Gradient is { } one && b.Gradient is { } other
            ? new SyntheticGradient(
                one.Images.Plus(other.Images).Times(0.5), one.LabelLogits.Plus(other.LabelLogits).Times(0.5))
            : null);

    private ObjectiveValue ByClass(Window window, SyntheticSet s, SyntheticLoss loss, bool gradient)
    {
        int classes = estimator.Classes;
        if (classes == 0 || s.Count % classes != 0)
            throw new ShapeException($"A set of {s.Count} images cannot be matched class by class with {classes} classes of D.");
        int each = s.Count / classes;
        SyntheticGradient? sum = gradient ? new SyntheticGradient(s.Images.ZerosLike(), s.LabelLogits.ZerosLike()) : null;
        (double relative, double cosine, double mass, double massGradient) = (0, 0, 0, 0);
        for (int c = 0; c < classes; c++)
        {
            using var scope = TensorScope.Begin();
            ObjectiveValue value = Evaluate(window, c, s.Rows(c * each, each), loss, gradient);
            relative += value.Relative / classes;
            cosine += value.Cosine / classes;
            mass += value.Weight / classes;
            massGradient += value.WeightGradient / classes;
            if (value.Gradient is { } own && sum is not null)
            {
                CopyRows(own.Images.Times(1.0 / classes), sum.Images, c * each);
                CopyRows(own.LabelLogits.Times(1.0 / classes), sum.LabelLogits, c * each);
            }
        }
        return new ObjectiveValue(relative, cosine, mass, massGradient, double.IsFinite(relative) ? sum : null);
    }

    private static void CopyRows(Tensor rows, Tensor whole, int first) =>
        rows.Backend.Copy(rows, whole.View(first * (rows.Count / rows.Shape[0]), rows.Shape));

    private ObjectiveValue Evaluate(Window window, int? label, SyntheticSet s, SyntheticLoss loss, bool gradient)
    {
        Tensor real = estimator.RealSide(window, label), synthetic = estimator.SyntheticSide(window, s, loss);
        (double sr, double ss, double rr) = estimator.Products(window, label, synthetic);
        if (ss == 0 || rr == 0)
        {
            // NaN is what the quotients below would give; saying so here keeps it apart from an overflow.
            return new ObjectiveValue(double.NaN, double.NaN, s.Weight, double.NaN, null);
        }
        // A negative optimum means that S moves θ against D. No mass of it helps then; a small positive one, a
        // thousandth of D's length, is kept, under which dJ/dS turns a_S round.
        double least = LeastLength * Math.Sqrt(rr / ss);
        bool clamped = rule == WeightRule.ClosedForm && sr / ss < least;
        double mass = rule != WeightRule.ClosedForm ? s.Weight : clamped ? least : sr / ss;
        double relative = (mass * mass * ss - 2 * mass * sr + rr) / rr;
        double massGradient = 2 * (mass * ss - sr) / rr;
        SyntheticGradient? found = null;
        if (gradient && double.IsFinite(relative))
        {
            Tensor residual = TensorAlgebra.Axpy(mass, synthetic, real.Times(-1));
            Tensor u = residual.Times(2 * mass / rr);
            if (clamped)
                u = TensorAlgebra.Axpy(-massGradient * mass / ss, synthetic, u); // α = least(a_S) moves with ‖a_S‖ here
            found = estimator.Pullback(window, s, loss, u);
        }
        return new ObjectiveValue(relative, sr / Math.Sqrt(ss * rr), mass, massGradient, found);
    }
}
