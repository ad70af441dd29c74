using System.Collections.Immutable;

namespace InfMatch.Methods;

/// <summary>
/// The last ten accuracies of a network in training, by whose range it is decided whether it goes on. Source: Wang et al., CAFE
/// (CVPR 2022), section 3.4. As in the authors' code a value is the sum of the accuracies of all classes and of the value before,
/// divided by the number of classes: the range of the first ten holds that growth, too.
/// </summary>
/// <param name="Values">The last of them, the newest last.</param>
internal sealed record AccuracyWatch(ImmutableArray<double> Values)
{
    /// <summary>How many are looked at.</summary>
    public const int Window = 10;

    /// <summary>None yet.</summary>
    public static AccuracyWatch Empty { get; } = new([]);

    /// <summary>Largest less smallest; null before there are ten.</summary>
    public double? Range => Values.Length < Window ? null : Values.Max() - Values.Min();

    /// <summary>With another mean accuracy of so many classes.</summary>
    public AccuracyWatch With(double accuracy, int classes)
    {
        double value = accuracy + (Values.IsEmpty ? 0 : Values[^1] / classes);
        return new([.. Values.TakeLast(Window - 1), value]);
    }
}
