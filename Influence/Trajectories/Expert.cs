using System.Globalization;
using System.Runtime.InteropServices;
using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Influence;

/// <summary>
/// One training of a network on D: its recorded trajectory, and the means to replay any step's batch with the recorded
/// order and augmentation. Plain SGD (no momentum, no weight decay) is what influence describes best: then the
/// recorded displacement is exactly −Σ η^t·G_D^t. Sharpness-aware steps are recorded and replayed, but are none of those that
/// the linearised training knows.
/// </summary>
public sealed class Expert : IDisposable
{
    private const string FormatName = "format", NumberType = "dtype", Device = "device", PrecisionName = "precision";

    // What an entry is in a file that is older than it.
    private const string CutMixName = "cutMix", NoCutMix = "0", SharpnessName = "sharpnessAware", NotAware = "none";

    private readonly RandomKey _key;

    private Expert(Network network, LabelledImages data, TrainingPlan plan, RandomKey key, TrajectoryFile trajectory)
    {
        (Network, Data, Plan, Trajectory, _key) = (network, data, plan, trajectory, key);
        Replay = new Trainer(network, data, plan, key.Split("train"));
    }

    /// <summary>What was trained.</summary>
    public Network Network { get; }

    /// <summary>D.</summary>
    public LabelledImages Data { get; }

    /// <summary>How it was trained.</summary>
    public TrainingPlan Plan { get; }

    /// <summary>What was recorded.</summary>
    public TrajectoryFile Trajectory { get; }

    /// <summary>Gives the batch of any step as training saw it.</summary>
    public Trainer Replay { get; }

    /// <summary>Bytes that a trajectory takes on disk, headers aside.</summary>
    /// <param name="network">What is trained.</param>
    /// <param name="images">The images of D.</param>
    /// <param name="dtype">The number type in which it trains.</param>
    /// <param name="plan">How it is trained.</param>
    /// <param name="schedule">What is stored.</param>
    public static long BytesOnDisk(Network network, int images, DType dtype, TrainingPlan plan, CheckpointSchedule schedule)
    {
        int perEpoch = plan.StepsPerEpoch(images), steps = plan.Steps(images);
        int size = ElementOf(dtype).ByteSize();
        long stored = schedule.Steps(perEpoch, steps).Length;
        return stored * network.Layout.Count * size + (stored + 1) * TrajectoryHashes.Bytes + 16L * steps;
    }

    /// <summary>
    /// Trains a network on D from a fresh initialisation and streams its checkpoints to a file, which appears under its
    /// name only when it is complete.
    /// </summary>
    /// <param name="training">What is trained, and how.</param>
    /// <param name="path">The file.</param>
    /// <param name="observer">Observes the training.</param>
    /// <param name="cancel">Stops between two steps; nothing is left behind then.</param>
    /// <exception cref="NumericalException">The loss stops being finite.</exception>
    /// <exception cref="FileWriteException">The file cannot be written.</exception>
    public static Expert Record(
        ExpertTraining training, string path, ExpertObserver? observer = null, CancellationToken cancel = default)
    {
        (Network network, LabelledImages data, TrainingPlan plan, CheckpointSchedule schedule, RandomKey key) = training;
        observer ??= new ExpertObserver();
        var trainer = new Trainer(network, data, plan, key.Split("train"));
        int[] stored = schedule.Steps(trainer.StepsPerEpoch, trainer.Steps);
        int p = network.Layout.Count;
        using (var writer = SafetensorsWriter.Create(
            path,
            [
                new ArrayLayout("steps", ArrayElement.Int32, [stored.Length]),
                new ArrayLayout("rates", ArrayElement.Float64, [trainer.Steps]),
                new ArrayLayout("theta", ElementOf(data.Images.DType), [stored.Length, p]),
                new ArrayLayout("losses", ArrayElement.Float32, [trainer.Steps]),
                new ArrayLayout("accuracy", ArrayElement.Float64, [1]),
                new ArrayLayout(TrajectoryHashes.Name, ArrayElement.UInt8, [stored.Length + 1, TrajectoryHashes.Bytes]),
            ],
            Describe(network, data, plan, schedule, key)))
        {
            writer.Append("steps", (ReadOnlySpan<int>)stored);
            double[] rates = [.. Enumerable.Range(0, trainer.Steps).Select(trainer.RateAt)];
            writer.Append("rates", (ReadOnlySpan<double>)rates);
            var losses = new float[trainer.Steps];
            var hashes = new TrajectoryHashes(stored.Length);
            Tensor start = network.Initialise(data.Images.Backend, data.Images.DType, key.Split("init"));
            void Observe(TrainingLosses read)
            {
                for (int i = 0; i < read.Values.Count; i++)
                    losses[read.First + i] = (float)read.Values[i];
                observer.Losses?.Invoke(read);
            }
            ExpertObserver both = observer with { Losses = Observe };
            using Tensor end = data.Images.DType == DType.Float32
                ? StreamCheckpoints<float>(trainer, start, stored, StoreFloat, both, cancel)
                : StreamCheckpoints<double>(trainer, start, stored, StoreDouble, both, cancel);
            void StoreFloat(float[] theta)
            {
                hashes.Add(MemoryMarshal.AsBytes<float>(theta));
                writer.Append("theta", (ReadOnlySpan<float>)theta);
            }
            void StoreDouble(double[] theta)
            {
                hashes.Add(MemoryMarshal.AsBytes<double>(theta));
                writer.Append("theta", (ReadOnlySpan<double>)theta);
            }
            double reached = observer.Accuracy?.Invoke(end) ?? double.NaN;
            writer.Append("losses", (ReadOnlySpan<float>)losses);
            writer.Append("accuracy", (ReadOnlySpan<double>)[reached]);
            writer.Append(
                TrajectoryHashes.Name,
                (ReadOnlySpan<byte>)hashes.Complete(writer.Header.Span, stored, rates, losses, reached));
            writer.Complete();
        }
        return Open(network, data, plan, schedule, key, path);
    }

