using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.IO;
using InfMatch.Tests.Methods;

namespace InfMatch.Tests.Influence;

public sealed class TrajectoryTests
{
    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void What_was_recorded_is_what_training_did(DType dtype)
    {
        var backend = new CpuBackend(1);
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: backend, dtype: dtype);
        using var folder = new TemporaryFolder();
        var thetas = new List<float[]>();
        var losses = new List<float>();
        RandomKey key = RandomKey.FromSeed(9);
        using Expert expert = Expert.Record(
            new ExpertTraining(problem.Network, problem.Data, problem.Plan, CheckpointSchedule.Every(6), key),
            folder.At("t"),
            new ExpertObserver
            {
                Accuracy = theta => theta.Norm(),
                Step = step => thetas.Add(step.Theta.ToArray<float>()),
                Losses = read => losses.AddRange(read.Values.Select(loss => (float)loss)),
            });
        TrajectoryFile file = expert.Trajectory;
        Assert.Equal((7, problem.Network.Layout.Count), (file.Count, file.ParameterCount));
        Assert.Equal(losses, file.Losses);
        Tensor start = problem.Network.Initialise(backend, dtype, key.Split("init"));
        Assert.Equal(start.ToArray<float>(), file.Theta(0, backend, dtype).ToArray<float>());
        for (int k = 1; k < 7; k++)
        {
            Assert.Equal(k, file.StepOf(k));
            Assert.Equal(0.1, file.RateAt(k - 1));
            Assert.Equal(0.1 * k, file.RateBetween(0, k), 1e-15);
            Tensor theta = file.Theta(k, backend, dtype);
            Assert.Equal(dtype, theta.DType);
            Assert.Equal(thetas[k - 1], theta.ToArray<float>());
        }
        Assert.Equal(thetas[^1].Sum(v => (double)v * v), file.Accuracy * file.Accuracy, 1e-6);
        Assert.Equal(["t"], folder.Names);
        Assert.True(new FileInfo(folder.At("t")).Length >= Expert.BytesOnDisk(
            problem.Network, problem.Data.Count, problem.Data.Images.DType, problem.Plan, CheckpointSchedule.Every(6)) - 16 * 6);
    }

    [Fact]
    public void A_step_can_be_replayed_from_its_checkpoint_to_the_bit()
    {
        var backend = new CpuBackend(1);
        TrainingPlan plan = new(
            3, 5, 0.2, 0, 0, RateSchedule.StepAtHalf)
        {
            Augmentation = new Augmentation(AugmentationOps.Photographs),
        };
        using var problem = new TinyProblem(
            CheckpointSchedule.Every(9), backend: backend, dtype: DType.Float32, plan: plan,
            network: new ConvNet(new Shape(1, 6, 6), 3, width: 2, depth: 1));
        Expert expert = problem.Experts[0];
        Assert.Equal(10, expert.Trajectory.Count);
        for (int t = 8; t >= 0; t--)
        {
            using var scope = TensorScope.Begin();
            Tensor theta = expert.Trajectory.Theta(t, backend, DType.Float32);
            (var images, var labels) = expert.BatchAt(t);
            (Tensor loss, Tensor gradient) = problem.Network.LossAndGradient(theta, images, labels);
            Tensor next = theta.ZerosLike();
            backend.Run(new SgdStepCall(
                new SgdTensors(theta, theta.ZerosLike()), gradient, new SgdRates(expert.Trajectory.RateAt(t), 0, 0),
                new SgdTensors(next, theta.ZerosLike())));
            Assert.Equal(expert.Trajectory.Losses[t], (float)loss.ToScalar());
            Assert.Equal(
                expert.Trajectory.Theta(t + 1, backend, DType.Float32).ToArray<float>(), next.ToArray<float>());
        }
    }

    [Fact]
    public void The_displacement_of_plain_SGD_is_minus_the_sum_of_rates_times_gradients()
    {
        var backend = new CpuBackend(1);
        TrainingPlan plan = new(2, 4, 0.1, 0, 0, RateSchedule.StepAtHalf);
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: backend, plan: plan);
        Expert expert = problem.Experts[0];
        foreach (Window window in (Window[])[new(0, 0, 6), new(0, 2, 5)])
        {
            Tensor real = new BoundEstimator("first-order", problem.Context).Real(window);
            Tensor first = problem.Context.Theta(window, window.First);
            Tensor last = problem.Context.Theta(window, window.Last);
            Assert.Equal(last.Minus(first).ToArray<double>(), real.ToArray<double>());
            Tensor sum = first.ZerosLike();
            for (int t = window.First; t < window.Last; t++)
            {
                (var images, var labels) = expert.BatchAt(t);
                Tensor theta = problem.Context.Theta(window, t);
                (_, Tensor g) = problem.Network.LossAndGradient(theta, images, labels);
                sum = TensorAlgebra.Axpy(-expert.Trajectory.RateAt(t), g, sum);
            }
            double error = real.Minus(sum).Norm() / sum.Norm();
            Assert.True(error < 1e-6, $"relative error {error:G3}"); // parameters are stored in float32
        }
    }

    [Fact]
    public void A_trajectory_of_other_settings_is_refused_and_the_first_difference_is_named()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: new CpuBackend(1));
        string path = problem.Experts[0].Trajectory.Path;
        RandomKey key = RandomKey.FromSeed(7).Split("expert").Split(0);
        CheckpointSchedule schedule = CheckpointSchedule.Every(6);
        Expert.Open(problem.Network, problem.Data, problem.Plan, schedule, key, path).Dispose();
        void Refused(
            string difference, Network? network = null, TrainingPlan? plan = null, CheckpointSchedule? other = null,
            RandomKey? otherKey = null)
        {
            TrajectoryException e = Assert.Throws<TrajectoryException>(() => Expert.Open(
                network ?? problem.Network, problem.Data, plan ?? problem.Plan, other ?? schedule,
                otherKey ?? key, path));
            Assert.StartsWith(
                $"{path} was recorded with {difference} is asked for.", e.Message, StringComparison.Ordinal);
        }
        Refused("network = convnet-d1-w2-softplus, but mlp-36-3", new Mlp(new Shape(1, 6, 6), 3, []));
        Refused("rate = 0.1, but 0.2", plan: problem.Plan with { Rate = 0.2 });
        Refused("rate = 0.1, but 0.2", plan: problem.Plan with { Rate = 0.2, Momentum = 0.9 });
        Refused("momentum = 0, but 0.9", plan: problem.Plan with { Momentum = 0.9 });
        Refused("weightDecay = 0, but 0.0005", plan: problem.Plan with { WeightDecay = 5e-4 });
        Refused("batchSize = 4, but 5", plan: problem.Plan with { BatchSize = 5 });
        Refused("epochs = 2, but 3", plan: problem.Plan with { Epochs = 3 });
        Refused("schedule = Constant, but Cosine", plan: problem.Plan with { Schedule = RateSchedule.Cosine });
        Refused(
            "augmentation = None, but Flip",
            plan: problem.Plan with { Augmentation = new Augmentation(AugmentationOps.Flip) });
        Refused(
            "checkpoints = 0 per epoch, steps 0..6, but 2 per epoch", other: CheckpointSchedule.Sparse(2));
        Refused($"key = {key.Value:x16}, but {key.Split(1).Value:x16}", otherKey: key.Split(1));
    }

    [Fact]
    public void Data_are_hashed_once_and_another_number_type_is_named()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: new CpuBackend(1));
        Assert.Same(problem.Data.ContentHash(), problem.Data.ContentHash());
        TrajectoryFile file = problem.Experts[0].Trajectory;
        Assert.Equal(problem.Data.ContentHash(), file.Metadata["data"]);
        var narrow = new LabelledImages(
            problem.Data.Images.To(DType.Float32), problem.Data.Labels.To(DType.Float32));
        Assert.Contains(
            "was recorded with dtype = Float64, but Float32 is asked for.",
            Assert.Throws<TrajectoryException>(() => Expert.Open(
                problem.Network, narrow, problem.Plan, CheckpointSchedule.Every(6),
                RandomKey.FromSeed(7).Split("expert").Split(0), file.Path)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Cut_off_damaged_and_foreign_files_are_refused()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: new CpuBackend(1));
        using var folder = new TemporaryFolder();
        byte[] whole = File.ReadAllBytes(problem.Experts[0].Trajectory.Path);
        string path = folder.At("t.safetensors");
        foreach (int length in (int[])[0, 1, 7, 8, 100, whole.Length / 2, whole.Length - 1])
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<SafetensorsException>(() => TrajectoryFile.Open(path));
        }
        File.WriteAllBytes(path, [.. whole, 0]);
        Assert.Throws<SafetensorsException>(() => TrajectoryFile.Open(path));
        File.WriteAllText(path, "this is not a trajectory, but long enough to hold a length");
        Assert.Throws<SafetensorsException>(() => TrajectoryFile.Open(path));
        Assert.ThrowsAny<IOException>(() => TrajectoryFile.Open(folder.At("missing")));
    }

    public static TheoryData<string, int[], int, int, int, int> Foreign() => new()
    {
        { "no array of steps", [], 2, 3, 3, 1 },
        { "more steps than parameters", [0, 1, 3], 2, 3, 3, 1 },
        { "fewer losses than rates", [0, 3], 2, 3, 2, 1 },
        { "steps that fall", [3, 0], 2, 3, 3, 1 },
        { "a step twice", [0, 0], 2, 3, 3, 1 },
        { "a step past the last", [0, 4], 2, 3, 3, 1 },
        { "a step before the first", [-1, 3], 2, 3, 3, 1 },
        { "no accuracy", [0, 3], 2, 3, 3, 0 },
    };

    [Theory, MemberData(nameof(Foreign))]
    public void A_safetensors_file_that_is_no_trajectory_is_refused(
        string what, int[] steps, int thetas, int rates, int losses, int accuracies)
    {
        using var folder = new TemporaryFolder();
        string path = folder.At("t.safetensors");
        NamedArray[] arrays =
        [
            NamedArray.From(steps.Length == 0 ? "other" : "steps", [steps.Length], steps),
            NamedArray.From("theta", [thetas, 5], new float[thetas * 5]),
            NamedArray.From("rates", [rates], new double[rates]),
            NamedArray.From("losses", [losses], new float[losses]),
            NamedArray.From("accuracy", [accuracies], new double[accuracies]),
        ];
        Safetensors.Write(path, arrays);
        Exception? e = Xunit.Record.Exception(() => TrajectoryFile.Open(path).Dispose());
        Assert.True(e is TrajectoryException, $"{what}: {e}");
        Assert.StartsWith(path, e!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parameters_of_another_number_than_described_are_refused()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: new CpuBackend(1));
        using var folder = new TemporaryFolder();
        ArraySet set = Safetensors.Read(
            problem.Experts[0].Trajectory.Path, ArrayFileLimits.Default with { AllowNonFinite = true });
        int p = problem.Network.Layout.Count;
        TrajectoryHashTests.WriteFirstFormat(
            folder.At("t"), set, NamedArray.From("theta", [7, p - 1], new float[7 * (p - 1)]));
        RandomKey key = RandomKey.FromSeed(7).Split("expert").Split(0);
        Assert.Throws<TrajectoryException>(() => Expert.Open(
            problem.Network, problem.Data, problem.Plan, CheckpointSchedule.Every(6), key, folder.At("t")));
    }

    [Fact]
    public void A_file_has_its_name_only_when_complete_and_an_unfinished_one_cannot_be_opened()
    {
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: new CpuBackend(1));
        using var folder = new TemporaryFolder();
        string path = folder.At("t");
        using Expert expert = Expert.Record(
            new ExpertTraining(problem.Network, problem.Data, problem.Plan,
                CheckpointSchedule.Every(6), RandomKey.FromSeed(1)),
            path, new ExpertObserver { Step = step =>
            {
                Assert.False(File.Exists(path));
                Assert.Equal(["t" + SafetensorsWriter.PartialSuffix], folder.Names);
                Assert.ThrowsAny<IOException>(() => TrajectoryFile.Open(path + SafetensorsWriter.PartialSuffix));
            } });
        Assert.Equal(["t"], folder.Names);
    }

    [Fact]
    public void A_cancelled_or_diverging_recording_leaves_nothing_behind_and_an_older_file_as_it_was()
    {
        var backend = new CpuBackend(1);
        using var scope = TensorScope.Begin();
        using var problem = new TinyProblem(CheckpointSchedule.Every(6), backend: backend);
        using var folder = new TemporaryFolder();
        string path = folder.At("t");
        File.WriteAllText(path, "older");
        int live = backend.Memory.LiveBuffers;
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Expert.Record(
            new ExpertTraining(problem.Network, problem.Data, problem.Plan,
                CheckpointSchedule.Every(6), RandomKey.FromSeed(1)),
            path, new ExpertObserver { Step = _ => source.Cancel() }, source.Token));
        Assert.Throws<NumericalException>(() => Expert.Record(
            new ExpertTraining(problem.Network, problem.Data, problem.Plan with { Rate = 1e200 },
                CheckpointSchedule.Every(6), RandomKey.FromSeed(1)),
            path));
        Assert.Equal(["t"], folder.Names);
        Assert.Equal("older", File.ReadAllText(path));
        Assert.Equal(live, backend.Memory.LiveBuffers);
        Assert.Throws<FileWriteException>(() => Expert.Record(
            new ExpertTraining(problem.Network, problem.Data, problem.Plan,
                CheckpointSchedule.Every(6), RandomKey.FromSeed(1)),
            Path.Combine(folder.Root, "no such folder", "t")));
    }

    [Fact]
    public void Schedules_choose_the_first_and_last_step_and_what_is_asked_for_between()
    {
        Assert.Equal([0, 20], CheckpointSchedule.Sparse(0).Steps(10, 20));
        Assert.Equal([0, 5, 10, 15, 20], CheckpointSchedule.Sparse(2).Steps(10, 20));
        Assert.Equal([0, 3, 6, 10, 13, 16, 20], CheckpointSchedule.Sparse(3).Steps(10, 20));
        Assert.Equal([0, 1, 2], CheckpointSchedule.Sparse(5).Steps(1, 2));
        Assert.Equal([0, 1, 2, 3], CheckpointSchedule.Every(3).Steps(10, 3));
        Assert.Equal([0, 1, 2, 3], CheckpointSchedule.Every(9).Steps(10, 3));
        var mixed = new CheckpointSchedule(
            1, [new DenseSegment(4, 2), new DenseSegment(5, 2), new DenseSegment(19, 5)]);
        Assert.Equal([0, 4, 5, 6, 7, 10, 19, 20], mixed.Steps(10, 20));
        Assert.Equal("1 per epoch, steps 4..6, steps 5..7, steps 19..24", mixed.ToString());
        Assert.Equal([0], CheckpointSchedule.Every(4).Steps(0, 0));
    }

    [Fact]
    public void The_unrolled_estimator_says_which_steps_it_lacks()
    {
        using var problem = new TinyProblem(
            new CheckpointSchedule(0, [new DenseSegment(0, 2)]), backend: new CpuBackend(1));
        var estimator = new BoundEstimator("unrolled", problem.Context);
        Assert.True(new UnrolledEstimator().NeedsDenseWindow);
        Assert.False(new FirstOrderEstimator().NeedsDenseWindow);
        Assert.Equal(problem.Network.Layout.Count, estimator.Real(new Window(0, 0, 2)).Count);
        TrajectoryException e = Assert.Throws<TrajectoryException>(() => estimator.Real(new Window(0, 1, 3)));
        Assert.EndsWith(
            "stores step 2 and then 6. Record dense segments, or use --estimator first-order.", e.Message,
            StringComparison.Ordinal);
    }
}
