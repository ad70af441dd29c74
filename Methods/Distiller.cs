using System.Collections.Immutable;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>What one update of S did.</summary>
/// <param name="Iteration">Its number, from 0.</param>
/// <param name="Loss">The method's loss before it.</param>
/// <param name="Metrics">What else the method measured.</param>
/// <param name="Skipped">Whether S was left as it is.</param>
public sealed record DistillationStep(int Iteration, double Loss, ImmutableArray<Metric> Metrics, bool Skipped)
{
    /// <summary>The norm of the loss's gradient in all parts that are learned, before it was clipped; null where the step was
    /// skipped.</summary>
    public double? GradientNorm { get; init; }
}

/// <summary>The form of an array of a saved state.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Element">Its element type.</param>
/// <param name="Dimensions">Its sizes.</param>
public sealed record SavedArray(string Name, ArrayElement Element, ImmutableArray<int> Dimensions)
{
    /// <summary>Whether it is a single learned number, which is 0 or more.</summary>
    public bool IsNumber { get; init; }

    /// <summary>As messages name it: "images: Float32 [10, 3, 32, 32]".</summary>
    public override string ToString() => $"{Name}: {Element} [{string.Join(", ", Dimensions)}]";
}

/// <summary>
/// The loop of every method: draw a key, evaluate the method, step every part. Its state is S, the state of the
/// optimisers and of the method, and the iteration. Every random number follows from the key and the iteration, so a
/// saved run continues bit for bit.
/// </summary>
public sealed class Distiller : IDisposable
{
    private const string Progress = "progress", ScheduleMemory = "schedule", NormMemory = "gradient_norms", OfMethod = "method.";

    // A spike is told from so many gradients before it, and from no fewer than these.
    private const int NormsRemembered = 25, FewestNorms = 5;

    // Of the updates together, and before the last one.
    private const string ImagesSpent = "spent.images", SecondsSpent = "spent.seconds";

    // A schedule counts updates; by a budget it goes through so many in its place.
    private const int StepsOfBudget = 1_000_000;

    private readonly MethodSession _method;
    private readonly DistillationPlan _plan;
    private readonly RandomKey _key;
    private Tensor[][] _states; // of each part
    private double[] _memory; // of the schedule
    private double[] _norms; // of the last gradients, the newest last; 0 where there was none yet
    private DistillationCost _before; // of the last update
    private bool _isCostKnown = true;
    private ImmutableSortedDictionary<string, double> _velocities; // of the numbers that have one

    /// <summary>A distillation that starts at S; it copies what it changes.</summary>
    /// <param name="method">What makes the loss; it begins a new set.</param>
    /// <param name="start">Where S starts.</param>
    /// <param name="plan">How its parts are learned.</param>
    /// <param name="key">What the updates' keys follow from.</param>
    public Distiller(MethodSession method, SyntheticSet start, DistillationPlan plan, RandomKey key)
    {
        (_method, _plan, _key) = (method, plan, key);
        _memory = new double[plan.Schedule.Memory];
        _norms = new double[plan.MostSpike > 0 ? NormsRemembered : 0];
        method.BeginSet();
        using var scope = TensorScope.Begin();
        Set = start.WithTensors([.. start.Tensors.Select(part => part.Clone())]) with { Numbers = NumbersAtFirst(start) };
        _velocities = method.Numbers.Where(n => n.Value.HasVelocity)
            .ToImmutableSortedDictionary(n => n.Key, _ => 0.0, StringComparer.Ordinal);
        _states = [.. start.Parts.Select(part => OptimiserOf(part.Name).State.Select(_ => part.Value.ZerosLike()).ToArray())];
        foreach (Tensor part in Held)
            scope.Keep(part); // only when all are made: memory may end between two of them
    }

    /// <summary>S as it is now; its tensors are replaced by every step.</summary>
    public SyntheticSet Set { get; private set; }

    /// <summary>The number of steps done.</summary>
    public int Iteration { get; private set; }

