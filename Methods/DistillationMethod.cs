using System.Collections.Immutable;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>
/// A way to learn a small set: one type, found by enumeration. Its settings become options, keys of config.json and values of
/// presets without an edit elsewhere. Source: docs/design.md, "Methods".
/// </summary>
public abstract class DistillationMethod : IKind
{
    /// <summary>The method of a run that names none.</summary>
    public const string Default = "influence";

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>One line of help: what it matches, and whose it is.</summary>
    public abstract string Help { get; }

    /// <summary>The name of its loss where it is shown.</summary>
    public virtual string LossName => "loss";

    /// <summary>The loss where S is empty, near which a distillation has achieved nothing; null where that means nothing.</summary>
    public virtual double? LossOfEmptySet => null;

    /// <summary>The names of its metrics besides the loss, in snake case; others are refused.</summary>
    public virtual IReadOnlyList<string> Metrics => [];

    /// <summary>What it works with besides S.</summary>
    public virtual MethodNeeds Needs => MethodNeeds.None;

    /// <summary>Whether S may be image-text pairs (<see cref="SyntheticPairs"/>); a method that needs them takes nothing else.</summary>
    public virtual bool TakesPairs => Needs.HasFlag(MethodNeeds.Pairs);

    /// <summary>Its own settings.</summary>
    public virtual IReadOnlyList<MethodSetting> Settings => [];

    /// <summary>The settings with which its authors ran it, by the names of the settings, for a data set and so many images per class;
    /// empty where nothing is published. Where a data set has none of its own they are those of the nearest that has.</summary>
    public virtual IReadOnlyList<(string Property, string Text)> Published(PublishedCase at) => [];

    /// <summary>Whether it takes S in minibatches (<see cref="MethodContext.BatchSyn"/>).</summary>
    public virtual bool TakesBatchesOfS => false;

    /// <summary>Whether it learns with S the rate to train on S with (<see cref="SyntheticSet.RateNumber"/>).</summary>
    public virtual bool LearnsRate => false;

    /// <summary>The method with given settings as a table names it; the plain name where that is enough.</summary>
    public virtual string Describe(MethodValues values) => Name;

    /// <summary>Refuses settings that do not go together.</summary>
    /// <exception cref="SettingException">Two do not.</exception>
    public virtual void Check(MethodValues values, ExpertPlan experts)
    {
    }

    /// <summary>Refuses a run whose experts will not hold what the method needs; nothing is trained for it.</summary>
    /// <param name="values">The method's settings.</param>
    /// <param name="steps">The step of each checkpoint that an expert will store, ascending.</param>
    /// <param name="trajectory">Which trajectory it is, for the message.</param>
    /// <exception cref="SettingException">It will not; the message names the setting.</exception>
    public virtual void CheckTrajectory(MethodValues values, IReadOnlyList<int> steps, string trajectory)
    {
    }

    /// <summary>Those of its settings that count checkpoints of an expert, so that they mean another part of its training where experts
    /// store more or fewer of them in an epoch; none where windows are of consecutive steps.</summary>
    public virtual IReadOnlyList<MethodSetting> CountingCheckpoints(MethodValues values) => [];

    /// <summary>Begins a run of the method; what all its sets share is made once here.</summary>
    public abstract MethodSession Begin(MethodContext context);
}

/// <summary>What published settings are asked for.</summary>
/// <param name="Dataset">The name of the data set, as --dataset takes it.</param>
/// <param name="Ipc">Synthetic images per class.</param>
public readonly record struct PublishedCase(string Dataset, int Ipc);

/// <summary>What a method may ask of the experts before there are any.</summary>
/// <param name="Count">How many.</param>
/// <param name="DenseSteps">Consecutive steps stored from the beginning.</param>
public readonly record struct ExpertPlan(int Count, int DenseSteps)
{
    /// <summary>How each is trained; null where that is not known yet.</summary>
    public TrainingPlan? Training { get; init; }
}

/// <summary>A run of a method. It learns one set after another; every random number follows from the key of an update.</summary>
public abstract class MethodSession : IDisposable
{
    /// <summary>The numbers of S that are learned, with how; none by default.</summary>
    public virtual IReadOnlyDictionary<string, NumberPlan> Numbers { get; } = new Dictionary<string, NumberPlan>(StringComparer.Ordinal);

    /// <summary>Begins another set: its own state is as at first, what all sets share stays.</summary>
    public virtual void BeginSet()
    {
    }

    /// <summary>The loss at S, its gradient and metrics, in the current scope. The method's state changes only in
    /// <see cref="MethodStep.Commit"/>, because the update may still be refused.</summary>
    /// <param name="s">S as it is.</param>
    /// <param name="iteration">The number of the update, from 0.</param>
    /// <param name="key">What its random numbers follow from.</param>
    public abstract MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key);

    /// <summary>Updates the method's own state after an update that a step had a part in; by default nothing.</summary>
    /// <param name="memo">What the step tells (<see cref="MethodStep.Memo"/>); it may have been made in another process.</param>
    public virtual void Remember(ImmutableArray<double> memo)
    {
    }

    /// <summary>The mean loss at S in a few places that are the same each time it is asked, so that it falls as S gets better,
    /// where the loss of an update also follows from the place that the update drew. Nothing of S or of the method changes. By default
    /// the mean loss of <see cref="PlacesOfProbe"/> updates that would be the first.</summary>
    /// <param name="s">S as it is.</param>
    /// <param name="key">What the random numbers follow from; the same each time.</param>
    /// <returns>The loss; not finite where the loss in one of the places is not.</returns>
    public virtual double Probe(SyntheticSet s, RandomKey key) => MeanOfPlaces(i => Evaluate(s, 0, key.Split((ulong)i)).Loss);

    /// <summary>The places of <see cref="Probe"/>.</summary>
    protected const int PlacesOfProbe = 4;

    /// <summary>The mean of the losses in the places 0 … <see cref="PlacesOfProbe"/> − 1, each in a scope of its own.</summary>
    protected static double MeanOfPlaces(Func<int, double> lossAt)
    {
        double sum = 0;
        for (int i = 0; i < PlacesOfProbe; i++)
        {
            using var scope = TensorScope.Begin();
            sum += lossAt(i);
        }
        return sum / PlacesOfProbe;
    }

    /// <summary>The state of the method for this set, beside S; empty where it has none.</summary>
    public virtual IReadOnlyList<NamedArray> Save() => [];

    /// <summary>Continues from a saved state.</summary>
    public virtual void Restore(ArraySet state)
    {
    }

    /// <summary>The traits by which updates differ in memory; one update of each trait shows the peak of all.</summary>
    public virtual IReadOnlySet<string> TraitsOf(int iteration, RandomKey key) =>
        new HashSet<string>(StringComparer.Ordinal);

    /// <summary>How many vectors [p] are kept from one update to the next once these updates are done; those that an update
    /// makes itself are not counted.</summary>
    public virtual int VectorsKept(IReadOnlyList<(int Iteration, RandomKey Key)> updates) => 0;

    /// <summary>How many of these updates make themselves what later ones find kept, and take longer for it; 0 where all take
    /// the same.</summary>
    public virtual int UpdatesThatFill(IReadOnlyList<(int Iteration, RandomKey Key)> updates) => 0;

    /// <summary>Frees what is kept between updates; it is made again when needed.</summary>
    public virtual void ForgetCaches()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back what the session holds.</summary>
    protected virtual void Dispose(bool disposing) => ForgetCaches();
}
