using System.Collections.ObjectModel;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A set that is evaluated beside others.</summary>
/// <param name="Name">What its progress is shown under.</param>
/// <param name="OfNetwork">The images that the network of this number is trained on.</param>
/// <param name="WhenEvaluated">Called once with the set's accuracy as soon as its last network has been evaluated, even
/// if another set fails.</param>
internal sealed record EvaluatedSet(string Name, Func<int, LabelledImages> OfNetwork, Action<Accuracy>? WhenEvaluated = null)
{
    /// <summary>The rate of the trainings on it; null for the protocol's.</summary>
    public double? Rate { get; init; }

    /// <summary>How many images it has, for the speed that is shown; 0 where that is not shown.</summary>
    public long Images { get; init; }

    /// <summary>Networks of an earlier evaluation that was interrupted, by their numbers; they are not trained again.</summary>
    public IReadOnlyDictionary<int, EvaluatedNetwork> Known { get; init; } = ReadOnlyDictionary<int, EvaluatedNetwork>.Empty;

    /// <summary>Where networks are kept that several processes evaluate together; null where this one evaluates all.</summary>
    public EvaluatedFiles? Files { get; init; }

    /// <summary>Is told what the networks together took test images for, just before <see cref="WhenEvaluated"/>; not where one of
    /// them was evaluated by an earlier version.</summary>
    public Action<ConfusionMatrix>? WhenCounted { get; init; }

    /// <summary>Called after each trained network, one call at a time.</summary>
    public Action<int, EvaluatedNetwork>? WhenTrained { get; init; }

    /// <summary>Is shown the parameters θ [p] of each network at its end, which are given back then; several at a time.</summary>
    public Action<int, Tensor>? WhenEnded { get; init; }
}

/// <summary>What one network reached, in percent.</summary>
/// <param name="Last">After the last epoch.</param>
/// <param name="Best">At the best of the evaluated epochs, the last included.</param>
internal readonly record struct EvaluatedNetwork(double Last, double Best)
{
    /// <summary>What it took test images for after the last epoch; null where an earlier version evaluated it.</summary>
    public ConfusionMatrix? Confusion { get; init; }
}