    /// <summary>The number of steps that were skipped.</summary>
    public int Skipped { get; private set; }

    /// <summary>What the steps have cost, those of a saved state that was continued among them.</summary>
    public DistillationCost Cost { get; private set; }

    /// <summary>The images of <see cref="Cost"/>; null where the state that was continued does not tell.</summary>
    public long? Images => _isCostKnown ? Cost.Images : null;

    /// <summary>How much of the updates is done, 0 … 1: of their number, or of the budget if more of that is spent.</summary>
    public double Done => DoneAt(Iteration, Cost);

    /// <summary>The same before the last step.</summary>
    public double DoneBefore => DoneAt(Iteration - 1, _before);

    /// <summary>Whether all updates are done, or the budget is spent.</summary>
    public bool IsDone => Done >= 1;

    private double DoneAt(int iteration, DistillationCost cost)
    {
        double done = (double)Math.Max(0, iteration) / _plan.Iterations;
        return Math.Min(1, _plan.Budget is { } budget ? Math.Max(done, cost.In(budget.Unit) / budget.Amount) : done);
    }

    /// <summary>Adds seconds of earlier updates that the saved state does not tell.</summary>
    public void AddSeconds(double seconds)
    {
        Cost = Cost with { Seconds = Cost.Seconds + seconds };
        _before = _before with { Seconds = _before.Seconds + seconds };
    }

    /// <summary>What the random numbers of an update follow from.</summary>
    public RandomKey KeyOf(int iteration) => _key.Split("iteration").Split((ulong)iteration);

    /// <summary>The mean loss at S as it is in the same few places each time (<see cref="MethodSession.Probe"/>); nothing changes.
    /// </summary>
    public double Probe()
    {
        using IDisposable _ = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        return _method.Probe(Set, _key.Split("probe"));
    }

    /// <summary>By which traits an update differs from others in memory.</summary>
    public IReadOnlySet<string> TraitsOf(int iteration) => _method.TraitsOf(iteration, KeyOf(iteration));

    /// <summary>Jumps to another iteration and leaves S as it is, so that a dry run reaches updates of every
    /// trait.</summary>
    public void SkipTo(int iteration) => Iteration = iteration;

    /// <summary>One evaluation of the method and one update of S.</summary>
    /// <exception cref="NumericalException">The loss or S stops being finite, or S grows beyond the bounds of its parts; the
    /// state is as before the step.</exception>
    public DistillationStep Step()
    {
        using IDisposable _ = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        (long start, long images) = (_plan.Clock.GetTimestamp(), Set.Backend.ImagesPassed);
        MethodStep found = _method.Evaluate(Set, Iteration, KeyOf(Iteration));
        if (!double.IsFinite(found.Loss) || (found.Gradient is null && !found.Skip))
            throw new NumericalException(found.Place, Iteration, found.Loss, $"Lower {Rates}.");
        foreach (Metric metric in found.Metrics.Where(metric => !double.IsFinite(metric.Value)))
            throw new NumericalException($"{metric.Name} at {found.Place}", Iteration, metric.Value, $"Lower {Rates}.");
        double[] memory = _plan.Schedule.Remember(found.Loss, UpdatesInAll, _memory);
        double? norm = found.Skip ? null : Update(found, found.Gradient!, scope);
        if (norm > 0 && _norms.Length > 0)
            _norms = [.. _norms[1..], norm.Value];
        Skipped += found.Skip ? 1 : 0;
        _memory = memory;
        found.Commit?.Invoke(scope);
        _before = Cost;
        Cost = new DistillationCost(
            Cost.Images + Set.Backend.ImagesPassed - images,
            Cost.Seconds + (found.Seconds ?? _plan.Clock.GetElapsedTime(start).TotalSeconds));
        return new DistillationStep(Iteration++, found.Loss, found.Metrics, found.Skip) { GradientNorm = norm };
    }

