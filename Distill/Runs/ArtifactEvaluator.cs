using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Evaluates a set by the very protocol, networks, settings and seed under which its claim was measured.</summary>
internal sealed class ArtifactEvaluator : IDisposable
{
    private readonly SyntheticArtifact _artifact;
    private readonly PreparedData _data;
    private readonly SetEvaluator _evaluator;

    /// <summary>Prepares the data as the set says: standardised, and whitened by the set's own whitening.</summary>
    /// <exception cref="DistillException">The set and the data differ in shapes or classes, or it has no
    /// configuration.</exception>
    public ArtifactEvaluator(SyntheticArtifact artifact, DatasetPair pair, Backend backend, CancellationToken cancel)
    {
        _artifact = artifact;
        Settings = artifact.Settings ?? throw new DistillException(
            ExitCode.Data, "IM3044",
            $"{artifact.Source} has the format {ArtifactReader.FirstFormat}, which does not say how its accuracy was measured. " +
            "Evaluate it with 'evaluate', or distil it again.");
        _data = PreparedData.Load(pair.With(artifact.Standardisation), backend, artifact.Whitening);
        try
        {
            if (artifact.Image != _data.Image || artifact.Classes != _data.Classes)
            {
                throw new DistillException(
                    ExitCode.Data, "IM3023",
                    $"{artifact.Source} holds images {artifact.Image} of {artifact.Classes} classes, {pair.Name} has images " +
                    $"{_data.Image} of {_data.Classes} classes. Name the folder of the set's own data with --data.");
            }
            Network network = _data.NetworkOf(Settings, Settings.EvalWidth);
            new Requirements(
                0, DryRun.OfEvaluation(Settings, _data.Pair, backend, [network], [(artifact.Count, artifact.Factor)], columns: 1)).Check(".", backend);
            _evaluator = new SetEvaluator(network, Settings, _data, RandomKey.FromSeed(Settings.Seed).Split("judge"), cancel);
        }
        catch
        {
            _data.Dispose();
            throw;
        }
    }

    /// <summary>The settings under which the set was evaluated.</summary>
    public RunSettings Settings { get; }

    /// <summary>The accuracy of networks that were trained on the set, or on other images [n, C, H, W] with its labels: of all that the
    /// settings ask for, or of the first few.</summary>
    public Accuracy Evaluate(IProgressView progress, string what, float[]? images = null, int? networks = null)
    {
        int repeats = networks ?? Settings.Repeats;
        using IProgressStage stage = progress.Begin(what, (long)repeats * Protocols.Plan(Settings, _data.Pair.Name).Epochs);
        return _evaluator.Evaluate(
            SetOf(_ => (images is null ? _artifact.ToSet(_data.Backend) : _artifact.ToSet(_data.Backend, images)).AsTrainingSet()),
            repeats, stage);
    }

    /// <summary>Trains the first network of the claim, with its accuracy on the test images in percent.</summary>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public (Network Network, float[] Theta, double Accuracy) TrainFirst(IProgressView progress)
    {
        using IProgressStage stage = progress.Begin(
            $"Network ({_evaluator.Network.Name})", Protocols.Plan(Settings, _data.Pair.Name).Epochs);
        float[] theta = [];
        Accuracy accuracy = _evaluator.Evaluate(
            SetOf(_ => _artifact.ToSet(_data.Backend).AsTrainingSet()) with
            {
                WhenEnded = (_, end) => theta = end.ToArray<float>(),
            },
            repeats: 1, stage);
        return (_evaluator.Network, theta, accuracy.Mean);
    }

    private EvaluatedSet SetOf(Func<int, LabelledImages> images) =>
        new("", images) { Rate = LearnedRate.Of(Settings, _artifact.Numbers, _artifact.Source) };

    /// <inheritdoc/>
    public void Dispose() => _data.Dispose();
}
