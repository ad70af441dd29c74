using InfMatch.Autograd;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

public sealed class FeatureRegressionTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(83);

    // By elimination on numbers, under the draws that the update's key gives.
    [Theory]
    [InlineData(1, AugmentationOps.None)]
    [InlineData(2, AugmentationOps.None)]
    [InlineData(1, AugmentationOps.Flip)]
    [InlineData(2, AugmentationOps.Flip | AugmentationOps.Crop)]
    public void The_loss_is_that_of_the_ridge_on_S_and_its_mirror_images(int factor, AugmentationOps ops)
    {
        using var problem = new TinyProblem(CheckpointSchedule);
        using MethodSession frepo = Begin(problem, ops, (FeatureRegression.RealBatch, "5"), (FeatureRegression.Ridge, "0.01"));
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, 4) with { Factor = factor };
        Tensor theta = problem.Network.Initialise(problem.Backend, DType.Float64, s_key.Split("network").Split(0));
        var drawn = new Augmentation(ops & ~AugmentationOps.Flip);
        double[][] Features(Variable images) => Rows(problem.Network.Features(
            Variable.Constant(theta), drawn.Apply(images, s_key.Split("augmentation"), siamese: true)).Embedding);
        Variable tiles = Variable.Constant(s.Images).EnlargeTiles(factor);
        double[][] phi = Features(tiles), q = Rows(Variable.Constant(s.LabelLogits).Softmax());
        double[][] y = [.. q.SelectMany(row => Enumerable.Repeat(row, factor * factor))];
        if (ops.HasFlag(AugmentationOps.Flip))
        {
            phi = [.. phi, .. Features(Mirrored(tiles))];
            y = [.. y, .. y];
        }
        int[] real = [.. s_key.Split("real").Permutation(12).Take(5)];
        double[][] wanted = Rows(Variable.Constant(problem.Train.Rows(real).Labels));
        double[][] predicted = Ridge(phi, y, Features(Variable.Constant(problem.Train.Rows(real).Images)), 0.01);
        double expected = predicted.Zip(wanted).Sum(p => p.First.Zip(p.Second).Sum(v => Square(v.First - v.Second + 1.0 / 3))) / 10;
        double margin = q.Average(row => Math.Min(1.0 / 3, row.Max() - row.Order().ElementAt(1)));
        MethodStep found = frepo.Evaluate(s, 0, s_key);
        Assert.Equal(expected - margin, found.Loss, 1e-9);
        Assert.Equal(margin, found.Metrics.Single(m => m.Name == "label_margin").Value, 1e-12);
    }

    [Theory]
    [InlineData(6, 1, AugmentationOps.None)]
    [InlineData(6, 2, AugmentationOps.Photographs)]
    [InlineData(6, 2, AugmentationOps.Flip, true)]
    [InlineData(150, 1, AugmentationOps.Flip)] // more than one part
    public void The_gradient_agrees_with_numeric_differentiation(int count, int factor, AugmentationOps ops, bool ofTiles = false)
    {
        using var problem = new TinyProblem(CheckpointSchedule, backend: new CpuBackend(1));
        using MethodSession frepo = Begin(problem, ops, (FeatureRegression.RealBatch, "0"), (FeatureRegression.Ridge, "0.1"));
        SyntheticSet s = SyntheticBatchTests.SetOf(problem, count) with { Factor = factor };
        if (ofTiles)
            s = s with { LabelLogits = Tensor.Normal(problem.Backend, DType.Float64, new Shape(count, factor * factor, 3), s_key.Split("tiles")) };
        double At(double[] images, double[] logits)
        {
            using var scope = TensorScope.Begin();
            return frepo.Evaluate(
                s.WithTensors([
                    Tensor.From<double>(problem.Backend, images, s.Images.Shape),
                    Tensor.From<double>(problem.Backend, logits, s.LabelLogits.Shape),
                ]),
                0, s_key).Loss;
        }
        double[] x = s.Images.ToArray<double>(), l = s.LabelLogits.ToArray<double>();
        SyntheticGradient found = frepo.Evaluate(s, 0, s_key).Gradient!;
        ObjectiveGradientTests.Check(found.Images.ToArray<double>(), x, v => At(v, l), 40, 1e-5);
        ObjectiveGradientTests.Check(found.LabelLogits.ToArray<double>(), l, v => At(x, v), 18, 1e-5);
    }

    // I_{−D} + I_{+S} = W_S − W_D in the metric of D's Hessian: E‖Y − ΦW_S‖² − E‖Y − ΦW_D‖² = ‖Φ(W_S − W_D)‖²/|D|.
    [Fact]
    public void The_excess_of_the_squared_loss_is_the_influence_of_the_last_layer_in_Ds_own_metric()
    {
        RandomKey key = RandomKey.FromSeed(5);
        var backend = new ReferenceBackend();
        Variable Numbers(string name, params ReadOnlySpan<int> sizes) =>
            Variable.Constant(Tensor.Normal(backend, DType.Float64, new Shape(sizes), key.Split(name)));
        Variable phi = Numbers("D", 20, 4), y = Numbers("labels", 20, 3);
        Variable ofS = KernelRidge.LastLayer(Numbers("S", 3, 4), Numbers("S's labels", 3, 3), 1e-6);
        Variable ofD = phi.MatMul(phi, transposeA: true).CholeskySolve(phi.MatMul(y, transposeA: true));
        double Of(Variable wrong) => wrong.Dot(wrong).Value.ToScalar();
        double excess = Of(phi.MatMul(ofS) - y) - Of(phi.MatMul(ofD) - y), influence = Of(phi.MatMul(ofS - ofD));
        Assert.True(influence > 1);
        Assert.Equal(influence, excess, 1e-10 * influence);
    }

    // Loss and derivatives by automatic differentiation in PyTorch 2.6, float64, of the same formulas on the same numbers.
    [Fact]
    public void Loss_and_derivatives_are_those_of_another_implementation()
    {
        var backend = new ReferenceBackend();
        Tensor Numbers(int rows, Func<int, int, double> f) => Tensor.From<double>(
            backend, [.. Enumerable.Range(0, 3 * rows).Select(i => f(i / 3, i % 3))], new Shape(rows, 3));
        Variable phi = Variable.Leaf(Numbers(4, (i, j) => Math.Sin(1 + 3 * i + j)));
        Variable logits = Variable.Leaf(Numbers(4, (i, j) => Math.Cos(i + 2 * j))), centred = logits.Softmax() - 1.0 / 3;
        Variable real = Variable.Constant(Numbers(5, (i, j) => Math.Cos(0.5 * i - j)));
        Variable wrong = real.MatMul(KernelRidge.LastLayer(phi, centred, 0.01))
            - Variable.Constant(Numbers(5, (i, j) => (i % 3 == j ? 1 : 0) - 1.0 / 3));
        Variable margin = LabelMargin.Mean(centred, 1.0 / 3), loss = wrong.Dot(wrong) / 10 - margin;
        Assert.Equal(0.24721415301578692, margin.Value.ToScalar(), 1e-14);
        Assert.Equal(0.08939976921013831, loss.Value.ToScalar(), 1e-13);
        Variable[] slopes = Gradient.Of(loss, [phi, logits]);
        double[] ofPhi =
        [
            0.01581599700598396, -0.008426738603151684, -0.02492196960244597, -0.05572140705259321, 0.017558452577457584,
            0.07469515188274667, -0.22638744815477874, 0.0657081999849134, 0.29739203208736464, -0.16371308941682172,
            0.04513668476106192, 0.21248799912811078,
        ];
        double[] ofLogits =
        [
            0.009712156159026878, 0.0170791504926811, -0.026791306651707984, -0.12187388933718735, -0.002011635568458174,
            0.1238855249056455, -0.010351260995839308, -0.013049966888107032, 0.02340122788394634, 0.015104190463742641,
            0.17428175017158876, -0.18938594063533135,
        ];
        Assert.All(ofPhi.Zip(slopes[0].Value.ToArray<double>()), p => Assert.Equal(p.First, p.Second, 1e-12));
        Assert.All(ofLogits.Zip(slopes[1].Value.ToArray<double>()), p => Assert.Equal(p.First, p.Second, 1e-12));
    }

    // D itself as S, with its labels and features enough to fit them, leaves nothing: no other S is better.
    [Fact]
    public void S_that_is_D_fits_it()
    {
        using var problem = new TinyProblem(CheckpointSchedule);
        using MethodSession frepo = Begin(problem, AugmentationOps.None, (FeatureRegression.RealBatch, "0"));
        var whole = new SyntheticSet(problem.Train.Images, problem.Train.Labels.Times(40));
        MethodStep found = frepo.Evaluate(whole, 0, s_key);
        Assert.Equal(-1.0 / 3, found.Loss, 1e-4);
        Assert.True(frepo.Evaluate(SyntheticBatchTests.SetOf(problem, 3), 0, s_key).Loss > found.Loss + 0.1);
    }

    [Theory]
    [InlineData("squared", 0)]
    [InlineData("cross-entropy", 4)]
    public void Forty_updates_lower_the_loss_and_continue_from_a_saved_state(string loss, int batch)
    {
        using TinyProblem problem = new(CheckpointSchedule), again = new(CheckpointSchedule);
        TinyPlan plan = new()
        {
            Images = new PartPlan(new LambOptimiser(), 0.03, 0), Labels = new PartPlan(new AdamOptimiser(), 0.03, 0), Iterations = 40,
        };
        MethodSession Start(TinyProblem from) => Begin(
            from, batch, AugmentationOps.Flip, (FeatureRegression.PoolSize, "3"), (FeatureRegression.PoolAge, "6"),
            (FeatureRegression.StudentLoss, loss), (FeatureRegression.RealBatch, "0"), (FeatureRegression.Ridge, "0.001"));
        using MethodSession frepo = Start(problem), other = Start(again);
        using Distiller distiller = plan.Begin(frepo, SyntheticBatchTests.SetOf(problem, 6), s_key);
        double before = distiller.Probe();
        byte[] half = [];
        var ages = new HashSet<double>();
        for (int i = 0; i < 40; i++)
        {
            if (i == 17)
                half = State(distiller);
            ages.Add(distiller.Step().Metrics.Single(m => m.Name == "student_age").Value);
        }
        Assert.True(distiller.Probe() < before - 0.05, $"{before} → {distiller.Probe()}");
        Assert.Contains(0, ages);
        Assert.Equal(7, ages.Max()); // one beyond, and then it ends
        using Distiller resumed = plan.Begin(other, SyntheticBatchTests.SetOf(again, 6), s_key);
        resumed.Restore(Safetensors.Read(new MemoryStream(half)));
        while (resumed.Iteration < 40)
            resumed.Step();
        Assert.Equal(State(distiller), State(resumed));
    }

    [Fact]
    public void Another_set_begins_with_a_fresh_pool_and_one_thread_gives_the_bits_of_two()
    {
        byte[] Run(int threads, bool twice)
        {
            using var problem = new TinyProblem(CheckpointSchedule, backend: new CpuBackend(threads), dtype: DType.Float32);
            using MethodSession frepo = Begin(problem, AugmentationOps.Flip, (FeatureRegression.Ridge, "0.001"));
            byte[] state = [];
            for (int set = 0; set < (twice ? 2 : 1); set++)
            {
                using Distiller distiller = new TinyPlan { Images = new PartPlan(new AdamOptimiser(), 0.01, 0) }.Begin(
                    frepo, SyntheticBatchTests.SetOf(problem, 6), s_key);
                for (int i = 0; i < 5; i++)
                    distiller.Step();
                state = State(distiller);
            }
            return state;
        }
        byte[] once = Run(1, twice: false);
        Assert.Equal(once, Run(2, twice: false));
        Assert.Equal(once, Run(1, twice: true));
    }

    [Fact]
    public void Features_that_are_all_zero_give_no_layer_and_are_refused()
    {
        var backend = new ReferenceBackend();
        Variable zero = Variable.Constant(Tensor.Full(backend, DType.Float64, new Shape(3, 4), 0));
        Assert.All(KernelRidge.LastLayer(zero, zero, 1e-6).Value.ToArray<double>(), v => Assert.True(double.IsNaN(v)));
    }

    private static InfMatch.Influence.CheckpointSchedule CheckpointSchedule => InfMatch.Influence.CheckpointSchedule.Every(6);

    private static MethodSession Begin(
        TinyProblem problem, AugmentationOps ops, params ReadOnlySpan<(MethodSetting Setting, string Text)> settings) =>
        Begin(problem, 0, ops, settings);

    private static MethodSession Begin(
        TinyProblem problem, int batch, AugmentationOps ops, params ReadOnlySpan<(MethodSetting Setting, string Text)> settings)
    {
        MethodValues values = MethodValues.Standard;
        foreach ((MethodSetting setting, string text) in settings)
            values = values.With(setting, text);
        return new FeatureRegression().Begin(new MethodContext
        {
            Network = problem.Network, Real = problem, Experts = [], Values = values, Key = s_key,
            Augmentation = new Augmentation(ops), BatchSyn = batch,
        });
    }

    // W by Gaussian elimination; predictions of other features.
    private static double[][] Ridge(double[][] phi, double[][] y, double[][] others, double ridge)
    {
        int n = phi.Length;
        double mean = phi.Average(row => row.Sum(Square));
        double[][] a = [.. Enumerable.Range(0, n).Select(i => (double[])[
            .. phi.Select((row, j) => Dot(phi[i], row) + (i == j ? ridge * mean : 0)), .. y[i].Select(v => v - 1.0 / 3)])];
        for (int k = 0; k < n; k++)
        {
            for (int i = 0; i < n; i++)
            {
                double share = i == k ? 0 : a[i][k] / a[k][k];
                a[i] = [.. a[i].Zip(a[k], (own, its) => own - share * its)];
            }
        }
        return [.. others.Select(row => (double[])[.. Enumerable.Range(0, 3).Select(c =>
            Enumerable.Range(0, n).Sum(i => Dot(row, phi[i]) * a[i][n + c] / a[i][i]))])];
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static double Square(double x) => x * x;

    private static double[][] Rows(Variable x) => [.. x.Value.ToArray<double>().Chunk(x.Shape[1])];

    private static Variable Mirrored(Variable images)
    {
        int width = images.Shape[3];
        double[] mirrored = [.. images.Value.ToArray<double>().Chunk(width).SelectMany(row => row.Reverse())];
        return Variable.Constant(Tensor.From<double>(images.Value.Backend, mirrored, images.Shape));
    }

    private static byte[] State(Distiller distiller)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, distiller.Save());
        return stream.ToArray();
    }
}