    // By a budget, as many as it will be if all cost as much as those so far.
    private int UpdatesInAll => _plan.Budget is null || Done == 0
        ? _plan.Iterations
        : (int)Math.Clamp(Iteration / Done, 1, int.MaxValue);

    private double FactorNow() => _plan.Budget is null
        ? _plan.Schedule.FactorAt(Iteration, _plan.Iterations, _memory)
        : _plan.Schedule.FactorAt((int)(Done * StepsOfBudget), StepsOfBudget, _memory);

    // The norm of the gradient. It is read before the step only where the step depends on it.
    private double Update(MethodStep found, SyntheticGradient gradient, TensorScope scope)
    {
        double factor = FactorNow();
        (Tensor, Tensor)[] learned =
            [.. gradient.Parts.Where(part => PlanOf(part.Name).Rate > 0).Select(part => (part.Value, part.Value))];
        double most = MostNorm();
        double norm = most < double.PositiveInfinity && learned.Length > 0 ? NormOf(TensorAlgebra.Dots(learned)) : 0;
        SyntheticGradient clipped = norm > most ? gradient.Times(most / norm) : gradient;
        var values = new Tensor[Set.Parts.Length];
        var states = new Tensor[values.Length][];
        for (int i = 0; i < values.Length; i++)
        {
            PartPlan plan = PlanOf(Set.Parts[i].Name);
            (values[i], states[i]) = plan.Rate == 0
                ? (Set.Parts[i].Value.Clone(), [.. _states[i].Select(state => state.Clone())])
                : plan.Optimiser.Step(
                    Set.Parts[i].Value, _states[i], clipped.Parts[i].Value,
                    new SetStep(factor * plan.Rate, plan.Momentum, plan.WeightDecay, Iteration - Skipped));
        }
        double[] squares = TensorAlgebra.Dots(
            [.. values.Select(v => (v, v)), .. most < double.PositiveInfinity ? [] : learned]);
        RequireSize(values, squares[..values.Length]); // before infinite numbers are brought into a range
        if (squares.Length > values.Length)
            norm = NormOf(squares[values.Length..]);
        for (int i = 0; i < values.Length; i++)
        {
            if (PlanOf(Set.Parts[i].Name) is { Range: { } range, Rate: > 0 })
                values[i] = range.Clamp(values[i]);
        }
        (ImmutableSortedDictionary<string, double> numbers, _velocities) = NumbersAfter(found, factor);
        foreach (Tensor gone in Held)
            gone.Dispose();
        (Set, _states) = (Set.WithTensors(values) with { Numbers = numbers }, states);
        foreach (Tensor part in Held)
            scope.Keep(part);
        return norm;
    }

    // The most that the norm of this update's gradient may be.
    private double MostNorm()
    {
        double most = _plan.MostGradient > 0 ? _plan.MostGradient : double.PositiveInfinity;
        double[] known = [.. _norms.Where(norm => norm > 0).Order()];
        return known.Length < FewestNorms ? most : Math.Min(most, _plan.MostSpike * known[known.Length / 2]);
    }

    private static double NormOf(double[] squares) => Math.Sqrt(squares.Sum());

    private ImmutableSortedDictionary<string, double> NumbersAtFirst(SyntheticSet start) => start.Numbers.AddRange(
        _method.Numbers.Where(n => n.Value.Start is not null && !start.Numbers.ContainsKey(n.Key))
            .Select(n => KeyValuePair.Create(n.Key, n.Value.Start!.Value)));

