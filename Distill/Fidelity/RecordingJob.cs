using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Records the training of a study.</summary>
/// <param name="training">The training.</param>
/// <param name="file">Where its trajectory goes.</param>
internal sealed class RecordingJob(ExpertTraining training, string file) : FileJob
{
    /// <inheritdoc/>
    public override string Key => file;

    /// <summary>None: the data are in memory.</summary>
    public override IReadOnlyList<string> Inputs => [];

    /// <inheritdoc/>
    public override string Result => file;

    /// <inheritdoc/>
    /// <exception cref="NumericalException">The loss stops being finite.</exception>
    public override void Make(CancellationToken cancel) => Expert.Record(training, file, cancel: cancel).Dispose();
}
