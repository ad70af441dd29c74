namespace InfMatch.Distill;

/// <summary>How long steps of one kind are measured.</summary>
/// <param name="Seconds">When no further one begins.</param>
/// <param name="Most">The most steps.</param>
internal readonly record struct ProbeSlot(double Seconds, int Most);

/// <summary>How long a step takes, from several that were timed one after the other. The first half is warm-up: code is compiled and
/// memory is asked for in it. Of the others the median counts, which one interruption does not move.</summary>
/// <param name="clock">What time is.</param>
/// <param name="slot">How many steps there may be.</param>
/// <param name="fewest">The fewest steps.</param>
internal sealed class Pace(TimeProvider clock, ProbeSlot slot, int fewest = 2)
{
    private readonly List<double> _each = [];
    private readonly long _begin = clock.GetTimestamp();
    private long _last = clock.GetTimestamp();

    /// <summary>Whether enough is known.</summary>
    public bool IsOver => _each.Count >= slot.Most || (_each.Count >= fewest && Between(_begin, _last) >= slot.Seconds);

    /// <summary>Seconds of a step; NaN where none was taken.</summary>
    public double Seconds
    {
        get
        {
            if (_each.Count == 0)
                return double.NaN;
            double[] warm = [.. _each.Skip(_each.Count == 1 ? 0 : Math.Max(1, _each.Count / 2)).Order()];
            return (warm[(warm.Length - 1) / 2] + warm[warm.Length / 2]) / 2;
        }
    }

    /// <summary>So many steps have ended since the last call.</summary>
    public void Add(int steps = 1)
    {
        long now = clock.GetTimestamp();
        _each.Add(Between(_last, now) / steps);
        _last = now;
    }

    /// <summary>What ends now began now: what came between two steps is not one of them.</summary>
    public void Pass() => _last = clock.GetTimestamp();

    // Not as a TimeSpan: a clock that counts work may pass its range.
    private double Between(long from, long to) => (to - from) / (double)clock.TimestampFrequency;
}
