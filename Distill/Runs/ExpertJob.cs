using System.Globalization;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Trains one expert and records its trajectory.</summary>
internal sealed class ExpertJob(RunSettings settings, Network network, IExpertData data, string folder, int number) : FileJob
{
    private readonly TrainingPlan _plan = PlanFactory.ExpertPlan(settings, data.Dataset);
    private readonly CheckpointSchedule _schedule = PlanFactory.Checkpoints(settings);
    private readonly RandomKey _key = RandomKey.FromSeed(settings.ExpertSeed ?? settings.Seed).Split("expert").Split((ulong)number);

    /// <summary>Which expert it is.</summary>
    public int Number => number;

    /// <summary>Called after a step with the losses known so far.</summary>
    public Action<int, string>? Observe { get; init; }

    /// <inheritdoc/>
    public override string Key =>
        string.Create(CultureInfo.InvariantCulture, $"{network.Name} {_plan} {_schedule} {_key.Value:x16}");

    /// <summary>None: the data set is found by its name.</summary>
    public override IReadOnlyList<string> Inputs => [];

    /// <inheritdoc/>
    public override string Result => ExpertLibrary.FileOf(folder, number);

    /// <inheritdoc/>
    /// <exception cref="NumericalException">The loss stops being finite.</exception>
    public override void Make(CancellationToken cancel)
    {
        string loss = "";
        using Expert _ = Expert.Record(
            new ExpertTraining(network, data.Train, _plan, _schedule, _key),
            Result,
            new ExpertObserver
            {
                Accuracy = theta => data.Score(network, theta),
                Step = step => Observe?.Invoke(step.Step, loss),
                Losses = losses => loss = FormattableString.Invariant($", loss {losses.Values[^1]:F3}"),
            }, cancel);
    }

    /// <summary>What was recorded.</summary>
    /// <exception cref="TrajectoryException">It is of another training.</exception>
    public Expert Open() => Expert.Open(network, data.Train, _plan, _schedule, _key, Result);
}
