using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Benchmarks;

/// <summary>What is timed.</summary>
/// <param name="Width">Channels of the ConvNet.</param>
/// <param name="Depth">Its blocks.</param>
/// <param name="Size">Height and width of an image.</param>
/// <param name="Channels">Channels of an image.</param>
/// <param name="Classes">M.</param>
internal sealed record ConvNetSizes(int Width, int Depth, int Size, int Channels, int Classes)
{
    /// <summary>Images of a training step.</summary>
    public required int Batch { get; init; }

    /// <summary>Images of S.</summary>
    public required int Syn { get; init; }

    /// <summary>Side of the matrices.</summary>
    public required int Sgemm { get; init; }

    /// <summary>Steps on S of an update by matching trajectories; 0 for no such entry.</summary>
    public int Update { get; init; }

    /// <summary>The architecture; width and depth are those of a convnet.</summary>
    public string Model { get; init; } = "convnet";
}

/// <summary>A piece of work that is timed.</summary>
/// <param name="Name">Its name in tables and JSON.</param>
/// <param name="Images">The images that it takes.</param>
/// <param name="Run">Does it once; the result belongs to the current scope.</param>
internal sealed record Work(string Name, int Images, Func<Tensor> Run);

/// <summary>The steps of training and distilling on random numbers, in float32.</summary>
internal sealed class ConvNetBenchmark(Backend backend, ConvNetSizes sizes, Clock clock) : IDisposable
{
    private const int Window = 2;
    private readonly RandomKey _key = RandomKey.FromSeed(0);
    private readonly Network _network = Architectures.Create(
        sizes.Model, new Shape(sizes.Channels, sizes.Size, sizes.Size), sizes.Classes,
        new NetworkOptions { Width = sizes.Width, Depth = sizes.Depth });

    // The step of training, where the backend captures.
    private CapturedGraph? _trained;

    /// <summary>Whether the step of training is captured where the backend captures.</summary>
    public bool Captures { get; init; } = true;

    /// <summary>forward, train, mixed and mixed_fd; what they work on belongs to the current scope.</summary>
    public IReadOnlyList<Work> Passes()
    {
        Tensor theta = _network.Initialise(backend, DType.Float32, _key.Split("init"));
        Tensor v = Normal("direction", theta.Shape);
        LabelledImages data = Images(sizes.Batch);
        Variable x = Variable.Constant(data.Images), y = Variable.Constant(data.Labels);
        (Tensor images, Tensor logits) = Draw();
        var loss = new ImageLoss(_network, Augmentation.None, _key);
        var s = new SyntheticSet(images, logits, 1);
        SecondOrderProducts exact = new(SecondDerivatives.Exact), near = new(SecondDerivatives.FiniteDifference);
        Dispose(); // what was captured reads other tensors
        return
        [
            new Work("forward", sizes.Batch, () =>
            {
                using IDisposable off = Recording.Off();
                return _network.Forward(Variable.Constant(theta), x).Value;
            }),
            new Work("train", sizes.Batch, () => Train(theta, x, y)),
            new Work("mixed", sizes.Syn, () => exact.Mixed(theta, loss, s, v).Images),
            new Work("mixed_fd", sizes.Syn, () => near.Mixed(theta, loss, s, v).Images),
        ];
    }

    // As Trainer does it: captured the first time, replayed from then on.
    private Tensor Train(Tensor theta, Variable x, Variable y)
    {
        if (!Captures || !backend.CanCapture)
            return Gradient();
        if (_trained is null)
            _trained = CapturedGraph.Of(backend, () => [Gradient()]);
        else
            _trained.Replay();
        return _trained.Results[0];

        Tensor Gradient() => _network.LossAndGradient(theta, x, y).Gradient;
    }

    /// <summary>Gives what was captured back.</summary>
    public void Dispose()
    {
        _trained?.Dispose();
        _trained = null;
    }

    private (Tensor Images, Tensor LabelLogits) Draw() =>
        (Images(sizes.Syn).Images, Normal("logits", new Shape(sizes.Syn, sizes.Classes)));

    /// <summary>All entries in the order of the help.</summary>
    public Timings Run()
    {
        using var scope = TensorScope.Begin();
        var timings = new Timings(backend.Description, sizes)
        {
            PeakGflops = GpuDevices.List().FirstOrDefault(d => d.Specification == backend.Name)?.Float32Gflops,
        };
        foreach (Work work in Passes())
            timings.Add(work.Name, work.Images, clock.Time(work.Run));
        (Tensor images, Tensor logits) = Draw();
        timings.Add("iteration", sizes.Syn, Iteration(new SyntheticSet(images, logits, 1), s_values, Window));
        if (sizes.Update > 0)
            timings.Add("update", sizes.Syn, Iteration(new SyntheticSet(images, logits, 1), Trajectory(sizes.Update), sizes.Update));
        var square = new Shape(sizes.Sgemm, sizes.Sgemm);
        (Tensor a, Tensor b) = (Normal("a", square), Normal("b", square));
        timings.AddProduct($"sgemm_{sizes.Sgemm}", 2.0 * sizes.Sgemm * sizes.Sgemm * sizes.Sgemm, Time(square, y =>
            backend.Run(new MatMulCall(a, false, b, false, y))));
        if (_network is ConvNet && sizes.Depth > 1)
            AddSecondConvolution(timings);
        timings.PeakBytes = backend.Memory.Peak;
        return timings;
    }

