using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>S in minibatches inside a method.</summary>
public sealed class SyntheticBatchTests
{
    private const int Epochs = 60;

    private static readonly RandomKey s_key = RandomKey.FromSeed(31);

    [Theory]
    [InlineData(7, 3)]
    [InlineData(6, 2)]
    [InlineData(5, 4)]
    public void An_epoch_takes_every_row_once_and_leaves_out_what_fills_no_batch(int count, int batch)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6));
        SyntheticSet s = SetOf(problem, count);
        var loss = new ImageLoss(problem.Network, Augmentation.None, s_key) { BatchSize = batch };
        int perEpoch = count / batch;
        var left = new HashSet<int>();
        var orders = new HashSet<string>(StringComparer.Ordinal);
        for (int epoch = 0; epoch < Epochs; epoch++)
        {
            var taken = new List<int>();
            for (int step = 0; step < perEpoch; step++)
            {
                int[] rows = RowsOf(problem, loss.OfStep(epoch * perEpoch + step), s);
                Assert.Equal(batch, rows.Length);
                taken.AddRange(rows);
            }
            Assert.Equal(perEpoch * batch, taken.Distinct().Count());
            left.UnionWith(Enumerable.Range(0, count).Except(taken));
            orders.Add(string.Join(' ', taken));
        }
        Assert.True(orders.Count > 4, "epochs must differ");
        Assert.Equal(count % batch == 0 ? 0 : count, left.Count); // each row is left out at times
    }

    [Theory]
    [InlineData(3)]
    [InlineData(8)]
    public void Batches_of_tiles_take_each_tile_of_an_epoch_once(int batch)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6));
        SyntheticSet s = SetOf(problem, 3) with { Factor = 2 };
        Variable logits = Variable.Constant(s.LabelLogits);
        const int Tiles = 12;
        ImageLoss loss = new(problem.Network, Augmentation.None, s_key) { BatchSize = batch, Factor = 2, IsOfTiles = true };
        Variable theta = Variable.Constant(problem.Experts[0].Trajectory.Theta(0, problem.Backend, DType.Float64));
        var taken = new List<int>();
        for (int step = 0; step < Tiles / batch; step++)
        {
            Variable images = Variable.Leaf(s.Images);
            Variable value = loss.OfStep(step).At(theta, [images, logits]);
            double[] gradient = Gradient.Of(value, [images])[0].Value.ToArray<double>();
            int[] rows = [.. Enumerable.Range(0, Tiles).Where(tile => OfTile(gradient, s.Images.Shape, tile).Any(v => v != 0))];
            taken.AddRange(rows);
            // The mean over those tiles, as if they were the set.
            LabelledImages all = s.AsTrainingSet();
            double expected = problem.Network.Loss(
                theta, Variable.Constant(all.Images).GatherRows(rows), Variable.Constant(all.Labels).GatherRows(rows)).Value.ToScalar();
            Assert.Equal(expected, value.Value.ToScalar(), 1e-12);
        }
        Assert.Equal(taken.Count, taken.Distinct().Count());
        Assert.Equal(Tiles / batch * batch, taken.Count);
    }

    // The numbers of one tile among those of images [N, C, H, W] of 2×2 tiles.
    private static IEnumerable<double> OfTile(double[] images, Shape shape, int tile)
    {
        (int height, int width) = (shape[2], shape[3]);
        int image = tile / 4, top = tile / 2 % 2 * (height / 2), left = tile % 2 * (width / 2);
        return
            from channel in Enumerable.Range(0, shape[1])
            from y in Enumerable.Range(top, height / 2)
            from x in Enumerable.Range(left, width / 2)
            select images[((image * shape[1] + channel) * height + y) * width + x];
    }

    [Fact]
    public void The_same_step_takes_the_same_rows_whoever_asks()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6));
        SyntheticSet s = SetOf(problem, 7);
        ImageLoss Make() => new(problem.Network, Augmentation.None, s_key) { BatchSize = 3 };
        Assert.Equal(RowsOf(problem, Make().OfStep(5), s), RowsOf(problem, Make().OfStep(5), s));
        Assert.Equal(RowsOf(problem, Make(), s), RowsOf(problem, Make(), s));
    }

    [Theory]
    [InlineData("first-order", SecondDerivatives.Exact)]
    [InlineData("first-order", SecondDerivatives.FiniteDifference)]
    [InlineData("trajectory-matching", SecondDerivatives.Exact)]
    [InlineData("trajectory-matching", SecondDerivatives.FiniteDifference)]
    public void Batches_of_all_rows_or_more_are_the_whole_set_bit_for_bit(string estimator, SecondDerivatives mode)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), mode: mode, backend: new CpuBackend(2), dtype: DType.Float32);
        SyntheticSet s = SetOf(problem, 6);
        double[][] Numbers(int batch, ClassWise classWise)
        {
            using InfluenceObjective objective = new BoundEstimator(estimator, problem.Context)
                .Objective(WeightRule.ClosedForm, classWise);
            var loss = new ImageLoss(problem.Network, Augmentation.None, s_key) { BatchSize = batch };
            ObjectiveValue value = objective.Evaluate(new Window(0, 1, 5), s, loss);
            return [[value.Relative], value.Gradient!.Images.ToArray<double>(), value.Gradient.LabelLogits.ToArray<double>()];
        }
        double[][] whole = Numbers(0, ClassWise.Off);
        Assert.Equal(whole, Numbers(6, ClassWise.Off));
        Assert.Equal(whole, Numbers(100, ClassWise.Off));
        Assert.NotEqual(whole, Numbers(5, ClassWise.Off));
        Assert.Equal(Numbers(0, ClassWise.On), Numbers(2, ClassWise.On)); // two rows a class
    }

    [Theory]
    [InlineData("first-order", ClassWise.Off, 4)]
    [InlineData("first-order", ClassWise.On, 1)]
    [InlineData("first-order", ClassWise.Both, 1)]
    [InlineData("trajectory-matching", ClassWise.Off, 4)]
    [InlineData("trajectory-matching", ClassWise.Off, 1)]
    [InlineData("trajectory-matching", ClassWise.On, 1)]
    public void The_gradient_of_J_agrees_with_numeric_differentiation(string estimator, ClassWise classWise, int batch)
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6));
        using InfluenceObjective objective = new BoundEstimator(estimator, problem.Context)
            .Objective(WeightRule.ClosedForm, classWise);
        var loss = new ImageLoss(problem.Network, new Augmentation(AugmentationOps.Photographs), s_key, siamese: false)
        {
            BatchSize = batch,
        };
        SyntheticSet s = SetOf(problem, 6);
        double[] x = s.Images.ToArray<double>(), l = s.LabelLogits.ToArray<double>();
        double At(double[] images, double[] logits)
        {
            using var scope = TensorScope.Begin();
            SyntheticSet moved = s.WithTensors(
            [
                Tensor.From<double>(problem.Backend, images, s.Images.Shape),
                Tensor.From<double>(problem.Backend, logits, s.LabelLogits.Shape),
            ]);
            return objective.Evaluate(new Window(0, 1, 5), moved, loss, gradient: false).Relative;
        }
        SyntheticGradient found = objective.Evaluate(new Window(0, 1, 5), s, loss).Gradient!;
        ObjectiveGradientTests.Check(found.Images.ToArray<double>(), x, v => At(v, l), 60, 1e-6);
        ObjectiveGradientTests.Check(found.LabelLogits.ToArray<double>(), l, v => At(x, v), 18, 1e-6);
    }

    internal static SyntheticSet SetOf(TinyProblem problem, int count)
    {
        LabelledImages images = problem.Random(count, s_key.Split("images"), problem.Data.Images.DType);
        var logits = new double[count * 3];
        s_key.Split("logits").Normal(logits);
        return new SyntheticSet(
            images.Images, Tensor.From(problem.Backend, images.Images.DType, logits, new Shape(count, 3)), 0.7);
    }

    // The rows on which the loss depends.
    private static int[] RowsOf(TinyProblem problem, SyntheticLoss loss, SyntheticSet s)
    {
        Variable[] leaves = [.. s.Tensors.Select(Variable.Leaf)];
        Variable value = loss.At(Variable.Constant(problem.Experts[0].Trajectory.Theta(0, problem.Backend, DType.Float64)), leaves);
        double[] gradient = Gradient.Of(value, leaves)[1].Value.ToArray<double>();
        return [.. Enumerable.Range(0, s.Count).Where(i => gradient.AsSpan(3 * i, 3).ContainsAnyExcept(0.0))];
    }
}
