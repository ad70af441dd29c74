using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

public sealed class RandomTruncationTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(47);

    private static readonly Augmentation s_augmentation = new(AugmentationOps.Flip | AugmentationOps.Rotate);

    // Adam on plain numbers, from the start that the first ten updates share.
    [Fact]
    public void The_loss_is_that_of_real_images_at_the_end_of_a_training_on_S()
    {
        using TinyProblem problem = Problem();
        using MethodSession rat = Begin(problem);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        MethodStep found = rat.Evaluate(s, 1, s_key);
        int start = (int)found.Metrics.Single(m => m.Name == "start").Value;
        Assert.Equal(s_key.Split("start").Split(0).Below(3, 0), start);
        double[] theta = problem.Network.Initialise(problem.Backend, DType.Float64, s_key.Split("network")).ToArray<double>();
        double[] m = new double[theta.Length], v = new double[theta.Length];
        for (int t = 0; t < start + 3; t++)
        {
            double[] g = GradientOf(problem, s.AsTrainingSet(), s_key.Split("walk").Split((ulong)t), theta);
            for (int i = 0; i < g.Length; i++)
            {
                (m[i], v[i]) = (0.9 * m[i] + 0.1 * g[i], 0.999 * v[i] + 0.001 * g[i] * g[i]);
                theta[i] -= 0.01 * m[i] / (1 - Math.Pow(0.9, t + 1)) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.999, t + 1))) + 1e-8);
            }
        }
        int[] rows = s_key.Split("real").Split(0).Permutation(12)[5..10]; // the second of two batches
        double expected = LossOf(problem, problem.Train.Rows(rows), s_key.Split("real augmentation").Split(0))(
            Variable.Constant(Tensor.From<double>(problem.Backend, theta, new Shape(theta.Length)))).Value.ToScalar();
        Assert.Equal(expected, found.Loss, 1e-9);
    }

    [Theory]
    [InlineData("adam", 1, 0)]
    [InlineData("sgd", 1, 0)]
    [InlineData("adam", 2, 4)]
    public void The_gradient_agrees_with_numeric_differentiation(string optimiser, int factor, int batch)
    {
        using TinyProblem problem = Problem();
        using MethodSession rat = Begin(problem, batch, (RandomTruncation.InnerOptimiser, optimiser), (RandomTruncation.InnerRate, "0.05"));
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6) with { Factor = factor };
        double At(double[] images, double[] logits)
        {
            using var scope = TensorScope.Begin();
            return rat.Evaluate(
                s.WithTensors([
                    Tensor.From<double>(problem.Backend, images, s.Images.Shape),
                    Tensor.From<double>(problem.Backend, logits, s.LabelLogits.Shape),
                ]),
                0, s_key).Loss;
        }
        double[] x = s.Images.ToArray<double>(), l = s.LabelLogits.ToArray<double>();
        SyntheticGradient found = rat.Evaluate(s, 0, s_key).Gradient!;
        ObjectiveGradientTests.Check(found.Images.ToArray<double>(), x, v => At(v, l), 24, 1e-5);
        ObjectiveGradientTests.Check(found.LabelLogits.ToArray<double>(), l, v => At(x, v), 9, 1e-5);
    }

    [Fact]
    public void Ten_updates_share_a_start_and_the_starts_reach_from_nothing_to_all_but_the_window()
    {
        using TinyProblem problem = Problem();
        using MethodSession rat = Begin(problem);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 3);
        int At(int iteration)
        {
            using var scope = TensorScope.Begin();
            return (int)rat.Evaluate(s, iteration, s_key).Metrics.Single(m => m.Name == "start").Value;
        }
        int[] starts = [.. Enumerable.Range(0, 20).Select(i => At(10 * i))];
        Assert.Equal([0, 1, 2], starts.Distinct().Order());
        Assert.Equal(starts[3], At(39));
    }

    [Fact]
    public void A_gradient_far_longer_than_the_mean_is_scaled_down_to_twice_the_mean()
    {
        using TinyProblem problem = Problem();
        using MethodSession rat = Begin(problem), free = Begin(problem);
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        SyntheticGradient whole = free.Evaluate(s, 0, s_key).Gradient!;
        double norm = whole.Images.Norm(), mean = 0.9 * norm / 100 + 0.1 * norm;
        Restore(rat, norm / 100);
        MethodStep found = rat.Evaluate(s, 0, s_key);
        Assert.Equal(norm, found.Metrics.Single(m => m.Name == "gradient_norm").Value, 1e-12 * norm);
        Assert.Equal(2 * mean, found.Gradient!.Images.Norm(), 1e-12 * norm);
        Assert.Equal(whole.LabelLogits.ToArray<double>(), found.Gradient.LabelLogits.ToArray<double>());
        using (var scope = TensorScope.Begin())
            found.Commit!(scope);
        Assert.Equal(mean, rat.Save().Single().AsFloat64()[0], 1e-12 * norm);
        Assert.Throws<ShapeException>(() => Restore(rat, -1));
    }

    [Fact]
    public void Forty_updates_lower_the_outcome_and_continue_from_a_saved_state()
    {
        using TinyProblem problem = Problem(), again = Problem();
        TinyPlan plan = new()
        {
            Images = new PartPlan(new AdamOptimiser(), 0.05, 0), Labels = new PartPlan(new AdamOptimiser(), 0.05, 0), Iterations = 40,
        };
        using MethodSession rat = Begin(problem, 0, (RandomTruncation.InnerRate, "0.1")), other = Begin(again, 0, (RandomTruncation.InnerRate, "0.1"));
        using Distiller distiller = plan.Begin(rat, SyntheticBatchTests.SetOf(problem, 6), s_key);
        double before = distiller.Probe();
        byte[] half = [];
        for (int i = 0; i < 40; i++)
        {
            if (i == 17)
                half = State(distiller);
            distiller.Step();
        }
        Assert.True(distiller.Probe() < before - 0.05, $"{before} → {distiller.Probe()}");
        using Distiller resumed = plan.Begin(other, SyntheticBatchTests.SetOf(again, 6), s_key);
        resumed.Restore(Safetensors.Read(new MemoryStream(half)));
        while (resumed.Iteration < 40)
            resumed.Step();
        Assert.Equal(State(distiller), State(resumed));
    }

    [Fact]
    public void A_window_longer_than_the_training_is_refused() => Assert.Equal(
        "MostSteps is 50, expected at least the window of 60 steps.",
        Assert.Throws<SettingException>(() => new RandomTruncation().Check(
            MethodValues.Standard.With(RandomTruncation.MostSteps, "50"), new ExpertPlan(0, 0))).Message);

    private static double[] GradientOf(TinyProblem problem, LabelledImages set, RandomKey draw, double[] theta) =>
        Differential.GradientAt(
            LossOf(problem, set, draw), Tensor.From<double>(problem.Backend, theta, new Shape(theta.Length))).ToArray<double>();

    private static ParameterLoss LossOf(TinyProblem problem, LabelledImages set, RandomKey draw)
    {
        Variable images = s_augmentation.Apply(Variable.Constant(set.Images), draw, siamese: false);
        return theta => problem.Network.Forward(theta, images).CrossEntropy(Variable.Constant(set.Labels));
    }

    private static TinyProblem Problem() => new(CheckpointSchedule.Every(6));

    private static MethodSession Begin(
        TinyProblem problem, int batch = 0, params ReadOnlySpan<(MethodSetting Setting, string Text)> settings)
    {
        MethodValues values = MethodValues.Standard.With(RandomTruncation.Window, "3").With(RandomTruncation.MostSteps, "5")
            .With(RandomTruncation.RealBatch, "5").With(RandomTruncation.InnerRate, "0.01");
        foreach ((MethodSetting setting, string text) in settings)
            values = values.With(setting, text);
        return new RandomTruncation().Begin(new MethodContext
        {
            Network = problem.Network, Real = problem, Experts = [], Values = values, Key = s_key, Augmentation = s_augmentation,
            BatchSyn = batch, Products = new SecondOrderProducts(SecondDerivatives.Exact),
        });
    }

    private static void Restore(MethodSession rat, double mean)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, [NamedArray.From("gradient_norm", [1], (double[])[mean])]);
        rat.Restore(Safetensors.Read(new MemoryStream(stream.ToArray())));
    }

    private static byte[] State(Distiller distiller)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, distiller.Save());
        return stream.ToArray();
    }
}
