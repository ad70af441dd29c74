using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Times a few steps of a training.</summary>
/// <param name="backend">What trains.</param>
/// <param name="clock">What time is.</param>
/// <param name="cancel">Stops between two steps.</param>
internal sealed class TrainingPace(Backend backend, TimeProvider clock, CancellationToken cancel)
{
    // Elsewhere a step has only been queued when it returns, and losses are what is waited for.
    private bool IsInStep => backend is HostBackend or MemoryDryRun;

    /// <summary>Seconds of a step.</summary>
    /// <param name="network">What is trained.</param>
    /// <param name="set">On what.</param>
    /// <param name="plan">How.</param>
    /// <param name="key">Initialisation and order follow from it.</param>
    /// <param name="slot">How long it is measured.</param>
    public double SecondsOfStep(Network network, LabelledImages set, TrainingPlan plan, RandomKey key, ProbeSlot slot)
    {
        var pace = new Pace(clock, slot);
        int most = IsInStep ? slot.Most : Trainer.StepsPerRead * Math.Max(2, slot.Most / Trainer.StepsPerRead);
        var trainer = new Trainer(network, set, plan with { MostSteps = Math.Min(most, plan.Steps(set.Count)) }, key.Split("train"));
        using Tensor start = network.Initialise(backend, DType.Float32, key.Split("init"));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        void Count(int steps)
        {
            pace.Add(steps);
            if (pace.IsOver)
                stop.Cancel();
        }
        try
        {
            pace.Pass();
            trainer.Run(
                start,
                _ =>
                {
                    if (IsInStep)
                        Count(1);
                },
                losses =>
                {
                    if (!IsInStep)
                        Count(losses.Values.Count);
                },
                stop.Token).Dispose();
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // Enough is known.
        }
        catch (NumericalException)
        {
            // The rate does not suit a training from here; that of the run will say so if it does not suit it either.
        }
        return pace.Seconds;
    }
}
