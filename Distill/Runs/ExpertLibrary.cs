using System.Globalization;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>The experts of a run: recorded ones are opened, missing ones are trained and recorded.</summary>
internal sealed class ExpertLibrary : IDisposable
{
    private readonly Expert?[] _experts;

    private ExpertLibrary(int count) => _experts = new Expert?[count];

    /// <summary>The experts, in the order of their numbers.</summary>
    public IReadOnlyList<Expert> Experts => [.. _experts.Select(e => e!)];

    /// <summary>Their test accuracies, in percent.</summary>
    public Accuracy Accuracy => Accuracy.Of([.. Experts.Select(e => Math.Round(100 * e.Trajectory.Accuracy, 6))]);

    /// <summary>What their final networks take test images for.</summary>
    public ConfusionMatrix Confusion(PreparedData data) => ConfusionMatrix.Sum([.. Each(data)])!;

    /// <summary>What their final networks reach on the test images of some data, in percent.</summary>
    public Accuracy AccuracyOn(PreparedData data) =>
        Accuracy.Of([.. Each(data).Select(one => Math.Round(one.Accuracy(), 6))]);

    private IEnumerable<ConfusionMatrix> Each(PreparedData data) => Experts.Select(expert =>
    {
        using var scope = TensorScope.Begin();
        Tensor theta = expert.Trajectory.Theta(expert.Trajectory.Count - 1, data.Backend, DType.Float32);
        return ConfusionMatrix.Of(data.TestLabels, expert.Network.Predictions(theta, data.TestImages), data.Classes);
    });

    /// <summary>The file of an expert.</summary>
    public static string FileOf(string folder, int number) =>
        Path.Combine(folder, $"expert-{number.ToString("000", CultureInfo.InvariantCulture)}.safetensors");

    /// <summary>Whether a folder holds an expert.</summary>
    public static bool AreIn(string folder) => File.Exists(FileOf(folder, 0));