    // The largest product of a training step: the second block's convolution and its adjoints, in a batch.
    private void AddSecondConvolution(Timings timings)
    {
        int side = sizes.Size / 2;
        var g = new Conv2dGeometry(sizes.Batch, sizes.Width, side, side, new Conv2dFilter(sizes.Width, 3, 3, 1, 1));
        Tensor x = Normal("x", g.Input), w = Normal("w", g.Weight), dy = Normal("dy", g.Output);
        double operations = 2.0 * g.Output.Count * g.C * g.R * g.S;
        timings.AddProduct("conv2", operations, Time(g.Output, y => backend.Run(new Conv2dCall(g, x, w, null, y))));
        timings.AddProduct("conv2_dx", operations, Time(g.Input, y => backend.Run(new Conv2dInputGradientCall(
            g, dy, w, y))));
        timings.AddProduct("conv2_dw", operations, Time(g.Weight, y => backend.Run(new Conv2dWeightGradientCall(
            g, x, dy, y))));
    }

    private double Time(Shape shape, Action<Tensor> kernel) => clock.Time(() =>
    {
        Tensor y = backend.Empty(shape, DType.Float32);
        kernel(y);
        return y;
    });

    // An expert of a few steps is enough: an update of S costs the same at every checkpoint.
    private double Iteration(SyntheticSet start, MethodValues values, int window)
    {
        string folder = Directory.CreateTempSubdirectory("infmatch-").FullName;
        try
        {
            LabelledImages data = Images(sizes.Classes);
            var plan = new TrainingPlan(window + 1, sizes.Classes, 0.01, 0, 0, RateSchedule.Constant);
            using Expert expert = Expert.Record(
                new ExpertTraining(_network, data, plan, CheckpointSchedule.Every(window + 1), _key.Split("expert")),
                Path.Combine(folder, "expert.safetensors"));
            using MethodSession method = new InfluenceMatching().Begin(new MethodContext
            {
                Network = _network, Real = new OneOfEachClass(data), Experts = [expert], Values = values, Key = _key,
            });
            var part = new PartPlan(new SgdOptimiser(), 1e-3, 0.5);
            using var distiller = new Distiller(
                method, start,
                new DistillationPlan
                {
                    Parts = new Dictionary<string, PartPlan>(StringComparer.Ordinal)
                    {
                        [SyntheticSet.ImagesPart] = part, [SyntheticSet.LabelsPart] = part },
                },
                _key.Split("distil"));
            return clock.Time(() =>
            {
                distiller.Step();
                return distiller.Set.Images;
            });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static readonly MethodValues s_values = MethodValues.Standard
        .With(InfluenceMatching.WindowLength, $"{Window}").With(InfluenceMatching.StartFirst, "1")
        .With(InfluenceMatching.StartLast, "1").With(InfluenceMatching.RealBatch, "0").With(InfluenceMatching.Threshold, "1e300");

    // As the preset of that name, whose experts are not needed for a time.
    private static MethodValues Trajectory(int window) => s_values.With(InfluenceMatching.WindowLength, $"{window}")
        .With(InfluenceMatching.Estimator, "trajectory-matching").With(InfluenceMatching.SyntheticRate, "0.02");

    private sealed class OneOfEachClass(LabelledImages data) : IRealData
    {
        public LabelledImages Train => data;

        public int Classes => data.Count;

        public int CountOfClass(int label) => 1;

        public int[] RandomOfClass(int label, int most, RandomKey key) => [label];

        public int[] RandomOfEachClass(int perClass, RandomKey key) => [.. Enumerable.Range(0, data.Count)];
    }

    private LabelledImages Images(int count) => new(
        Normal($"images {count}", new Shape(count, sizes.Channels, sizes.Size, sizes.Size)),
        LabelledImages.OneHot(
            backend, DType.Float32, [.. Enumerable.Range(0, count).Select(i => i % sizes.Classes)], sizes.Classes));

    private Tensor Normal(string name, Shape shape)
    {
        var values = new float[shape.Count];
        _key.Split(name).Normal(values);
        return Tensor.From<float>(backend, values, shape);
    }
}
