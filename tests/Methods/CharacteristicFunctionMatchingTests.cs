using InfMatch.Autograd;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

public sealed class CharacteristicFunctionMatchingTests
{
    private static readonly RandomKey s_key = ClassStepTests.Key;

    // The numbers are those of PyTorch 2.6 in float64 on the same rows, with the formula of NCFM's code.
    [Fact]
    public void The_loss_and_its_gradient_are_those_of_PyTorch()
    {
        Variable real = Waves(5, 4, 1.7, 0.3), leaf = Variable.Leaf(Waves(3, 4, 0.9, 1.1).Value), t = 2 * Waves(6, 4, 2.3, 0.7);
        Variable loss = CharacteristicFunctionMatching.DistanceOf(
            CharacteristicFunctionMatching.FunctionOf(real, t), CharacteristicFunctionMatching.FunctionOf(leaf, t));
        Assert.Equal(227.31305281880773, loss.Value.ToScalar(), 1e-11);
        double[] expected =
        [
            -0.4741415133996578, -43.57895398024213, 64.10946192641728, -40.386246100714445, -2.4094055254948197, -27.96870964695066,
            44.503850435654584, -32.9791195161279, -1.5482467576366368, -46.817515820547705, 67.75553230813819, -54.18446189478393,
        ];
        double[] found = Gradient.Of(loss, leaf).Value.ToArray<double>();
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-10));
    }

    // Φ by complex numbers one by one, at a network that lies between the ends of an expert's training.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_matching_loss_is_that_of_characteristic_functions_summed_one_by_one(int factor)
    {
        using TinyProblem problem = ClassStepTests.Problem();
        using MethodSession ncfm = ClassStepTests.Begin(problem, "ncfm");
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6) with { Factor = factor };
        MethodStep found = ncfm.Evaluate(s, 0, s_key);
        double Metric(string name) => found.Metrics.Single(metric => metric.Name == name).Value;
        var trajectory = problem.Experts[(int)Metric("expert")].Trajectory;
        double share = Metric("initial_share");
        double[] first = Theta(0), last = Theta(trajectory.Count - 1);
        Tensor theta = Tensor.From<double>(
            problem.Backend, [.. first.Zip(last, (a, b) => share * a + (1 - share) * b)], new Shape(first.Length));
        RandomKey own = s_key.Split("iteration of class steps").Split(0);
        var t = new double[24 * problem.Network.EmbeddingSize];
        own.Split("frequencies").Normal(t);
        double expected = 0;
        for (int c = 0; c < 3; c++)
        {
            RandomKey draw = s_key.Split("augmentation").Split((ulong)c);
            int[] rows = problem.RandomOfClass(c, 3, s_key.Split("real").Split((ulong)c));
            double[][] real = Embeddings(problem, theta, problem.Train.Rows(rows).Images, draw);
            Tensor tiles = Variable.Constant(s.Rows(2 * c, 2).Images).EnlargeTiles(factor).Value;
            double[][] synthetic = Embeddings(problem, theta, tiles, draw);
            expected += Distance(real, synthetic, t) / 3;
        }
        Assert.InRange(share, 0, 1);
        Assert.Equal(expected, Metric("matching"), 1e-10 * expected);

        double[] Theta(int checkpoint) => trajectory.Theta(checkpoint, problem.Backend, DType.Float64).ToArray<double>();
    }

    [Fact]
    public void Two_draws_of_real_images_are_not_at_distance_0_and_all_images_against_themselves_nearly_are()
    {
        using TinyProblem problem = ClassStepTests.Problem();
        LabelledImages all = problem.Train.Rows([.. Enumerable.Range(0, 12).OrderBy(i => i % 3)]);
        SyntheticSet real = SyntheticBatchTests.SetOf(problem, 12) with { Images = all.Images };
        using MethodSession whole = ClassStepTests.Begin(problem, "ncfm", (ClassStepSession.RealBatch, "0"));
        using MethodSession part = ClassStepTests.Begin(problem, "ncfm", (ClassStepSession.RealBatch, "2"));
        Assert.InRange(whole.Evaluate(real, 0, s_key).Metrics[0].Value, 2e-4, 3e-4); // 300·√(½·1e-12)
        Assert.InRange(part.Evaluate(real, 0, s_key).Metrics[0].Value, 1, 300);
    }

    // Numbers that any program can make.
    internal static Variable Waves(int rows, int columns, double rate, double phase) => Variable.Constant(Tensor.From<double>(
        Backend.Default, [.. Enumerable.Range(0, rows * columns).Select(i => Math.Sin(rate * i + phase))],
        new Shape(rows, columns)));

    internal static double[][] Embeddings(TinyProblem problem, Tensor theta, Tensor images, RandomKey draw)
    {
        Variable augmented = ClassStepTests.Augmented.Apply(Variable.Constant(images), draw, siamese: true);
        double[] all = problem.Network.Features(Variable.Constant(theta), augmented).Embedding.Value.ToArray<double>();
        return [.. all.Chunk(problem.Network.EmbeddingSize)];
    }

    private static double Distance(double[][] real, double[][] synthetic, double[] frequencies)
    {
        double[][] all = [.. frequencies.Chunk(real[0].Length)];
        return 300 * all.Average(t =>
        {
            (double re, double im) = At(real, t);
            (double re2, double im2) = At(synthetic, t);
            double length = Math.Sqrt(re * re + im * im), length2 = Math.Sqrt(re2 * re2 + im2 * im2);
            double phase = Math.Max(1e-12, 2 * (length * length2 - re * re2 - im * im2));
            return Math.Sqrt(0.5 * (length - length2) * (length - length2) + 0.5 * phase);
        });
    }

    private static (double Re, double Im) At(double[][] rows, double[] t)
    {
        double[] angles = [.. rows.Select(row => row.Zip(t).Sum(p => p.First * p.Second) / Math.Sqrt(row.Sum(v => v * v)))];
        return (angles.Average(Math.Cos), angles.Average(Math.Sin));
    }
}
