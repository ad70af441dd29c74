using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Checks a run before it begins: whether the data have enough images, whether networks, tiles, windows and whitening
/// are possible on them, and whether disk and memory suffice. Nothing is made, trained or copied to the device for it.
/// </summary>
internal static class RunCheck
{
    /// <summary>Refuses a distillation that would fail later.</summary>
    /// <param name="settings">What is asked for.</param>
    /// <param name="pair">The data.</param>
    /// <param name="backend">Where it would run.</param>
    /// <param name="folder">Where its files go, or will.</param>
    /// <param name="experts">Where its experts are or go.</param>
    /// <returns>What it needs.</returns>
    /// <exception cref="DistillException">It would; the message names the option.</exception>
    /// <exception cref="DatasetException">A class has too few images.</exception>
    public static Requirements Distillation(RunSettings settings, DatasetPair pair, Backend backend, string folder, string experts)
    {
        Method(settings, pair);
        foreach (int ipc in settings.Ipc)
        {
            int factor = settings.FactorOf(ipc);
            if (pair.Train.Height % factor != 0 || pair.Train.Width % factor != 0)
            {
                throw DistillException.BadValue(
                    "--factor", $"{factor}", $"a number that divides the images' {pair.Train.Height} rows and {pair.Train.Width} columns");
            }
            pair.Train.FirstOfEachClass((int)Math.Min(int.MaxValue, ipc * (long)factor * factor));
        }
        if (settings.StartFrom is { } start)
        {
            foreach (int ipc in settings.Ipc)
                StartFile.Require(start, settings, pair, ipc);
        }
        Network network = NetworkOf(settings, pair, settings.Width);
        NetworkOf(settings, pair, settings.EvalWidth);
        if (settings.Zca is not null)
            ZcaWhitening.RequireFit(pair.Train, backend);
        return new Requirements(
            ExpertLibrary.MissingBytes(settings, network, pair, experts) + settings.Ipc.Sum(ipc => BytesOfSet(settings, pair, ipc)),
            DryRun.OfRun(settings, pair, backend, ExpertLibrary.Missing(settings, experts).Length > 0)).Checked(folder, backend);
    }

    /// <summary>Refuses a method that cannot give or use what the settings say of rates and experts; no device is needed for it.</summary>
    /// <param name="settings">What is asked for.</param>
    /// <param name="pair">The data.</param>
    /// <exception cref="DistillException">It cannot; the message names the option.</exception>
    public static void Method(RunSettings settings, DatasetPair pair)
    {
        if (settings.MethodKind.Needs.HasFlag(MethodNeeds.Pairs))
        {
            throw DistillException.BadValue(
                "--method", settings.MethodName,
                $"a method for images with classes: this one learns image-text pairs, and {settings.Dataset} has none");
        }
        if (settings is { RateIsLearned: true, MethodKind.LearnsRate: false })
        {
            throw DistillException.BadValue(
                "--eval-rate", LearnedRate.Word, $"a number beside --method {settings.MethodName}, which learns no rate; " +
                $"{string.Join(", ", Kinds.Of<DistillationMethod>().Where(m => m.LearnsRate).Select(m => m.Name))} do");
        }
        if (settings.MethodKind.Needs.HasFlag(MethodNeeds.Trajectories))
            RequireTrajectories(settings, pair);
    }

    /// <summary>Bytes on disk of a set and its state: images and labels, with what the optimiser remembers of them, and as bytes.
    /// </summary>
    public static long BytesOfSet(RunSettings settings, DatasetPair pair, int ipc)
    {
        long images = (long)ipc * pair.Train.Classes, numbers = images * (pair.Train.ImageSize + pair.Train.Classes);
        long whitening = settings.Zca is null ? 0 : (long)pair.Train.ImageSize * pair.Train.ImageSize;
        return 5 * numbers * sizeof(float) + whitening * sizeof(float);
    }

    /// <summary>Refuses a training of experts that would fail later.</summary>
    /// <param name="settings">What is asked for.</param>
    /// <param name="pair">The data.</param>
    /// <param name="backend">Where it would run.</param>
    /// <param name="folder">Where its files go, or will.</param>
    /// <param name="experts">Where the experts go.</param>
    /// <returns>What it needs.</returns>
    /// <exception cref="DistillException">It would; the message names the option.</exception>
    public static Requirements Training(RunSettings settings, DatasetPair pair, Backend backend, string folder, string experts)
    {
        Network network = NetworkOf(settings, pair, settings.Width);
        if (settings.Zca is not null)
            ZcaWhitening.RequireFit(pair.Train, backend);
        return new Requirements(
            ExpertLibrary.MissingBytes(settings, network, pair, experts),
            DryRun.OfExperts(settings, pair, backend)) { Levers = "--expert-batch or --width" }.Checked(folder, backend);
    }

    /// <summary>Refuses an evaluation that would fail later.</summary>
    /// <param name="settings">What is asked for; the images per class are those of the set, if there is one.</param>
    /// <param name="pair">The data.</param>
    /// <param name="backend">Where it would run.</param>
    /// <param name="networks">What evaluates.</param>
    /// <returns>What it needs.</returns>
    /// <exception cref="DistillException">It would; the message names the option.</exception>
    /// <exception cref="DatasetException">A class has too few images.</exception>
    public static Requirements Evaluation(RunSettings settings, DatasetPair pair, Backend backend, IReadOnlyList<Network> networks)
    {
        pair.Train.FirstOfEachClass(settings.Ipc.Max());
        return new Requirements(
            0, DryRun.OfEvaluation(
                settings, pair, backend, networks, [.. settings.Ipc.Select(ipc => (ipc * pair.Train.Classes, settings.FactorOf(ipc)))],
                ResultColumn.Trained(ColumnCase.Largest).Count))
        {
            Levers = "--eval-width",
        }.Checked(settings.Out, backend);
    }

    /// <summary>The network of the settings for a data set's images.</summary>
    /// <exception cref="DistillException">It is not defined for them.</exception>
    public static Network NetworkOf(RunSettings settings, DatasetPair pair, int width, string? model = null) =>
        PlanFactory.NetworkOf(
            settings, new Shape(pair.Train.Channels, pair.Train.Height, pair.Train.Width), pair.Train.Classes, width, model);

    private static void RequireTrajectories(RunSettings settings, DatasetPair pair) =>
        RequireTrajectories(settings, pair.Name, pair.Train.Count);

    /// <summary>Refuses experts whose checkpoints, which follow from their plan and the number of images, are not those that the
    /// method needs.</summary>
    /// <exception cref="DistillException">They are not.</exception>
    public static void RequireTrajectories(RunSettings settings, string dataset, int images)
    {
        TrainingPlan plan = PlanFactory.ExpertPlan(settings, dataset);
        int perEpoch = plan.StepsPerEpoch(images), steps = plan.Steps(images);
        try
        {
            settings.MethodKind.CheckTrajectory(
                settings.OfMethod,
                PlanFactory.Checkpoints(settings).Steps(perEpoch, steps),
                $"an expert, which trains {steps} steps on {images} images ({settings.ExpertEpochs} epochs of {perEpoch})");
        }
        catch (TrajectoryException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2007", e.Message, e);
        }
    }
}
