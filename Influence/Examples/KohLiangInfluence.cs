using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>How (H + λI)⁻¹v is found.</summary>
public enum InverseSolver
{
    /// <summary>Conjugate gradients on all of D, ended where the residual is small. Where H + λI turns out not to be positive
    /// they end, too, and <see cref="ExampleInfluence.Remark"/> says so: what they have by then is exact on the directions they went,
    /// along which the curvature is positive.</summary>
    ConjugateGradients,

    /// <summary>LiSSA (Agarwal, Bullins and Hazan, JMLR 2017): h ← v + h − (H_B h + λh)/scale on random
    /// batches.</summary>
    Lissa,
}

/// <summary>
/// The influence function of Koh and Liang (ICML 2017): δ = −(H_D + (w + λ)I)⁻¹ q at the last θ, q the change of the
/// gradient of D and w the weight decay. It speaks of the minimum that training would reach, and not of the training.
/// </summary>
public sealed class KohLiangInfluence(ExampleContext context, InverseSolver solver) : ExampleInfluence(context)
{
    private const int PowerIterations = 10, LissaBatch = 50;
    private const double SmallResidual = 1e-6, Rounding = 1e-3;

    private double? _scale;
    private int _solved, _indefinite;
    private double _leastCurvature;

    /// <inheritdoc/>
    public override string Name => solver == InverseSolver.Lissa ? "koh-liang-lissa" : "koh-liang-cg";

    /// <inheritdoc/>
    public override string? Remark => _indefinite == 0 ? null : FormattableString.Invariant(
        $"{Name}: H + λI is indefinite in {_indefinite} of {_solved} solutions, its curvature along a direction down to ") +
        FormattableString.Invariant($"{_leastCurvature:G3}, so they are cut off before it. Take λ above ") +
        FormattableString.Invariant($"{Damping - _leastCurvature:G3} (now {Damping:G3}, --damping) for whole ones.");

    /// <summary>λ, what is added to the curvature so that it can be inverted.</summary>
    public double Damping { get; init; } = 1e-2;

    /// <summary>The most products with H of conjugate gradients.</summary>
    public int Iterations { get; init; } = 50;

    /// <summary>The steps of LiSSA.</summary>
    public int Depth { get; init; } = 500;

    /// <summary>From where LiSSA draws its batches.</summary>
    public RandomKey Key { get; init; } = RandomKey.FromSeed(0).Split("lissa");

    private double Shift => Damping + Context.Expert.Plan.WeightDecay;

    /// <inheritdoc/>
    public override Tensor Displacement(Intervention intervention)
    {
        using var scope = TensorScope.Begin();
        Tensor theta = Context.Theta(Context.Last);
        return scope.Keep(ChangeOfDataLoss(intervention) is { } change
            ? Solve(theta, Differential.GradientAt(change, theta)).Times(-1)
            : theta.ZerosLike());
    }

    /// <inheritdoc/>
    public override double[] Scores(ParameterLoss measure)
    {
        using var scope = TensorScope.Begin();
        Tensor theta = Context.Theta(Context.Last);
        return SlopesOfData(theta, Solve(theta, Cotangent(measure)).Times(-1));
    }

    /// <summary>(H_D + (w + λ)I)⁻¹v [p] at θ; it belongs to the current scope.</summary>
    /// <exception cref="NumericalException">The curvature along v itself is not positive, LiSSA grows beyond what any solution can
    /// be, or a number stops being finite.</exception>
    public Tensor Solve(Tensor theta, Tensor v) => solver == InverseSolver.Lissa ? Lissa(theta, v)
        : Gradients(theta, v);

