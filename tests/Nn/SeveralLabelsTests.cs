using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Nn;

/// <summary>Images with several labels each, such as captions, of which a training takes one in each epoch.</summary>
public sealed class SeveralLabelsTests
{
    private const int Count = 7, Each = 3, Batch = 3, Epochs = 4;

    [Theory, InlineData(false), InlineData(true)]
    public void A_step_sees_one_label_of_each_image_and_an_epoch_draws_anew(bool captures)
    {
        Backend backend = captures ? new CpuBackend(1) : new ReferenceBackend();
        using var scope = TensorScope.Begin();
        LabelledImages pairs = Pairs(backend);
        Trainer trainer = TrainerOn(pairs);
        double[][] images = [.. pairs.Images.ToArray<double>().Chunk(2)], texts = [.. pairs.Labels.ToArray<double>().Chunk(2)];
        var drawn = new int[Epochs, Count];
        for (int step = 0; step < trainer.Steps; step++)
        {
            Batch batch = trainer.BatchAt(step);
            double[][] seen = [.. batch.Images.Value.ToArray<double>().Chunk(2)], with = [.. batch.Labels.Value.ToArray<double>().Chunk(2)];
            int[] rows = trainer.IndicesAt(step);
            for (int i = 0; i < rows.Length; i++)
            {
                Assert.Equal(images[rows[i]], seen[i]);
                drawn[step / trainer.StepsPerEpoch, rows[i]] =
                    Assert.Single(Enumerable.Range(0, Each), k => texts[rows[i] * Each + k].SequenceEqual(with[i]));
            }
        }
        int[] all = [.. drawn.Cast<int>()];
        Assert.Equal(Each, all.Distinct().Count());
        Assert.Contains(Enumerable.Range(0, Count), i => Enumerable.Range(0, Epochs).Select(e => drawn[e, i]).Distinct().Count() > 1);
    }

