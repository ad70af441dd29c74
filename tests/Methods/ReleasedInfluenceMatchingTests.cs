using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

public sealed class ReleasedInfluenceMatchingTests
{
    private static readonly RandomKey s_key = ClassStepTests.Key;

    // The numbers of this test and the next are those of PyTorch 2.6 in float64, with the formulas of the released code.
    [Fact]
    public void The_mean_feature_and_its_gradient_are_those_of_PyTorch()
    {
        Variable embedding = Variable.Leaf(CharacteristicFunctionMatchingTests.Waves(3, 4, 0.9, 1.1).Value);
        Variable logits = embedding.MatMul(CharacteristicFunctionMatchingTests.Waves(3, 4, 0.6, 0.2), transposeB: true)
            + CharacteristicFunctionMatchingTests.Waves(1, 3, 0.4, 0.5);
        Variable mean = ReleasedInfluenceMatching.FeatureOf(logits, embedding, label: 1, share: 0.2);
        Near(
            [
                0.11370020618967962, 0.07656327792360913, -0.01851521266809425, -0.0995817594418864, 0.12204998631186915,
                0.07625025883294388, -0.02725414436431689, -0.11013315446003809, 0.08922155772143929, 0.05850962072779814,
                -0.016481230753168957, -0.07899941537887582,
            ],
            mean);
        Variable seen = mean.Dot(CharacteristicFunctionMatchingTests.Waves(1, 12, 1.3, 0.9));
        Near(
            [
                -0.16786477744239842, 0.10354788048934123, 0.13514493004673833, -0.04886004719041345, -0.13256281540551576,
                0.1487863343317988, 0.168285489592882, -0.06169669099802533, -0.05854358307133043, 0.22076582927714275,
                0.17682054846199388, -0.11647638744494776,
            ],
            Gradient.Of(seen, embedding));
    }

    [Fact]
    public void The_distance_of_projections_and_its_gradient_are_those_of_PyTorch()
    {
        Variable a = CharacteristicFunctionMatchingTests.Waves(1, 5, 0.8, 0.1);
        Variable b = Variable.Leaf(CharacteristicFunctionMatchingTests.Waves(1, 5, 1.9, 0.6).Value);
        Variable distance = ReleasedInfluenceMatching.DistanceOf(a, b);
        Assert.Equal(99.22937114780102, distance.Value.ToScalar(), 1e-11);
        Near(
            [11.409281514806509, -8.475232868954137, -0.8654842249632821, -66.67880234291755, -6.555631951422903],
            Gradient.Of(distance, b));
    }

    [Fact]
    public void Probes_are_unit_vectors_each_other_at_right_angles_and_others_for_another_key()
    {
        const int size = 11, padded = 16;
        Tensor like = Tensor.Of(0);
        double[][] Rows(RandomKey key, int count, out int found)
        {
            var probes = new RandomProbes(like, size, count, key);
            found = probes.Count;
            double[][] columns = [.. Enumerable.Range(0, size).Select(i =>
            {
                var unit = new double[size];
                unit[i] = 1;
                Variable axis = Variable.Constant(Tensor.From<double>(like.Backend, unit, new Shape(1, size)));
                return probes.Project(axis).Value.ToArray<double>();
            })];
            return [.. Enumerable.Range(0, found).Select(k => columns.Select(column => column[k]).ToArray())];
        }
        double[][] all = Rows(s_key, 1000, out int count);
        Assert.Equal(padded, count);
        Assert.All(all, row => Assert.Equal(1, row.Sum(v => v * v), 1e-14));
        // A whole Hadamard matrix: its columns are orthogonal, and cut rows keep that on average.
        for (int i = 0; i < size; i++)
        for (int j = 0; j < i; j++)
            Assert.Equal(0, all.Sum(row => row[i] * row[j]), 1e-14);
        double[][] some = Rows(s_key, 5, out count);
        Assert.Equal(5, count);
        Assert.All(some, row => Assert.Contains(all, known => known.SequenceEqual(row)));
        Assert.NotEqual(some, Rows(s_key.Split(1), 5, out _));
    }

    // Over infinitely many normal probes the mean of (a − b)²/(a² + b²) is 1 − 2C/(A + B + 2√(AB − C²)), by the mean direction of
    // a normal pair with the squared lengths A, B and the product C.
    [Fact]
    public void Probes_give_the_mean_of_normal_ones()
    {
        const int size = 700;
        var backend = new CpuBackend(1);
        Variable x = Variable.Constant(Tensor.Normal(backend, DType.Float64, new Shape(1, size), s_key.Split("x")));
        Variable noise = Variable.Constant(Tensor.Normal(backend, DType.Float64, new Shape(1, size), s_key.Split("y")));
        Variable y = 1.3 * x + 0.6 * noise;
        double a = x.Dot(x).Value.ToScalar(), b = y.Dot(y).Value.ToScalar(), c = x.Dot(y).Value.ToScalar();
        double expected = 100 * (1 - 2 * c / (a + b + 2 * Math.Sqrt(a * b - c * c)));
        double[] found = [.. Enumerable.Range(0, 20).Select(i =>
        {
            var probes = new RandomProbes(x.Value, size, 400, s_key.Split((ulong)i));
            return ReleasedInfluenceMatching.DistanceOf(probes.Project(x), probes.Project(y)).Value.ToScalar();
        })];
        double mean = found.Average(), error = Math.Sqrt(found.Average(v => (v - mean) * (v - mean)) / found.Length);
        Assert.InRange(mean, expected - 4 * error, expected + 4 * error);
        Assert.True(error < 0.05 * expected, $"{mean} ± {error}, expected {expected}");
    }

