namespace InfMatch.Tests.Autograd;

/// <summary>SplitMix64 (Steele et al., 2014): the same numbers on every machine.</summary>
internal sealed class SplitMix(ulong seed)
{
    private ulong _state = seed;

    public double Uniform(double low, double high)
    {
        _state += 0x9E3779B97F4A7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return low + (high - low) * (((z ^ (z >> 31)) >> 11) / (double)(1UL << 53));
    }

    /// <summary>Numbers that float32 holds exactly, so that every backend and number type sees the same ones.</summary>
    public double[] Numbers(int count, double low = -1, double high = 1) =>
        [.. Enumerable.Range(0, count).Select(_ => (double)(float)Uniform(low, high))];
}