    // Trains from a start, which it gives back, and returns the end.
    private static Tensor StreamCheckpoints<T>(
        Trainer trainer, Tensor start, int[] stored, Action<T[]> write, ExpertObserver observer, CancellationToken cancel)
        where T : unmanaged
    {
        using Tensor _ = start;
        using var stream = new CheckpointStream<T>(write);
        int next = 0;
        void Store(int step, Tensor theta)
        {
            if (next >= stored.Length || stored[next] != step)
                return;
            stream.Add(theta);
            next++;
        }
        Store(0, start);
        Tensor end = trainer.Run(
            start,
            step =>
            {
                Store(step.Step + 1, step.Theta);
                observer.Step?.Invoke(step);
            },
            losses =>
            {
                stream.Read(); // the device has just been waited for
                observer.Losses?.Invoke(losses);
            },
            cancel);
        try
        {
            stream.Complete();
            return end;
        }
        catch
        {
            end.Dispose();
            throw;
        }
    }

    /// <summary>The expert that a training would give, without numbers: what a <see cref="MemoryDryRun"/> computes
    /// with. Or with θ [p] that stands for its own, where times are measured before there is an expert.</summary>
    public static Expert Placeholder(
        Network network, LabelledImages data, TrainingPlan plan, CheckpointSchedule schedule, RandomKey key,
        float[]? standIn = null)
    {
        var trainer = new Trainer(network, data, plan, key.Split("train"));
        double[] rates = [.. Enumerable.Range(0, trainer.Steps).Select(trainer.RateAt)];
        return new Expert(
            network, data, plan, key,
            TrajectoryFile.Placeholder(
                network.Layout.Count, schedule.Steps(trainer.StepsPerEpoch, trainer.Steps), rates, standIn));
    }

    /// <summary>The device that recorded the trajectory, such as cpu or cuda:0. It need not be the one that reads it: there
    /// a training would give other bits, but what was recorded is what happened.</summary>
    public string RecordedOn => Trajectory.Metadata.GetValueOrDefault(Device, "a device that is not told");

