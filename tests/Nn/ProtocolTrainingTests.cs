using System.Text.Json;
using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.Golden;
using InfMatch.Tests.Methods;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Nn;

public sealed class ProtocolTrainingTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(5);

    private readonly CpuBackend _backend = new(1);

    [Theory]
    [InlineData(DType.Float64, 1e-14)]
    [InlineData(DType.Float32, 1e-6)]
    public void AdamW_with_rates_halved_at_fifths_makes_the_steps_of_PyTorch(DType dtype, double relative)
    {
        JsonElement golden = GoldenNumbers.Protocols.GetProperty("adamw");
        double[] start = golden.Numbers("start"), gradients = golden.Numbers("gradients"), rates = golden.Numbers("rates");
        double[][] path = [.. golden.GetProperty("path").EnumerateArray()
            .Select(p => p.EnumerateArray().Select(v => v.GetDouble()).ToArray())];
        var shape = new Shape(start.Length);
        Tensor theta = Tensor.From(_backend, dtype, start, shape);
        var means = new AdamMeans(theta.ZerosLike(), theta.ZerosLike());
        for (int t = 0; t < path.Length; t++)
        {
            double rate = RateSchedule.HalfAtFifths.At(0.05, t, path.Length);
            Assert.Equal(rates[t], rate, 1e-16);
            Tensor gradient = Tensor.From(_backend, dtype, gradients.AsSpan(t * start.Length, start.Length), shape);
            (theta, means) = AdamW.Step(theta, means, gradient, t, rate, AdamW.DefaultWeightDecay);
            ConvNetTests.AssertClose(Tensor.From(_backend, dtype, path[t], shape), theta, relative);
        }
    }

    [Fact]
    public void A_training_by_AdamW_makes_its_steps_one_by_one_and_keeps_no_memory()
    {
        // From the beginning, so that what the steps one by one leave behind is not collected while the training runs.
        using var scope = TensorScope.Begin();
        var network = new Mlp(new Shape(1, 2, 3), 3, [4], Activation.Tanh);
        LabelledImages data = Data(network.Image, 3, 11);
        TrainingPlan plan = new(5, 4, 0.02, 0, 0.01, RateSchedule.HalfAtFifths)
        {
            Optimiser = Optimiser.AdamW, CutMix = 0.5,
        };
        Tensor start = network.Initialise(_backend, DType.Float64, s_key);
        var trainer = new Trainer(network, data, plan, s_key);
        Tensor theta = start;
        var means = new AdamMeans(start.ZerosLike(), start.ZerosLike());
        for (int t = 0; t < trainer.Steps; t++)
        {
            Tensor gradient = Differential.GradientAt(trainer.LossAt(t), theta);
            (theta, means) = AdamW.Step(theta, means, gradient, t, 0.02 * Math.Pow(0.5, t / 3), 0.01);
        }
        int live = _backend.Memory.LiveBuffers;
        using (Tensor end = trainer.Run(start))
            Assert.Equal(theta.ToArray<double>(), end.ToArray<double>());
        Assert.Equal(live, _backend.Memory.LiveBuffers);
    }

    [Fact]
    public void An_optimiser_that_starts_afresh_forgets_its_velocity_and_takes_a_tenth_of_the_rate()
    {
        using var scope = TensorScope.Begin();
        var network = new Mlp(new Shape(1, 2, 3), 3, [4], Activation.Tanh);
        LabelledImages data = Data(network.Image, 3, 11); // three steps an epoch
        TrainingPlan plan = new(5, 4, 0.2, 0.9, 0.01, RateSchedule.Constant) { FreshAt = 3 };
        Tensor start = network.Initialise(_backend, DType.Float64, s_key);
        var trainer = new Trainer(network, data, plan, s_key);
        Assert.Equal(15, trainer.Steps);
        double[] theta = start.ToArray<double>(), velocity = new double[theta.Length], kept = theta;
        for (int t = 0; t < trainer.Steps; t++)
        {
            Assert.Equal(t < 9 ? 0.2 : 0.02, trainer.RateAt(t), 1e-17);
            double[] g = Differential.GradientAt(
                trainer.LossAt(t), Tensor.From<double>(_backend, theta, start.Shape)).ToArray<double>();
            double remembered = t == 9 ? 0 : 0.9;
            velocity = [.. velocity.Select((v, i) => remembered * v + g[i] + 0.01 * theta[i])];
            theta = [.. theta.Select((w, i) => w - trainer.RateAt(t) * velocity[i])];
        }
        double[] found = trainer.Run(start).ToArray<double>();
        Assert.All(theta.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-13));
        double[] without = new Trainer(network, data, plan with { FreshAt = null }, s_key).Run(start).ToArray<double>();
        Assert.Contains(without.Zip(found), pair => Math.Abs(pair.First - pair.Second) > 1e-3);
        TrajectoryException e = Assert.Throws<TrajectoryException>(() => Expert.Record(
            new ExpertTraining(network, data, plan, CheckpointSchedule.Every(2), s_key),
            Path.Combine(Path.GetTempPath(), Path.GetRandomFileName())));
        Assert.Contains("starts afresh", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_trajectory_of_AdamW_is_refused_and_leaves_no_file()
    {
        var network = new Mlp(new Shape(1, 2, 3), 3, []);
        TrainingPlan plan = new(1, 4, 0.1, 0, 0, RateSchedule.Constant) { Optimiser = Optimiser.AdamW };
        using var folder = new TemporaryFolder();
        TrajectoryException e = Assert.Throws<TrajectoryException>(() => Expert.Record(
            new ExpertTraining(network, Data(network.Image, 3, 8), plan, CheckpointSchedule.Every(2), s_key),
            folder.At("t")));
        Assert.Contains("influence describes the steps of SGD", e.Message, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void An_expert_under_CutMix_is_replayed_to_the_bit_and_is_not_one_without()
    {
        TrainingPlan plan = new(2, 5, 0.2, 0, 0, RateSchedule.Constant) { CutMix = 1 };
        using var problem = new TinyProblem(
            CheckpointSchedule.Every(6), backend: _backend, dtype: DType.Float32, plan: plan,
            network: new ConvNet(new Shape(1, 6, 6), 3, width: 2, depth: 1));
        Expert expert = problem.Experts[0];
        for (int t = expert.Trajectory.Count - 2; t >= 0; t--)
        {
            using var scope = TensorScope.Begin();
            Tensor theta = expert.Trajectory.Theta(t, _backend, DType.Float32);
            Tensor gradient = Differential.GradientAt(expert.Replay.LossAt(t), theta);
            Assert.Equal(
                expert.Trajectory.Theta(t + 1, _backend, DType.Float32).ToArray<float>(),
                TensorAlgebra.Axpy(-0.2, gradient, theta).ToArray<float>());
        }
        TrajectoryException e = Assert.Throws<TrajectoryException>(() => Expert.Open(
            problem.Network, problem.Data, plan with { CutMix = 0 }, CheckpointSchedule.Every(6),
            RandomKey.FromSeed(7).Split("expert").Split(0UL), expert.Trajectory.Path));
        Assert.Contains("cutMix = 1, but 0 is asked for", e.Message, StringComparison.Ordinal);
        var weighted = new Trainer(problem.Network, problem.Data, plan, s_key)
        {
            Weights = [.. Enumerable.Repeat(1.0, problem.Data.Count)],
        };
        Assert.Throws<InvalidOperationException>(() => weighted.LossAt(0));
    }

    [Fact]
    public void CutMix_takes_boxes_from_partners_and_mixes_labels_by_the_exact_area()
    {
        const int n = 5, c = 2, h = 6, w = 8, classes = 3;
        LabelledImages data = Data(new Shape(c, h, w), classes, n);
        double[] x = data.Images.ToArray<double>(), q = data.Labels.ToArray<double>();
        int mixed = 0;
        for (ulong k = 0; k < 200; k++)
        {
            RandomKey key = s_key.Split(k);
            (Variable images, Variable labels) = CutMix.Apply(
                new Batch(Variable.Constant(data.Images), Variable.Constant(data.Labels)), 0.5, key);
            CutMix.Box? box = CutMix.BoxOf(key, 0.5, h, w);
            int[] partners = CutMix.PartnersOf(key, n);
            mixed += box is null ? 0 : 1;
            double share = 0;
            double[] y = images.Value.ToArray<double>();
            for (int i = 0; i < y.Length; i++)
            {
                int column = i % w, row = i / w % h, image = i / (c * h * w);
                bool inside = box is { } b && row >= b.Top && row < b.Bottom && column >= b.Left && column < b.Right;
                share += inside ? 1.0 / (n * c * h * w) : 0;
                Assert.Equal(inside ? x[(partners[image] - image) * c * h * w + i] : x[i], y[i]);
            }
            double[] r = labels.Value.ToArray<double>();
            for (int i = 0; i < r.Length; i++)
                Assert.Equal((1 - share) * q[i] + share * q[partners[i / classes] * classes + i % classes], r[i], 1e-12);
        }
        Assert.InRange(mixed, 75, 125);
    }

    [Fact]
    public void The_boxes_of_CutMix_have_a_uniform_area_before_they_are_cut_and_lie_everywhere()
    {
        const int side = 32, draws = 4000;
        CutMix.Box[] boxes = [.. Enumerable.Range(0, draws).Select(i => CutMix.BoxOf(s_key.Split((ulong)i), 1, side, side)!.Value)];
        Assert.All(boxes, b => Assert.True(b is { Top: >= 0, Left: >= 0, Bottom: <= side, Right: <= side }));
        double Mean(Func<CutMix.Box, double> f) => boxes.Average(f);
        Assert.InRange(Mean(b => b.Top + b.Bottom), side - 2.2, side + 0.2);
        Assert.InRange(Mean(b => b.Left + b.Right), side - 2.2, side + 0.2);
        // The mean over uniform areas, and over centres in each direction, of what the edges leave of a box.
        double expected = Enumerable.Range(0, 1000).Average(k =>
        {
            int half = (int)(side * Math.Sqrt((k + 0.5) / 1000)) / 2;
            double clipped = Enumerable.Range(0, side).Average(m => Math.Min(side, m + half) - Math.Max(0, m - half));
            return clipped * clipped;
        });
        Assert.InRange(Mean(b => b.Area), expected * 0.95, expected * 1.05);
        Assert.Equal(boxes[7], CutMix.BoxOf(s_key.Split(7), 1, side, side));
        Assert.Null(CutMix.BoxOf(s_key, 0, side, side));
    }

    [Fact]
    public void Augmentation_in_turn_is_flip_color_one_that_moves_and_cutout_behind_each_other()
    {
        LabelledImages data = Data(new Shape(3, 8, 8), 3, 6);
        Variable x = Variable.Constant(data.Images);
        var moved = new HashSet<string>(StringComparer.Ordinal);
        var changes = new int[4];
        for (ulong k = 0; k < 30; k++)
        {
            RandomKey key = s_key.Split(k);
            Variable expected = x;
            AugmentationOps[] ops =
                [AugmentationOps.Flip, AugmentationOps.Color, AugmentationOps.Geometric, AugmentationOps.Cutout];
            for (int i = 0; i < ops.Length; i++)
            {
                Variable next = new Augmentation(ops[i]).Apply(expected, key.Split((ulong)i), siamese: false);
                changes[i] += next.Value.ToArray<double>().SequenceEqual(expected.Value.ToArray<double>()) ? 0 : 1;
                expected = next;
            }
            Variable y = Augmentation.Sequential(AugmentationOps.Photographs).Apply(x, key, siamese: false);
            Assert.Equal(expected.Value.ToArray<double>(), y.Value.ToArray<double>());
            moved.Add(string.Join(' ', y.Value.ToArray<double>()));
        }
        Assert.Equal(30, moved.Count);
        Assert.All(changes, c => Assert.InRange(c, 25, 30));
        Assert.Equal("Photographs, in turn", Augmentation.Sequential(AugmentationOps.Photographs).ToString());
        double[] Digits(AugmentationOps ops) => Augmentation.Sequential(ops).Apply(x, s_key, siamese: true).Value.ToArray<double>();
        Assert.Equal(Digits(AugmentationOps.Digits), Digits(AugmentationOps.Digits));
    }

    private LabelledImages Data(Shape image, int classes, int n)
    {
        var pixels = new double[n * image.Count];
        s_key.Split("pixels").Normal(pixels);
        return new LabelledImages(
            Tensor.From<double>(_backend, pixels, new Shape([n, .. image.Sizes])),
            LabelledImages.OneHot(_backend, DType.Float64, [.. Enumerable.Range(0, n).Select(i => i % classes)], classes));
    }
}
