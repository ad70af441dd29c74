using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Influence;

/// <summary>
/// What training does under an intervention, by training again: a file for each in a folder, so that what was done once
/// is found and an interrupted series goes on. Several trainings run at once, each on one thread; a result has the same
/// bits for any number of threads. Source: docs/theory.md, "The truth".
/// </summary>
/// <param name="expert">The training of which each is a change.</param>
/// <param name="folder">Where the results are kept; it is made where it is missing.</param>
/// <param name="horizons">The numbers of steps after which θ is kept, ascending, at most the training's own.</param>
public sealed class RetrainingCache(Expert expert, string folder, IReadOnlyList<int> horizons)
{
    private const string Format = "infmatch-retrained-1";

    /// <summary>The numbers of steps after which θ is kept.</summary>
    public IReadOnlyList<int> Horizons { get; } = Check(horizons, expert);

    /// <summary>How many trainings the last <see cref="Run"/> made, and did not find.</summary>
    public int Made { get; private set; }

    /// <summary>The files that the last <see cref="Run"/> found damaged and made again.</summary>
    public IReadOnlyList<string> Damaged { get; private set; } = [];

    /// <summary>How many results the last <see cref="Run"/> took from files that state no hash of their content: an earlier
    /// version wrote them, and damage in them is not found.</summary>
    public int WithoutHash { get; private set; }

    /// <summary>Trains under every intervention that the folder has no result of.</summary>
    /// <param name="interventions">What to train under.</param>
    /// <param name="threads">Trainings at once.</param>
    /// <param name="observe">Sees the number of those that are done, in ascending order.</param>
    /// <param name="cancel">Stops between two steps; finished trainings stay.</param>
    /// <returns>The file of each intervention, in their order.</returns>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    /// <exception cref="FileWriteException">A result cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public IReadOnlyList<string> Run(
        IReadOnlyList<Intervention> interventions, int threads = 1, Action<int>? observe = null,
        CancellationToken cancel = default)
    {
        Directory.CreateDirectory(folder);
        string[] files = new string[interventions.Count];
        var finished = new Lock();
        (int done, int made, int withoutHash) = (0, 0, 0);
        var damaged = new List<string>();
        try
        {
            Parallel.For(
                0, files.Length,
                new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, threads), CancellationToken = cancel },
                i =>
                {
                    Dictionary<string, string> description = Describe(interventions[i]);
                    files[i] = Path.Combine(folder, $"{NameOf(description)}.safetensors");
                    (bool isThere, bool hasHash, bool isDamaged) = Find(files[i], description);
                    if (!isThere)
                        Train(interventions[i], files[i], description, cancel);
                    lock (finished)
                    {
                        made += isThere ? 0 : 1;
                        withoutHash += isThere && !hasHash ? 1 : 0;
                        if (isDamaged)
                            damaged.Add(files[i]);
                        observe?.Invoke(++done);
                    }
                });
        }
        catch (AggregateException e)
        {
            throw e.InnerExceptions.OfType<NumericalException>().FirstOrDefault() ?? e.InnerExceptions[0];
        }
        (Made, WithoutHash, Damaged) = (made, withoutHash, [.. damaged.Order(StringComparer.Ordinal)]);
        return files;
    }

    /// <summary>θ [p] after the given horizon, as an index, from a file of <see cref="Run"/>; it belongs to the current
    /// scope.</summary>
    /// <exception cref="ArrayFileException">The file is damaged.</exception>
    public Tensor Theta(string file, int horizon)
    {
        ArraySet found = Safetensors.Read(file, s_limits);
        ContentHash.Check(found, DescribeTraining().Count + 1);
        NamedArray theta = found["theta"];
        int p = expert.Network.Layout.Count;
        Backend backend = expert.Data.Images.Backend;
        return theta.Element == ArrayElement.Float32
            ? Tensor.From<float>(backend, theta.AsFloat32().Slice(horizon * p, p), new Shape(p))
            : Tensor.From<double>(backend, theta.AsFloat64().Slice(horizon * p, p), new Shape(p));
    }

    private static readonly ArrayFileLimits s_limits = new() { MaxDataBytes = long.MaxValue };

    private void Train(Intervention intervention, string file, Dictionary<string, string> description,
        CancellationToken cancel)
    {
        Trainer trainer = expert.Retraining(intervention.Weights, intervention.AddedLoss(expert.Network));
        Tensor data = expert.Data.Images;
        int p = expert.Network.Layout.Count;
        var kept = new double[Horizons.Count * p];
        int next = 0;
        using var scope = TensorScope.Begin();
        Tensor start = expert.Trajectory.Theta(0, data.Backend, data.DType);
        trainer.Run(
            start,
            step =>
            {
                if (next < Horizons.Count && step.Step + 1 == Horizons[next])
                    step.Theta.CopyTo(kept.AsSpan(p * next++, p));
            },
            cancel: cancel);
        int[] shape = [Horizons.Count, p];
        NamedArray theta = data.DType == DType.Float32
            ? NamedArray.From("theta", shape, Array.ConvertAll(kept, x => (float)x))
            : NamedArray.From("theta", shape, kept);
        ContentHash.Write(file, [theta], description);
    }

    private (bool IsThere, bool HasHash, bool IsDamaged) Find(string file, Dictionary<string, string> description)
    {
        if (!File.Exists(file))
            return default;
        try
        {
            ArraySet found = Safetensors.Read(file, s_limits);
            bool hasHash = ContentHash.Check(found, description.Count);
            bool isThere = description.All(d => found.Metadata.GetValueOrDefault(d.Key) == d.Value)
                && found.TryGet("theta", out NamedArray? theta)
                && theta.Element is ArrayElement.Float32 or ArrayElement.Float64
                && theta.Count == Horizons.Count * expert.Network.Layout.Count;
            return (isThere, hasHash, !isThere);
        }
        catch (Exception e) when (e is IOException or ArrayFileException)
        {
            return (false, false, true); // training again gives the same bits
        }
    }

    private Dictionary<string, string> Describe(Intervention intervention)
    {
        if (intervention.Weights.Count != expert.Data.Count)
        {
            throw new ShapeException(
                $"An intervention has {intervention.Weights.Count} weights, but D has {expert.Data.Count} examples. Give one each.");
        }
        Dictionary<string, string> description = DescribeTraining();
        description["intervention"] = intervention.Hash();
        return description;
    }

    private Dictionary<string, string> DescribeTraining()
    {
        var description = new Dictionary<string, string>(expert.Trajectory.Metadata, StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["horizons"] = string.Join(' ', Horizons),
        };
        description.Remove("checkpoints"); // what was recorded of the unchanged training does not matter here
        return description;
    }

    private static string NameOf(Dictionary<string, string> description)
    {
        string text = string.Join('\n',
            description.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"{d.Key}={d.Value}"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..24];
    }

    private static IReadOnlyList<int> Check(IReadOnlyList<int> horizons, Expert expert)
    {
        int last = 0;
        foreach (int horizon in horizons)
        {
            if (horizon <= last || horizon > expert.Replay.Steps)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(horizons), horizon,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Horizons ascend from 1 to the training's {expert.Replay.Steps} steps; give numbers of steps in that order."));
            }
            last = horizon;
        }
        return horizons;
    }
}
