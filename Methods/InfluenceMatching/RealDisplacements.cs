using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>A cache of a_D for the last windows, of all of D or of one class: each is computed once, and its length is
/// known without another wait for the device.</summary>
/// <param name="estimator">What computes them.</param>
/// <param name="context">Where the experts are.</param>
/// <param name="capacity">The most vectors [p] that are kept, at least the one in use.</param>
public sealed class RealDisplacements(InfluenceEstimator estimator, EstimationContext context, int capacity = 256) : IDisposable
{
    private readonly Dictionary<(Window Window, int? Class), Cached> _cached = [];
    private readonly Queue<(Window Window, int? Class)> _oldest = new();
    private readonly int _capacity = capacity > 0
        ? capacity
        : throw new ArgumentOutOfRangeException(
            nameof(capacity), capacity, "The displacement in use is always kept: give 1 or more.");

    /// <summary>a_D [p], or a_Z of the images of one class; it is not the caller's to dispose of.</summary>
    public Tensor Of(Window window, int? label = null)
    {
        using var open = new OpenWindow(context, window, hold: false);
        return Of(window, open, label);
    }

    /// <summary>a_D [p] with the θ of a window that is open.</summary>
    public Tensor Of(Window window, OpenWindow open, int? label) => Find(window, open, label).Displacement;

    /// <summary>The images that passed forward through the network for the a_D of a window or of one class of it, when that was
    /// computed. They are counted by whoever pays for it (<see cref="Backend.CountImages"/>) and not here: a vector that is kept, or
    /// made again, would cost a set less or more than another.</summary>
    /// <exception cref="KeyNotFoundException">That a_D is not kept.</exception>
    public long ImagesOf(Window window, int? label) => _cached[(window, label)].Images;

    /// <summary>⟨a_S, a_D⟩, ‖a_S‖² and ‖a_D‖² of an a_S [p], each of every block of the network; the device is waited for
    /// once.</summary>
    public (double[] SyntheticReal, double[] Synthetic, double[] Real) Products(
        Window window, OpenWindow open, int? label, Tensor synthetic)
    {
        Cached cached = Find(window, open, label);
        Tensor real = cached.Displacement;
        if (cached.SquaredLengths is { } known)
        {
            double[][] two = BlockNorm.Dots(open.Network, (synthetic, real), (synthetic, synthetic));
            return (two[0], two[1], known);
        }
        double[][] three = BlockNorm.Dots(open.Network, (synthetic, real), (synthetic, synthetic), (real, real));
        cached.SquaredLengths = three[2];
        return (three[0], three[1], three[2]);
    }

    private Cached Find(Window window, OpenWindow open, int? label)
    {
        if (_cached.TryGetValue((window, label), out Cached? known))
            return known;
        Tensor displacement;
        long images;
        using (TensorScope.BeginDetached())
        {
            using var scope = TensorScope.Begin();
            long counted = context.Backend.ImagesPassed;
            Tensor computed = label is { } c
                ? estimator.Of(open, theta => context.ClassLoss(c, open.Network, theta))
                : estimator.Real(open);
            displacement = computed.Clone();
            images = context.Backend.ImagesPassed - counted;
            context.Backend.UncountImagesSince(counted);
            scope.Keep(displacement);
        }
        while (_cached.Count >= _capacity && _oldest.TryDequeue(out (Window, int?) old)
            && _cached.Remove(old, out Cached? gone))
        {
            gone.Displacement.Dispose();
        }
        var cached = new Cached(displacement, images);
        _cached.Add((window, label), cached);
        _oldest.Enqueue((window, label));
        return cached;
    }

    /// <summary>Frees all of them; they are computed again when needed.</summary>
    public void Dispose()
    {
        foreach (Cached cached in _cached.Values)
            cached.Displacement.Dispose();
        _cached.Clear();
        _oldest.Clear();
    }

    private sealed class Cached(Tensor displacement, long images)
    {
        public Tensor Displacement { get; } = displacement;

        public long Images { get; } = images;

        public double[]? SquaredLengths { get; set; }
    }
}
