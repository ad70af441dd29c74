using System.Security.Cryptography;
using System.Text;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Influence;

/// <summary>Trains once more under an intervention and keeps θ after some numbers of steps. The file's name follows from everything
/// that decides its content.</summary>
internal sealed class RetrainingJob : FileJob
{
    private const string Format = "infmatch-retrained-1";

    private readonly Expert _expert;
    private readonly IReadOnlyList<int> _horizons;
    private readonly Intervention _intervention;
    private readonly Dictionary<string, string> _description;

    /// <summary>Prepares; nothing is trained yet.</summary>
    /// <exception cref="ShapeException">The intervention does not have one weight for each example.</exception>
    public RetrainingJob(Expert expert, string folder, IReadOnlyList<int> horizons, Intervention intervention)
    {
        if (intervention.Weights.Count != expert.Data.Count)
        {
            throw new ShapeException(
                $"An intervention has {intervention.Weights.Count} weights, but D has {expert.Data.Count} examples. Give one each.");
        }
        (_expert, _horizons, _intervention) = (expert, horizons, intervention);
        _description = Describe(expert, horizons);
        _description["intervention"] = intervention.Hash();
        Key = string.Join('\n',
            _description.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"{d.Key}={d.Value}"));
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Key)))[..24];
        Result = Path.Combine(folder, $"{name}.safetensors");
    }

    /// <summary>How large a result may be: the program's own files have no limit.</summary>
    public static ArrayFileLimits Limits { get; } = new() { MaxDataBytes = long.MaxValue };

    /// <inheritdoc/>
    public override string Key { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Inputs => [_expert.Trajectory.Path];

    /// <inheritdoc/>
    public override string Result { get; }

    /// <summary>Whether it was trained, and not found.</summary>
    public bool WasMade { get; private set; }

    /// <summary>Whether an existing file has no hash of its content.</summary>
    public bool LacksHash { get; private set; }

    /// <summary>Whether a damaged result was found.</summary>
    public bool WasDamaged { get; private set; }

    /// <summary>Everything that decides a result apart from the intervention, by name.</summary>
    public static Dictionary<string, string> Describe(Expert expert, IReadOnlyList<int> horizons)
    {
        var description = new Dictionary<string, string>(expert.Trajectory.Metadata, StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["horizons"] = string.Join(' ', horizons),
        };
        description.Remove("checkpoints"); // what was recorded of the unchanged training does not matter here
        return description;
    }

    /// <inheritdoc/>
    public override bool IsDone()
    {
        if (!File.Exists(Result))
            return false;
        try
        {
            ArraySet found = Safetensors.Read(Result, Limits);
            bool hasHash = ContentHash.Check(found, _description.Count);
            bool isThere = _description.All(d => found.Metadata.GetValueOrDefault(d.Key) == d.Value)
                && found.TryGet("theta", out NamedArray? theta)
                && theta.Element is ArrayElement.Float32 or ArrayElement.Float64
                && theta.Count == _horizons.Count * _expert.Network.Layout.Count;
            (LacksHash, WasDamaged) = (isThere && !hasHash, !isThere);
            return isThere;
        }
        catch (Exception e) when (e is IOException or ArrayFileException)
        {
            WasDamaged = true; // training again gives the same bits
            return false;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public override void Make(CancellationToken cancel)
    {
        Trainer trainer = _expert.Retraining(_intervention.Weights, _intervention.AddedLoss(_expert.Network));
        Tensor data = _expert.Data.Images;
        int p = _expert.Network.Layout.Count;
        var kept = new double[_horizons.Count * p];
        int next = 0;
        using var scope = TensorScope.Begin();
        Tensor start = _expert.Trajectory.Theta(0, data.Backend, data.DType);
        trainer.Run(
            start,
            step =>
            {
                if (next < _horizons.Count && step.Step + 1 == _horizons[next])
                    step.Theta.CopyTo(kept.AsSpan(p * next++, p));
            },
            cancel: cancel);
        int[] shape = [_horizons.Count, p];
        NamedArray theta = data.DType == DType.Float32
            ? NamedArray.From("theta", shape, Array.ConvertAll(kept, x => (float)x))
            : NamedArray.From("theta", shape, kept);
        ContentHash.Write(Result, [theta], _description);
        WasMade = true;
    }
}
