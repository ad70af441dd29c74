using System.Globalization;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Influence;

/// <summary>
/// The outcome of training under an intervention, by retraining: a file for each in a folder, so that what was done
/// once is found and an interrupted series continues. Each training is a <see cref="RetrainingJob"/>; several run at
/// once, each on one thread, and a result has the same bits for any number of threads. Source: docs/theory.md, "Ground
/// truth by retraining".
/// </summary>
/// <param name="expert">The training of which each is a change.</param>
/// <param name="folder">Where the results are kept; it is made where it is missing.</param>
/// <param name="horizons">The numbers of steps after which θ is kept, ascending, at most the training's own.</param>
public sealed class RetrainingCache(Expert expert, string folder, IReadOnlyList<int> horizons)
{
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
    /// <param name="runner">Does the trainings; without one they run one after the other.</param>
    /// <param name="observe">Called with the number of trainings done, in ascending order.</param>
    /// <param name="cancel">Stops between two steps; finished trainings stay.</param>
    /// <returns>The file of each intervention, in their order.</returns>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    /// <exception cref="FileWriteException">A result cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public IReadOnlyList<string> Run(
        IReadOnlyList<Intervention> interventions, IJobRunner? runner = null, Action<int>? observe = null,
        CancellationToken cancel = default)
    {
        Directory.CreateDirectory(folder);
        RetrainingJob[] jobs = [.. interventions.Select(i => new RetrainingJob(expert, folder, Horizons, i))];
        (runner ?? new LocalJobRunner()).Run(jobs, (_, done) => observe?.Invoke(done), cancel);
        Made = jobs.Count(j => j.WasMade);
        WithoutHash = jobs.Count(j => j.LacksHash);
        Damaged = [.. jobs.Where(j => j.WasDamaged).Select(j => j.Result).Order(StringComparer.Ordinal)];
        return [.. jobs.Select(j => j.Result)];
    }

    /// <summary>θ [p] after the given horizon, as an index, from a file of <see cref="Run"/>; it belongs to the current
    /// scope.</summary>
    /// <exception cref="ArrayFileException">The file is damaged.</exception>
    public Tensor Theta(string file, int horizon)
    {
        ArraySet found = Safetensors.Read(file, RetrainingJob.Limits);
        ContentHash.Check(found, RetrainingJob.Describe(expert, Horizons).Count + 1);
        NamedArray theta = found["theta"];
        int p = expert.Network.Layout.Count;
        Backend backend = expert.Data.Images.Backend;
        return theta.Element == ArrayElement.Float32
            ? Tensor.From<float>(backend, theta.AsFloat32().Slice(horizon * p, p), new Shape(p))
            : Tensor.From<double>(backend, theta.AsFloat64().Slice(horizon * p, p), new Shape(p));
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
