using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>What every estimator reads from: experts, and how to differentiate.</summary>
/// <param name="Experts">Trainings on D with their trajectories.</param>
/// <param name="Field">How second derivatives are computed.</param>
/// <param name="RealBatch">The images of D on which gradients at sparse checkpoints are taken; all of D, or a fixed
/// balanced part of it. One fixed set: fresh minibatches inside a squared norm would be biased by their variance.</param>
public sealed record EstimationContext(IReadOnlyList<Expert> Experts, SecondOrderProducts Field, LabelledImages RealBatch)
{
    /// <summary>The images of D of each class, on which the influence of a class is taken; empty where no class is
    /// matched on its own.</summary>
    public IReadOnlyList<LabelledImages> RealClasses { get; init; } = [];

    /// <summary>The rate of each step by which <see cref="TrajectoryMatchingEstimator"/> trains on S; null for what D's steps add up
    /// to.</summary>
    public double? SyntheticRate { get; init; }

    /// <summary>The backend that holds everything.</summary>
    public Backend Backend => RealBatch.Images.Backend;

    /// <summary>The number type in which everything is computed.</summary>
    public DType DType => RealBatch.Images.DType;

    /// <summary>θ at a checkpoint of a window's expert.</summary>
    public Tensor Theta(Window window, int checkpoint) =>
        Experts[window.Expert].Trajectory.Theta(checkpoint, Backend, DType);

    /// <summary>L_D(θ) on <see cref="RealBatch"/>.</summary>
    public Variable RealLoss(Network network, Variable theta) => LossOn(RealBatch, network, theta);

    /// <summary>The mean loss of the real images of one class.</summary>
    public Variable ClassLoss(int label, Network network, Variable theta) => LossOn(RealClasses[label], network, theta);

    private static Variable LossOn(LabelledImages z, Network network, Variable theta) =>
        network.Loss(theta, Variable.Constant(z.Images), Variable.Constant(z.Labels));
}

/// <summary>
/// An estimate, to first or second order and without inverse Hessians, of the displacement that training on the real
/// set D undergoes when mass moves from D to the synthetic set S over a window: δ = α·a_S − a_D, with a_Z the
/// displacement caused by Z alone and α the mass of S. This contract is all there is: a_Z, of D, of a class of it or of S, and
/// the adjoint of S ↦ a_S. Cost is linear in the window's length; memory is constant but for <see cref="TrajectoryMatchingEstimator"/>.
/// Source: docs/theory.md, "Estimators".
/// </summary>
public abstract class InfluenceEstimator(EstimationContext context) : IDisposable
{
    private const long MostHeldBytes = 256L << 20;

    private readonly Dictionary<(Window Window, int? Class), CachedSide> _realSides = [];
    private readonly Queue<(Window Window, int? Class)> _oldest = new();
    private Dictionary<(int Expert, int Checkpoint), Tensor>? _held;

