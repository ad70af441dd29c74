using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Nn;

public sealed class TrainerTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(21);

    private readonly CpuBackend _backend = new(1);

    [Fact]
    public void Rates_follow_their_schedules()
    {
        double[] Rates(RateSchedule schedule, int steps) =>
            [.. Enumerable.Range(0, steps).Select(t => schedule.At(0.4, t, steps))];
        Assert.Equal([0.4, 0.4, 0.4], Rates(RateSchedule.Constant, 3));
        double[] steps = [0.4, 0.4, 0.4, 0.4, 0.08, 0.016];
        Assert.All(steps.Zip(Rates(RateSchedule.FifthAtTwoThirds, 6)), pair => Assert.Equal(pair.First, pair.Second, 1e-16));
        Assert.Equal(0.4, RateSchedule.FifthAtTwoThirds.At(0.4, 39, 60));
        Assert.Equal(0.08, RateSchedule.FifthAtTwoThirds.At(0.4, 40, 60), 1e-16);
        Assert.Equal(0.08, RateSchedule.FifthAtTwoThirds.At(0.4, 49, 60), 1e-16);
        Assert.Equal(0.016, RateSchedule.FifthAtTwoThirds.At(0.4, 50, 60), 1e-16);
        Assert.Equal([0.4, 0.4, 0.04, 0.04], Rates(RateSchedule.StepAtHalf, 4));
        Assert.Equal([0.4, 0.4, 0.04, 0.04, 0.04], Rates(RateSchedule.StepAtHalf, 5));
        double[] expected = [0.4, 0.2 * (1 + Math.Sqrt(0.5)), 0.2, 0.2 * (1 - Math.Sqrt(0.5))];
        Assert.All(expected.Zip(Rates(RateSchedule.Cosine, 4)), pair => Assert.Equal(pair.First, pair.Second, 1e-15));
    }

    [Fact]
    public void Threads_that_ask_for_different_epochs_get_the_batches_of_their_own()
    {
        var network = new Mlp(new Shape(1, 2, 3), 3, []);
        Trainer Make() => new(network, Data(network, 6, DType.Float32), Plan(2, 3, 0.1), s_key);
        Trainer alone = Make(), shared = Make();
        int[][] expected = [.. Enumerable.Range(0, alone.Steps).Select(alone.IndicesAt)];
        Assert.NotEqual(expected[0], expected[2]);
        int wrong = 0;
        void Ask(int step)
        {
            for (int i = 0; i < 2_000_000; i++)
            {
                if (!expected[step].AsSpan().SequenceEqual(shared.IndicesAt(step)))
                    Interlocked.Increment(ref wrong);
            }
        }
        Thread[] threads = [.. new[] { 0, 2, 0, 2 }.Select(step => new Thread(() => Ask(step)))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Equal(0, wrong);
    }

    [Theory]
    [InlineData(0, 0, "constant")]
    [InlineData(0.9, 0.01, "step")]
    [InlineData(0.5, 0, "cosine")]
    public void Twenty_steps_of_a_perceptron_equal_those_of_plain_loops(
        double momentum, double decay, string schedule)
    {
        const int n = 11, features = 6, hidden = 4, classes = 3, batch = 3, epochs = 5, steps = 20;
        var network = new Mlp(new Shape(1, 2, 3), classes, [hidden], Activation.Tanh);
        LabelledImages data = Data(network, n, DType.Float64);
        double[] images = data.Images.ToArray<double>(), labels = data.Labels.ToArray<double>();
        var trainer = new Trainer(network, data, Plan(epochs, batch, 0.3, momentum, decay, Kinds.Find<RateSchedule>(schedule)), s_key);
        Assert.Equal((4, steps), (trainer.StepsPerEpoch, trainer.Steps));
        Tensor start = network.Initialise(_backend, DType.Float64, s_key);

        double[] theta = start.ToArray<double>();
        var velocity = new double[theta.Length];
        var losses = new double[steps];
        var path = new double[steps][];
        for (int t = 0; t < steps; t++)
        {
            int[] order = s_key.Split("batches").Split((ulong)(t / 4)).Permutation(n);
            int[] rows = order[(t % 4 * batch)..Math.Min(n, t % 4 * batch + batch)];
            double rate = 0.3 * schedule switch
            {
                "constant" => 1,
                "step" => t < 10 ? 1 : 0.1,
                _ => 0.5 * (1 + Math.Cos(Math.PI * t / steps)),
            };
            double[] gradient;
            (losses[t], gradient) = PlainNetworks.Perceptron(
                theta, Rows(images, rows, features), Rows(labels, rows, classes), rows.Length, features, hidden,
                classes);
            for (int i = 0; i < theta.Length; i++)
            {
                velocity[i] = momentum * velocity[i] + gradient[i] + decay * theta[i];
                theta[i] -= rate * velocity[i];
            }
            path[t] = [.. theta];
        }

        int seen = 0;
        var read = new List<double>();
        Tensor end = trainer.Run(
            start,
            step =>
            {
                Assert.Equal((seen, seen / 4), (step.Step, step.Epoch));
                ConvNetTests.AssertClose(
                    Tensor.From<double>(_backend, path[seen], step.Theta.Shape), step.Theta, 1e-12);
                seen++;
            },
            some =>
            {
                Assert.Equal((read.Count, seen), (some.First, some.First + some.Values.Count));
                read.AddRange(some.Values);
            });
        Assert.Equal((steps, steps), (seen, read.Count));
        Assert.All(losses.Zip(read), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        ConvNetTests.AssertClose(Tensor.From<double>(_backend, theta, end.Shape), end, 1e-12);
    }

    [Fact]
    public void Steps_of_a_ConvNet_equal_those_of_a_numerically_differentiated_plain_loss()
    {
        const int n = 4, steps = 6;
        var network = new ConvNet(new Shape(1, 6, 6), 3, width: 2, depth: 1, Activation.Softplus);
        LabelledImages data = Data(network, n, DType.Float64);
        double[] images = data.Images.ToArray<double>(), labels = data.Labels.ToArray<double>();
        Tensor start = network.Initialise(_backend, DType.Float64, s_key);
        double Loss(double[] at) => PlainNetworks.CrossEntropy(
            PlainNetworks.ConvNet(at, images, n, (1, 6, 6), 2, 1, 3, 1, x => Math.Log(1 + Math.Exp(x))), labels, n);

        double[] theta = start.ToArray<double>();
        var velocity = new double[theta.Length];
        for (int t = 0; t < steps; t++)
        {
            var gradient = new double[theta.Length];
            for (int i = 0; i < theta.Length; i++)
            {
                double[] up = [.. theta], down = [.. theta];
                up[i] += 1e-5;
                down[i] -= 1e-5;
                gradient[i] = (Loss(up) - Loss(down)) / 2e-5;
            }
            for (int i = 0; i < theta.Length; i++)
            {
                velocity[i] = 0.8 * velocity[i] + gradient[i] + 0.02 * theta[i];
                theta[i] -= 0.2 * velocity[i];
            }
        }

        Tensor end = new Trainer(network, data, Plan(steps, n, 0.2, 0.8, 0.02), s_key).Run(start);
        ConvNetTests.AssertClose(Tensor.From<double>(_backend, theta, end.Shape), end, 1e-8);
    }

    [Theory]
    [InlineData(10, 4)]
    [InlineData(12, 4)]
    [InlineData(3, 8)]
    public void An_epoch_shows_every_image_once_with_its_label_in_an_order_of_its_own(int n, int batch)
    {
        var network = new Mlp(new Shape(1, 1, 1), n, []);
        var data = new LabelledImages(
            Tensor.From<double>(_backend, [.. Enumerable.Range(0, n).Select(i => (double)i)], new Shape(n, 1, 1, 1)),
            LabelledImages.OneHot(_backend, DType.Float64, [.. Enumerable.Range(0, n)], n));
        var trainer = new Trainer(network, data, Plan(8, batch, 0.1), s_key);
        var orders = new HashSet<string>(StringComparer.Ordinal);
        for (int epoch = 0; epoch < 8; epoch++)
        {
            var order = new List<double>();
            for (int step = epoch * trainer.StepsPerEpoch; step < (epoch + 1) * trainer.StepsPerEpoch; step++)
            {
                (Variable images, Variable labels) = trainer.BatchAt(step);
                double[] shown = images.Value.ToArray<double>();
                Assert.InRange(shown.Length, 1, batch);
                double[] classes = labels.Value.ToArray<double>();
                for (int i = 0; i < shown.Length; i++)
                    Assert.Equal(1, classes[i * n + (int)shown[i]]);
                order.AddRange(shown);
            }
            Assert.Equal(Enumerable.Range(0, n).Select(i => (double)i), order.Order());
            orders.Add(string.Join(' ', order));
        }
        Assert.InRange(orders.Count, 2, 8);
    }

    [Fact]
    public void Any_batch_can_be_had_again_in_any_order_with_its_augmentation()
    {
        var network = new Mlp(new Shape(1, 8, 8), 3, []);
        LabelledImages data = Data(network, 10, DType.Float32);
        TrainingPlan plan = Plan(4, 4, 0.1) with { Augmentation = new Augmentation(AugmentationOps.Photographs) };
        var forward = new Trainer(network, data, plan, s_key);
        var backward = new Trainer(network, data, plan, s_key);
        float[] Batch(Trainer trainer, int step) => trainer.BatchAt(step).Images.Value.ToArray<float>();
        float[][] batches = [.. Enumerable.Range(0, forward.Steps).Select(t => Batch(forward, t))];
        for (int t = forward.Steps - 1; t >= 0; t--)
            Assert.Equal(batches[t], Batch(backward, t));
        float[] plain = Batch(new Trainer(network, data, plan with { Augmentation = Augmentation.None }, s_key), 1);
        Assert.NotEqual(plain, batches[1]);
    }

    [Fact]
    public void A_loss_that_is_no_number_names_the_step_and_what_to_do_and_keeps_no_memory()
    {
        using var scope = TensorScope.Begin();
        var network = new Mlp(new Shape(1, 2, 3), 3, [5]);
        LabelledImages data = Data(network, 8, DType.Float32);
        Tensor start = network.Initialise(_backend, DType.Float32, s_key);
        int live = _backend.Memory.LiveBuffers;
        NumericalException e = Assert.Throws<NumericalException>(
            () => new Trainer(network, data, Plan(50, 4, 1e30), s_key).Run(start));
        Assert.InRange(e.Step, 1, 99);
        Assert.StartsWith(
            $"Step {e.Step}: the training loss of mlp-6-5-3 became ", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("Lower the learning rate (now 1E+30).", e.Message, StringComparison.Ordinal);
        Assert.Equal(live, _backend.Memory.LiveBuffers);

        // The named step is the first: up to it every loss is finite.
        TrainingPlan before = Plan(50, 4, 1e30) with { MostSteps = e.Step };
        var losses = new List<double>();
        Record.Exception(() => new Trainer(network, data, before, s_key).Run(
            start, observeLosses: read => losses.AddRange(read.Values)));
        Assert.Equal(e.Step, losses.Count);

        // One step only: no loss follows it.
        e = Assert.Throws<NumericalException>(
            () => new Trainer(network, data, Plan(1, 8, 1e200), s_key).Run(start));
        Assert.StartsWith(
            "Step 0: the length of the parameters of mlp-6-5-3 became ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancelled_run_stops_between_two_steps_and_keeps_no_memory()
    {
        using var scope = TensorScope.Begin();
        var network = new Mlp(new Shape(1, 2, 3), 3, []);
        LabelledImages data = Data(network, 8, DType.Float32);
        Tensor start = network.Initialise(_backend, DType.Float32, s_key);
        using var source = new CancellationTokenSource();
        int steps = 0, live = _backend.Memory.LiveBuffers;
        Assert.Throws<OperationCanceledException>(() => new Trainer(network, data, Plan(5, 4, 0.1), s_key).Run(
            start,
            _ =>
            {
                if (++steps == 3)
                    source.Cancel();
            },
            cancel: source.Token));
        Assert.Equal(3, steps);
        Assert.Equal(live, _backend.Memory.LiveBuffers);
    }

    [Fact]
    public void Accuracy_is_the_share_of_largest_logits_at_the_label_and_ties_go_to_the_first_class()
    {
        // Without weights the logits are the biases; with them each image is its own logits.
        var network = new Mlp(new Shape(1, 1, 3), 3, []);
        Tensor theta = Tensor.From<float>(_backend, [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], new Shape(12));
        float[] logits = [3, 1, 2, 0, 5, 1, 2, 2, 1, -3, -1, -1];
        Tensor images = Tensor.From<float>(_backend, logits, new Shape(4, 1, 1, 3));
        Assert.Equal(logits, network.Logits(theta, images));
        Assert.Equal(logits, network.Logits(theta, images, imagesAtOnce: 3));
        Assert.Equal(1, network.Accuracy(theta, images, [0, 1, 0, 1]));
        Assert.Equal(0.5, network.Accuracy(theta, images, [0, 1, 1, 2]));
        Assert.Equal(0, network.Accuracy(theta, images, [2, 2, 2, 2]));
    }

    [Fact]
    public void Labels_outside_the_classes_are_refused()
    {
        Assert.Equal([0, 1, 1, 0], LabelledImages.OneHot(_backend, DType.Float64, [1, 0], 2).ToArray<double>());
        Assert.Equal(
            "Label 1 is 2, but there are 2 classes.",
            Assert.Throws<ShapeException>(() => LabelledImages.OneHot(_backend, DType.Float64, [0, 2], 2)).Message);
        Assert.Throws<ShapeException>(() => LabelledImages.OneHot(_backend, DType.Float64, [-1], 2));
    }

    [Fact]
    public void Two_hundred_steps_take_no_more_memory_than_the_first_epochs()
    {
        using var scope = TensorScope.Begin();
        var network = new ConvNet(new Shape(1, 8, 8), 3, width: 4, depth: 2);
        LabelledImages data = Data(network, 20, DType.Float32);
        TrainingPlan plan = Plan(40, 4, 0.01, 0.9) with { Augmentation = new Augmentation(AugmentationOps.Crop) };
        Tensor start = network.Initialise(_backend, DType.Float32, s_key);
        MemoryReport early = default, late = default;
        int live = _backend.Memory.LiveBuffers;
        Tensor end = new Trainer(network, data, plan, s_key).Run(start, step =>
        {
            if (step.Step == 39)
                early = _backend.Memory;
            late = _backend.Memory;
        });
        Assert.True(early.Peak > 0);
        Assert.Equal((early.LiveBuffers, early.InUse, early.Peak), (late.LiveBuffers, late.InUse, late.Peak));
        Assert.Equal(live + 1, _backend.Memory.LiveBuffers);
        end.Dispose();
        Assert.Equal(live, _backend.Memory.LiveBuffers);
    }

    // Its kernels are captured once; what a step leaves to the collector are its scope and what its update holds. In float64,
    // with its losses read every 16 steps and a new order each epoch.
    [Theory]
    [InlineData(DType.Float32, 1, AugmentationOps.None)]
    [InlineData(DType.Float32, 3, AugmentationOps.None)]
    [InlineData(DType.Float64, 2, AugmentationOps.None)]
    [InlineData(DType.Float32, 2, AugmentationOps.Photographs)]
    public void A_step_of_training_allocates_a_few_hundred_bytes(DType dtype, int threads, AugmentationOps ops)
    {
        var network = new ConvNet(new Shape(3, 16, 16), 3, width: 16, depth: 2);
        var backend = new CpuBackend(threads);
        using var scope = TensorScope.Begin();
        LabelledImages data = Data(network, 320, dtype, backend);
        long before = 0, after = 0;
        TrainingPlan plan = Plan(4, 8, 0.01, 0.9) with { Augmentation = new Augmentation(ops) };
        new Trainer(network, data, plan, s_key).Run(
            network.Initialise(backend, dtype, s_key), step =>
            {
                if (step.Step == 39)
                    before = GC.GetAllocatedBytesForCurrentThread();
                after = GC.GetAllocatedBytesForCurrentThread();
            });
        Assert.InRange((after - before) / 120, 1, 600);
    }

    [Fact]
    public void Training_gives_the_same_bits_with_any_number_of_threads_and_again()
    {
        float[] Train(int threads)
        {
            var backend = new CpuBackend(threads);
            var network = new ConvNet(new Shape(3, 16, 16), 3, width: 16, depth: 2);
            LabelledImages data = Data(network, 24, DType.Float32, backend);
            TrainingPlan plan = Plan(2, 10, 0.05, 0.9, 1e-3) with
            {
                Augmentation = new Augmentation(AugmentationOps.Photographs),
            };
            using var scope = TensorScope.Begin();
            return new Trainer(network, data, plan, s_key)
                .Run(network.Initialise(backend, DType.Float32, s_key)).ToArray<float>();
        }
        float[] one = Train(1);
        Assert.All(one, v => Assert.True(float.IsFinite(v)));
        Assert.Equal(one, Train(1));
        Assert.Equal(one, Train(2));
        Assert.Equal(one, Train(3));
    }

    [Theory]
    [InlineData(Optimiser.Sgd, "none", 3, 0)]
    [InlineData(Optimiser.Sgd, "drawn", 3, 0)]
    [InlineData(Optimiser.Sgd, "drawn", 1, 0)]
    [InlineData(Optimiser.Sgd, "of each image", 1, 0)]
    [InlineData(Optimiser.Sgd, "dc", 3, 0)]
    [InlineData(Optimiser.AdamW, "in turn", 3, 0.5)]
    public void Replayed_steps_give_the_bits_of_steps_that_are_computed_one_by_one(
        Optimiser optimiser, string augmented, int channels, double cutMix)
    {
        var network = new ConvNet(new Shape(channels, 16, 16), 3, width: 16, depth: 2);
        using var scope = TensorScope.Begin();
        LabelledImages data = Data(network, 24, DType.Float32); // batches of 10, 10 and 4
        TrainingPlan plan = Plan(8, 10, 0.05, 0.9, 1e-3, RateSchedule.Cosine) with
        {
            Augmentation = augmented switch
            {
                "none" => Augmentation.None,
                "drawn" => new Augmentation(AugmentationOps.Photographs),
                "in turn" => Augmentation.Sequential(AugmentationOps.Photographs),
                "dc" => Augmentation.Dc,
                _ => Augmentation.Geometric,
            },
            CutMix = cutMix, Optimiser = optimiser,
        };
        Tensor start = network.Initialise(_backend, DType.Float32, s_key);
        var trainer = new Trainer(network, data, plan, s_key);
        List<double> losses = [];
        float[] replayed = trainer.Run(start, observeLosses: read => losses.AddRange(read.Values)).ToArray<float>();

        Tensor theta = start, first = start.ZerosLike(), second = start.ZerosLike();
        for (int step = 0; step < trainer.Steps; step++)
        {
            Variable leaf = Variable.Leaf(theta), loss = trainer.LossAt(step)(leaf);
            Tensor gradient = Gradient.Of(loss, leaf).Value;
            Assert.Equal((float)losses[step], loss.Value.ToArray<float>()[0]);
            if (optimiser == Optimiser.AdamW)
            {
                (theta, AdamMeans means) = AdamW.Step(
                    theta, new AdamMeans(first, second), gradient, step, trainer.RateAt(step), plan.WeightDecay);
                (first, second) = means;
                continue;
            }
            Tensor next = start.ZerosLike(), velocity = start.ZerosLike();
            _backend.Run(new SgdStepCall(
                new SgdTensors(theta, first), gradient,
                new SgdRates(trainer.RateAt(step), plan.Momentum, plan.WeightDecay), new SgdTensors(next, velocity)));
            (theta, first) = (next, velocity);
        }
        Assert.Equal(theta.ToArray<float>(), replayed);
    }

    private static TrainingPlan Plan(
        int epochs, int batch, double rate, double momentum = 0, double decay = 0,
        RateSchedule? schedule = null) =>
        new(epochs, batch, rate, momentum, decay, schedule ?? RateSchedule.Constant);

    private LabelledImages Data(Network network, int n, DType dtype, Backend? backend = null)
    {
        backend ??= _backend;
        var pixels = new double[n * network.Image.Count];
        s_key.Split("pixels").Normal(pixels);
        int[] sizes = [n, .. network.Image.Sizes];
        int[] labels = [.. Enumerable.Range(0, n).Select(i => i % network.Classes)];
        return new LabelledImages(
            Tensor.From(backend, dtype, pixels, new Shape(sizes)),
            LabelledImages.OneHot(backend, dtype, labels, network.Classes));
    }

    private static double[] Rows(double[] values, int[] rows, int size) =>
        [.. rows.SelectMany(r => values[(r * size)..((r + 1) * size)])];
}
