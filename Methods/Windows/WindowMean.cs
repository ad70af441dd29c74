using System.Collections.Immutable;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>
/// A method whose update is the mean of G windows in the place of one. Window g = 0 … G − 1 draws its random numbers from a key of
/// its own; rank g mod n computes it. All ranks gather losses, numbers and gradients, add them in the order of g, and come to the
/// same update: its bits do not depend on the number of ranks. Source: docs/scale-out.md.
/// </summary>
/// <param name="inner">A run of the method; it is disposed of together with this.</param>
/// <param name="windows">G.</param>
/// <param name="ranks">Who computes them.</param>
public sealed class WindowMean(MethodSession inner, int windows, LockStep ranks) : MethodSession
{
    /// <summary>G, a setting of each method whose update is of a window.</summary>
    public static WholeSetting Windows { get; } = new(
        "Windows", "Windows of an update, which takes the mean of their gradients; ranks of MPI share them out.", 1, 1, 1 << 16)
    {
        Neutral = "1",
    };

    /// <summary>How many windows an update of a method takes the mean of; 1 where its updates are in one piece.</summary>
    public static int CountOf(DistillationMethod method, MethodValues values) => method.Settings.Contains(Windows) ? Windows.Of(values) : 1;

    /// <summary>A run of a method as its settings say: itself where an update is of one window.</summary>
    public static MethodSession Of(MethodContext run, MethodSession inner) => Windows.Of(run.Values) is > 1 and var windows
        ? new WindowMean(inner, windows, run.Ranks)
        : inner;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, NumberPlan> Numbers => inner.Numbers;

    /// <inheritdoc/>
    public override void BeginSet() => inner.BeginSet();

    /// <inheritdoc/>
    public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
    {
        var sum = new Sum();
        if (!ranks.IsShared)
        {
            for (int g = 0; g < windows; g++)
            {
                using var scope = TensorScope.Begin();
                sum.Add(inner.Evaluate(s, iteration, KeyOf(key, g)), scope);
            }
            return sum.Mean(inner);
        }
        long began = TimeProvider.System.GetTimestamp(), before = s.Backend.ImagesPassed;
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer);
        for (int g = ranks.Own; g < windows; g += ranks.Count)
        {
            using var scope = TensorScope.Begin();
            long images = s.Backend.ImagesPassed;
            MethodStep step = inner.Evaluate(s, iteration, KeyOf(key, g));
            new StepMessage(step, s.Backend.ImagesPassed - images).Write(writer);
        }
        long passed = s.Backend.ImagesPassed - before;
        writer.Write(TimeProvider.System.GetElapsedTime(began).TotalSeconds);
        BinaryReader[] readers = [.. ranks.Gather(buffer.ToArray()).Select(bytes => new BinaryReader(new MemoryStream(bytes)))];
        for (int g = 0; g < windows; g++)
        {
            using var scope = TensorScope.Begin();
            StepMessage message = StepMessage.Read(readers[g % readers.Length], s);
            sum.Add(message.Step, scope);
            passed -= message.Images;
        }
        s.Backend.CountImages(-passed); // those of the other ranks: a budget counts the work of all
        return sum.Mean(inner) with { Seconds = readers.Max(reader => reader.ReadDouble()) };
    }

    /// <inheritdoc/>
    public override double Probe(SyntheticSet s, RandomKey key) => inner.Probe(s, key);

    /// <inheritdoc/>
    public override IReadOnlyList<NamedArray> Save() => inner.Save();

    /// <inheritdoc/>
    public override void Restore(ArraySet state) => inner.Restore(state);

    /// <inheritdoc/>
    public override IReadOnlySet<string> TraitsOf(int iteration, RandomKey key) => Enumerable.Range(0, windows)
        .SelectMany(g => inner.TraitsOf(iteration, KeyOf(key, g))).ToHashSet(StringComparer.Ordinal);

    /// <inheritdoc/>
    public override int VectorsKept(IReadOnlyList<(int Iteration, RandomKey Key)> updates) => inner.VectorsKept(Each(updates));

    /// <inheritdoc/>
    public override int UpdatesThatFill(IReadOnlyList<(int Iteration, RandomKey Key)> updates) =>
        Math.Min(updates.Count, (inner.UpdatesThatFill(Each(updates)) + windows - 1) / windows);

    /// <inheritdoc/>
    public override void ForgetCaches() => inner.ForgetCaches();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            inner.Dispose();
    }

    private static RandomKey KeyOf(RandomKey key, int g) => key.Split("shard").Split((ulong)g);

    private (int, RandomKey)[] Each(IReadOnlyList<(int Iteration, RandomKey Key)> updates) =>
        [.. updates.SelectMany(u => Enumerable.Range(0, windows).Select(g => (u.Iteration, KeyOf(u.Key, g))))];

    // Of the steps of all windows, in their order. Those that are skipped have a share in the loss and in the metrics alone.
    private sealed class Sum
    {
        private readonly List<MethodStep> _all = [], _kept = [];
        private SyntheticGradient? _gradient;
        private MethodStep? _broken; // the first from which no update can be made

        public void Add(MethodStep step, TensorScope scope)
        {
            MethodStep told = step with { Gradient = null, Commit = null };
            _all.Add(told);
            if (!double.IsFinite(step.Loss) || (step.Gradient is null && !step.Skip))
                _broken ??= told;
            if (step.Skip || step.Gradient is not { } own)
                return;
            _kept.Add(told);
            _gradient = _gradient is null ? own.KeepIn(scope) : _gradient.ReplacedBy(_gradient.Plus(1, own), scope);
        }

        public MethodStep Mean(MethodSession inner) => _broken is { } broken
            ? new MethodStep(broken.Loss, null, []) { Place = PlaceOf(broken) }
            : new MethodStep(_all.Sum(step => step.Loss) / _all.Count, _gradient?.Times(1.0 / _kept.Count), Metrics())
            {
                NumberGradients = MeanOf(step => step.NumberGradients),
                Numbers = MeanOf(step => step.Numbers),
                Skip = _kept.Count == 0,
                Place = PlaceOf(_all.Find(step => step.Metrics.Any(metric => !double.IsFinite(metric.Value))) ?? _all[0]),
                Commit = _ => _all.ForEach(step => inner.Remember(step.Memo)),
            };

        private string PlaceOf(MethodStep step) => $"{step.Place}, one of {_all.Count} windows";

        private ImmutableArray<Metric> Metrics() =>
        [
            .. _all[0].Metrics.Select((metric, i) => metric with { Value = _all.Sum(step => step.Metrics[i].Value) / _all.Count })
                .Where(metric => !metric.IsPlace),
        ];

        private ImmutableSortedDictionary<string, double> MeanOf(Func<MethodStep, ImmutableSortedDictionary<string, double>> numbers) =>
            _kept.Count == 0
                ? ImmutableSortedDictionary<string, double>.Empty
                : numbers(_kept[0]).Keys.ToImmutableSortedDictionary(
                    name => name, name => _kept.Sum(step => numbers(step)[name]) / _kept.Count, StringComparer.Ordinal);
    }
}
