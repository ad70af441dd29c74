using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>How the weight α of S is chosen.</summary>
public enum WeightRule
{
    /// <summary>α* = ⟨a_S, a_D⟩/‖a_S‖² at every evaluation; then J = 1 − cos²(a_S, a_D) ≤ 1, and by the envelope theorem
    /// dJ/dS needs no term for it.</summary>
    ClosedForm,

    /// <summary>log α is learned together with S.</summary>
    Learned,

    /// <summary>α stays as it is.</summary>
    Fixed,
}

/// <summary>Whether the influence of whole sets, of classes, or of both is matched.</summary>
public enum ClassWise
{
    /// <summary>Whole sets: D against S.</summary>
    Off,

    /// <summary>Each class of D against the images of S of that class; J is the mean over classes.</summary>
    On,

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
    double Relative, double Cosine, double Weight, double WeightGradient, SyntheticGradient? Gradient)
{
    /// <summary>The images that passed forward through the network when the a_D of the window, or those of its classes, were computed;
    /// they are not counted (<see cref="RealDisplacements.ImagesOf"/>).</summary>
    public long RealImages { get; init; }
}

/// <summary>
/// J(S) = ‖I_{−D} + I_{+S}‖² over a window, relative to the displacement of the real run, and dJ/dS. Source: Inf-Match
/// (CVPR 2026), the objective; normalisation and weight: docs/theory.md, "Objective"; classes: theory.md, "Class-wise
/// matching". Where a network has several blocks, J is their mean under one α (<see cref="BlockNorm"/>).
/// </summary>
/// <param name="estimator">The estimator of displacements.</param>
/// <param name="context">Where the experts are.</param>
/// <param name="rule">How α is chosen.</param>
/// <param name="classWise">Whether whole sets, classes or both are matched.</param>
/// <param name="capacity">How many a_D are kept from one evaluation to the next.</param>
public sealed class InfluenceObjective(
    InfluenceEstimator estimator, EstimationContext context, WeightRule rule, ClassWise classWise = ClassWise.Off,
    int capacity = 256) : IDisposable
{
    private const double LeastLength = 1e-3;

    private readonly RealDisplacements _real = new(estimator, context, capacity);

    /// <summary>J and its derivatives at S; under <see cref="ClassWise.On"/> the images of S must stand class by
    /// class, equally many of each.</summary>
    /// <exception cref="ShapeException">S cannot be divided so.</exception>
    public ObjectiveValue Evaluate(Window window, SyntheticSet s, SyntheticLoss loss, bool gradient = true)
    {
        using var open = new OpenWindow(context, window);
        var at = new Place(window, open, loss, gradient);
        return classWise switch
        {
            ClassWise.Off => Evaluate(at, null, s),
            ClassWise.On => ByClass(at, s),
            _ => Mean(Evaluate(at, null, s), ByClass(at, s)),
        };
    }

    /// <summary>Frees the cached a_D; they are computed again when needed.</summary>
    public void Dispose() => _real.Dispose();

    // What all classes of an evaluation have in common.
    private sealed record Place(Window Window, OpenWindow Open, SyntheticLoss Loss, bool WantsGradient);

    private static ObjectiveValue Mean(ObjectiveValue a, ObjectiveValue b) => new(
        (a.Relative + b.Relative) / 2, (a.Cosine + b.Cosine) / 2, (a.Weight + b.Weight) / 2,
        (a.WeightGradient + b.WeightGradient) / 2,
        a.Gradient is { } one && b.Gradient is { } other ? one.Plus(1, other).Times(0.5) : null)
    {
        RealImages = a.RealImages + b.RealImages,
    };

    private ObjectiveValue ByClass(Place at, SyntheticSet s)
    {
        int classes = context.RealClasses.Count;
        if (classes == 0 || s.Count % classes != 0)
            throw new ShapeException($"A set of {s.Count} images cannot be matched class by class with {classes} classes of D.");
        int each = s.Count / classes;
        SyntheticGradient? sum = at.WantsGradient ? SyntheticGradient.ZerosLike(s) : null;
        (double relative, double cosine, double weight, double weightGradient) = (0, 0, 0, 0);
        long images = 0;
        for (int c = 0; c < classes; c++)
        {
            using var scope = TensorScope.Begin();
            ObjectiveValue value = Evaluate(at, c, s.Rows(c * each, each));
            relative += value.Relative / classes;
            cosine += value.Cosine / classes;
            weight += value.Weight / classes;
            weightGradient += value.WeightGradient / classes;
            images += value.RealImages;
            if (value.Gradient is { } own && sum is not null)
                CopyRows(own.Times(1.0 / classes), sum, c * each);
        }
        return new ObjectiveValue(relative, cosine, weight, weightGradient, double.IsFinite(relative) ? sum : null)
        {
            RealImages = images,
        };
    }

    private static void CopyRows(SyntheticGradient rows, SyntheticGradient whole, int first)
    {
        for (int i = 0; i < rows.Parts.Length; i++)
        {
            Tensor part = rows.Parts[i].Value;
            part.Backend.Copy(part, whole.Parts[i].Value.View(first * (part.Count / part.Shape[0]), part.Shape));
        }
    }

    private ObjectiveValue Evaluate(Place at, int? label, SyntheticSet s)
    {
        using var scope = TensorScope.Begin();
        Tensor real = _real.Of(at.Window, at.Open, label);
        Displacement synthetic = estimator.Synthetic(at.Open, s, at.Loss);
        (double[] srs, double[] sss, double[] rrs) = _real.Products(at.Window, at.Open, label, synthetic.Value);
        BlockNorm? norm = rrs.Length == 1 ? null : BlockNorm.Relative(at.Open.Network, rrs);
        (double sr, double ss, double rr) = norm is null ? (srs[0], sss[0], rrs[0]) : (norm.Dot(srs), norm.Dot(sss), 1);
        if (ss == 0 || Array.Exists(rrs, square => square == 0))
        {
            // The quotients below would be NaN, too; returning here tells this case from an overflow.
            return new ObjectiveValue(double.NaN, double.NaN, s.Weight, double.NaN, null);
        }
        // A negative optimum means that S moves θ against D. No weight of it helps then; a small positive one, a
        // thousandth of D's length, is kept, under which dJ/dS turns a_S round.
        double least = LeastLength * Math.Sqrt(rr / ss);
        bool clamped = rule == WeightRule.ClosedForm && sr / ss < least;
        double weight = rule != WeightRule.ClosedForm ? s.Weight : clamped ? least : sr / ss;
        double relative = (weight * weight * ss - 2 * weight * sr + rr) / rr;
        double weightGradient = 2 * (weight * ss - sr) / rr;
        SyntheticGradient? found = null;
        if (at.WantsGradient && double.IsFinite(relative))
        {
            Tensor residual = TensorAlgebra.Axpy(weight, synthetic.Value, real.Times(-1));
            Tensor u = residual.Times(2 * weight / rr);
            if (clamped) // α = least(a_S) moves with ‖a_S‖ here
                u = TensorAlgebra.Axpy(-weightGradient * weight / ss, synthetic.Value, u);
            u = norm?.Dual(u) ?? u;
            found = synthetic.Pullback(u).KeepIn(scope);
        }
        return new ObjectiveValue(relative, sr / Math.Sqrt(ss * rr), weight, weightGradient, found)
        {
            RealImages = _real.ImagesOf(at.Window, label),
        };
    }
}
