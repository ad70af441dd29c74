using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Time that passes by what a dry run computes: a second is one multiplication of a product.</summary>
internal sealed class WorkClock(MemoryDryRun on) : TimeProvider
{
    /// <inheritdoc/>
    public override long TimestampFrequency => 1;

    /// <inheritdoc/>
    public override long GetTimestamp() => on.Work;
}
