using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>Where the windows of the updates lie.</summary>
/// <param name="Length">Checkpoints from a window's beginning to its end.</param>
/// <param name="First">The first checkpoint at which a window may begin.</param>
/// <param name="Current">Windows begin before this checkpoint at first.</param>
/// <param name="Last">Windows begin before this checkpoint once the range has grown to its end.</param>
/// <param name="GrowthEnd">The iteration at which the range has grown to its end (DATM's progressive sampling); 0 for at once.
/// </param>
public readonly record struct WindowPlan(int Length, int First, int Current, int Last, int GrowthEnd)
{
    /// <summary>The window that an iteration draws, whatever S is then.</summary>
    /// <param name="starts">For each expert the checkpoints at which a window may begin, as <see cref="WindowStarts"/> finds
    /// them.</param>
    /// <param name="iteration">The iteration.</param>
    /// <param name="key">Its key.</param>
    public Window Draw(IReadOnlyList<int[]> starts, int iteration, RandomKey key)
    {
        RandomKey own = key.Split("window");
        int expert = own.Below(starts.Count, 0);
        double grown = GrowthEnd == 0 ? 1 : Math.Min(1, (double)iteration / GrowthEnd);
        int upper = Current + (int)((Last - Current) * grown);
        int allowed = Math.Max(1, starts[expert].Count(start => start < upper));
        int first = starts[expert][own.Below(allowed, 1)];
        return new Window(expert, first, first + Length);
    }

    /// <summary>One of some windows that lie evenly over all places that the range grows to, by the experts in turn.</summary>
    /// <param name="starts">For each expert the checkpoints at which a window may begin.</param>
    /// <param name="place">Which, from 0.</param>
    /// <param name="places">How many there are.</param>
    public Window Place(IReadOnlyList<int[]> starts, int place, int places)
    {
        int expert = place % starts.Count, first = starts[expert][(2 * place + 1) * starts[expert].Length / (2 * places)];
        return new Window(expert, first, first + Length);
    }
}
