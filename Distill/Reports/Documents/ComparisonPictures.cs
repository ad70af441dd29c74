using System.Xml.Linq;
using InfMatch.Datasets;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>Drawings of several runs as files for documents: accuracy against images processed and against seconds, and how their
/// sets cover one class of the real data.</summary>
internal static class ComparisonPictures
{
    private const double Side = 460, Margin = 14;

    /// <summary>Draws how accuracy grows with what updates cost; one file for each unit and number of images per class.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="folder">Where the files go.</param>
    /// <returns>The files; none where no run was evaluated on the way.</returns>
    /// <exception cref="DistillException">A run's cost.jsonl is damaged.</exception>
    public static IReadOnlyList<string> Convergence(IReadOnlyList<RecordedRun> runs, string folder)
    {
        var written = new List<string>();
        IReadOnlyList<CostRecord>[] costs = [.. runs.Select(run => CostFile.Read(Path.Combine(run.Files.Path, CostFile.FileName)))];
        foreach (int ipc in runs.SelectMany(r => r.Sizes).Distinct().Order())
        {
            foreach ((string unit, string axis, Func<CostRecord, double?> of) in
                new (string, string, Func<CostRecord, double?>)[]
                {
                    ("images", "images that passed through a network in updates", cost => cost.Images),
                    ("seconds", "seconds of updates", cost => cost.Seconds),
                })
            {
                ChartSeries[] series =
                    [.. runs.Select((run, i) => SeriesOf(run, i, ipc, costs[i].Where(c => c.Ipc == ipc).ToDictionary(c => c.Iteration), of))];
                if (!series.Any(s => s.Points.Count > 1))
                    continue;
                string path = Path.Combine(folder, $"convergence-{(runs[0].IsOfPairs ? "pairs" : "ipc")}{ipc}-{unit}.svg");
                new LineChart($"{RunComparison.HeadingOf(runs)}, {runs[0].WordsOf(ipc)}", axis, series)
                {
                    Unit = "%", Note = "Each point is one network's; the last is the mean over all networks of the evaluation where these train for as many epochs.",
                }.Write(path);
                written.Add(path);
            }
        }
        return written;
    }

    private static ChartSeries SeriesOf(
        RecordedRun run, int number, int ipc, Dictionary<int, CostRecord> costs, Func<CostRecord, double?> of)
    {
        IEnumerable<(int Iteration, double Value)> points = run.Curve(ipc, MetricsFile.AccuracyKey);
        // Networks that train for another number of epochs are no point of the same curve.
        bool isAlike = run.Settings is { } own && (own.EvaluateEpochs ?? own.Epochs) == own.Epochs;
        if (isAlike && run.EndOf(ipc) is { } end)
            points = points.Where(p => p.Iteration != end.Iteration).Append(end);
        return new ChartSeries(
            NameOf(run, ipc), RunComparison.ColourOf(number),
            [.. points.Where(p => costs.TryGetValue(p.Iteration, out CostRecord? cost) && of(cost) is not null)
                .Select(p => (of(costs[p.Iteration])!.Value, p.Value)).OrderBy(p => p.Item1)])
        {
            HasDots = true,
        };
    }

    // A cell's folder has the name of its method; others need theirs to be told apart.
    private static string NameOf(RecordedRun run, int size)
    {
        string method = run.Results.FirstOrDefault(r => r.Ipc == size) is { } result ? RunComparison.MethodOf(run, result)
            : run.PairResults.FirstOrDefault(r => r.Pairs == size) is { } pairs ? PairComparison.MethodOf(run, pairs)
            : run.Settings?.MethodName ?? "";
        return run.Name.StartsWith($"{run.Settings?.MethodName}-", StringComparison.Ordinal) ? run.Name : $"{run.Name} ({method})";
    }