    /// <summary>The most real sides that are kept, at least the one in use; each is one vector [p].</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public int CacheCapacity
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(
                nameof(value), value, "CacheCapacity: the real side in use is always kept: give 1 or more.");
    } = 256;

    /// <summary>The name by which users choose it.</summary>
    public abstract string Name { get; }

    /// <summary>Whether the window must consist of consecutive steps; the distiller draws only such windows then.</summary>
    public virtual bool NeedsDenseWindow => false;

    /// <summary>The fewest (macro-)steps a window must have for the estimate to be anything but zero.</summary>
    public virtual int ShortestWindow => 1;

    /// <summary>The number of classes of D whose influence can be taken alone.</summary>
    public int Classes => Context.RealClasses.Count;

    /// <summary>Where the estimator reads from.</summary>
    protected EstimationContext Context { get; } = context;

    /// <summary>Keeps every θ that is read until the result is disposed of, as far as they fit in 256 MiB: the sides and
    /// adjoints of one evaluation read the same ones.</summary>
    /// <exception cref="InvalidOperationException">They are kept already.</exception>
    public IDisposable HoldCheckpoints()
    {
        if (_held is not null)
            throw new InvalidOperationException("The checkpoints are held already; one evaluation at a time.");
        _held = [];
        return new Held(this);
    }

    /// <summary>Whether <see cref="HoldCheckpoints"/> is in force.</summary>
    protected bool HoldsCheckpoints => _held is not null;

    /// <summary>Gives back what was kept for one evaluation.</summary>
    protected virtual void ReleaseCheckpoints()
    {
        foreach (Tensor theta in _held?.Values ?? Enumerable.Empty<Tensor>())
            theta.Dispose();
        _held = null;
    }

    /// <summary>a_D [p], or a_Z of the images of one class; computed once, then cached. The estimator owns it.</summary>
    public Tensor RealSide(Window window, int? label = null) => Cached(window, label).Displacement;

    /// <summary>⟨a_S, a_D⟩, ‖a_S‖² and ‖a_D‖² of an a_S [p]; the device is waited for once.</summary>
    public (double SyntheticReal, double Synthetic, double Real) Products(Window window, int? label, Tensor synthetic)
    {
        CachedSide side = Cached(window, label);
        Tensor real = side.Displacement;
        if (side.SquaredLength is { } known)
        {
            double[] two = TensorAlgebra.Dots((synthetic, real), (synthetic, synthetic));
            return (two[0], two[1], known);
        }
        double[] three = TensorAlgebra.Dots((synthetic, real), (synthetic, synthetic), (real, real));
        side.SquaredLength = three[2];
        return (three[0], three[1], three[2]);
    }

    private CachedSide Cached(Window window, int? label)
    {
        if (_realSides.TryGetValue((window, label), out CachedSide? cached))
            return cached;
        Tensor displacement;
        using (TensorScope.BeginDetached())
        {
            using var scope = TensorScope.Begin();
            Tensor computed = label is { } c
                ? Side(window, theta => Context.ClassLoss(c, NetworkOf(window), theta))
                : ComputeRealSide(window);
            displacement = computed.Clone();
            scope.Keep(displacement);
        }
        while (_realSides.Count >= CacheCapacity && _oldest.TryDequeue(out (Window, int?) old)
            && _realSides.Remove(old, out CachedSide? gone))
        {
            gone.Displacement.Dispose();
        }
        var side = new CachedSide(displacement);
        _realSides.Add((window, label), side);
        _oldest.Enqueue((window, label));
        return side;
    }

    /// <summary>a_S [p]; belongs to the current scope.</summary>
    public virtual Tensor SyntheticSide(Window window, SyntheticSet s, SyntheticLoss loss) => Side(window, loss.Of(s));

    /// <summary>(∂a_S/∂S)ᵀ·u for a cotangent u [p]; belongs to the current scope.</summary>
    public abstract SyntheticGradient Pullback(Window window, SyntheticSet s, SyntheticLoss loss, Tensor u);

    /// <summary>a_Z [p] of a set Z given by its loss; belongs to the current scope.</summary>
    protected abstract Tensor Side(Window window, ParameterLoss lossOfZ);

    /// <summary>a_D, computed: what the recorded steps themselves tell about all of D.</summary>
    protected abstract Tensor ComputeRealSide(Window window);

    /// <summary>θ^last − θ^first [p]: the displacement of D's training as it was recorded.</summary>
    protected Tensor RecordedDisplacement(Window window) => Theta(window, window.Last).Minus(Theta(window, window.First));

    /// <summary>θ [p] at a checkpoint of a window's expert; it is not the caller's to dispose of.</summary>
    protected Tensor Theta(Window window, int checkpoint)
    {
        if (_held is null)
            return Context.Theta(window, checkpoint);
        if (_held.TryGetValue((window.Expert, checkpoint), out Tensor? held))
            return held;
        if ((_held.Count + 1L) * NetworkOf(window).Layout.Count * Context.DType.Size() > MostHeldBytes)
            return Context.Theta(window, checkpoint);
        using (TensorScope.BeginDetached())
        {
            using var scope = TensorScope.Begin();
            Tensor theta = scope.Keep(Context.Theta(window, checkpoint));
            _held.Add((window.Expert, checkpoint), theta);
            return theta;
        }
    }

    /// <summary>What f makes of θ at each of some consecutive checkpoints, in their order; side by side where the backend
    /// has lanes for all of them. The results belong to the given scope.</summary>
    protected Tensor[][] AtCheckpoints(TensorScope scope, Window window, int first, int count, Func<Tensor, Tensor[]> f)
    {
        Tensor[] thetas = [.. Enumerable.Range(first, count).Select(t => Theta(window, t))];
        return scope.InParallel(Context.Backend, count, i => f(thetas[i]));
    }

    /// <summary>The network of a window's expert.</summary>
    protected Network NetworkOf(Window window) => Context.Experts[window.Expert].Network;

    /// <summary>Σ of the effective rates between checkpoint t and the next: Σ η/(1 − μ).</summary>
    protected double EffectiveRate(Window window, int checkpoint)
    {
        Expert expert = Context.Experts[window.Expert];
        return expert.Trajectory.RateBetween(checkpoint, checkpoint + 1) / (1 - expert.Plan.Momentum);
    }

    /// <summary>A vector [p] of zeros.</summary>
    protected Tensor Zeros(Window window) => Context.Experts[window.Expert].Zeros();

    /// <summary>The successor of a running gradient, as <see cref="TensorScope.Replace"/>.</summary>
    protected static SyntheticGradient Next(TensorScope step, SyntheticGradient old, SyntheticGradient next) =>
        new(step.Replace(old.Images, next.Images), step.Replace(old.LabelLogits, next.LabelLogits));

    /// <summary>Zeros of S's shapes, to add gradients to.</summary>
    protected static SyntheticGradient ZerosLike(SyntheticSet s) => new(s.Images.ZerosLike(), s.LabelLogits.ZerosLike());

    /// <summary>Gives the cached real sides back; they are computed again if they are asked for.</summary>
    public void Dispose()
    {
        foreach (CachedSide side in _realSides.Values)
            side.Displacement.Dispose();
        _realSides.Clear();
        _oldest.Clear();
        GC.SuppressFinalize(this);
    }

    private sealed class CachedSide(Tensor displacement)
    {
        public Tensor Displacement { get; } = displacement;

        public double? SquaredLength { get; set; }
    }

    private sealed class Held(InfluenceEstimator owner) : IDisposable
    {
        public void Dispose() => owner.ReleaseCheckpoints();
    }
}
