using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// A window of an expert's trajectory, opened for one evaluation: a displacement and its pullback read the same θ from
/// it.
/// </summary>
/// <param name="context">Where the experts are.</param>
/// <param name="window">The part of a trajectory.</param>
/// <param name="hold">Whether every θ that is read stays on the device until the window is closed, as far as they fit in 256
/// MiB; else each is read when it is asked for and belongs to the current scope.</param>
public sealed class OpenWindow(EstimationContext context, Window window, bool hold = true) : IDisposable
{
    private const long MostHeldBytes = 256L << 20;

    private readonly Dictionary<int, Tensor> _held = [];

    /// <summary>Where the experts are.</summary>
    public EstimationContext Context { get; } = context;

    /// <summary>The number of its expert.</summary>
    public int Number => window.Expert;

    /// <summary>The checkpoint at which it begins.</summary>
    public int First => window.First;

    /// <summary>The checkpoint at which it ends.</summary>
    public int Last => window.Last;

    /// <summary>Its expert.</summary>
    public Expert Expert => Context.Experts[window.Expert];

    /// <summary>The network of its expert.</summary>
    public Network Network => Expert.Network;

    /// <summary>θ [p] at a checkpoint; it is not the caller's to dispose of.</summary>
    public Tensor Theta(int checkpoint)
    {
        if (_held.TryGetValue(checkpoint, out Tensor? held))
            return held;
        if (!hold || (_held.Count + 1L) * Network.Layout.Count * Context.DType.Size() > MostHeldBytes)
            return Context.Theta(window, checkpoint);
        using (TensorScope.BeginDetached())
        {
            using var scope = TensorScope.Begin();
            Tensor theta = scope.Keep(Context.Theta(window, checkpoint));
            _held.Add(checkpoint, theta);
            return theta;
        }
    }

    /// <summary>f(θ) at consecutive checkpoints, in their order, computed in parallel if that keeps all threads busy.
    /// The results belong to the given scope.</summary>
    public Tensor[][] AtCheckpoints(TensorScope scope, int first, int count, Func<Tensor, Tensor[]> f)
    {
        Tensor[] thetas = [.. Enumerable.Range(first, count).Select(Theta)];
        return scope.InParallel(Context.Backend, count, i => f(thetas[i]));
    }

    /// <summary>Σ of the effective rates between checkpoint t and the next: Σ η/(1 − μ).</summary>
    public double EffectiveRate(int checkpoint) =>
        Expert.Trajectory.RateBetween(checkpoint, checkpoint + 1) / (1 - Expert.Plan.Momentum);

    /// <summary>θ^last − θ^first [p]: the displacement of D's training as it was recorded.</summary>
    public Tensor RecordedDisplacement() => Theta(Last).Minus(Theta(First));

    /// <summary>A vector [p] of zeros.</summary>
    public Tensor Zeros() => Expert.Zeros();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor theta in _held.Values)
            theta.Dispose();
        _held.Clear();
    }
}