    /// <summary>Draws the real images of one class in the features of an expert, with the sets of the runs among them; one file for each
    /// number of images per class that all runs have.</summary>
    /// <param name="runs">The runs, all of one data set and with the same first expert.</param>
    /// <param name="label">The class.</param>
    /// <param name="pair">The data.</param>
    /// <param name="backend">What computes.</param>
    /// <param name="folder">Where the files go.</param>
    /// <param name="cancel">Stops the work.</param>
    /// <exception cref="DistillException">The runs have other data or experts.</exception>
    public static IReadOnlyList<string> Coverage(
        IReadOnlyList<RecordedRun> runs, int label, DatasetPair pair, Backend backend, string folder, CancellationToken cancel)
    {
        var written = new List<string>();
        FeatureFile[] features =
        [
            .. runs.Select(run => FeatureStudy.Kept(run) ?? FeatureStudy.Make(run, pair, backend, cancel) ?? throw new DistillException(
                ExitCode.Data, "IM3084", $"{ShownPath.Of(run.Files.Path)} has no set whose features could be drawn. Finish it with 'resume'.")),
        ];
        foreach (int ipc in features.Select(f => f.Sets.Select(s => s.Ipc)).Aggregate((a, b) => a.Intersect(b)).Order())
        {
            ClassFeatures[] classes = [.. features.Select(f => f.Sets.First(s => s.Ipc == ipc).Classes).Select(c => label < c.Count
                ? c[label]
                : throw DistillException.BadValue("--class", $"{label}", $"a class whose features are known, from 0 to {c.Count - 1}"))];
            for (int i = 1; i < classes.Length; i++)
            {
                if (!classes[i].Real.SequenceEqual(classes[0].Real))
                {
                    throw new DistillException(
                        ExitCode.Usage, "IM2042",
                        $"{ShownPath.Of(runs[i].Files.Path)} has another first expert or other data than {ShownPath.Of(runs[0].Files.Path)}: " +
                        "their features cannot be drawn beside each other. Take runs on the same --experts-from.");
                }
            }
            string path = Path.Combine(folder, FormattableString.Invariant($"coverage-ipc{ipc}-class{label}.svg"));
            Draw(path, ipc, ClassOf(runs[0], label), features[0].Network, [.. runs.Select(r => NameOf(r, ipc))], classes);
            written.Add(path);
        }
        return written;
    }

    private static string ClassOf(RecordedRun run, int label) => label < run.Classes.Count ? run.Classes[label] : $"class {label}";

    private static void Draw(string path, int ipc, string name, string network, string[] runs, ClassFeatures[] classes)
    {
        (double X, double Y)[] real = Pairs(classes[0].Real);
        (double X, double Y)[][] sets = [.. classes.Select(c => Pairs(c.After.Points))];
        (double X, double Y)[] all = [.. real, .. sets.SelectMany(s => s)];
        // One scale for both axes: distances are to be compared.
        double reach = Math.Max(1e-9, Math.Max(all.Max(p => p.X) - all.Min(p => p.X), all.Max(p => p.Y) - all.Min(p => p.Y)));
        double left = (all.Max(p => p.X) + all.Min(p => p.X) - reach) / 2, top = (all.Max(p => p.Y) + all.Min(p => p.Y) - reach) / 2;
        (double X, double Y) At((double X, double Y) p) =>
            (Margin + (p.X - left) / reach * (Side - 2 * Margin), Margin + (p.Y - top) / reach * (Side - 2 * Margin));
        SvgFile.Write(
            path, $"Coverage of the class {name}, {ipc} {(ipc == 1 ? "image" : "images")} per class",
            [Layer("real", real.Select(At)), .. sets.Select((set, i) => Layer(RunComparison.ColourOf(i), set.Select(At)))],
            (Side, Side),
            [
                ("real", $"{real.Length} real images of the class"),
                .. runs.Select((run, i) => (RunComparison.ColourOf(i), FormattableString.Invariant(
                    $"{run}: covers {100 * classes[i].After.Coverage:F0} %"))),
            ],
            $"Features of {network}, expert 1, in the plane of most variance ({100 * classes[0].Explained:F0} % of it).",
            "As many random real images cover 50 %.");
    }

    private static XElement Layer(string colour, IEnumerable<(double X, double Y)> points) =>
        Html.Of("g", Html.Class($"series {colour}"), Html.Of("path", Html.Class("dots"), Html.At("d", LineChart.Dots(points))));

    private static (double X, double Y)[] Pairs(IReadOnlyList<double> values) =>
        [.. values.Chunk(2).Select(pair => (pair[0], pair[1]))];
}
