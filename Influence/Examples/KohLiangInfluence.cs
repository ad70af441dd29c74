using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>How (H + λI)⁻¹v is found.</summary>
public enum InverseSolver
{
    /// <summary>Conjugate gradients on all of D, ended where the residual is small or H + λI turns out not to be
    /// positive.</summary>
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
    private const double SmallResidual = 1e-6;

    private double? _scale;

    /// <inheritdoc/>
    public override string Name => solver == InverseSolver.Lissa ? "koh-liang-lissa" : "koh-liang-cg";

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
    public Tensor Solve(Tensor theta, Tensor v) => solver == InverseSolver.Lissa ? Lissa(theta, v)
        : Gradients(theta, v);

    private Tensor Gradients(Tensor theta, Tensor v)
    {
        Tensor x = v.ZerosLike(), residual = v.Clone(), direction = v.Clone();
        double square = residual.Dot(residual), first = square;
        for (int i = 0; i < Iterations && square > SmallResidual * SmallResidual * first; i++)
        {
            using var scope = TensorScope.Begin();
            Tensor h = Times(theta, direction, Context.LossOfData, Data.Count);
            double curvature = direction.Dot(h);
            if (!(curvature > 0))
                break; // not a minimum: beyond, conjugate gradients would go downhill without end
            double step = square / curvature;
            x = scope.Replace(x, TensorAlgebra.Axpy(step, direction, x));
            residual = scope.Replace(residual, TensorAlgebra.Axpy(-step, h, residual));
            double next = residual.Dot(residual);
            direction = scope.Replace(direction, TensorAlgebra.Axpy(next / square, direction, residual));
            square = next;
        }
        return x;
    }

    private Tensor Lissa(Tensor theta, Tensor v)
    {
        double scale = _scale ??= 2 * Math.Max(LargestCurvature(theta), Shift);
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
        }
        return largest;
    }

    private Tensor Times(Tensor theta, Tensor v, ParameterLoss loss, int images)
    {
        ImageGradients += 2 * images;
        return TensorAlgebra.Axpy(Shift, v, Context.Field.HessianVector(theta, loss, v));
    }
}
