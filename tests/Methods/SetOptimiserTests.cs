using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>What moves a part of S, beside the formulas of its source, number by number.</summary>
public sealed class SetOptimiserTests
{
    private const double Rate = 0.03, Momentum = 0.7, Decay = 0.2;

    private const int Steps = 6;

    private static readonly Backend s_backend = new ReferenceBackend();

    [Theory]
    [InlineData(0.0)]
    [InlineData(Decay)]
    public void Sgd_is_v_then_x(double decay) => Check(new SgdOptimiser(), decay, (x, state, g, _) =>
    {
        double v = Momentum * state[0] + g + decay * x;
        return (x - Rate * v, [v]);
    });

    [Theory]
    [InlineData(0.0)]
    [InlineData(Decay)]
    public void Adam_adds_the_decay_to_the_gradient(double decay) => Check(new AdamOptimiser(), decay, (x, state, g, t) =>
    {
        (double[] means, double direction) = Adam(state, g + decay * x, t);
        return (x - Rate * direction, means);
    });

    [Theory]
    [InlineData(0.0)]
    [InlineData(Decay)]
    public void AdamW_takes_the_decay_from_the_value(double decay) => Check(new AdamWOptimiser(), decay, (x, state, g, t) =>
    {
        (double[] means, double direction) = Adam(state, g, t);
        return (x - Rate * decay * x - Rate * direction, means);
    });

    // All numbers of a part have one factor: the length of the part over that of Adam's direction.
    [Theory]
    [InlineData(0.0)]
    [InlineData(Decay)]
    public void Lamb_is_adam_in_steps_as_long_as_the_rate_times_the_part(double decay)
    {
        using var scope = TensorScope.Begin();
        double[] x = [0.5, -2, 3e-4, 0];
        double[][] states = [.. x.Select(_ => new double[2])];
        var lamb = new LambOptimiser();
        Tensor value = Of(x);
        Tensor[] state = [value.ZerosLike(), value.ZerosLike()];
        for (int t = 0; t < Steps; t++)
        {
            double[] g = new double[x.Length], u = new double[x.Length];
            RandomKey.FromSeed(5).Split((ulong)t).Normal(g);
            for (int i = 0; i < x.Length; i++)
            {
                (states[i], u[i]) = Adam(states[i], g[i], t);
                u[i] += decay * x[i];
            }
            double trust = Math.Sqrt(x.Sum(v => v * v) / u.Sum(v => v * v));
            for (int i = 0; i < x.Length; i++)
                x[i] -= Rate * trust * u[i];
            (value, state) = lamb.Step(value, state, Of(g), new SetStep(Rate, Momentum, decay, t));
            Close(x, value);
        }
    }

    [Fact]
    public void Lamb_takes_adams_step_where_the_part_or_the_direction_is_zero()
    {
        using var scope = TensorScope.Begin();
        Tensor zero = Of(0, 0), one = Of(1, 1);
        (Tensor moved, _) = new LambOptimiser().Step(zero, [zero, zero], Of(3, -3), new SetStep(Rate, 0, 0, 0));
        Close([-Rate, Rate], moved.Times(1 + 1e-8 / 3));
        (Tensor still, _) = new LambOptimiser().Step(one, [zero, zero], zero, new SetStep(Rate, 0, 0, 0));
        Close([1, 1], still);
    }

    [Fact]
    public void The_first_step_of_adam_is_the_rate_whatever_the_gradients_length()
    {
        using var scope = TensorScope.Begin();
        Tensor x = Of(1, 2), g = Of(1e-3, -1e3);
        (Tensor next, _) = new AdamOptimiser().Step(x, [x.ZerosLike(), x.ZerosLike()], g, new SetStep(Rate, 0, 0, 0));
        Assert.Equal(1 - Rate, next.ToArray<double>()[0], 1e-6);
        Assert.Equal(2 + Rate, next.ToArray<double>()[1], 1e-6);
    }

    [Theory]
    [InlineData("sgd", "velocity")]
    [InlineData("adam", "first_moment second_moment")]
    [InlineData("adamw", "first_moment second_moment")]
    [InlineData("lamb", "first_moment second_moment")]
    public void Each_is_found_by_its_name_and_names_what_it_remembers(string name, string state) =>
        Assert.Equal(state.Split(' '), Kinds.Find<SetOptimiser>(name)!.State);

    private static (double[] Means, double Direction) Adam(double[] state, double g, int t)
    {
        double m = 0.9 * state[0] + 0.1 * g, v = 0.999 * state[1] + 0.001 * g * g;
        double first = m / (1 - Math.Pow(0.9, t + 1)), second = v / (1 - Math.Pow(0.999, t + 1));
        return ([m, v], first / (Math.Sqrt(second) + 1e-8));
    }

    private static void Check(
        SetOptimiser optimiser, double decay, Func<double, double[], double, int, (double X, double[] State)> formula)
    {
        using var scope = TensorScope.Begin();
        double[] expected = [0.5, -2, 3e-4, 0];
        double[][] states = [.. expected.Select(_ => new double[optimiser.State.Count])];
        Tensor x = Of(expected);
        Tensor[] state = [.. optimiser.State.Select(_ => x.ZerosLike())];
        for (int t = 0; t < Steps; t++)
        {
            double[] g = new double[expected.Length];
            RandomKey.FromSeed(5).Split((ulong)t).Normal(g);
            double[] before = x.ToArray<double>();
            (Tensor next, Tensor[] remembered) = optimiser.Step(x, state, Of(g), new SetStep(Rate, Momentum, decay, t));
            Assert.Equal(before, x.ToArray<double>()); // a pure function
            (x, state) = (next, remembered);
            for (int i = 0; i < expected.Length; i++)
                (expected[i], states[i]) = formula(expected[i], states[i], g[i], t);
            Close(expected, x);
            for (int k = 0; k < state.Length; k++)
                Close([.. states.Select(s => s[k])], state[k]);
        }
    }

    private static void Close(double[] expected, Tensor found) =>
        Assert.All(expected.Zip(found.ToArray<double>()), p => Assert.Equal(p.First, p.Second, 1e-14));

    private static Tensor Of(params double[] values) =>
        Tensor.From<double>(s_backend, values, new Shape(values.Length));
}
