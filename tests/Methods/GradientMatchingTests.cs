using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

/// <summary>The methods dc and dsa.</summary>
public sealed class GradientMatchingTests
{
    private const int Batch = 2;

    private static readonly RandomKey s_key = RandomKey.FromSeed(61);

    private static readonly Augmentation s_augmentation = new(AugmentationOps.Photographs);

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void The_loss_is_the_sum_over_classes_layers_and_rows_of_one_minus_the_cosine(int factor, bool augmented)
    {
        using TinyProblem problem = Problem();
        using MethodSession method = Begin(problem, augmented: augmented);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6) with { Factor = factor };
        Augmentation augmentation = augmented ? s_augmentation : Augmentation.None;
        for (int iteration = 0; iteration < 3; iteration++)
        {
            RandomKey key = s_key.Split((ulong)iteration);
            Tensor theta = problem.Network.Initialise(problem.Backend, DType.Float64, key.Split("network"));
            double[] GradientOf(Variable images, Variable labels, RandomKey draw) => Differential.GradientAt(
                at => problem.Network.Loss(at, augmentation.Apply(images, draw, siamese: true), labels), theta).ToArray<double>();
            double expected = 0;
            for (int c = 0; c < 3; c++)
            {
                RandomKey draw = key.Split("augmentation").Split((ulong)c);
                LabelledImages real = problem.Train.Rows(problem.RandomOfClass(c, Batch, key.Split("real").Split((ulong)c)));
                SyntheticSet rows = s.Rows(2 * c, 2);
                expected += Distance(
                    problem.Network.Layout,
                    GradientOf(Variable.Constant(real.Images), Variable.Constant(real.Labels), draw),
                    GradientOf(
                        Variable.Constant(rows.Images).EnlargeTiles(factor),
                        Variable.Constant(rows.LabelLogits).Softmax().ForEachTile(factor), draw));
            }
            MethodStep found = method.Evaluate(s, 2 * iteration, key); // two updates a network: each of these begins with a fresh one
            Assert.True(expected > 1e-3);
            Assert.Equal(expected, found.Loss, 1e-12 * expected);
        }
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(1, 1)]
    public void The_gradient_agrees_with_numeric_differentiation_for_images_and_labels(int factor, int iteration)
    {
        using TinyProblem problem = Problem();
        using MethodSession method = Begin(problem, inner: "1", rate: "1E-13"); // S moves θ, too, whose path is not followed
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6) with { Factor = factor };
        double[] x = s.Images.ToArray<double>(), l = s.LabelLogits.ToArray<double>();
        foreach (ulong draw in (ulong[])[0, 1, 2])
        {
            double At(double[] images, double[] logits)
            {
                using var scope = TensorScope.Begin();
                return method.Evaluate(
                    s.WithTensors(
                    [
                        Tensor.From<double>(problem.Backend, images, s.Images.Shape),
                        Tensor.From<double>(problem.Backend, logits, s.LabelLogits.Shape),
                    ]),
                    iteration, s_key.Split(draw)).Loss;
            }
            SyntheticGradient found = method.Evaluate(s, iteration, s_key.Split(draw)).Gradient!;
            ObjectiveGradientTests.Check(found.Images.ToArray<double>(), x, v => At(v, l), 72, 1e-6);
            ObjectiveGradientTests.Check(found.LabelLogits.ToArray<double>(), l, v => At(x, v), 18, 1e-6);
        }
    }

    // The numbers are those of PyTorch 2.6 in float64 for the same network, images and parameters, with the distance as DC's code has it
    // and autograd through the gradient (create_graph).
    [Fact]
    public void The_distance_and_its_gradient_in_the_images_are_those_of_PyTorch()
    {
        using TinyProblem problem = Problem();
        Tensor Sines(int count, double a, double b, Shape shape) => Tensor.From<double>(
            problem.Backend, Enumerable.Range(0, count).Select(i => Math.Sin(a * i + b)).ToArray(), shape);
        Tensor OfSecond(int count) => LabelledImages.OneHot(problem.Backend, DType.Float64, Enumerable.Repeat(1, count).ToArray(), 3);
        int p = problem.Network.Layout.Count;
        Tensor theta = Sines(p, 1.7, 0.3, new Shape(p)), real = Sines(4 * 36, 0.7, 0, new Shape(4, 1, 6, 6));
        var s = new SyntheticSet(Sines(2 * 36, 1.1, 0.5, new Shape(2, 1, 6, 6)), OfSecond(2).Times(60));
        var loss = new ImageLoss(problem.Network, Augmentation.None, s_key);
        Tensor g = Differential.GradientAt(
            at => problem.Network.Loss(at, Variable.Constant(real), Variable.Constant(OfSecond(4))), theta);
        (Tensor distance, Tensor cotangent) =
            new RowCosines(problem.Network.Layout).At(g, Differential.GradientAt(loss.Of(s), theta));
        double[] found = problem.Context.Products.Mixed(theta, loss, s, cotangent).Images.ToArray<double>();
        Assert.Equal(1.4334001818994082, distance.ToScalar(), 1e-12);
        double[] expected = [0.1666809287605826, -0.03948921474588366, -0.354332245946272, 0.2199193989296283];
        Assert.All(expected.Zip([0, 17, 40, 71]), e => Assert.Equal(e.First, found[e.Second], 1e-11));
        Assert.Equal(1.5187177890125, Math.Sqrt(found.Sum(v => v * v)), 1e-11);
    }

    [Fact]
    public void A_row_that_is_zero_adds_one_and_its_cotangent_is_finite()
    {
        using TinyProblem problem = Problem();
        ParameterLayout layout = problem.Network.Layout;
        var cosines = new RowCosines(layout);
        double[] g = Enumerable.Range(0, layout.Count).Select(i => Math.Sin(i)).ToArray(), h = [.. g];
        h.AsSpan(0, 9).Clear(); // the first filter
        (Tensor distance, Tensor cotangent) = cosines.At(Vector(problem, g), Vector(problem, h));
        Assert.Equal(Distance(layout, g, h), distance.ToScalar(), 1e-9);
        Assert.InRange(distance.ToScalar(), 1, 1 + 1e-5);
        Assert.All(cotangent.ToArray<double>(), v => Assert.True(double.IsFinite(v)));
        Assert.Equal(2 * Rows(layout).Count(), cosines.At(Vector(problem, g), Vector(problem, [.. g.Select(v => -v)])).Distance.ToScalar(), 1e-4);
    }

    [Fact]
    public void All_images_of_a_class_against_themselves_have_no_distance_and_two_halves_less_than_noise_has()
    {
        using TinyProblem problem = Problem();
        using MethodSession method = Begin(problem, batch: "0");
        LabelledImages all = problem.Train.Rows([.. Enumerable.Range(0, 12).OrderBy(i => i % 3)]);
        Tensor hard = all.Labels.Times(60);
        SyntheticSet real = SyntheticBatchTests.SetOf(problem, 12) with { Images = all.Images, LabelLogits = hard };
        double self = method.Evaluate(real, 0, s_key).Loss;
        double noise = method.Evaluate(SyntheticBatchTests.SetOf(problem, 12) with { LabelLogits = hard }, 0, s_key).Loss;
        Assert.InRange(self, 0, 1e-3 * noise); // not 0: 10⁻⁶ beside the lengths
    }

    [Fact]
    public void A_network_is_trained_on_S_between_the_updates_of_an_iteration_and_the_next_one_begins_afresh()
    {
        using TinyProblem problem = Problem();
        using MethodSession method = Begin(problem, inner: "4", rate: "0.3");
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        double Fresh(int iteration) => method.Evaluate(s, iteration, s_key).Loss;
        double fresh = Fresh(0);
        Commit(method, s, 0, s_key);
        Assert.NotEqual(fresh, method.Evaluate(s, 1, s_key).Loss);
        Tensor theta = problem.Network.Initialise(problem.Backend, DType.Float64, s_key.Split("network"));
        RandomKey later = s_key.Split(5);
        Tensor trained = new TrainingOnSet(problem.Network, s_augmentation, 0.3).Run(theta, s, 4, later.Split("training"));
        double before = Loss(problem, theta, s), after = Loss(problem, trained, s);
        Assert.True(after < before, $"{after} {before}");
        double expected = Enumerable.Range(0, 3).Sum(c => OfClass(problem, trained, s.Rows(2 * c, 2), c, later));
        Assert.Equal(expected, method.Evaluate(s, 1, later).Loss, 1e-12 * expected);
        Commit(method, s, 1, later);
        Assert.Equal(fresh, Fresh(2));
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(5, 1, 1)]
    [InlineData(6, 10, 50)]
    [InlineData(10, 10, 50)]
    [InlineData(25, 30, 20)]
    [InlineData(50, 50, 10)]
    [InlineData(200, 50, 10)]
    public void Outer_steps_and_epochs_are_those_published_for_the_nearest_number_of_images(int ipc, int outer, int inner) =>
        Assert.Equal((outer, inner), GradientMatching.LoopsOf(ipc));

    [Fact]
    public void Updates_bring_the_gradients_together_and_continue_from_a_state_saved_within_an_iteration()
    {
        using TinyProblem problem = Problem(), again = Problem();
        TinyPlan plan = new() { Images = new PartPlan(new SgdOptimiser(), 0.5, 0.5), Labels = new PartPlan(new SgdOptimiser(), 0, 0), Iterations = 40 };
        SyntheticSet start = HardSet(problem);
        using MethodSession method = Begin(problem, "0", augmented: false), other = Begin(again, "0", augmented: false);
        using Distiller distiller = plan.Begin(method, start, s_key);
        var losses = new List<double>();
        byte[] half = [];
        for (int i = 0; i < 40; i++)
        {
            if (i == 21)
                half = State(distiller);
            losses.Add(distiller.Step().Loss);
        }
        Assert.True(losses.TakeLast(10).Average() < 0.8 * losses.Take(10).Average(), string.Join(' ', losses));
        using Distiller resumed = plan.Begin(other, HardSet(again), s_key);
        resumed.Restore(Safetensors.Read(new MemoryStream(half)));
        while (resumed.Iteration < 40)
            resumed.Step();
        Assert.Equal(State(distiller), State(resumed));
    }

    [Fact]
    public void The_bits_do_not_depend_on_the_threads()
    {
        string[] found = [.. new[] { 1, 2, 3 }.Select(threads =>
        {
            using var all = TensorScope.Begin();
            using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: new CpuBackend(threads), dtype: DType.Float32);
            using MethodSession method = Begin(problem);
            SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
            Commit(method, s, 0, s_key);
            MethodStep step = method.Evaluate(s, 1, s_key.Split(1));
            return step.Loss + " " + string.Join(' ', step.Gradient!.Images.ToArray<float>());
        })];
        Assert.Single(found.Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public void A_set_that_cannot_be_divided_into_classes_and_a_state_of_another_network_are_refused()
    {
        using TinyProblem problem = Problem();
        using MethodSession method = Begin(problem);
        Assert.Equal(
            "A set of 4 images has not equally many of each of 3 classes.",
            Assert.Throws<ShapeException>(() => method.Evaluate(SyntheticBatchTests.SetOf(problem, 4), 0, s_key)).Message);
        var stream = new MemoryStream();
        Safetensors.Write(stream, [NamedArray.From("next", [1], (int[])[1]), NamedArray.From("theta", [2], (double[])[1, 2])]);
        stream.Position = 0;
        ArraySet wrong = Safetensors.Read(stream);
        Assert.Contains("this run needs", Assert.Throws<ShapeException>(() => method.Restore(wrong)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Beside_its_gradient_an_update_leaves_a_network_and_only_where_another_goes_on_with_it()
    {
        var backend = new CpuBackend(1);
        using var all = TensorScope.Begin(); // a buffer of nobody's would go when the collector comes, between two counts
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: backend);
        using MethodSession method = Begin(problem);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        int live = backend.Memory.LiveBuffers;
        Commit(method, s, 0, s_key);
        Assert.Equal(live + 1, backend.Memory.LiveBuffers);
        Commit(method, s, 1, s_key);
        Assert.Equal(live, backend.Memory.LiveBuffers);
    }

    private static SyntheticSet HardSet(TinyProblem problem) => SyntheticBatchTests.SetOf(problem, 6) with
    {
        LabelLogits = LabelledImages.OneHot(problem.Backend, DType.Float64, [0, 0, 1, 1, 2, 2], 3).Times(60),
    };

    private static void Commit(MethodSession method, SyntheticSet s, int iteration, RandomKey key)
    {
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        method.Evaluate(s, iteration, key).Commit!(scope);
    }

    private static double Loss(TinyProblem problem, Tensor theta, SyntheticSet s) =>
        new ImageLoss(problem.Network, Augmentation.None, s_key).Of(s)(Variable.Constant(theta)).Value.ToScalar();

    private static double OfClass(TinyProblem problem, Tensor theta, SyntheticSet rows, int label, RandomKey key)
    {
        RandomKey draw = key.Split("augmentation").Split((ulong)label);
        LabelledImages real = problem.Train.Rows(problem.RandomOfClass(label, Batch, key.Split("real").Split((ulong)label)));
        Variable images = s_augmentation.Apply(Variable.Constant(real.Images), draw, siamese: true);
        Tensor g = Differential.GradientAt(at => problem.Network.Loss(at, images, Variable.Constant(real.Labels)), theta);
        Tensor h = Differential.GradientAt(new ImageLoss(problem.Network, s_augmentation, draw).Of(rows), theta);
        return Distance(problem.Network.Layout, g.ToArray<double>(), h.ToArray<double>());
    }

    // Written out: each row of each parameter of two or more axes.
    private static double Distance(ParameterLayout layout, double[] g, double[] h) => Rows(layout).Sum(row =>
    {
        (double gh, double gg, double hh) = (0, 0, 0);
        for (int i = row.First; i < row.First + row.Length; i++)
            (gh, gg, hh) = (gh + g[i] * h[i], gg + g[i] * g[i], hh + h[i] * h[i]);
        return 1 - gh / (Math.Sqrt(gg) * Math.Sqrt(hh) + 1e-6);
    });

    private static IEnumerable<(int First, int Length)> Rows(ParameterLayout layout) => layout.Parameters
        .Where(p => p.Shape.Rank > 1)
        .SelectMany(p => Enumerable.Range(0, p.Shape[0]).Select(r => (p.Offset + r * (p.Shape.Count / p.Shape[0]), p.Shape.Count / p.Shape[0])));

    private static Tensor Vector(TinyProblem problem, double[] values) =>
        Tensor.From<double>(problem.Backend, values, new Shape(values.Length));

    private static MethodSession Begin(
        TinyProblem problem, string? batch = null, bool augmented = true, string inner = "2", string rate = "0.01") =>
        new SiameseAugmentation().Begin(new MethodContext
        {
            Network = problem.Network, Real = problem, Experts = [], Key = s_key,
            Values = MethodValues.Standard.With(GradientMatching.RealBatch, batch ?? $"{Batch}").With(GradientMatching.OuterSteps, "2")
                .With(GradientMatching.InnerEpochs, inner).With(GradientMatching.NetworkRate, rate),
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
