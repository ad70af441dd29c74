using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

public sealed class SetScheduleTests
{
    [Fact]
    public void Constant_cosines_step_steps_and_late_halvings_follow_from_the_update_alone()
    {
        const int all = 20;
        Assert.Equal(["constant", "cosine", "cosine-tenth", "late-halvings", "plateau", "step", "steps"], Kinds.Names<SetSchedule>().Order(StringComparer.Ordinal), StringComparer.Ordinal);
        for (int t = 0; t < all; t++)
        {
            Assert.Equal(1, FactorOf("constant", t, all));
            Assert.Equal((1 + Math.Cos(Math.PI * t / all)) / 2, FactorOf("cosine", t, all), 1e-15);
            Assert.Equal(0.55 + 0.45 * Math.Cos(Math.PI * t / all), FactorOf("cosine-tenth", t, all), 1e-15);
            Assert.Equal(t < 10 ? 1 : 0.1, FactorOf("step", t, all));
            Assert.Equal(1.0 / (1 << (t / 4)), FactorOf("steps", t, all));
            Assert.Equal(t < 12 ? 1 : t < 16 ? 0.5 : t < 18 ? 0.25 : 0.125, FactorOf("late-halvings", t, all));
        }
    }

    // 100 updates: patience is 5.
    [Fact]
    public void Plateau_halves_after_a_twentieth_of_all_updates_without_an_improvement()
    {
        double[] factors = FactorsOf(Enumerable.Repeat(2.0, 16), iterations: 100);
        Assert.Equal(
            [1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.125],
            factors);
    }

    [Fact]
    public void Plateau_keeps_the_rates_while_the_loss_falls() =>
        Assert.All(FactorsOf(Enumerable.Range(0, 100).Select(t => Math.Pow(0.97, t)), 100), f => Assert.Equal(1, f));

    // A loss of frepo may fall below 0, where 0.999 of the best lies above it.
    [Fact]
    public void Plateau_takes_losses_below_0_as_those_above()
    {
        Assert.Equal(FactorsOf(Enumerable.Repeat(2.0, 16), 100), FactorsOf(Enumerable.Repeat(-2.0, 16), 100));
        Assert.All(FactorsOf(Enumerable.Range(0, 100).Select(t => 1 - 0.05 * t), 100), f => Assert.Equal(1, f));
    }

    // Falling by less than a thousandth of the best is no improvement.
    [Fact]
    public void Plateau_does_not_take_a_hair_for_an_improvement()
    {
        double[] factors = FactorsOf(Enumerable.Range(0, 12).Select(t => 1 - 1e-5 * t), 100);
        Assert.Equal(1, factors[4]);
        Assert.Equal(0.5, factors[5]);
        Assert.Equal(0.25, factors[10]);
    }

    // One loss far out moves the mean over ten, and not the best: what comes after it counts by the mean.
    [Fact]
    public void Plateau_looks_at_a_running_mean()
    {
        var schedule = new PlateauSchedule();
        double[] memory = new double[schedule.Memory];
        double mean = 0, best = double.PositiveInfinity;
        (int since, int halvings) = (0, 0);
        var random = new double[300];
        RandomKey.FromSeed(1).Normal(random);
        for (int t = 0; t < random.Length; t++)
        {
            double loss = 3 * Math.Exp(-t / 40.0) + 0.5 + 0.2 * Math.Abs(random[t]);
            mean = t == 0 ? loss : 0.9 * mean + 0.1 * loss;
            if (mean < 0.999 * best)
                (best, since) = (mean, 0);
            else if (++since == 15)
                (since, halvings, best) = (0, halvings + 1, mean);
            memory = schedule.Remember(loss, 300, memory);
            Assert.Equal(Math.Pow(0.5, halvings), schedule.FactorAt(t, 300, memory));
        }
        Assert.InRange(halvings, 2, 15);
    }

    private static double FactorOf(string name, int t, int all)
    {
        SetSchedule schedule = Kinds.Find<SetSchedule>(name)!;
        Assert.Equal(0, schedule.Memory);
        Assert.Empty(schedule.Remember(3, all, []));
        return schedule.FactorAt(t, all, []);
    }

    // The factor of each update, which its own loss already counts for.
    private static double[] FactorsOf(IEnumerable<double> losses, int iterations)
    {
        var schedule = new PlateauSchedule();
        double[] memory = new double[schedule.Memory];
        return
        [
            .. losses.Select((loss, t) =>
            {
                double[] before = [.. memory], next = schedule.Remember(loss, iterations, memory);
                Assert.Equal(before, memory); // a pure function
                memory = next;
                return schedule.FactorAt(t, iterations, memory);
            }),
        ];
    }
}
