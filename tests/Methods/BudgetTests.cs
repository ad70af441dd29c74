using InfMatch.Autograd;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

/// <summary>What updates cost, and budgets that end them.</summary>
public sealed class BudgetTests
{
    private const int Images = 4;

    private static readonly RandomKey s_key = RandomKey.FromSeed(21);

    [Fact]
    public void An_image_counts_each_time_that_it_passes_with_or_without_a_gradient()
    {
        using var scope = TensorScope.Begin();
        Backend backend = Cpu();
        Network network = new ConvNet(new Shape(1, 8, 8), classes: 3, width: 4, depth: 1);
        Tensor theta = network.Initialise(backend, DType.Float32, s_key);
        Tensor images = Tensor.Normal(backend, DType.Float32, new Shape(5, 1, 8, 8), s_key);
        Assert.Equal(0, backend.ImagesPassed);
        network.Forward(Variable.Constant(theta), Variable.Constant(images));
        Assert.Equal(5, backend.ImagesPassed);
        network.Features(Variable.Constant(theta), Variable.Constant(images));
        Assert.Equal(10, backend.ImagesPassed);
        network.LossAndGradient(theta, Variable.Constant(images), Variable.Constant(backend.Empty(new Shape(5, 3), DType.Float32)));
        Assert.Equal(15, backend.ImagesPassed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Training_counts_every_image_of_every_step_whether_its_kernels_are_replayed_or_not(bool captures)
    {
        using var scope = TensorScope.Begin();
        Backend backend = captures ? Cpu() : Devices.Open("reference").Backend;
        Assert.Equal(captures, backend.CanCapture);
        Network network = new ConvNet(new Shape(1, 8, 8), classes: 3, width: 2, depth: 1);
        var data = new LabelledImages(
            Tensor.Normal(backend, DType.Float32, new Shape(7, 1, 8, 8), s_key), Tensor.Normal(backend, DType.Float32, new Shape(7, 3), s_key));
        var trainer = new Trainer(network, data, new TrainingPlan(3, 4, 0.01, Momentum: 0, WeightDecay: 0, RateSchedule.Constant), s_key);
        trainer.Run(network.Initialise(backend, DType.Float32, s_key)).Dispose();
        Assert.Equal(3 * 7, backend.ImagesPassed);
    }

    [Fact]
    public void By_a_budget_of_images_learning_ends_with_the_update_that_spends_the_rest()
    {
        using var fixture = new Fixture(new DistillationBudget(BudgetUnit.Images, 3 * Images - 1));
        int steps = 0;
        for (; !fixture.Distiller.IsDone; steps++)
            fixture.Distiller.Step();
        Assert.Equal(3, steps);
        Assert.Equal(3L * Images, fixture.Distiller.Images);
        Assert.Equal(1, fixture.Distiller.Done);
    }

    [Fact]
    public void Rates_follow_the_share_of_the_budget_that_is_spent()
    {
        using Fixture counted = new(null, iterations: 8), budget = new(new DistillationBudget(BudgetUnit.Images, 8 * Images));
        for (int i = 0; i < 8; i++)
        {
            counted.Distiller.Step();
            budget.Distiller.Step();
            Assert.Equal((i + 1) / 8.0, budget.Distiller.Done, 1e-12);
            Assert.Equal(i / 8.0, budget.Distiller.DoneBefore, 1e-12);
        }
        double[] expected = counted.Distiller.Set.Images.ToArray<double>(), found = budget.Distiller.Set.Images.ToArray<double>();
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], found[i], 1e-9);
    }

    [Fact]
    public void A_saved_state_counts_on_and_ends_with_the_same_bits()
    {
        var limit = new DistillationBudget(BudgetUnit.Images, 6 * Images);
        using Fixture whole = new(limit), first = new(limit), second = new(limit);
        while (!whole.Distiller.IsDone)
            whole.Distiller.Step();
        first.Distiller.Step();
        first.Distiller.Step();
        second.Distiller.Restore(Read(first.Distiller.Save()));
        Assert.Equal((2L * Images, 2 / 6.0, 1 / 6.0), (second.Distiller.Images, second.Distiller.Done, second.Distiller.DoneBefore));
        while (!second.Distiller.IsDone)
            second.Distiller.Step();
        Assert.Equal(6, second.Distiller.Iteration);
        Assert.Equal(whole.Distiller.Set.Images.ToArray<double>(), second.Distiller.Set.Images.ToArray<double>());
    }

