using InfMatch.Influence;

namespace InfMatch.Methods;

/// <summary>Which windows an estimator can use.</summary>
/// <param name="Estimator">Its name, for messages.</param>
/// <param name="Shortest">The fewest checkpoints from beginning to end on which it is not zero.</param>
/// <param name="IsDense">Whether the checkpoints must be those of consecutive steps.</param>
public readonly record struct WindowNeed(string Estimator, int Shortest, bool IsDense);

/// <summary>Where the windows of a distillation may begin in a trajectory; this follows from the steps that are stored, so it is
/// known before anything is trained.</summary>
public static class WindowStarts
{
    /// <summary>The checkpoints at which a window may begin, ascending and at least one.</summary>
    /// <param name="plan">How long windows are, and where they may begin.</param>
    /// <param name="need">What the estimator asks for.</param>
    /// <param name="steps">The step of each checkpoint, ascending.</param>
    /// <param name="trajectory">Which trajectory it is, for the message.</param>
    /// <exception cref="TrajectoryException">There is none, or the windows are too short for the estimator.</exception>
    public static int[] Of(WindowPlan plan, WindowNeed need, IReadOnlyList<int> steps, string trajectory)
    {
        RequireLength(plan, need);
        int last = Math.Min(plan.Last - 1, steps.Count - 1 - plan.Length);
        int[] starts =
        [
            .. Enumerable.Range(plan.First, Math.Max(0, Math.Max(last, plan.First) - plan.First + 1))
                .Where(first => first + plan.Length < steps.Count)
                .Where(first => !need.IsDense || steps[first + plan.Length] - steps[first] == plan.Length),
        ];
        return starts.Length > 0
            ? starts
            : throw new TrajectoryException(
                $"No window of {plan.Length} {(need.IsDense ? "consecutive steps" : "checkpoints")} from " +
                $"checkpoint {plan.First} on lies in the {steps.Count} checkpoints of {trajectory}. " +
                $"Lower --window, or record {(need.IsDense ? "more --dense-steps" : "more epochs")}.");
    }

    /// <summary>Fails where windows are so short that an estimator is zero on them, or would begin before the first
    /// checkpoint.</summary>
    /// <exception cref="TrajectoryException">They are.</exception>
    public static void RequireLength(WindowPlan plan, WindowNeed need)
    {
        if (plan.Length < need.Shortest)
        {
            throw new TrajectoryException(
                $"The estimator {need.Estimator} is zero on windows of {plan.Length} checkpoints, it needs at least " +
                $"{need.Shortest}. Raise --window.");
        }
        if (plan.First < 0)
            throw new TrajectoryException($"A window cannot begin at checkpoint {plan.First}; checkpoints count from 0.");
    }
}