    // Values and velocities after the update.
    private (ImmutableSortedDictionary<string, double> Values, ImmutableSortedDictionary<string, double> Velocities) NumbersAfter(
        MethodStep found, double factor)
    {
        ImmutableSortedDictionary<string, double> numbers = Set.Numbers.SetItems(found.Numbers), velocities = _velocities;
        foreach ((string name, NumberPlan plan) in _method.Numbers)
        {
            (double next, double velocity) = plan.Step(
                Set.Numbers[name], _velocities.GetValueOrDefault(name), found.NumberGradients[name], factor);
            if (!(next > 0 && double.IsFinite(next)))
            {
                // What S became moves its numbers, too.
                string rates = Rates.Length > 0 ? $", or {Rates}" : "";
                throw new NumericalException(
                    $"the {name} of the synthetic set", Iteration, next, $"Lower {plan.Option} (now {plan.Rate}){rates}.");
            }
            numbers = numbers.SetItem(name, next);
            velocities = plan.HasVelocity ? velocities.SetItem(name, velocity) : velocities;
        }
        return (numbers, velocities);
    }

    // Finite numbers can be too large to mean anything, and the run would still end with a table.
    private void RequireSize(Tensor[] values, double[] squares)
    {
        double size = squares.Sum(Math.Sqrt);
        if (!double.IsFinite(size))
            throw new NumericalException("the synthetic set", Iteration, size, $"Lower {Rates}.");
        for (int i = 0; i < values.Length; i++)
        {
            PartPlan plan = PlanOf(Set.Parts[i].Name);
            double own = Math.Sqrt(squares[i] / Math.Max(1, values[i].Count));
            if (own > plan.Bound)
            {
                throw new NumericalException(
                    $"the root mean square of {plan.Says}", Iteration, own,
                    $"Beyond {plan.Bound} it means nothing. Lower {plan.Option} (now {plan.Rate}){plan.Advice}.");
            }
        }
    }

    private string Rates => string.Join(
        " or ",
        Set.Parts.Select(part => PlanOf(part.Name)).Where(plan => plan.Rate > 0).Select(plan => $"{plan.Option} (now {plan.Rate})")
            .Distinct(StringComparer.Ordinal));

    private PartPlan PlanOf(string part) =>
        _plan.Parts.GetValueOrDefault(part) ?? new PartPlan(new SgdOptimiser(), 0, 0) { Says = part };

    private SetOptimiser OptimiserOf(string part) => PlanOf(part).Optimiser;

    private IEnumerable<Tensor> Held => [.. Set.Tensors, .. _states.SelectMany(state => state)];

    /// <summary>The whole state, to be saved.</summary>
    public IReadOnlyList<NamedArray> Save() =>
    [
        .. NamedTensors().Select(t => SavedTensors.Save(t.Name, t.Tensor)),
        .. Set.Numbers.Select(number => NamedArray.From(number.Key, [1], (double[])[number.Value])),
        .. _velocities.Select(velocity => NamedArray.From(VelocityOf(velocity.Key), [1], (double[])[velocity.Value])),
        NamedArray.From(Progress, [2], (int[])[Iteration, Skipped]),
        .. _memory.Length > 0 ? (NamedArray[])[NamedArray.From(ScheduleMemory, [_memory.Length], _memory)] : [],
        .. _norms.Length > 0 ? (NamedArray[])[NamedArray.From(NormMemory, [_norms.Length], _norms)] : [],
        .. _isCostKnown ? (NamedArray[])[NamedArray.From(ImagesSpent, [2], (double[])[Cost.Images, _before.Images])] : [],
        .. _plan.Budget is { Unit: BudgetUnit.Seconds } // which no two runs have alike
            ? (NamedArray[])[NamedArray.From(SecondsSpent, [2], (double[])[Cost.Seconds, _before.Seconds])]
            : [],
        .. _method.Save().Select(array => array.Named(OfMethod + array.Name)),
    ];

    /// <summary>The arrays that <see cref="Save"/> makes of every state of this set; those of the method are its own matter.</summary>
    public IReadOnlyList<SavedArray> Layout() =>
    [
        .. NamedTensors().Select(t => new SavedArray(
            t.Name, t.Tensor.DType == DType.Float32 ? ArrayElement.Float32 : ArrayElement.Float64, [.. t.Tensor.Shape.Sizes])),
        .. Set.Numbers.Keys.Select(name => new SavedArray(name, ArrayElement.Float64, [1]) { IsNumber = true }),
        .. _velocities.Keys.Select(name => new SavedArray(VelocityOf(name), ArrayElement.Float64, [1])),
        new(Progress, ArrayElement.Int32, [2]),
        .. _memory.Length > 0 ? (SavedArray[])[new(ScheduleMemory, ArrayElement.Float64, [_memory.Length])] : [],
        .. _norms.Length > 0 ? (SavedArray[])[new(NormMemory, ArrayElement.Float64, [_norms.Length])] : [],
    ];