    /// <summary>The number in the name of an expert's file.</summary>
    /// <exception cref="DistillException">It is not named as one.</exception>
    public static int NumberOf(string file)
    {
        string name = Path.GetFileNameWithoutExtension(file);
        int at = name.LastIndexOf('-') + 1;
        return int.TryParse(name.AsSpan(at), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && Path.GetFileName(FileOf("", number)) == Path.GetFileName(file)
                ? number
                : throw new DistillException(
                    ExitCode.Usage, "IM2025",
                    $"{file} is not named as an expert is (expert-000.safetensors), so it is not known which one it is. Give it its " +
                    "name back.");
    }

    /// <summary>The files of experts that a folder lacks.</summary>
    public static string[] Missing(RunSettings settings, string folder) =>
        [.. Enumerable.Range(0, settings.Experts).Select(k => FileOf(folder, k)).Where(f => !File.Exists(f))];

    /// <summary>Bytes that are still to be recorded.</summary>
    public static long MissingBytes(RunSettings settings, Network network, DatasetPair pair, string folder)
    {
        long each = Expert.BytesOnDisk(
            network, pair.Train.Count, DType.Float32, PlanFactory.ExpertPlan(settings, pair.Name),
            PlanFactory.Checkpoints(settings));
        return each * Missing(settings, folder).Length;
    }

    /// <summary>Fails unless each expert that a folder holds was recorded as the settings ask, and missing ones can be written
    /// there; nothing is trained.</summary>
    /// <param name="settings">What is asked for.</param>
    /// <param name="data">The data.</param>
    /// <param name="folder">Where experts are or go.</param>
    /// <param name="isWritten">Whether missing ones are to be written there.</param>
    /// <exception cref="DistillException">One was not (exit 2), is damaged (exit 3), or the folder is not writable (exit 7).</exception>
    public static void RequireFit(RunSettings settings, PreparedData data, string folder, bool isWritten = true) =>
        RequireFit(settings, data.NetworkOf(settings, settings.Width), data, folder, isWritten);

    /// <summary>The same for a network that is known.</summary>
    /// <exception cref="DistillException">One was not (exit 2), is damaged (exit 3), or the folder is not writable (exit 7).</exception>
    public static void RequireFit(RunSettings settings, Network network, IExpertData data, string folder, bool isWritten)
    {
        string[] missing = Missing(settings, folder);
        if (isWritten && missing.Length > 0)
            RunFolder.RequireWritable(folder, "--experts-from");
        for (int k = 0; k < settings.Experts; k++)
        {
            if (!File.Exists(FileOf(folder, k)))
                continue;
            Open(new ExpertJob(settings, network, data, folder, k)).Dispose();
        }
    }

    // To errors about what is there it adds what to do.
    private static Expert Open(ExpertJob job)
    {
        try
        {
            return job.Open();
        }
        catch (TrajectoryException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2006", e.Message, e);
        }
        catch (ArrayFileException e)
        {
            throw new DistillException(
                ExitCode.Data, "IM3057", $"{e.Message.TrimEnd('.')}. Delete it: 'train' and 'distill' record it again.", e);
        }
    }

    /// <summary>How many experts are trained at the same time: one where a training alone keeps all threads of a processor busy,
    /// and several small ones on a device that one of them does not fill.</summary>
    public static int AtOnce(int experts, Network network, TrainingPlan plan, IExpertData data) => data.Backend.RunsFewInTurn
        ? 1
        : Math.Clamp(SetEvaluator.DegreeOfParallelism(network, Math.Min(data.Train.Count, plan.BatchSize), data.Backend), 1, Math.Max(1, experts));

    /// <summary>Opens or records every expert. Other processes that do the same share the work.</summary>
    /// <exception cref="DistillException">A recorded expert was made with other settings, or is damaged.</exception>
    /// <exception cref="NumericalException">A training loss stops being finite.</exception>
    public static ExpertLibrary Gather(
        RunSettings settings, Network network, IExpertData data, string folder, IProgressView progress,
        CancellationToken cancel)
    {
        var library = new ExpertLibrary(settings.Experts);
        try
        {
            library.Record(settings, network, data, folder, part: null, new RunContext(data.Backend, progress, cancel));
            return library;
        }
        catch
        {
            library.Dispose();
            throw;
        }
    }

    /// <summary>Records a part of the experts, those that are not there.</summary>
    /// <exception cref="DistillException">A recorded expert was made with other settings, or is damaged.</exception>
    /// <exception cref="NumericalException">A training loss stops being finite.</exception>
    public static void RecordPart(
        RunSettings settings, Network network, IExpertData data, string folder, Part part, RunContext context)
    {
        using var library = new ExpertLibrary(settings.Experts);
        library.Record(settings, network, data, folder, part, context);
    }

    private void Record(RunSettings settings, Network network, IExpertData data, string folder, Part? part, RunContext context)
    {
        Directory.CreateDirectory(folder);
        TrainingPlan plan = PlanFactory.ExpertPlan(settings, data.Dataset);
        int stepsEach = plan.Steps(data.Train.Count);
        JobShare? share = part is { } only ? new JobShare(only) : null;
        int own = share?.CountNext(settings.Experts) ?? settings.Experts;
        using IProgressStage stage = context.Progress.Begin(
            $"Experts ({network.Name})", (long)own * stepsEach, Math.Min(settings.ExpertBatch, data.Train.Count));
        var gate = new Lock();
        var done = new long[settings.Experts];
        void Report(int k, long steps, Func<string> line)
        {
            lock (gate)
            {
                done[k] = steps;
                stage.Report(done.Sum(), line());
            }
        }
        ExpertJob[] jobs =
        [
            .. Enumerable.Range(0, settings.Experts).Select(k => new ExpertJob(settings, network, data, folder, k)
            {
                Observe = (step, loss) => Report(k, step, () => $"expert {k + 1}/{settings.Experts}{loss}"),
            }),
        ];
        bool inTurn = AtOnce(own, network, plan, data) == 1;
        var runner = new SharedJobRunner(inTurn ? new LocalJobRunner() : new LocalJobRunner(data.Backend), share)
        {
            Waits = left => context.Progress.Note($"Other processes train {left} of the experts; waiting for them."),
        };
        try
        {
            runner.Run(
                jobs,
                (job, _) =>
                {
                    var ended = (ExpertJob)job;
                    Add(ended.Number, Open(ended), context.Progress);
                    Report(ended.Number, stepsEach, () => Describe(ended.Number, data));
                },
                context.Cancel);
        }
        catch (TrajectoryException e) // of a training that cannot be recorded
        {
            throw new DistillException(ExitCode.Usage, "IM2006", e.Message, e);
        }
    }

    private void Add(int number, Expert expert, IProgressView progress)
    {
        _experts[number] = expert;
        if (expert.Trajectory.ContentHash is null)
            progress.Note(OlderFile.Note(expert.Trajectory.Path));
    }

    private string Describe(int number, IExpertData data)
    {
        Expert expert = _experts[number]!;
        string origin = expert.RecordedOn == data.Backend.Name ? "" : $", recorded on {expert.RecordedOn}";
        return FormattableString.Invariant(
            $"expert {number + 1}: {100 * expert.Trajectory.Accuracy:F1} % {data.ScoreWords}{origin}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Expert? expert in _experts)
            expert?.Dispose();
    }
}
