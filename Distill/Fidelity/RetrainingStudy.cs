using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.ExceptionServices;
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// 'influence truth': every estimate against training again, on one recorded training after another. What was retrained
/// is kept in the folder of the training, so that a second call, or one with other estimates, does not train again.
/// </summary>
internal sealed class RetrainingStudy(
    FidelitySettings settings, DatasetPair pair, ulong seed, int threads, string folder, IProgressView progress,
    CancellationToken cancel)
{
    private const int MostRealBatch = 250;
    private const double CandidateLabelSharpness = 10, MostCandidateNoise = 1.5;

    /// <summary>The name of the row in which training itself is the estimate.</summary>
    public const string TwinName = "twin";

    private readonly CpuBackend _backend = new(1);
    private readonly List<FidelityRow> _rows = [];

    /// <summary>Measures all seeds.</summary>
    /// <exception cref="DistillException">More examples, groups or test images are asked for than there are.</exception>
    public IReadOnlyList<FidelityRow> Run()
    {
        Check();
        for (int s = 0; s < settings.Seeds; s++)
        {
            using var scope = TensorScope.Begin();
            using RecordedCase recorded = RecordedCase.Open(
                settings, pair, RandomKey.FromSeed(seed + (ulong)s).Split("influence"), _backend, folder, progress, cancel);
            Measure(recorded, s);
        }
        return _rows;
    }

    // What training again says after so many steps: changes of parameters, of the measure for each example and group left
    // out, of each test point's for each subset, and where training on the candidates ends.
    private sealed record GroundTruth(
        int Index, int Steps, double[][] Displacements, double[] Singles, double[] Groups, double[][] Subsets,
        double[] Distances, double[] Accuracies);

    private void Measure(RecordedCase recorded, int s)
    {
        int n = settings.Examples;
        var again = new RetrainingCache(recorded.Expert, Path.Combine(recorded.Folder, "retrained"), settings.Horizons);
        RandomKey key = recorded.Key;
        int[] left = key.Split("leave out").Permutation(n)[..settings.LeaveOut];
        Intervention[] singles = [.. left.Select(i => Intervention.TakeAway(n, settings.Share, i))];
        Intervention[] groups =
        [
            .. Enumerable.Range(0, settings.Groups).Select(g =>
                Intervention.TakeAway(
                    n, settings.Share,
                    key.Split("group").Split((ulong)g).Permutation(n).AsSpan(0, settings.GroupSize))),
        ];
        Intervention[] subsets =
        [
            .. Enumerable.Range(0, settings.Subsets).Select(k =>
                Intervention.Subset(
                    n, settings.SubsetShare, settings.Share, key.Split("half").Split((ulong)k))),
        ];
        SyntheticSet[] candidates = [.. Enumerable.Range(0, settings.Candidates).Select(c => Candidate(recorded, c))];
        Intervention[] replaced = [.. candidates.Select(c => Intervention.Replace(n, c.AsTrainingSet()))];
        Intervention[] twins = Twins(key.Split("twin"), [.. singles, .. groups, .. subsets]);
        Intervention[] all = [.. singles, .. groups, .. subsets, .. replaced, .. twins];
        IReadOnlyList<string> files;
        using (IProgressStage stage = progress.Begin($"Seed {s}: training again", all.Length))
            files = again.Run(all, threads, done => stage.Report(done), cancel);
        foreach (string damaged in again.Damaged)
            progress.Note($"{damaged} was damaged and has been made again.");
        if (again.WithoutHash > 0)
        {
            progress.Note(
                $"{again.WithoutHash} of {files.Count} results in {Path.Combine(recorded.Folder, "retrained")} state no hash of " +
                "their content, because an earlier version wrote them: damage in them cannot be found.");
        }
        string[][] parts = Cut(files, singles.Length, groups.Length, subsets.Length, replaced.Length, twins.Length);
        string[][] other = twins.Length > 0 ? Cut(parts[4], 1, singles.Length, groups.Length, subsets.Length) : [];

        (LabelledImages validation, LabelledImages tests) = recorded.TestImages(
            settings.Validation, settings.TestPoints);
        ParameterLoss measure = recorded.MeasureOf(validation);
        ParameterLoss[] points =
        [
            .. Enumerable.Range(0, settings.TestPoints).Select(q => recorded.MeasureOf(tests.Rows([q]))),
        ];
        (Tensor Images, int[] Labels)? unseen = candidates.Length > 0 ? recorded.AllTestImages() : null;
        GroundTruth[] truths = [.. Enumerable.Range(0, settings.Horizons.Length).Select(TruthAt)];
        (GroundTruth Truth, string Name)[] asked = [.. truths.SelectMany(t => settings.Estimators.Select(name => (t, name)))];
        var rows = new FidelityRow[asked.Length];
        using IProgressStage work = progress.Begin($"Seed {s}: estimates", asked.Length);
        var finished = new Lock();
        int done = 0;
        AtOnce(asked.Length, i =>
        {
            string? remark = null;
            try
            {
                (rows[i], remark) = RowOf(asked[i].Truth, asked[i].Name);
            }
            catch (NumericalException e) // the other estimates are none the worse for it
            {
                rows[i] = new FidelityRow(s, asked[i].Truth.Steps, asked[i].Name) { IsRanked = false };
                remark = $"{asked[i].Name}: {e.Message}";
            }
            lock (finished)
            {
                if (remark is not null)
                    progress.Note($"After {asked[i].Truth.Steps} steps, {remark}");
                work.Report(++done, $"{asked[i].Name} after {asked[i].Truth.Steps} steps");
            }
        });
        for (int h = 0; h < truths.Length; h++)
        {
            _rows.AddRange(rows.Skip(h * settings.Estimators.Length).Take(settings.Estimators.Length));
            if (other.Length > 0)
                _rows.Add(RowOfTwin(truths[h]));
        }

        GroundTruth TruthAt(int h)
        {
            using var scope = TensorScope.Begin();
            Tensor end = recorded.ContextAt(settings.Horizons[h]).Theta(settings.Horizons[h]);
            (double[] distance, double[] accuracy) = Candidates(recorded.Network, again, parts[3], h, end, unseen);
            return new GroundTruth(
                h, settings.Horizons[h],
                [.. singles.Take(settings.Displacements).Select((_, i) => Moved(again, parts[0][i], h, end))],
                Changes(again, parts[0], h, measure, end), Changes(again, parts[1], h, measure, end),
                [.. points.Select(p => Changes(again, parts[2], h, p, end))], distance, accuracy);
        }

        (FidelityRow Row, string? Remark) RowOf(GroundTruth truth, string name)
        {
            using var scope = TensorScope.Begin();
            ExampleInfluence estimate = ExampleInfluences.Create(
                name, recorded.ContextAt(truth.Steps), settings.Damping);
            var row = new FidelityRow(s, truth.Steps, name);
            long start = TimeProvider.System.GetTimestamp();
            double[] scores = ScoresOf(measure);
            row.Seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
            row.Gradients = estimate.ImageGradients / n;
            row.IsRanked = Array.TrueForAll(scores, double.IsFinite) && Array.Exists(scores, x => x != scores[0]);
            row.LeaveOneOut = Agreement.Spearman(Predicted(scores, singles), truth.Singles);
            row.GroupOut = Agreement.Spearman(Predicted(scores, groups), truth.Groups);
            if (subsets.Length > 0)
                row.Lds = points.Select((p, q) =>
                    Agreement.Spearman(Predicted(ScoresOf(p), subsets), truth.Subsets[q])).Average();
            if (estimate.HasDisplacement && truth.Displacements.Length > 0)
                (row.Error, row.Cosine) = Agreements(i => Displacement(estimate, singles[i]), truth.Displacements);
            if (candidates.Length > 0 && Kinds.Find<InfluenceEstimator>(name) is { } estimator)
            {
                double[] j = Objectives(recorded, estimator, truth.Steps, candidates);
                row.CandidateDistance = Agreement.Spearman(j, truth.Distances);
                row.CandidateAccuracy = Agreement.Spearman([.. j.Select(x => -x)], truth.Accuracies);
            }
            return (row, estimate.Remark);

            // An estimate is of many measures: who interrupts it does not wait for all.
            double[] ScoresOf(ParameterLoss m)
            {
                cancel.ThrowIfCancellationRequested();
                return estimate.Scores(m);
            }
        }

        FidelityRow RowOfTwin(GroundTruth truth)
        {
            using var scope = TensorScope.Begin();
            int h = truth.Index;
            Tensor twin = again.Theta(other[0][0], h);
            var row = new FidelityRow(s, truth.Steps, TwinName)
            {
                LeaveOneOut = Agreement.Spearman(Changes(again, other[1], h, measure, twin), truth.Singles),
                GroupOut = Agreement.Spearman(Changes(again, other[2], h, measure, twin), truth.Groups),
            };
            if (subsets.Length > 0)
                row.Lds = points.Select((p, q) =>
                    Agreement.Spearman(Changes(again, other[3], h, p, twin), truth.Subsets[q])).Average();
            if (truth.Displacements.Length > 0)
                (row.Error, row.Cosine) = Agreements(i => Moved(again, other[1][i], h, twin), truth.Displacements);
            return row;
        }
    }

    // Each on one thread, so that numbers do not depend on how many there are; the longest horizons, which cost most, first.
    private void AtOnce(int count, Action<int> act)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancel };
        try
        {
            Parallel.ForEach(
                Partitioner.Create(Enumerable.Range(0, count).Reverse(), EnumerablePartitionerOptions.NoBuffering), options,
                act);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }

    // All interventions once more, in a training whose weights differ from 1 a little; the first is that training.
    private Intervention[] Twins(RandomKey key, Intervention[] interventions)
    {
        if (settings.Twin == 0)
            return [];
        var weights = new double[settings.Examples];
        key.Normal(weights);
        for (int i = 0; i < weights.Length; i++)
            weights[i] = 1 + settings.Twin * weights[i];
        return [new Intervention { Weights = weights }, .. interventions.Select(z => z.Of(weights))];
    }

    private double[] Displacement(ExampleInfluence estimate, Intervention intervention)
    {
        cancel.ThrowIfCancellationRequested();
        using var scope = TensorScope.Begin();
        return estimate.Displacement(intervention).ToArray<double>();
    }

    // An example that training has not met yet is left out to no effect: there is nothing to be right or wrong about.
    private static (double Error, double Cosine) Agreements(Func<int, double[]> displacement, double[][] truths)
    {
        int[] met = [.. Enumerable.Range(0, truths.Length).Where(i => Array.Exists(truths[i], x => x != 0))];
        (double error, double cosine) = (0, 0);
        foreach (int i in met)
        {
            double[] found = displacement(i);
            error += Agreement.RelativeError(found, truths[i]);
            cosine += Agreement.Cosine(found, truths[i]);
        }
        return (error / met.Length, cosine / met.Length);
    }

    private void Check()
    {
        int n = settings.Examples;
        AtMost("--leave-out", settings.LeaveOut, n, "--examples");
        if (settings.Groups > 0)
            AtMost("--group-size", settings.GroupSize, n - 1, "one less than --examples");
        if (settings.Candidates > 0)
            AtMost("--candidate-ipc", settings.CandidateIpc, n / pair.Train.Classes, "--examples for each class");
        if (settings.Subsets > 0 && Intervention.KeptOf(n, settings.SubsetShare) is int kept && (kept == 0 || kept == n))
        {
            throw DistillException.BadValue(
                "--subset-share", settings.SubsetShare.ToString("R", CultureInfo.InvariantCulture),
                $"a share that leaves some of {n} examples out and not all");
        }

        static void AtMost(string option, int value, int most, string what)
        {
            if (value > most)
                throw DistillException.BadValue(option, $"{value}", $"at most {most}, {what}");
        }
    }

    // Σ_i (w_i − 1)·dm/dw_i of each intervention.
    private static double[] Predicted(double[] scores, Intervention[] interventions) =>
        [.. interventions.Select(z => z.Changed.Sum(i => (z.Weights[i] - 1) * scores[i]))];

    private static double[] Moved(RetrainingCache again, string file, int horizon, Tensor end)
    {
        using var scope = TensorScope.Begin();
        return again.Theta(file, horizon).Minus(end).ToArray<double>();
    }

    private static double[] Changes(
        RetrainingCache again, string[] files, int horizon, ParameterLoss measure, Tensor end)
    {
        double before = Value(measure, end);
        return [.. files.Select(file =>
        {
            using var scope = TensorScope.Begin();
            return Value(measure, again.Theta(file, horizon)) - before;
        })];
    }

    private static double Value(ParameterLoss measure, Tensor theta)
    {
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        return measure(Variable.Constant(theta)).Value.ToScalar();
    }

    private static (double[] Distance, double[] Accuracy) Candidates(
        Network network, RetrainingCache again, string[] files, int horizon, Tensor end, (Tensor, int[])? unseen)
    {
        if (unseen is not (Tensor images, int[] labels))
            return ([], []);
        (double Distance, double Accuracy)[] both = [.. files.Select(file =>
        {
            using var scope = TensorScope.Begin();
            Tensor theta = again.Theta(file, horizon);
            return (theta.Minus(end).Norm(), network.Accuracy(theta, images, labels));
        })];
        return ([.. both.Select(b => b.Distance)], [.. both.Select(b => b.Accuracy)]);
    }

    // J(S) with a weight of 1, which is what training on S in D's place has.
    private double[] Objectives(RecordedCase recorded, InfluenceEstimator estimator, int horizon, SyntheticSet[] candidates)
    {
        int[] rows = [.. Enumerable.Range(0, Math.Min(MostRealBatch, settings.Examples))];
        var context = new EstimationContext([recorded.Expert], settings.Field, recorded.Data.Rows(rows));
        using var objective = new InfluenceObjective(estimator, context, WeightRule.Fixed);
        var loss = new ImageLoss(recorded.Network, Augmentation.None, default);
        return [.. candidates.Select(s =>
        {
            using var scope = TensorScope.Begin();
            return objective.Evaluate(new Window(0, 0, horizon), s, loss, gradient: false).Relative;
        })];
    }

    // Random images of D with noise on pixels and wrong labels, more of both from one candidate to the next: sets from
    // good to useless.
    private SyntheticSet Candidate(RecordedCase recorded, int number)
    {
        RandomKey key = recorded.Key.Split("candidate").Split((ulong)number);
        int classes = recorded.Classes, count = settings.CandidateIpc * classes;
        double spoilt = settings.Candidates < 2 ? 0 : (double)number / (settings.Candidates - 1);
        int[] rows = key.Split("images").Permutation(settings.Examples)[..count];
        Tensor images = recorded.Data.Rows(rows).Images;
        var noise = new double[images.Count];
        key.Split("noise").Normal(noise);
        var logits = new double[count * classes];
        for (int i = 0; i < count; i++)
        {
            bool isWrong = key.Split("wrong").UniformAt(i) < spoilt * key.Split("share").UniformAt(0);
            int label = isWrong ? key.Split("label").Below(classes, i) : recorded.Given[rows[i]];
            logits[i * classes + label] = CandidateLabelSharpness;
        }
        return new SyntheticSet(
            TensorAlgebra.Axpy(
                spoilt * MostCandidateNoise * key.Split("noise share").UniformAt(0),
                Tensor.From(_backend, images.DType, noise, images.Shape), images),
            Tensor.From(_backend, images.DType, logits, new Shape(count, classes)), 1);
    }

    private static string[][] Cut(IReadOnlyList<string> files, params int[] lengths)
    {
        var parts = new string[lengths.Length][];
        for (int i = 0, start = 0; i < lengths.Length; start += lengths[i++])
            parts[i] = [.. files.Skip(start).Take(lengths[i])];
        return parts;
    }
}
