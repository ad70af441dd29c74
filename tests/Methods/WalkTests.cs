using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

public sealed class WalkTests
{
    private const int Steps = 4;

    private static readonly RandomKey s_key = RandomKey.FromSeed(71);
    private static readonly SecondOrderProducts s_exact = new(SecondDerivatives.Exact);

    public static TheoryData<string, double, double, bool> Cases => new()
    {
        { "sgd", 0, 0, false },
        { "sgd", 0, 0.05, false },
        { "sgd", 0.9, 0, false },
        { "sgd", 0.9, 0.05, true },
        { "adam", 0, 0, false },
        { "adam", 0, 0.05, true },
    };

    /// <summary>⟨c, θ⟩ at the end of a walk that begins within a training, so that the rule remembers something.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void The_adjoint_agrees_with_numeric_differentiation_in_S_the_rate_and_the_start(
        string rule, double momentum, double decay, bool inBatches)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6));
        (StepRates rates, ImageLoss loss) = (RatesOf(rule, momentum, decay), LossOf(problem, inBatches));
        SyntheticSet s = problem.Start;
        WalkState start = Middle(problem, rule, rates, loss);
        Tensor c = Vector(problem, 5);
        double At(SyntheticSet set, double rate, WalkState from)
        {
            using var scope = TensorScope.Begin();
            return Plan(rule, rates with { Rate = rate }).From(from, set, loss, s_exact).End.Theta.Dot(c);
        }
        Tensor Of(double[] numbers, Tensor like) => Tensor.From<double>(problem.Backend, numbers, like.Shape);

        WalkGradient found = Plan(rule, rates).From(start, s, loss, s_exact).Pullback(s_exact, s, loss, c);

        Check(found.Set.Images, s.Images, v => At(s with { Images = Of(v, s.Images) }, rates.Rate, start));
        Check(found.Set.LabelLogits, s.LabelLogits, v => At(s with { LabelLogits = Of(v, s.LabelLogits) }, rates.Rate, start));
        ObjectiveGradientTests.Check([found.Rate], [rates.Rate], v => At(s, v[0], start), 1, 1e-6);
        Check(found.Start.Theta, start.Theta, v => At(s, rates.Rate, start with { Theta = Of(v, c) }));
        Assert.Equal(start.Memory.Length, found.Start.Memory.Length);
        for (int i = 0; i < start.Memory.Length; i++)
        {
            int at = i;
            Check(
                found.Start.Memory[at], start.Memory[at],
                v => At(s, rates.Rate, start with { Memory = start.Memory.SetItem(at, Of(v, c)) }));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_walk_takes_the_steps_that_its_formulas_say(string rule, double momentum, double decay, bool inBatches)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6));
        (StepRates rates, ImageLoss loss) = (RatesOf(rule, momentum, decay), LossOf(problem, inBatches));
        Tensor at = problem.Context.Theta(new Window(0, 1, 2), 1);
        double[] theta = at.ToArray<double>(), first = new double[theta.Length], second = new double[theta.Length];
        for (int t = 0; t < Steps; t++)
        {
            double[] g = Differential.GradientAt(
                loss.OfStep(t + 3).Of(problem.Start), Tensor.From<double>(problem.Backend, theta, at.Shape)).ToArray<double>();
            for (int i = 0; i < theta.Length; i++)
            {
                double d = g[i] + decay * theta[i];
                if (rule == "sgd")
                {
                    first[i] = momentum * first[i] + d;
                    theta[i] -= rates.Rate * first[i];
                    continue;
                }
                first[i] = 0.9 * first[i] + 0.1 * d;
                second[i] = 0.999 * second[i] + 0.001 * d * d;
                double size = Math.Sqrt(second[i] / (1 - Math.Pow(0.999, t + 1)));
                theta[i] -= rates.Rate * first[i] / (1 - Math.Pow(0.9, t + 1)) / (size + 1e-8);
            }
        }
        WalkPlan plan = Plan(rule, rates) with { FirstDraw = 3 };
        double[] found = plan.From(WalkState.At(at), problem.Start, loss, s_exact).End.Theta.ToArray<double>();
        for (int i = 0; i < theta.Length; i++)
            Assert.Equal(theta[i], found[i], rule == "adam" ? 1e-8 : 1e-12); // Adam makes steps of rounding where gradients are 0
        Assert.Equal(found, plan.End(WalkState.At(at), problem.Start, loss).Theta.ToArray<double>());
    }

    [Theory]
    [InlineData("sgd", 0.9)]
    [InlineData("adam", 0)]
    public void Differences_give_the_adjoint_of_exact_products(string rule, double momentum)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6));
        (StepRates rates, ImageLoss loss) = (RatesOf(rule, momentum, 0.05), LossOf(problem, inBatches: true));
        WalkState start = Middle(problem, rule, rates, loss);
        Tensor c = Vector(problem, 5);
        WalkGradient Of(SecondDerivatives mode)
        {
            var products = new SecondOrderProducts(mode);
            return Plan(rule, rates).From(start, problem.Start, loss, products).Pullback(products, problem.Start, loss, c);
        }
        WalkGradient exact = Of(SecondDerivatives.Exact);
        AssertClose(exact, Of(SecondDerivatives.FiniteDifference), 1e-6);
        AssertClose(exact, Of(SecondDerivatives.OneSided), 1e-4); // its error falls with the step, and not with its square
    }

    [Theory]
    [InlineData("sgd", 0.9)]
    [InlineData("adam", 0)]
    public void A_walk_whose_gradients_are_kept_ends_at_the_same_place_and_its_adjoint_takes_a_pass_less_in_each_step(
        string rule, double momentum)
    {
        var backend = new CpuBackend(1);
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: backend);
        (StepRates rates, ImageLoss loss) = (RatesOf(rule, momentum, 0.05), LossOf(problem, inBatches: true));
        WalkState start = Middle(problem, rule, rates, loss);
        Tensor c = Vector(problem, 5);
        (double[] End, double[] Images, long Walk, long Back) Of(SecondDerivatives mode)
        {
            var products = new SecondOrderProducts(mode);
            long before = backend.ImagesPassed;
            Walk walk = Plan(rule, rates).From(start, problem.Start, loss, products);
            long between = backend.ImagesPassed;
            WalkGradient found = walk.Pullback(products, problem.Start, loss, c);
            return (
                walk.End.Theta.ToArray<double>(), found.Set.Images.ToArray<double>(), between - before, backend.ImagesPassed - between);
        }
        var (central, oneSided) = (Of(SecondDerivatives.FiniteDifference), Of(SecondDerivatives.OneSided));
        Assert.Equal(central.End, oneSided.End);
        Assert.Equal(central.Walk, oneSided.Walk);
        Assert.Equal(central.Back, 2 * oneSided.Back);
        Assert.NotEqual(central.Images, oneSided.Images);
    }

    // A filter that no input reaches: all of its gradients are 0, and so is v.
    [Fact]
    public void Adams_adjoint_is_finite_where_the_gradients_were_zero()
    {
        var backend = new ReferenceBackend();
        var rule = new AdamRule();
        Tensor theta = Tensor.From<double>(backend, [1, 2], new Shape(2)), g = Tensor.From<double>(backend, [0, 0.5], new Shape(2));
        WalkState before = WalkState.At(theta), after = rule.Next(before, g, new StepRates(0.1));
        StepPullback back = rule.Pullback(
            new WalkStep(before, after, g, new StepRates(0.1)),
            new WalkCotangent(Tensor.From<double>(backend, [1, 1], new Shape(2)), []));
        double[] b = back.Direction.ToArray<double>();
        Assert.Equal(-0.1 / 1e-8, b[0], 1); // the slope of g/(|g| + ε) at 0
        Assert.Equal(-0.1 * 1e-8 / Math.Pow(0.5 + 1e-8, 2), b[1], 1e-12);
    }

    [Fact]
    public void The_rate_has_no_derivative_where_none_was_asked_for()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6));
        ImageLoss loss = LossOf(problem, inBatches: false);
        WalkPlan plan = Plan("sgd", new StepRates(0.2)) with { RateIsLearned = false };
        Walk walk = plan.From(Middle(problem, "sgd", new StepRates(0.2), loss), problem.Start, loss, problem.Context.Products);
        Assert.Equal(double.NaN, walk.Pullback(problem.Context.Products, problem.Start, loss, Vector(problem, 5)).Rate);
    }

    [Theory]
    [InlineData("sgd", 0, 5)]
    [InlineData("sgd", 0.9, 6)]
    [InlineData("adam", 0, 7)]
    public void An_adjoint_leaves_nothing_but_what_it_gives(string rule, double momentum, int vectors)
    {
        var backend = new CpuBackend(1);
        using var all = TensorScope.Begin();
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: backend);
        (StepRates rates, ImageLoss loss) = (RatesOf(rule, momentum, 0), LossOf(problem, inBatches: true));
        WalkState start = Middle(problem, rule, rates, loss);
        Tensor c = Vector(problem, 5);
        int live = backend.Memory.LiveBuffers;
        using (TensorScope.Begin())
        {
            int walked;
            Walk walk = Plan(rule, rates).From(start, problem.Start, loss, s_exact);
            walked = backend.Memory.LiveBuffers;
            Assert.Equal(live + Steps * (rule == "adam" ? 4 : 2), walked);
            walk.Pullback(problem.Context.Products, problem.Start, loss, c);
            Assert.Equal(walked + vectors - 1, backend.Memory.LiveBuffers); // two parts, the dots of the rates, cotangents
        }
        Assert.Equal(live, backend.Memory.LiveBuffers);
        using (TensorScope.Begin())
        {
            Plan(rule, rates).End(start, problem.Start, loss);
            Assert.Equal(live + 1 + start.Memory.Length, backend.Memory.LiveBuffers);
        }
    }

    private static StepRates RatesOf(string rule, double momentum, double decay) => new(rule == "adam" ? 0.02 : 0.2, momentum, decay);

    private static WalkPlan Plan(string rule, StepRates rates) =>
        new(Kinds.Find<StepRule>(rule)!, Steps, rates) { RateIsLearned = true };

    private static ImageLoss LossOf(TinyProblem problem, bool inBatches) =>
        new(problem.Network, new Augmentation(AugmentationOps.Photographs), s_key.Split("loss"), siamese: false)
        {
            BatchSize = inBatches ? 2 : 0,
        };

    // Under the norm a bias has a gradient of rounding alone, of which Adam makes a step: a second mean from 0.01 on damps it.
    private static WalkState Middle(TinyProblem problem, string rule, StepRates rates, ImageLoss loss)
    {
        WalkState at = (Plan(rule, rates) with { Steps = 3, FirstDraw = 100 }).End(
            WalkState.At(problem.Context.Theta(new Window(0, 1, 2), 1)), problem.Start, loss);
        return at.Memory.Length < 2 ? at : at with
        {
            Memory = [at.Memory[0], at.Memory[1].Plus(Tensor.Full(problem.Backend, DType.Float64, at.Theta.Shape, 0.01))],
        };
    }

    private static Tensor Vector(TinyProblem problem, ulong seed)
    {
        double[] numbers = new double[problem.Network.Layout.Count];
        s_key.Split(seed).Normal(numbers);
        return Tensor.From<double>(problem.Backend, numbers, new Shape(numbers.Length));
    }

    private static void Check(Tensor analytic, Tensor at, Func<double[], double> f) =>
        ObjectiveGradientTests.Check(analytic.ToArray<double>(), at.ToArray<double>(), f, 20, 1e-6);

    private static void AssertClose(WalkGradient expected, WalkGradient found, double tolerance)
    {
        AssertClose(expected.Set.Images, found.Set.Images, tolerance);
        AssertClose(expected.Set.LabelLogits, found.Set.LabelLogits, tolerance);
        AssertClose(expected.Start.Theta, found.Start.Theta, tolerance);
        Assert.Equal(expected.Rate, found.Rate, tolerance * Math.Abs(expected.Rate));
    }

    private static void AssertClose(Tensor expected, Tensor found, double tolerance)
    {
        double largest = expected.ToArray<double>().Max(Math.Abs);
        double[] apart = found.Minus(expected).ToArray<double>();
        Assert.True(apart.Max(Math.Abs) < tolerance * largest, $"{apart.Max(Math.Abs)} of {largest}");
    }
}