    private Tensor Gradients(Tensor theta, Tensor v)
    {
        _solved++;
        Tensor x = v.ZerosLike(), residual = v.Clone(), direction = v.Clone();
        double square = residual.Dot(residual), first = square;
        for (int i = 0; i < Iterations && square > SmallResidual * SmallResidual * first; i++)
        {
            using var scope = TensorScope.Begin();
            Tensor h = Times(theta, direction, Context.LossOfData, Data.Count);
            double[] dots = TensorAlgebra.Dots((direction, h), (direction, direction));
            double curvature = dots[0];
            if (!double.IsFinite(curvature))
            {
                throw new NumericalException(
                    "the curvature dᵀ(H + λI)d of conjugate gradients", i, curvature,
                    FormattableString.Invariant(
                        $"Train to smaller parameters (--rate, --decay), calculate in float64, or raise --damping (now {Damping:G3})."));
            }
            if (curvature <= 0)
            {
                // Not a minimum: beyond, conjugate gradients would go downhill without end.
                Cut(curvature / dots[1], isFirst: i == 0);
                break;
            }
            double step = square / curvature;
            x = scope.Replace(x, TensorAlgebra.Axpy(step, direction, x));
            residual = scope.Replace(residual, TensorAlgebra.Axpy(-step, h, residual));
            double next = residual.Dot(residual);
            direction = scope.Replace(direction, TensorAlgebra.Axpy(next / square, direction, residual));
            square = next;
        }
        return x;
    }

    // Without a single direction there is no solution, not even a part of one.
    private void Cut(double curvature, bool isFirst)
    {
        if (isFirst)
        {
            throw new NumericalException(
                "the curvature of H + λI along the vector to be solved for", curvature,
                FormattableString.Invariant($"H is indefinite there: raise --damping above {Damping - curvature:G3} (now {Damping:G3}), ") +
                "train nearer to a minimum (--steps), or take another estimate.");
        }
        _indefinite++;
        _leastCurvature = Math.Min(_leastCurvature, curvature);
    }

    // Where no H_B has a curvature below 0 or above scale − λ, each step shortens by 1 − λ/scale at least what it does not add: h
    // then stays below ‖v‖·scale/λ, so that what grows beyond is no approximation of anything.
    private Tensor Lissa(Tensor theta, Tensor v)
    {
        double scale = _scale ??= 2 * Math.Max(LargestCurvature(theta), Shift), longest = v.Norm() * scale / Shift;
        Tensor h = v.Clone();
        for (int i = 0; i < Depth; i++)
        {
            using var scope = TensorScope.Begin();
            RandomKey key = Key.Split((ulong)i);
            int[] rows = [.. Enumerable.Range(0, Math.Min(LissaBatch, Data.Count)).Select(r =>
                key.Below(Data.Count, r))];
            LabelledImages batch = Data.Rows(rows);
            Variable images = Variable.Constant(batch.Images), labels = Variable.Constant(batch.Labels);
            Tensor bent = Times(
                theta, h, parameters => Context.Expert.Network.Loss(parameters, images, labels), rows.Length);
            h = scope.Replace(h, TensorAlgebra.Axpy(-1 / scale, bent, v.Plus(h)));
            double length = h.Norm();
            if (!(length <= longest * (1 + Rounding)))
            {
                throw new NumericalException(
                    "the length of LiSSA's sum", i, length,
                    FormattableString.Invariant($"It diverges: with scale {scale:G3} and damping {Damping:G3} no sum is longer than ") +
                    FormattableString.Invariant($"{longest:G3}, unless a batch has a curvature below 0 or above the scale. Raise ") +
                    FormattableString.Invariant($"--damping, lower the depth (now {Depth}), or take koh-liang-cg."));
            }
        }
        return h.Times(1 / scale);
    }

    // By power iteration from a random direction; an under-estimate, which the factor 2 above allows for.
    private double LargestCurvature(Tensor theta)
    {
        using var scope = TensorScope.Begin();
        var start = new double[theta.Count];
        Key.Split("power").Normal(start);
        Tensor v = Tensor.From(theta.Backend, theta.DType, start, theta.Shape);
        double largest = 0;
        for (int i = 0; i < PowerIterations; i++)
        {
            v = v.Times(1 / v.Norm());
            Tensor h = Times(theta, v, Context.LossOfData, Data.Count);
            (largest, v) = (Math.Abs(v.Dot(h)), h);
            if (!double.IsFinite(largest))
            {
                throw new NumericalException(
                    "the largest curvature of H + λI, LiSSA's scale", i, largest,
                    FormattableString.Invariant(
                        $"Train to smaller parameters (--rate, --decay), calculate in float64, or raise --damping (now {Damping:G3})."));
            }
        }
        return largest;
    }

    private Tensor Times(Tensor theta, Tensor v, ParameterLoss loss, int images)
    {
        ImageGradients += 2 * images;
        return TensorAlgebra.Axpy(Shift, v, Context.Field.HessianVector(theta, loss, v));
    }
}
