using System.Collections.Immutable;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>A number that a step measured.</summary>
/// <param name="Name">Its key in metrics.jsonl, in snake case.</param>
/// <param name="Value">The number.</param>
public readonly record struct Metric(string Name, double Value)
{
    /// <summary>Whether it names a place, such as a checkpoint: of several there is no mean.</summary>
    public bool IsPlace { get; init; }
}

/// <summary>One evaluation of a method at S.</summary>
/// <param name="Loss">The loss that the method minimises.</param>
/// <param name="Gradient">d loss / dS, in the scope of the evaluation; null where the loss is not finite,
/// or where the update is skipped because no gradient can be taken.</param>
/// <param name="Metrics">What else was measured, in the order in which it is written down.</param>
public sealed record MethodStep(double Loss, SyntheticGradient? Gradient, ImmutableArray<Metric> Metrics)
{
    /// <summary>d loss / d number of each number of S that is learned.</summary>
    public ImmutableSortedDictionary<string, double> NumberGradients { get; init; } =
        ImmutableSortedDictionary<string, double>.Empty;

    /// <summary>Numbers of S that the method sets itself.</summary>
    public ImmutableSortedDictionary<string, double> Numbers { get; init; } =
        ImmutableSortedDictionary<string, double>.Empty;

    /// <summary>Whether S must stay as it is: the update is skipped.</summary>
    public bool Skip { get; init; }

    /// <summary>Updates the method's own state after S was updated or skipped; a failing step never calls it. It runs
    /// in the scope of the step, from which it may keep tensors. Null where the method has no state.</summary>
    public Action<TensorScope>? Commit { get; init; }

    /// <summary>What <see cref="MethodSession.Remember"/> needs of this step in every process that makes the update; empty where the
    /// method remembers nothing in that way.</summary>
    public ImmutableArray<double> Memo { get; init; } = [];

    /// <summary>How long it took where that was measured, so that all processes of an update go by the same time; null where it was
    /// not.</summary>
    public double? Seconds { get; init; }

    /// <summary>Where the evaluation took place, for an error message.</summary>
    public string Place { get; init; } = "";
}