    /// <summary>Continues from a saved state.</summary>
    /// <exception cref="ShapeException">The state is of another set.</exception>
    /// <exception cref="KeyNotFoundException">The state lacks a part.</exception>
    public void Restore(ArraySet state)
    {
        bool isCostKnown = state.TryGet(ImagesSpent, out NamedArray? _); // not of earlier versions
        (double images, double imagesBefore) = SpentIn(state, ImagesSpent, isCostKnown);
        (double seconds, double secondsBefore) = SpentIn(state, SecondsSpent, _plan.Budget is { Unit: BudgetUnit.Seconds });
        ImmutableSortedDictionary<string, double> numbers = Set.Numbers;
        foreach (string name in Set.Numbers.Keys)
            numbers = numbers.SetItem(name, state[name].AsFloat64()[0]);
        ImmutableSortedDictionary<string, double> velocities = _velocities;
        foreach (string name in _velocities.Keys)
            velocities = velocities.SetItem(name, state[VelocityOf(name)].AsFloat64()[0]);
        (int iteration, int skipped) = (state[Progress].AsInt32()[0], state[Progress].AsInt32()[1]);
        double[] memory = _memory.Length > 0 ? state[ScheduleMemory].AsFloat64().ToArray() : [];
        double[] norms = _norms.Length > 0 ? state[NormMemory].AsFloat64().ToArray() : [];
        using IDisposable _ = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        Dictionary<string, Tensor> read = NamedTensors().ToDictionary(
            t => t.Name, t => SavedTensors.Read(state[t.Name], t.Tensor.Backend, t.Tensor.DType, t.Tensor.Shape),
            StringComparer.Ordinal);
        _method.Restore(state.Below(OfMethod));
        Dispose(); // nothing is changed before all parts have been read
        _states = [.. Set.Parts.Select(part => OptimiserOf(part.Name).State.Select(s => read[$"{part.Name}.{s}"]).ToArray())];
        Set = Set.WithTensors([.. Set.Parts.Select(part => read[part.Name])]) with { Numbers = numbers };
        foreach (Tensor part in Held)
            scope.Keep(part);
        (Iteration, Skipped, _memory, _norms, _velocities) = (iteration, skipped, memory, norms, velocities);
        (Cost, _before) = (new((long)images, seconds), new((long)imagesBefore, secondsBefore));
        _isCostKnown = isCostKnown || iteration == 0;
    }

    private static (double Now, double Before) SpentIn(ArraySet state, string name, bool isThere)
    {
        if (!isThere)
            return (0, 0);
        NamedArray array = state[name];
        return array is { Element: ArrayElement.Float64, Count: 2 } && array.AsFloat64() is [>= 0 and < 1e15, >= 0 and < 1e15] found
            ? (found[0], found[1])
            : throw new ShapeException($"The saved array '{name}' holds no two numbers from 0.");
    }

    private static string VelocityOf(string number) => $"{number}.velocity";

    // The saved tensors: each part, then the state of its optimiser, such as images.velocity.
    private IEnumerable<(string Name, Tensor Tensor)> NamedTensors() => Set.Parts.SelectMany((part, i) =>
        OptimiserOf(part.Name).State.Select((name, k) => ($"{part.Name}.{name}", _states[i][k])).Prepend((part.Name, part.Value)));

    /// <summary>Gives the state's memory back.</summary>
    public void Dispose()
    {
        foreach (Tensor tensor in Held)
            tensor.Dispose();
    }
}