    [Fact]
    public void Seconds_are_those_of_updates_and_are_saved_where_they_are_the_budget()
    {
        var clock = new ManualClock();
        var limit = new DistillationBudget(BudgetUnit.Seconds, 10);
        using Fixture first = new(limit, clock: clock), second = new(limit, clock: clock);
        first.Distiller.Step();
        Assert.Equal(Fixture.SecondsOfStep, first.Distiller.Cost.Seconds, 1e-9);
        clock.Pass(TimeSpan.FromSeconds(1000)); // pictures and evaluations
        Assert.False(first.Distiller.IsDone);
        second.Distiller.Restore(Read(first.Distiller.Save()));
        int steps = 1;
        for (; !second.Distiller.IsDone; steps++)
            second.Distiller.Step();
        Assert.Equal(Math.Ceiling(10 / Fixture.SecondsOfStep), steps);
    }

    [Fact]
    public void A_state_of_an_earlier_version_does_not_tell_its_images()
    {
        using Fixture first = new(null), second = new(null);
        first.Distiller.Step();
        second.Distiller.Restore(Read([.. first.Distiller.Save().Where(a => a.Name != "spent.images")]));
        second.Distiller.Step();
        Assert.Null(second.Distiller.Images);
        Assert.Equal(2, second.Distiller.Iteration);
    }

    private static Backend Cpu() => Devices.Open("cpu", threads: 1).Backend;

    private static ArraySet Read(IReadOnlyList<NamedArray> arrays)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, arrays);
        stream.Position = 0;
        return Safetensors.Read(stream);
    }

    // Images are pulled towards 0 by the mean logit of a network.
    private sealed class Fixture : IDisposable
    {
        public const double SecondsOfStep = 3;

        private readonly Session _session;

        public Fixture(DistillationBudget? budget, int iterations = 1000, ManualClock? clock = null)
        {
            Backend backend = Cpu();
            using var scope = TensorScope.Begin();
            using IDisposable detached = TensorScope.BeginDetached();
            _session = new Session(new ConvNet(new Shape(1, 8, 8), classes: 2, width: 2, depth: 1), backend, clock);
            Tensor images = Tensor.Normal(backend, DType.Float64, new Shape(Images, 1, 8, 8), s_key);
            var start = new SyntheticSet(images, Tensor.Normal(backend, DType.Float64, new Shape(Images, 2), s_key), 1);
            Distiller = new Distiller(
                _session, start,
                new DistillationPlan
                {
                    Iterations = iterations, Budget = budget, Clock = clock ?? TimeProvider.System, Schedule = new CosineSchedule(),
                    Parts = new Dictionary<string, PartPlan>(StringComparer.Ordinal)
                    {
                        [SyntheticSet.ImagesPart] = new(new SgdOptimiser(), 0.5, 0) { Bound = 1e3, Says = "images", Option = "--lr-img" },
                    },
                },
                s_key);
        }

        public Distiller Distiller { get; }

        public void Dispose()
        {
            Distiller.Dispose();
            _session.Dispose();
        }
    }

    private sealed class Session(Network network, Backend backend, ManualClock? clock) : MethodSession
    {
        private readonly Tensor _theta = network.Initialise(backend, DType.Float64, s_key);

        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
        {
            clock?.Pass(TimeSpan.FromSeconds(Fixture.SecondsOfStep));
            Variable images = Variable.Leaf(s.Images);
            Variable loss = network.Loss(Variable.Constant(_theta), images, Variable.Constant(s.LabelLogits));
            return new MethodStep(
                loss.Value.ToArray<double>()[0], SyntheticGradient.Of(s, [Gradient.Of(loss, images).Value, s.LabelLogits.ZerosLike()]), []);
        }
    }
}