/// <summary>
/// Evaluates sets by a protocol (<see cref="Protocols"/>): trains networks on a set from different initialisations and
/// takes the accuracy on the real test images after the last epoch, and next to it that of the best evaluated epoch.
/// The k-th network starts from the same initialisation for every set, so that sets are compared on equal terms.
/// </summary>
/// <param name="network">What is trained.</param>
/// <param name="settings">The protocol and its values.</param>
/// <param name="data">The test images.</param>
/// <param name="key">Initialisations, order and augmentation follow from it.</param>
/// <param name="cancel">Stops between two steps.</param>
internal sealed partial class SetEvaluator(
    Network network, RunSettings settings, PreparedData data, RandomKey key, CancellationToken cancel)
{
    // Numbers of activations above which kernels keep all threads busy by themselves.
    private const long MostNumbersOfNetwork = 1L << 26;

    private readonly Lock _gate = new();
    private readonly RunSettings _settings = settings;
    private readonly PreparedData _data = data;
    private readonly TrainingPlan _plan = Protocols.Plan(settings, data.Pair.Name);
    private readonly int _bestEvery = settings.BestEvery ?? Protocols.BestEvery(settings);

    /// <summary>How many networks are trained in parallel on batches of so many images: small steps leave threads idle,
    /// large ones, and large evaluations on the test images, would only take more memory.</summary>
    public static int DegreeOfParallelism(Network network, int images, Backend backend) =>
        Activations(network, images) <= MostNumbersOfNetwork ? backend.DegreeOfParallelism : 1;

    /// <summary>How many of the networks that are left begin next, at the same time; where half of the threads or more would be idle,
    /// one on all of them.</summary>
    public static int NextRound(int left, int degree, Backend backend) =>
        backend.RunsFewInTurn && 2 * left <= degree ? 1 : Math.Min(left, degree);

    // Of a step, forward and back, or of the test images that are evaluated at once.
    private static long Activations(Network network, int images) =>
        network.ActivationCount * Math.Max(2L * images, Evaluation.ImagesAtOnce(network));

    /// <summary>What is trained.</summary>
    public Network Network => network;

    /// <summary>Which of the networks are trained; null for all. A column of which not all are trained has no accuracy.</summary>
    public JobShare? Share { get; init; }

    /// <summary>Accuracy over several networks, trained in parallel where that is faster; each may be trained on a set
    /// of its own, which is made here.</summary>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public Accuracy Evaluate(Func<int, LabelledImages> setOf, int repeats, IProgressStage? stage = null) =>
        Evaluate(new EvaluatedSet("", setOf), repeats, stage);

    /// <summary>The same of a set whose networks are watched.</summary>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public Accuracy Evaluate(EvaluatedSet set, int repeats, IProgressStage? stage) =>
        Evaluate([new Column(this, set, repeats, _ => stage)], repeats)[0];

    /// <summary>The same for several sets, whose networks run in parallel: no thread waits for the last network of a set. A stage
    /// of its own shows each set's progress, and ends when the set is evaluated.</summary>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public Accuracy[] Evaluate(IReadOnlyList<EvaluatedSet> sets, int repeats, IProgressView progress)
    {
        var open = new Dictionary<EvaluatedSet, IProgressStage>(ReferenceEqualityComparer.Instance);
        int[] own = [.. sets.Select((_, column) => Share?.CountNext(repeats, column * repeats) ?? repeats)];
        Column ColumnOf(EvaluatedSet set, int column) => new(
            this,
            set with
            {
                WhenEvaluated = accuracy =>
                {
                    if (open.Remove(set, out IProgressStage? stage))
                        stage.Dispose();
                    set.WhenEvaluated?.Invoke(accuracy);
                },
            },
            repeats,
            done => open[set] = progress.Begin(set.Name, (long)own[column] * _plan.Epochs, set.Images, done));
        try
        {
            return Evaluate(
                [.. sets.Select(ColumnOf)], repeats,
                left => progress.Note($"Other processes evaluate {left} of the networks; waiting for them."));
        }
        finally
        {
            foreach (IProgressStage stage in open.Values)
                stage.Dispose();
        }
    }

    private Accuracy[] Evaluate(Column[] columns, int repeats, Action<int>? waits = null)
    {
        foreach (Column known in columns)
            known.FinishIfComplete();
        var rounds = new Rounds(this, columns, repeats);
        Job[] jobs = [.. Enumerable.Range(0, columns.Length * repeats).Select(rounds.JobOf)];
        bool isShared = Share is not null || columns.Any(c => c.Files is not null);
        (isShared ? new SharedJobRunner(rounds, Share) { Waits = waits } : (IJobRunner)rounds).Run(jobs, cancel: cancel);
        return [.. columns.Select(c => c.Result!)];
    }

    // The networks of one set, some of which train at the same time.
    private sealed class Column
    {
        private readonly SetEvaluator _evaluator;
        private readonly EvaluatedSet _set;
        private readonly Func<long, IProgressStage?> _begin;
        private readonly EvaluatedNetwork?[] _known;
        private readonly int[] _done;
        private IProgressStage? _stage;
        private bool _hasBegun;

        public Column(SetEvaluator evaluator, EvaluatedSet set, int repeats, Func<long, IProgressStage?> begin)
        {
            (_evaluator, _set, _begin) = (evaluator, set, begin);
            (_known, _done) = (new EvaluatedNetwork?[repeats], new int[repeats]);
            for (int r = 0; r < repeats; r++)
            {
                if (set.Known.TryGetValue(r, out EvaluatedNetwork known))
                    (_known[r], _done[r]) = (known, evaluator._plan.Epochs);
            }
        }

        public Func<int, LabelledImages> SetOf => _set.OfNetwork;

        public EvaluatedFiles? Files => _set.Files;

        public TrainingPlan PlanOf(TrainingPlan plan) => _set.Rate is { } rate ? plan with { Rate = rate } : plan;

        public void End(int network, Tensor theta) => _set.WhenEnded?.Invoke(network, theta);

        public Accuracy? Result { get; private set; }

        public bool IsKnown(int network) => _known[network] is not null;

        public void Begin()
        {
            if (!_hasBegun)
                _stage = _begin(_done.Sum(e => (long)e));
            _hasBegun = true;
        }

        // Stages of two sets write to one place: the gate is that of all.
        public void Report(int network, int epochs, string loss)
        {
            lock (_evaluator._gate)
            {
                _done[network] = epochs;
                _stage?.Report(_done.Sum(e => (long)e), $"network {network + 1}/{_done.Length}{loss}");
            }
        }

        public void Know(int network, EvaluatedNetwork accuracy)
        {
            lock (_evaluator._gate)
            {
                (_known[network], _done[network]) = (accuracy, _evaluator._plan.Epochs);
                _set.WhenTrained?.Invoke(network, accuracy);
            }
        }

        public void FinishIfComplete()
        {
            if (Result is not null || !Array.TrueForAll(_known, k => k is not null))
                return;
            Begin();
            Result = Accuracy.Of([.. _known.Select(k => k!.Value.Last)]) with
            {
                Best = _evaluator._bestEvery > 0 ? Accuracy.Of([.. _known.Select(k => k!.Value.Best)]) : null,
            };
            _stage?.Report(
                (long)_done.Length * _evaluator._plan.Epochs,
                $"{Result.Shown} % (protocol {Protocols.NameOf(_evaluator._settings)})");
            if (ConfusionMatrix.Sum([.. _known.Select(k => k!.Value.Confusion)]) is { } counts)
                _set.WhenCounted?.Invoke(counts);
            _set.WhenEvaluated?.Invoke(Result);
        }
    }

    private EvaluatedNetwork EvaluateOnce(
        LabelledImages set, int r, Column epochs, CancellationToken stop)
    {
        using var scope = TensorScope.Begin();
        RandomKey own = key.Split((ulong)r);
        var trainer = new Trainer(network, set, epochs.PlanOf(_plan), own.Split("train"));
        Tensor start = network.Initialise(_data.Backend, DType.Float32, own.Split("init"));
        string loss = "";
        double best = 0;
        void Observe(TrainingStep step)
        {
            epochs.Report(r, step.Epoch, loss);
            bool ends = (step.Step + 1) % trainer.StepsPerEpoch == 0;
            if (_bestEvery > 0 && ends && (step.Epoch + 1) % _bestEvery == 0 && step.Step + 1 < trainer.Steps)
                best = Math.Max(best, Percent(network.Predictions(step.Theta, _data.TestImages)));
        }
        Tensor theta = trainer.Run(
            start, Observe, losses => loss = FormattableString.Invariant($", loss {losses.Values[^1]:F3}"), stop);
        int[] found = network.Predictions(theta, _data.TestImages);
        double last = Percent(found);
        epochs.End(r, theta);
        epochs.Report(r, _plan.Epochs, loss); // only now: at its total a stage counts as done
        return new EvaluatedNetwork(last, Math.Max(best, last))
        {
            Confusion = ConfusionMatrix.Of(_data.TestLabels, found, _data.Classes),
        };
    }

    // Accuracies are counts over the test images: rounding only removes the error of the division.
    private double Percent(int[] found)
    {
        int right = 0;
        for (int i = 0; i < found.Length; i++)
            right += found[i] == _data.TestLabels[i] ? 1 : 0;
        return Math.Round(100 * ((double)right / found.Length), 6);
    }
}
