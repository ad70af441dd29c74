using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>How much of a distillation by several ranks is not computing.</summary>
/// <param name="ranks">The ranks.</param>
internal sealed class GatheringTime(LockStep ranks)
{
    private readonly TimeSpan _before = ranks.Gathering;
    private readonly long _began = TimeProvider.System.GetTimestamp();

    /// <summary>One line for people; null for a process that works alone, or before the first update.</summary>
    /// <param name="set">Which set it is.</param>
    /// <param name="updates">How many updates were made since this was made.</param>
    public string? Describe(string set, int updates)
    {
        double gathered = (ranks.Gathering - _before).TotalSeconds, whole = TimeProvider.System.GetElapsedTime(_began).TotalSeconds;
        return ranks.Count == 1 || updates == 0 ? null : FormattableString.Invariant(
            $"{set}: an update took {1000 * whole / updates:F0} ms; {1000 * gathered / updates:F0} ms of them rank 0 waited for the other ") +
            "ranks and gathered.";
    }
}
