namespace InfMatch.Nn;

/// <summary>How the learning rate changes over a training run.</summary>
public enum RateSchedule
{
    /// <summary>The same rate at every step.</summary>
    Constant,

    /// <summary>The rate, and a tenth of it from half of the steps on (DC, MTT: "epoch E/2 + 1").</summary>
    StepAtHalf,

    /// <summary>½(1 + cos πs) of the rate, s the fraction of steps done (Loshchilov and Hutter, 2017).</summary>
    Cosine,

    /// <summary>The rate, halved at each fifth of the steps (NCFM's evaluation).</summary>
    HalfAtFifths,
}

/// <summary>Rates of a schedule.</summary>
public static class RateSchedules
{
    /// <summary>The rate at step <paramref name="step"/> of <paramref name="steps"/>, from the base rate.</summary>
    public static double At(this RateSchedule schedule, double rate, int step, int steps) => schedule switch
    {
        RateSchedule.Constant => rate,
        RateSchedule.StepAtHalf => step < steps / 2 ? rate : rate / 10,
        RateSchedule.HalfAtFifths => rate * Math.Pow(0.5, Math.Min(4, 5L * step / steps)),
        _ => rate * 0.5 * (1 + Math.Cos(Math.PI * step / steps)),
    };
}