    // The feature example by example, with nothing left out for its rank.
    [Fact]
    public void The_matching_loss_is_that_of_features_formed_one_by_one()
    {
        using TinyProblem problem = ClassStepTests.Problem();
        using MethodSession method = ClassStepTests.Begin(
            problem, "infmatch-released", (ReleasedInfluenceMatching.CheckpointsMost, "6"),
            (ReleasedInfluenceMatching.InfluenceShare, "0.4"));
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 6);
        for (int iteration = 0; iteration < 24; iteration += 6)
        {
            MethodStep found = method.Evaluate(s, iteration, s_key);
            int expert = (int)found.Metrics.Single(metric => metric.Name == "expert").Value;
            RandomKey own = s_key.Split("iteration of class steps").Split((ulong)(iteration / 6));
            int count = 2 + own.Split("count").Below(5, 0);
            Assert.Equal(count, found.Metrics.Single(metric => metric.Name == "checkpoints").Value);
            int[] checkpoints = [.. own.Split("checkpoints").Permutation(6).Take(count).Select(i => i + 1)];
            double expected = 0;
            for (int c = 0; c < 3; c++)
            {
                int[] rows = problem.RandomOfClass(c, 3, s_key.Split("real").Split((ulong)c));
                double[] real = Feature(problem, expert, checkpoints, problem.Train.Rows(rows).Images, c);
                double[] synthetic = Feature(problem, expert, checkpoints, s.Rows(2 * c, 2).Images, c);
                Variable Row(double[] v) => Variable.Constant(Tensor.From<double>(problem.Backend, v, new Shape(1, v.Length)));
                var probes = new RandomProbes(s.Images, real.Length, 40, s_key.Split("probes"));
                double[] a = probes.Project(Row(real)).Value.ToArray<double>(), b = probes.Project(Row(synthetic)).Value.ToArray<double>();
                expected += 100 * a.Zip(b).Average(p => Math.Pow(p.First - p.Second, 2)
                    / (p.First * p.First + p.Second * p.Second + 1e-8)) / 3;
            }
            Assert.Equal(expected, found.Metrics[0].Value, 1e-10 * expected);
        }
    }

    [Fact]
    public void All_images_of_a_class_against_themselves_are_at_distance_0()
    {
        using TinyProblem problem = ClassStepTests.Problem();
        LabelledImages all = problem.Train.Rows([.. Enumerable.Range(0, 12).OrderBy(i => i % 3)]);
        SyntheticSet real = SyntheticBatchTests.SetOf(problem, 12) with { Images = all.Images };
        using MethodSession method = ClassStepTests.Begin(problem, "infmatch-released", (ClassStepSession.RealBatch, "0"));
        Assert.InRange(method.Evaluate(real, 0, s_key).Metrics[0].Value, 0, 1e-12);
    }

    [Fact]
    public void Numbers_of_checkpoints_that_contradict_each_other_are_refused()
    {
        MethodValues values = MethodValues.Standard.With(ReleasedInfluenceMatching.CheckpointsLeast, "4");
        SettingException e = Assert.Throws<SettingException>(() => new ReleasedInfluenceMatching().Check(values, new ExpertPlan(1, 0)));
        Assert.Equal("CheckpointsMost is 3, expected a number from --checkpoints-least (4) on.", e.Message);
        Assert.Throws<TrajectoryException>(() => new ReleasedInfluenceMatching().CheckTrajectory(MethodValues.Standard, [0, 1, 2], "it"));
    }

    private static double[] Feature(TinyProblem problem, int expert, int[] checkpoints, Tensor images, int label)
    {
        Variable augmented = ClassStepTests.Augmented.Apply(
            Variable.Constant(images), s_key.Split("augmentation").Split((ulong)label), siamese: true);
        var feature = new List<double>();
        foreach (int checkpoint in checkpoints)
        {
            Tensor theta = problem.Experts[expert].Trajectory.Theta(checkpoint, problem.Backend, DType.Float64);
            (Variable logits, NetworkFeatures features) = problem.Network.ForwardWithFeatures(Variable.Constant(theta), augmented);
            double[][] p = [.. logits.Softmax().Value.ToArray<double>().Chunk(3)];
            double[][] phi = [.. features.Embedding.Value.ToArray<double>().Chunk(problem.Network.EmbeddingSize)];
            double[][] units = [.. p.Zip(phi, (q, f) =>
            {
                double[] row = [.. q.SelectMany((v, c) => f.Select(x => (1 + 0.4 * (v - (c == label ? 1 : 0))) * x))];
                double length = Math.Sqrt(row.Sum(v => v * v));
                return row.Select(v => v / length).ToArray();
            })];
            feature.AddRange(Enumerable.Range(0, units[0].Length).Select(i => units.Average(row => row[i])));
        }
        return [.. feature];
    }

    private static void Near(double[] expected, Variable found) =>
        Assert.All(
            expected.Zip(found.Value.ToArray<double>()),
            pair => Assert.Equal(pair.First, pair.Second, 1e-10 * Math.Max(1, Math.Abs(pair.First))));
}
