using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

/// <summary>The method cafe.</summary>
public sealed class AligningFeaturesTests
{
    private const int Batch = 2;

    private static readonly RandomKey s_key = RandomKey.FromSeed(62);

    private static readonly Augmentation s_augmentation = new(AugmentationOps.Photographs);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_loss_is_the_weighted_distance_of_class_means_in_all_blocks_and_how_well_those_tell_real_images_apart(int factor)
    {
        using TinyProblem problem = Problem();
        using MethodSession cafe = Begin(problem);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6) with { Factor = factor };
        foreach (ulong number in (ulong[])[0, 1, 2])
        {
            RandomKey key = s_key.Split(number);
            Variable theta = Variable.Constant(problem.Network.Initialise(problem.Backend, DType.Float64, key.Split("network")));
            var real = new (double[][] Block, double[][] Embedding)[3];
            var own = new (double[][] Block, double[][] Embedding)[3];
            double expected = 0;
            for (int c = 0; c < 3; c++)
            {
                RandomKey draw = key.Split("augmentation").Split((ulong)c);
                int[] drawn = problem.RandomOfClass(c, Batch, key.Split("real").Split((ulong)c));
                real[c] = FeaturesOf(problem, theta, Variable.Constant(problem.Train.Rows(drawn).Images), draw);
                own[c] = FeaturesOf(problem, theta, Variable.Constant(s.Rows(2 * c, 2).Images).EnlargeTiles(factor), draw);
                expected += Squared(Mean(real[c].Block), Mean(own[c].Block)) + 2 * Squared(Mean(real[c].Embedding), Mean(own[c].Embedding));
            }
            for (int c = 0; c < 3; c++)
            {
                foreach (double[] image in real[c].Embedding)
                {
                    double[] scores = [.. own.Select(o => Mean(o.Embedding).Zip(image).Sum(p => p.First * p.Second))];
                    expected += 0.01 * (Math.Log(scores.Sum(Math.Exp)) - scores[c]);
                }
            }
            Assert.Equal(expected, cafe.Evaluate(s, 0, key).Loss, 1e-11 * expected);
        }
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(1, 1)]
    public void The_gradient_agrees_with_numeric_differentiation_and_labels_have_none(int factor, int iteration)
    {
        using TinyProblem problem = Problem();
        using MethodSession cafe = Begin(problem, rate: "1E-13"); // S moves θ, too, whose path is not followed
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6) with { Factor = factor };
        foreach (ulong draw in (ulong[])[0, 1, 2])
        {
            double At(double[] images)
            {
                using var scope = TensorScope.Begin();
                SyntheticSet moved = s with { Images = Tensor.From<double>(problem.Backend, images, s.Images.Shape) };
                return cafe.Evaluate(moved, iteration, s_key.Split(draw)).Loss;
            }
            SyntheticGradient found = cafe.Evaluate(s, iteration, s_key.Split(draw)).Gradient!;
            ObjectiveGradientTests.Check(found.Images.ToArray<double>(), s.Images.ToArray<double>(), At, 72, 1e-6);
            Assert.All(found.LabelLogits.ToArray<double>(), v => Assert.Equal(0, v));
        }
    }

    [Theory]
    [InlineData("avg", true)]
    [InlineData("max", true)]
    [InlineData("avg", false)]
    public void What_blocks_give_before_their_pooling_becomes_the_features_behind_it(string pooling, bool isFused)
    {
        var backend = new ReferenceBackend();
        var network = new ConvNet(
            new Shape(3, 8, 8), 4, width: 3, depth: 2, isFused ? Activation.Relu : Activation.Softplus,
            new ConvNetLayers { Pooling = Kinds.Find<Pooling>(pooling)! });
        Variable theta = Variable.Constant(network.Initialise(backend, DType.Float64, s_key));
        Variable images = Variable.Constant(Tensor.Normal(backend, DType.Float64, new Shape(2, 3, 8, 8), s_key));
        NetworkFeatures behind = network.Features(theta, images), before = network.FeaturesBeforePooling(theta, images);
        Equal(behind.Embedding, before.Embedding);
        Assert.Equal(new Shape(2, 3, 8, 8), before.Blocks[0].Shape);
        Assert.Equal(new Shape(2, 3, 4, 4), before.Blocks[1].Shape);
        for (int i = 0; i < 2; i++)
            Equal(behind.Blocks[i], pooling == "max" ? before.Blocks[i].MaxPool2d(2) : before.Blocks[i].AvgPool2d(2));
        var mlp = new Mlp(new Shape(3, 8, 8), 4, [5]);
        Variable other = Variable.Constant(mlp.Initialise(backend, DType.Float64, s_key));
        Equal(mlp.Features(other, images).Blocks[0], mlp.FeaturesBeforePooling(other, images).Blocks[0]);
    }

    [Fact]
    public void A_value_of_the_watch_holds_a_share_of_the_one_before_and_ten_of_them_have_a_range()
    {
        AccuracyWatch watch = AccuracyWatch.Empty;
        for (int i = 0; i < 9; i++)
            watch = watch.With(0.5, 10);
        Assert.Null(watch.Range);
        Assert.Equal([0.5, 0.55, 0.555], watch.Values.Take(3).Select(v => Math.Round(v, 12)));
        watch = watch.With(0.5, 10);
        Assert.Equal(0.0555555555, watch.Range!.Value, 1e-9); // the first less the last
        watch = watch.With(0.5, 10);
        Assert.Equal(0.0055555555, watch.Range!.Value, 1e-9);
        Assert.Equal(10, watch.Values.Length);
    }

    // Ranges that are never or always reached.
    [Theory]
    [InlineData("1E+9", "1E+9", "13", 13, 10)]
    [InlineData("1E+9", "1E-30", "13", 13, 10)]
    [InlineData("1E-30", "1E-30", "9", 9, 0)]
    public void A_network_trains_until_its_accuracy_moves_or_for_the_most_epochs_and_is_replaced_when_it_rests(
        string rest, string move, string most, int mostEpochs, int updates)
    {
        using TinyProblem problem = Problem();
        using MethodSession cafe = Begin(problem, rest: rest, move: move, most: most);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        var epochs = new List<int>();
        for (int i = 0; i < 12; i++)
        {
            using IDisposable detached = TensorScope.BeginDetached();
            using var scope = TensorScope.Begin();
            MethodStep step = cafe.Evaluate(s, i, s_key.Split((ulong)i));
            epochs.Add((int)step.Metrics.Single(m => m.Name == "inner_epochs").Value);
            Assert.InRange(step.Metrics.Single(m => m.Name == "network_accuracy").Value, 0, 1);
            step.Commit!(scope);
        }
        // Ten accuracies after updates are the fewest that have a range: then a fresh network needs no training.
        Assert.Equal(updates == 0 ? [0] : [0, 10], Enumerable.Range(0, 12).Where(i => epochs[i] == 0));
        Assert.All(epochs.Where(e => e > 0), e => Assert.InRange(e, Math.Min(10, mostEpochs), mostEpochs));
        if (move == "1E+9" || mostEpochs < 10)
            Assert.All(epochs.Where(e => e > 0), e => Assert.Equal(mostEpochs, e));
        else
            Assert.Contains(epochs, e => e > 0 && e < mostEpochs);
    }

    [Fact]
    public void Updates_bring_the_means_together_and_continue_from_a_saved_state()
    {
        using TinyProblem problem = Problem(), again = Problem();
        TinyPlan plan = new() { Images = new PartPlan(new SgdOptimiser(), 0.1, 0.5), Iterations = 26 };
        SyntheticSet start = SyntheticBatchTests.SetOf(problem, 6);
        using MethodSession cafe = Begin(problem, batch: "0", augmented: false, most: "3", rest: "1E+9");
        using MethodSession other = Begin(again, batch: "0", augmented: false, most: "3", rest: "1E+9");
        using Distiller distiller = plan.Begin(cafe, start, s_key);
        var losses = new List<double>();
        byte[] half = [];
        for (int i = 0; i < 26; i++)
        {
            if (i == 13)
                half = State(distiller);
            losses.Add(distiller.Step().Loss);
        }
        Assert.True(losses.TakeLast(6).Average() < 0.8 * losses.Take(6).Average(), string.Join(' ', losses));
        using Distiller resumed = plan.Begin(other, SyntheticBatchTests.SetOf(again, 6), s_key);
        resumed.Restore(Safetensors.Read(new MemoryStream(half)));
        while (resumed.Iteration < 26)
            resumed.Step();
        Assert.Equal(State(distiller), State(resumed));
    }

    [Fact]
    public void A_set_that_cannot_be_divided_into_classes_is_refused()
    {
        using TinyProblem problem = Problem();
        using MethodSession cafe = Begin(problem);
        Assert.Equal(
            "A set of 4 images has not equally many of each of 3 classes.",
            Assert.Throws<ShapeException>(() => cafe.Evaluate(SyntheticBatchTests.SetOf(problem, 4), 0, s_key)).Message);
    }

    [Fact]
    public void Beside_its_gradient_an_update_leaves_one_network()
    {
        var backend = new CpuBackend(1);
        using var all = TensorScope.Begin(); // a buffer of nobody's would go when the collector comes, between two counts
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: backend);
        using MethodSession cafe = Begin(problem, most: "2");
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        int live = backend.Memory.LiveBuffers;
        for (int i = 0; i < 2; i++)
        {
            using IDisposable detached = TensorScope.BeginDetached();
            using (var scope = TensorScope.Begin())
                cafe.Evaluate(s, i, s_key).Commit!(scope);
            Assert.Equal(live + 1, backend.Memory.LiveBuffers);
        }
    }

    private static (double[][] Block, double[][] Embedding) FeaturesOf(TinyProblem problem, Variable theta, Variable images, RandomKey draw)
    {
        NetworkFeatures found = problem.Network.FeaturesBeforePooling(theta, s_augmentation.Apply(images, draw, siamese: true));
        return (Rows(found.Blocks.Single()), Rows(found.Embedding));
    }

    private static double[][] Rows(Variable x) => [.. x.Value.ToArray<double>().Chunk(x.Shape.Count / x.Shape[0])];

    private static double[] Mean(double[][] rows) => [.. Enumerable.Range(0, rows[0].Length).Select(k => rows.Average(r => r[k]))];

    private static double Squared(double[] a, double[] b) => a.Zip(b).Sum(p => (p.First - p.Second) * (p.First - p.Second));

    private static void Equal(Variable a, Variable b)
    {
        Assert.Equal(a.Shape, b.Shape);
        Assert.All(a.Value.ToArray<double>().Zip(b.Value.ToArray<double>()), p => Assert.Equal(p.First, p.Second, 1e-12));
    }

    private static MethodSession Begin(
        TinyProblem problem, string? batch = null, bool augmented = true, string rate = "0.01", string rest = "0.04", string move = "0.03",
        string most = "2") =>
        new AligningFeatures().Begin(new MethodContext
        {
            Network = problem.Network, Real = problem, Experts = [], Key = s_key,
            Values = MethodValues.Standard.With(AligningFeatures.RealBatch, batch ?? $"{Batch}").With(AligningFeatures.NetworkRate, rate)
                .With(AligningFeatures.RestRange, rest).With(AligningFeatures.MoveRange, move).With(AligningFeatures.MostEpochs, most),
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
