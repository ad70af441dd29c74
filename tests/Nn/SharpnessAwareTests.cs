using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.IO;
using InfMatch.Tests.Methods;
using InfMatch.Tests.Tensors;

namespace InfMatch.Tests.Nn;

public sealed class SharpnessAwareTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(5);

    private readonly CpuBackend _backend = new(1);

    // Three steps by the formulas of the authors' class, written anew in PyTorch 2.6 in float64 over torch.optim.SGD(lr 0.5,
    // momentum 0.9, weight_decay 0.01) with rho 0.4 and alpha 0.3: the weight [2, 3] and the bias [2] of a linear layer under cross_entropy.
    [Theory]
    [InlineData(true, new[]
    {
        -0.07792573517803641, -0.7569474338389575, 0.5502843924916814, -0.019281252321963427, 0.6597404463389575,
        0.17876801375831872, -0.18317037836556344, 0.08596339086556348,
    })]
    [InlineData(false, new[]
    {
        -0.09606347870803289, -0.8002725413277814, 0.577530267877324, -0.0011435087919670073, 0.7030655538277815,
        0.15152213837267603, -0.259451479937164, 0.1622444924371641,
    })]
    public void Three_steps_are_those_of_PyTorch(bool isAdaptive, double[] expected)
    {
        double[] pixels = [0.5, -1.0, 2.0, 1.5, 0.25, -0.5, -1.0, 0.75, 0.3, 0.2, -0.4, -1.2];
        double[] start = [0.3, -0.2, 0.5, -0.4, 0.1, 0.25, 0.05, -0.15];
        var data = new LabelledImages(
            Tensor.From(_backend, DType.Float64, pixels, new Shape(4, 1, 1, 3)),
            LabelledImages.OneHot(_backend, DType.Float64, [0, 1, 1, 0], 2));
        TrainingPlan plan = new(3, 4, 0.5, 0.9, 0.01, RateSchedule.Constant)
        {
            SharpnessAware = new SharpnessAware(0.4, 0.3) { IsAdaptive = isAdaptive },
        };
        double[] found = new Trainer(new Mlp(new Shape(1, 1, 3), 2, []), data, plan, s_key)
            .Run(Tensor.From(_backend, DType.Float64, start, new Shape(8))).ToArray<double>();
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-14));
    }

    [Fact]
    public void Both_gradients_of_a_step_are_of_one_batch_and_the_direction_is_that_of_plain_loops()
    {
        using var scope = TensorScope.Begin();
        var network = new Mlp(new Shape(1, 4, 4), 3, [5], Activation.Tanh);
        LabelledImages data = Data(network, 11, DType.Float64);
        TrainingPlan plan = Plan(new SharpnessAware(0.2, 0.4)) with { CutMix = 0.5 };
        Tensor start = network.Initialise(_backend, DType.Float64, s_key);
        var trainer = new Trainer(network, data, plan, s_key);
        List<double> losses = [];
        double[] found = trainer.Run(start, observeLosses: read => losses.AddRange(read.Values)).ToArray<double>();

        double[] theta = start.ToArray<double>(), velocity = new double[theta.Length];
        for (int t = 0; t < trainer.Steps; t++)
        {
            double[] at = theta;
            double[] Gradient(double[] of) => Differential.GradientAt(
                trainer.LossAt(t), Tensor.From<double>(_backend, of, start.Shape)).ToArray<double>();
            using (TensorScope.Begin())
            {
                Variable loss = trainer.LossAt(t)(Variable.Leaf(Tensor.From<double>(_backend, at, start.Shape)));
                Assert.Equal(loss.Value.ToArray<double>()[0], losses[t], 1e-12); // at θ, not beside it
            }
            double[] g = Gradient(at);
            double length = Math.Sqrt(g.Zip(at, (a, w) => a * a * w * w).Sum());
            double[] h = Gradient([.. at.Select((w, i) => w + 0.2 * w * w * g[i] / length)]);
            double ratio = Sum(g, h) / Sum(h, h);
            velocity = [.. velocity.Select((v, i) => 0.9 * v + h[i] - 0.4 * (g[i] - ratio * h[i]) + 1e-3 * at[i])];
            theta = [.. at.Select((w, i) => w - trainer.RateAt(t) * velocity[i])];
        }
        Assert.All(theta.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-10));
        double[] plain = new Trainer(network, data, plan with { SharpnessAware = null }, s_key).Run(start).ToArray<double>();
        Assert.Contains(plain.Zip(found), pair => Math.Abs(pair.First - pair.Second) > 1e-3);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Replayed_steps_give_the_bits_of_steps_that_are_computed_one_by_one_on_any_number_of_threads(int threads)
    {
        var network = new ConvNet(new Shape(3, 16, 16), 3, width: 8, depth: 2);
        using var scope = TensorScope.Begin();
        var backend = new CpuBackend(threads);
        var by = new SharpnessAware(0.05, 0.3);
        TrainingPlan plan = Plan(by);
        LabelledImages data = Data(network, 24, DType.Float32, backend); // batches of 10, 10 and 4
        Tensor start = network.Initialise(backend, DType.Float32, s_key);
        int live = backend.Memory.LiveBuffers;
        var trainer = new Trainer(network, data, plan, s_key);
        float[] replayed = trainer.Run(start).ToArray<float>();
        Assert.InRange(backend.Memory.LiveBuffers, live, live + 1); // θ of the end

        LabelledImages same = Data(network, 24, DType.Float32);
        var alone = new Trainer(network, same, plan, s_key);
        Tensor theta = network.Initialise(_backend, DType.Float32, s_key), velocity = theta.ZerosLike();
        for (int step = 0; step < alone.Steps; step++)
        {
            Tensor g = Differential.GradientAt(alone.LossAt(step), theta);
            Tensor h = Differential.GradientAt(alone.LossAt(step), by.Perturbed(theta, g));
            Tensor next = theta.ZerosLike(), nextVelocity = theta.ZerosLike();
            _backend.Run(new SgdStepCall(
                new SgdTensors(theta, velocity), by.Direction(g, h),
                new SgdRates(alone.RateAt(step), plan.Momentum, plan.WeightDecay), new SgdTensors(next, nextVelocity)));
            (theta, velocity) = (next, nextVelocity);
        }
        Assert.Equal(theta.ToArray<float>(), replayed);
    }

    [Fact]
    public void A_gradient_of_nothing_moves_nothing()
    {
        Tensor theta = Tensor.Full(_backend, DType.Float32, new Shape(4), 1), none = theta.ZerosLike();
        var by = new SharpnessAware(0.1, 0.3);
        Assert.Equal(theta.ToArray<float>(), by.Perturbed(theta, none).ToArray<float>());
        Assert.Equal(none.ToArray<float>(), by.Direction(none, none).ToArray<float>());
    }

    [SkippableTheory]
    [InlineData("cuda:0")]
    [InlineData("opencl:0")]
    public void A_device_makes_the_steps_of_the_processor_and_waits_for_losses_alone(string device)
    {
        using GpuBackend gpu = TestDevice.OpenOrSkip(device);
        using var scope = TensorScope.Begin();
        var network = new ConvNet(new Shape(3, 16, 16), 3, width: 8, depth: 2);
        TrainingPlan plan = Plan(new SharpnessAware(0.05, 0.3)) with { Epochs = 16 }; // 48 steps
        float[] Train(Backend on) => new Trainer(network, Data(network, 24, DType.Float32, on), plan, s_key)
            .Run(network.Initialise(on, DType.Float32, s_key)).ToArray<float>();
        float[] expected = Train(_backend);
        Assert.True(gpu.CanCapture); // the check of its captures waits, too, once
        long before = gpu.Transfers.Waits;
        float[] found = Train(gpu);
        Assert.InRange(gpu.Transfers.Waits - before, 1, 8);
        double error = Math.Sqrt(expected.Zip(found, (a, b) => (double)(a - b) * (a - b)).Sum() / expected.Sum(a => (double)a * a));
        Assert.True(error < 1e-3, $"relative error {error:G3}");
        Assert.Equal(found, Train(gpu));
    }

    [Fact]
    public void A_recording_of_it_names_it_and_is_not_taken_for_one_of_SGD_nor_the_other_way_round()
    {
        var by = new SharpnessAware(0.1, 0.3);
        TrainingPlan plan = new(2, 4, 0.1, 0, 0, RateSchedule.Constant) { SharpnessAware = by }, plain = plan with { SharpnessAware = null };
        CheckpointSchedule every = CheckpointSchedule.Every(6);
        RandomKey key = RandomKey.FromSeed(7).Split("expert").Split(0UL);
        using var problem = new TinyProblem(every, backend: _backend, plan: plan);
        using var other = new TinyProblem(every, backend: _backend, plan: plain);
        TrajectoryFile file = problem.Experts[0].Trajectory, ofSgd = other.Experts[0].Trajectory;
        Assert.Equal("gsam rho 0.1 alpha 0.3 adaptive", file.Metadata["sharpnessAware"]);
        Assert.Equal("infmatch-trajectory-3", file.Metadata["format"]); // what earlier versions take for no trajectory of theirs
        Assert.True(TrajectoryFile.IsOne(file.Path));
        Assert.DoesNotContain("sharpnessAware", ofSgd.Metadata.Keys, StringComparer.Ordinal);
        Assert.Equal("infmatch-trajectory-2", ofSgd.Metadata["format"]);
        Expert.Open(problem.Network, problem.Data, plan, every, key, file.Path).Dispose();
        void Refused(string path, TrainingPlan asked, string difference) => Assert.Contains(
            difference,
            Assert.Throws<TrajectoryException>(() => Expert.Open(problem.Network, problem.Data, asked, every, key, path)).Message,
            StringComparison.Ordinal);
        Refused(file.Path, plain, "sharpnessAware = gsam rho 0.1 alpha 0.3 adaptive, but none is asked for");
        Refused(ofSgd.Path, plan, "sharpnessAware = none, but gsam rho 0.1 alpha 0.3 adaptive is asked for");
        Refused(file.Path, plan with { SharpnessAware = by with { Rho = 0.2 } }, "but gsam rho 0.2 alpha 0.3 adaptive is asked for");
    }

    [Fact]
    public void Estimators_of_the_steps_of_SGD_refuse_experts_of_other_steps()
    {
        TrainingPlan plan = new(2, 4, 0.1, 0, 0, RateSchedule.Constant) { SharpnessAware = new SharpnessAware(0.1, 0.3) };
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: _backend, plan: plan);
        foreach (string name in (string[])["unrolled", "paper", "paper+first"])
        {
            SettingException e = Assert.Throws<SettingException>(() => InfluenceEstimator.Of(name).Check(plan));
            Assert.Equal(("ExpertOptimiser", "gsam"), (e.Setting, e.Got));
            Assert.Contains($"sgd beside --estimator {name}", e.Expected, StringComparison.Ordinal);
        }
        foreach (string name in (string[])["first-order", "trajectory-matching"])
        {
            InfluenceEstimator estimator = InfluenceEstimator.Of(name);
            estimator.Check(plan);
            using var window = new OpenWindow(problem.Context, new Window(0, 1, 3));
            double[] moved = problem.Experts[0].Trajectory.Theta(3, _backend, DType.Float64)
                .Minus(problem.Experts[0].Trajectory.Theta(1, _backend, DType.Float64)).ToArray<double>();
            Assert.Equal(moved, estimator.Real(window).ToArray<double>()); // what the experts did, whatever their steps
        }
        TrainingPlan decayed = plan with { SharpnessAware = null, WeightDecay = 0.5 };
        InfluenceEstimator.Of("unrolled").Check(decayed);
        Assert.Equal("ExpertDecay", Assert.Throws<SettingException>(() => InfluenceEstimator.Of("paper").Check(decayed)).Setting);
        using (var window = new OpenWindow(problem.Context, new Window(0, 1, 3)))
        {
            Assert.Contains(
                "the linearised training is that of SGD",
                Assert.Throws<TrajectoryException>(() => InfluenceEstimator.Of("unrolled").Real(window)).Message,
                StringComparison.Ordinal);
        }
        var context = new ExampleContext(problem.Experts[0], new SecondOrderProducts(SecondDerivatives.Exact), Last: 6);
        Assert.Contains(
            "the published form is that of SGD",
            Assert.Throws<TrajectoryException>(() => ExampleInfluences.Create("paper", context)
                .Scores(theta => theta.Sum())).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_plan_says_what_it_said_before_and_more_only_where_there_is_more()
    {
        TrainingPlan plan = new(2, 4, 0.1, 0.9, 0.0005, RateSchedule.Cosine) { MostSteps = 7, CutMix = 0.5 };
        const string before =
            "TrainingPlan { Epochs = 2, BatchSize = 4, Rate = 0.1, Momentum = 0.9, WeightDecay = 0.0005, Schedule = Cosine, " +
            "Augmentation = None, MostSteps = 7, Optimiser = Sgd, CutMix = 0.5, FreshAt = ";
        Assert.Equal(before + " }", $"{plan}"); // folders of recordings are named by it
        Assert.Equal(
            before + ", SharpnessAware = gsam rho 0.01 alpha 0.3 adaptive }",
            $"{plan with { SharpnessAware = new SharpnessAware(SharpnessAware.DefaultRho, SharpnessAware.DefaultAlpha) }}");
        Assert.Equal(plan, plan with { Schedule = new CosineRate() });
        Assert.Equal(
            ["Constant", "Cosine", "StepAtHalf", "HalfAtFifths", "FifthAtTwoThirds"],
            new RateSchedule[]
            {
                RateSchedule.Constant, RateSchedule.Cosine, RateSchedule.StepAtHalf, RateSchedule.HalfAtFifths,
                RateSchedule.FifthAtTwoThirds,
            }.Select(s => $"{s}"),
            StringComparer.Ordinal);
    }

    private static TrainingPlan Plan(SharpnessAware by) => new(4, 10, 0.05, 0.9, 1e-3, RateSchedule.Cosine)
    {
        Augmentation = new Augmentation(AugmentationOps.Photographs), SharpnessAware = by,
    };

    private static double Sum(double[] x, double[] y) => x.Zip(y, (a, b) => a * b).Sum();

    private LabelledImages Data(Network network, int n, DType dtype, Backend? backend = null)
    {
        backend ??= _backend;
        var pixels = new double[n * network.Image.Count];
        s_key.Split("pixels").Normal(pixels);
        int[] labels = [.. Enumerable.Range(0, n).Select(i => i % network.Classes)];
        return new LabelledImages(
            Tensor.From(backend, dtype, pixels, new Shape([n, .. network.Image.Sizes])),
            LabelledImages.OneHot(backend, dtype, labels, network.Classes));
    }
}