    [Fact]
    public void Captured_steps_are_those_of_the_loss_as_a_function_and_a_seed_gives_the_same_bits()
    {
        var backend = new CpuBackend(1);
        using var scope = TensorScope.Begin();
        LabelledImages pairs = Pairs(backend);
        PairNetwork network = Network();
        Tensor start = network.Initialise(backend, DType.Float64, RandomKey.FromSeed(1));
        double[] end = TrainerOn(pairs).Run(start).ToArray<double>();
        Assert.Equal(end, TrainerOn(pairs).Run(start).ToArray<double>());
        Trainer trainer = TrainerOn(pairs);
        Tensor theta = start;
        for (int step = 0; step < trainer.Steps; step++)
            theta = TensorAlgebra.Axpy(-trainer.RateAt(step), Differential.GradientAt(trainer.LossAt(step), theta), theta);
        double apart = theta.ToArray<double>().Zip(end, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(apart < 1e-12, $"{apart:G3}");
    }

    [Theory]
    [InlineData("infonce"), InlineData("ence"), InlineData("wbce")]
    public void Every_loss_of_pairs_can_be_captured(string loss)
    {
        using var scope = TensorScope.Begin();
        double[][] ends = [.. ((Backend[])[new ReferenceBackend(), new CpuBackend(1)]).Select(backend =>
        {
            var one = new LabelledImages(Pairs(backend).Images, Tensor.Normal(
                backend, DType.Float64, new Shape(Count, loss == "infonce" ? 2 : 7), RandomKey.FromSeed(8)));
            PairNetwork network = Network().With(PairLoss.Named(loss));
            var trainer = new Trainer(network, one, Plan(), RandomKey.FromSeed(2));
            return trainer.Run(network.Initialise(backend, DType.Float64, RandomKey.FromSeed(1))).ToArray<double>();
        })];
        double apart = ends[0].Zip(ends[1], (a, b) => Math.Abs(a - b)).Max();
        Assert.True(apart < 1e-10, $"{apart:G3}");
    }

    [Fact]
    public void An_expert_on_them_is_recorded_and_replayed()
    {
        string folder = Directory.CreateTempSubdirectory("infmatch-").FullName;
        try
        {
            var backend = new CpuBackend(1);
            using var scope = TensorScope.Begin();
            LabelledImages pairs = Pairs(backend);
            PairNetwork network = Network();
            var schedule = CheckpointSchedule.Every(5);
            RandomKey key = RandomKey.FromSeed(3);
            using Expert expert = Expert.Record(
                new ExpertTraining(network, pairs, Plan(), schedule, key), Path.Combine(folder, "expert.safetensors"));
            for (int t = 0; t < 4; t++)
            {
                Tensor at = expert.Trajectory.Theta(t, backend, DType.Float64);
                Tensor next = expert.Trajectory.Theta(t + 1, backend, DType.Float64);
                Tensor moved = TensorAlgebra.Axpy(-0.05, Differential.GradientAt(expert.Replay.LossAt(t), at), at);
                Assert.True(moved.Minus(next).Norm() < 1e-12 * next.Norm());
            }
            // What was recorded with other captions is not this expert.
            LabelledImages others = new(pairs.Images, pairs.Labels.Times(2)) { LabelsEach = Each };
            Assert.Throws<TrajectoryException>(() => Expert.Open(network, others, Plan(), schedule, key, expert.Trajectory.Path));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Rows_keep_the_labels_of_their_images_and_one_of_them_can_be_drawn()
    {
        using var scope = TensorScope.Begin();
        LabelledImages pairs = Pairs(new ReferenceBackend()), some = pairs.Rows([5, 2]);
        double[][] all = [.. pairs.Labels.ToArray<double>().Chunk(2)], of = [.. some.Labels.ToArray<double>().Chunk(2)];
        Assert.Equal((2, Each), (some.Count, some.LabelsEach));
        Assert.Equal([.. all[15..18], .. all[6..9]], of);
        LabelledImages one = pairs.WithOneLabelEach(RandomKey.FromSeed(6));
        Assert.Equal((1, new Shape(Count, 2)), (one.LabelsEach, one.Labels.Shape));
        double[][] drawn = [.. one.Labels.ToArray<double>().Chunk(2)];
        for (int i = 0; i < Count; i++)
            Assert.Contains(all[(i * Each)..(i * Each + Each)], text => text.SequenceEqual(drawn[i]));
        Assert.Same(one, one.WithOneLabelEach(RandomKey.FromSeed(7)));
        // What is drawn of an image does not depend on the others.
        Assert.Equal(
            [pairs.DrawnLabelsOf([4, 1, 3], RandomKey.FromSeed(6))[2]], pairs.DrawnLabelsOf([3], RandomKey.FromSeed(6)));
        Assert.Contains("21 labels are not 2 for each of 7 images", Assert.Throws<ShapeException>(() =>
            new LabelledImages(pairs.Images, pairs.Labels) { LabelsEach = 2 }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_an_image_with_fewer_labels_only_its_own_are_drawn()
    {
        using var scope = TensorScope.Begin();
        LabelledImages all = Pairs(new ReferenceBackend());
        int[] counts = [.. Enumerable.Range(0, Count).Select(i => i % Each + 1)];
        LabelledImages pairs = new(all.Images, all.Labels) { LabelsEach = Each, LabelCounts = [.. counts] };
        var seen = new HashSet<int>();
        for (ulong seed = 0; seed < 60; seed++)
            seen.UnionWith(pairs.DrawnLabelsOf([.. Enumerable.Range(0, Count)], RandomKey.FromSeed(seed)));
        Assert.Equal(Enumerable.Range(0, Count).SelectMany(i => Enumerable.Range(i * Each, counts[i])), seen.Order());
        Assert.Equal([counts[5], counts[2]], pairs.Rows([5, 2]).LabelCounts.ToArray());
        foreach (int[] wrong in (int[][])[[1], [.. Enumerable.Repeat(0, Count)], [.. Enumerable.Repeat(Each + 1, Count)]])
            Assert.Throws<ShapeException>(() => new LabelledImages(all.Images, all.Labels) { LabelsEach = Each, LabelCounts = [.. wrong] });
    }

    private static PairNetwork Network() => new(2, 2, new PairNetworkOptions { Size = 3, Temperature = 0.5 });

    private static TrainingPlan Plan() => new(Epochs, Batch, 0.05, 0, 0, RateSchedule.Constant);

    private static Trainer TrainerOn(LabelledImages pairs) => new(Network(), pairs, Plan(), RandomKey.FromSeed(2));

    private static LabelledImages Pairs(Backend backend) => new(
        Tensor.Normal(backend, DType.Float64, new Shape(Count, 2, 1, 1), RandomKey.FromSeed(3)),
        Tensor.Normal(backend, DType.Float64, new Shape(Count * Each, 2), RandomKey.FromSeed(4)))
    {
        LabelsEach = Each,
    };
}
