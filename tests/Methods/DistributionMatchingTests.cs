using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

public sealed class DistributionMatchingTests
{
    private const int Batch = 2;

    private static readonly RandomKey s_key = RandomKey.FromSeed(61);

    private static readonly Augmentation s_augmentation = new(AugmentationOps.Photographs);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_loss_is_the_sum_over_classes_and_features_of_squared_distances_of_means(int factor)
    {
        using TinyProblem problem = Problem();
        using MethodSession dm = Begin(problem);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6) with { Factor = factor };
        for (int iteration = 0; iteration < 3; iteration++)
        {
            RandomKey key = s_key.Split((ulong)iteration);
            Tensor theta = problem.Network.Initialise(problem.Backend, DType.Float64, key.Split("network"));
            double expected = 0;
            for (int c = 0; c < 3; c++)
            {
                RandomKey draw = key.Split("augmentation").Split((ulong)c);
                int[] real = problem.RandomOfClass(c, Batch, key.Split("real").Split((ulong)c));
                Assert.All(real, i => Assert.Equal(c, i % 3));
                double[] one = MeanOf(problem, theta, problem.Train.Rows(real).Images, draw);
                Tensor tiles = Variable.Constant(s.Rows(2 * c, 2).Images).EnlargeTiles(factor).Value;
                double[] other = MeanOf(problem, theta, tiles, draw);
                expected += one.Zip(other).Sum(p => (p.First - p.Second) * (p.First - p.Second));
            }
            MethodStep found = dm.Evaluate(s, iteration, key);
            Assert.True(expected > 1e-3);
            Assert.Equal(expected, found.Loss, 1e-12 * expected);
            Assert.False(found.Skip);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_gradient_agrees_with_numeric_differentiation_and_labels_have_none(int factor)
    {
        using TinyProblem problem = Problem();
        using MethodSession dm = Begin(problem);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6) with { Factor = factor };
        foreach (ulong draw in (ulong[])[0, 1, 2])
        {
            double At(double[] images)
            {
                using var scope = TensorScope.Begin();
                return dm.Evaluate(
                    s with { Images = Tensor.From<double>(problem.Backend, images, s.Images.Shape) }, 0, s_key.Split(draw)).Loss;
            }
            SyntheticGradient found = dm.Evaluate(s, 0, s_key.Split(draw)).Gradient!;
            ObjectiveGradientTests.Check(found.Images.ToArray<double>(), s.Images.ToArray<double>(), At, 216, 1e-6);
            Assert.All(found.LabelLogits.ToArray<double>(), v => Assert.Equal(0, v));
        }
    }

    [Fact]
    public void The_loss_of_real_images_against_all_of_their_class_is_zero_at_the_class()
    {
        using TinyProblem problem = Problem();
        using MethodSession dm = Begin(problem, "0");
        LabelledImages all = problem.Train.Rows([.. Enumerable.Range(0, 12).OrderBy(i => i % 3)]);
        SyntheticSet real = SyntheticBatchTests.SetOf(problem, 12) with { Images = all.Images };
        Assert.Equal(0, dm.Evaluate(real, 0, s_key).Loss, 1e-20);
    }

    [Fact]
    public void Fifty_updates_bring_the_means_together_and_continue_from_a_saved_state()
    {
        using TinyProblem problem = Problem(), again = Problem();
        TinyPlan plan = new() { Images = new PartPlan(new SgdOptimiser(), 0.3, 0.5), Iterations = 50 };
        SyntheticSet start = SyntheticBatchTests.SetOf(problem, 6);
        using MethodSession dm = Begin(problem, "0", augmented: false), other = Begin(again, "0", augmented: false);
        using Distiller distiller = plan.Begin(dm, start, s_key);
        var losses = new List<double>();
        byte[] half = [];
        for (int i = 0; i < 50; i++)
        {
            if (i == 25)
                half = State(distiller);
            losses.Add(distiller.Step().Loss);
        }
        Assert.True(losses.TakeLast(10).Average() < 0.5 * losses.Take(10).Average(), string.Join(' ', losses));
        Assert.Equal(start.LabelLogits.ToArray<double>(), distiller.Set.LabelLogits.ToArray<double>());
        using Distiller resumed = plan.Begin(other, SyntheticBatchTests.SetOf(again, 6), s_key);
        resumed.Restore(Safetensors.Read(new MemoryStream(half)));
        while (resumed.Iteration < 50)
            resumed.Step();
        Assert.Equal(State(distiller), State(resumed));
    }

    [Fact]
    public void A_set_that_cannot_be_divided_into_classes_is_refused()
    {
        using TinyProblem problem = Problem();
        using MethodSession dm = Begin(problem);
        Assert.Equal(
            "A set of 4 images has not equally many of each of 3 classes.",
            Assert.Throws<ShapeException>(() => dm.Evaluate(SyntheticBatchTests.SetOf(problem, 4), 0, s_key)).Message);
    }

    [Fact]
    public void An_update_leaves_nothing_but_its_gradient()
    {
        var backend = new CpuBackend(1);
        using var all = TensorScope.Begin(); // a buffer of nobody's would go when the collector comes, between two counts
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: backend);
        using MethodSession dm = Begin(problem);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        int live = backend.Memory.LiveBuffers;
        using (TensorScope.Begin())
        {
            dm.Evaluate(s, 0, s_key);
            Assert.Equal(live + 3, backend.Memory.LiveBuffers); // two parts and θ
        }
        Assert.Equal(live, backend.Memory.LiveBuffers);
    }

    private static double[] MeanOf(TinyProblem problem, Tensor theta, Tensor images, RandomKey draw)
    {
        Variable augmented = s_augmentation.Apply(Variable.Constant(images), draw, siamese: true);
        double[] embedding = problem.Network.Features(Variable.Constant(theta), augmented).Embedding.Value.ToArray<double>();
        int n = images.Shape[0], f = embedding.Length / n;
        return [.. Enumerable.Range(0, f).Select(k => Enumerable.Range(0, n).Average(i => embedding[i * f + k]))];
    }

    private static MethodSession Begin(TinyProblem problem, string? batch = null, bool augmented = true) =>
        new DistributionMatching().Begin(new MethodContext
        {
            Network = problem.Network, Real = problem, Experts = [],
            Values = MethodValues.Standard.With(DistributionMatching.RealBatch, batch ?? $"{Batch}"), Key = s_key,
            Augmentation = augmented ? s_augmentation : Augmentation.None,
        });

    private static TinyProblem Problem() => new(CheckpointSchedule.Every(6));

    private static byte[] State(Distiller distiller)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, distiller.Save());
        return stream.ToArray();
    }
}
