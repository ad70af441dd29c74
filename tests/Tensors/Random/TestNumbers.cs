using InfMatch.Tensors;

namespace InfMatch.Tests;

/// <summary>Seeded numbers for tests, one after the other.</summary>
internal sealed class TestNumbers(ulong seed)
{
    private readonly RandomKey _key = RandomKey.FromSeed(seed);
    private long _drawn;

    public double Uniform(double low, double high) => low + (high - low) * _key.UniformAt(_drawn++);

    public int Below(int bound) => _key.Below(bound, _drawn++);

    public ulong Word() => _key.Split((ulong)_drawn++).Value;

    /// <summary>Numbers that float32 holds exactly, so that every backend and number type sees the same ones.</summary>
    public double[] Numbers(int count, double low = -1, double high = 1) =>
        [.. Enumerable.Range(0, count).Select(_ => (double)(float)Uniform(low, high))];
}