    /// <summary>Opens a recorded trajectory that was made with exactly these settings, on whatever device.</summary>
    /// <exception cref="TrajectoryException">The file was made with others; the message names the first difference.</exception>
    /// <exception cref="ArrayFileException">The file is damaged.</exception>
    public static Expert Open(
        Network network, LabelledImages data, TrainingPlan plan, CheckpointSchedule schedule, RandomKey key, string path)
    {
        TrajectoryFile trajectory = TrajectoryFile.Open(path);
        Dictionary<string, string> asked = Describe(network, data, plan, schedule, key);
        asked.TryAdd(SharpnessName, NotAware);
        foreach ((string name, string wanted) in asked)
        {
            // A file without it is older than the entry; the hash of its data holds the number type too.
            // The file has been checked against its own format.
            if (name is Device or FormatName || (name == NumberType && !trajectory.Metadata.ContainsKey(name)))
                continue;
            string found = trajectory.Metadata.GetValueOrDefault(name, name switch
            {
                PrecisionName => Precisions.NameOf(Precision.Float32),
                CutMixName => NoCutMix,
                SharpnessName => NotAware,
                _ => "nothing",
            });
            if (found != wanted)
            {
                trajectory.Dispose();
                throw new TrajectoryException(
                    $"{path} was recorded with {name} = {found}, but {wanted} is asked for. Record it again, or change the option.");
            }
        }
        if (trajectory.ParameterCount != network.Layout.Count)
        {
            int stored = trajectory.ParameterCount;
            trajectory.Dispose();
            throw new TrajectoryException(
                $"{path} stores vectors of {stored} parameters, {network.Name} has {network.Layout.Count}. Record it again.");
        }
        return new Expert(network, data, plan, key, trajectory);
    }

    /// <summary>The same training, from the same θ^0, order and augmentation, under other weights of the examples [N]
    /// and with a loss added to every step's: see <see cref="Trainer.Weights"/> and
    /// <see cref="Trainer.Added"/>.</summary>
    public Trainer Retraining(IReadOnlyList<double>? weights, ParameterLoss? added) =>
        new(Network, Data, Plan, _key.Split("train")) { Weights = weights, Added = added };

    /// <summary>A vector of zeros [p], where and in the number type in which it trained.</summary>
    public Tensor Zeros() => Tensor.Full(Data.Images.Backend, Data.Images.DType, new Shape(Network.Layout.Count), 0);

    /// <summary>The batch of step t with its labels.</summary>
    public Batch BatchAt(int step) => Replay.BatchAt(step);

    /// <inheritdoc/>
    public void Dispose() => Trajectory.Dispose();

    private static ArrayElement ElementOf(DType dtype) =>
        dtype == DType.Float32 ? ArrayElement.Float32 : ArrayElement.Float64;

    private static Dictionary<string, string> Describe(
        Network network, LabelledImages data, TrainingPlan plan, CheckpointSchedule schedule, RandomKey key)
    {
        if (plan.Optimiser != Optimiser.Sgd)
        {
            throw new TrajectoryException(
                $"A trajectory of {plan.Optimiser} cannot be recorded: influence describes the steps of SGD. Train experts with SGD.");
        }
        if (plan.FreshAt is not null)
        {
            throw new TrajectoryException(
                "A trajectory whose optimiser starts afresh cannot be recorded: influence follows one velocity. Train experts without.");
        }
        CultureInfo culture = CultureInfo.InvariantCulture;
        var description = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            // What does not know of other steps than those of SGD must not take them for such.
            [FormatName] = plan.SharpnessAware is null ? TrajectoryFile.Format : TrajectoryFile.LaterFormat,
            ["network"] = network.Name,
            ["parameters"] = network.Layout.Count.ToString(culture),
            ["images"] = data.Count.ToString(culture),
            [NumberType] = data.Images.DType.ToString(),
            ["data"] = data.ContentHash(),
            ["epochs"] = plan.Epochs.ToString(culture),
            ["steps"] = plan.Steps(data.Count).ToString(culture),
            ["batchSize"] = plan.BatchSize.ToString(culture),
            ["rate"] = plan.Rate.ToString("R", culture),
            ["momentum"] = plan.Momentum.ToString("R", culture),
            ["weightDecay"] = plan.WeightDecay.ToString("R", culture),
            ["schedule"] = plan.Schedule.ToString(),
            ["augmentation"] = plan.Augmentation.ToString(),
            ["checkpoints"] = schedule.ToString(),
            ["key"] = key.Value.ToString("x16", culture),
            [Device] = data.Images.Backend.Name,
            [PrecisionName] = Precisions.NameOf(data.Images.Backend.Precision),
            [CutMixName] = plan.CutMix.ToString("R", culture),
        };
        if (plan.SharpnessAware is { } by)
            description.Add(SharpnessName, by.ToString());
        return description;
    }
}
