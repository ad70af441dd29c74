using System.Security.Cryptography;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Takes a few steps of each kind that a run consists of, on the device that holds the data, and tells how long one takes. On a
/// <see cref="MemoryDryRun"/> under a <see cref="WorkClock"/> it tells how much one computes. Nothing of the run is touched: numbers
/// are drawn from a key of its own, tensors live in scopes of its own, and experts that are not there yet are stood in for.
/// </summary>
internal sealed class StepProbe(RunSettings settings, PreparedData data, TimeProvider clock, CancellationToken cancel)
{
    // Learned by so little that S stays what it is, whatever the rate.
    private const double LeastRate = 1e-9;

    private readonly Backend _backend = data.Backend;
    private readonly RandomKey _key = RandomKey.FromSeed(settings.Seed).Split("probe");
    private readonly TrainingPace _training = new(data.Backend, clock, cancel);

    /// <summary>What trains experts and is held against S.</summary>
    public LabelledImages Train => data.Train;

    /// <summary>Seconds of a training step of one network, while so many are trained in parallel.</summary>
    public double TrainingStep(Network network, Func<LabelledImages> setOf, TrainingPlan plan, int atOnce, ProbeSlot slot)
    {
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        LabelledImages set = setOf();
        return InParallel(atOnce, i => _training.SecondsOfStep(network, set, plan, _key.Split((ulong)i), slot));
    }

    /// <summary>Seconds in which a network classifies a test image, while so many networks do.</summary>
    public double Classification(Network network, int atOnce, ProbeSlot slot)
    {
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        int count = ImagesAtOnce(network);
        Tensor images = data.TestImages.View(0, new Shape([count, .. data.Image.Sizes]));
        return InParallel(atOnce, i =>
        {
            using Tensor theta = network.Initialise(_backend, DType.Float32, _key.Split((ulong)i));
            return Steps(slot, () => network.Logits(theta, images));
        }) / count;
    }

    /// <summary>How many test images are classified together.</summary>
    public int ImagesAtOnce(Network network) => Math.Min(data.TestImages.Shape[0], Evaluation.ImagesAtOnce(network));

    /// <summary>Seconds of an update of S on the windows that the run will draw from an iteration on.</summary>
    public double Update(Network network, int ipc, int from, ProbeSlot slot) => WithDistiller(network, ipc, (distiller, method) =>
    {
        Pace first = new(clock, slot, fewest: 1), again = new(clock, slot, fewest: 1);
        for (int n = 0; !again.IsOver; n++)
        {
            cancel.ThrowIfCancellationRequested();
            int iteration = from + (int)(Spread(n) * (Math.Max(from + 1, settings.LookedIterations) - from));
            Step(distiller, iteration, first, again);
            Step(distiller, iteration, again, first); // finds kept what the first one made
        }
        (int, RandomKey)[] updates = [.. Enumerable.Range(from, Math.Max(from + 1, settings.LookedIterations) - from).Select(i => (i, distiller.KeyOf(i)))];
        double filling = (double)method.UpdatesThatFill(updates) / updates.Length;
        return filling * first.Seconds + (1 - filling) * again.Seconds;
    });

    /// <summary>How many updates of S so many images that pass through a network pay for, by a few of the updates.</summary>
    public double UpdatesFor(double images, Network network, int ipc) => WithDistiller(network, ipc, (distiller, method) =>
    {
        const int Looked = 4;
        int filling = method.UpdatesThatFill([.. Enumerable.Range(0, settings.LookedIterations).Select(i => (i, distiller.KeyOf(i)))]);
        double all = 0, most = 0;
        for (int n = 0; n < Looked; n++)
        {
            int iteration = (int)(Spread(n) * settings.LookedIterations);
            long first = ImagesOf(iteration), again = filling > 0 ? ImagesOf(iteration) : first;
            (all, most) = (all + again, Math.Max(most, first - again));
        }
        double each = Math.Max(1, all / Looked);
        // Some updates pass more images, the first of each kind. The budget ends among these, or there are others behind them.
        return Math.Max(images / (each + most), (images - filling * most) / each);

        long ImagesOf(int iteration)
        {
            long before = _backend.ImagesPassed;
            distiller.SkipTo(iteration);
            distiller.Step();
            return _backend.ImagesPassed - before;
        }
    });

    /// <summary>Seconds of a measurement of the loss in fixed places.</summary>
    public double FixedLoss(Network network, int ipc, ProbeSlot slot) => WithDistiller(
        network, ipc, (distiller, _) => Steps(slot, () => distiller.Probe()));

    private double WithDistiller(Network network, int ipc, Func<Distiller, MethodSession, double> measure)
    {
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        RandomKey run = RandomKey.FromSeed(settings.Seed); // of it the draws follow; to draw them again changes none
        float[] standIn;
        using (Tensor theta = network.Initialise(_backend, DType.Float32, _key.Split("init")))
            standIn = theta.ToArray<float>();
        var expert = Expert.Placeholder(
            network, data.Train, PlanFactory.ExpertPlan(settings, data.Pair.Name), PlanFactory.Checkpoints(settings), run, standIn);
        using MethodSession method = DistillationRun.BeginMethod(
            settings, data, network, [.. Enumerable.Repeat(expert, settings.Experts)], run);
        RunSettings still = settings with { LrImg = settings.LrImg * LeastRate, LrLabel = settings.LrLabel * LeastRate };
        using Distiller distiller = DistillationRun.MakeDistiller(still, data, method, SetOf(ipc), run, ipc);
        return measure(distiller, method);
    }

    private static void Step(Distiller distiller, int iteration, Pace pace, Pace other)
    {
        distiller.SkipTo(iteration);
        pace.Pass();
        try
        {
            distiller.Step();
        }
        catch (NumericalException)
        {
            // A stand-in's numbers may run away under rates that suit an expert's; the step has been computed all the same.
        }
        pace.Add();
        other.Pass();
    }

    // Numbers 0 … 1, of which the first few lie as evenly as all do (van der Corput's sequence).
    private static double Spread(int n)
    {
        double value = 0, bit = 0.5;
        for (; n > 0; n >>= 1, bit /= 2)
            value += bit * (n & 1);
        return value;
    }

    /// <summary>Seconds in which a byte of a trajectory gets its hash.</summary>
    public double HashedByte(int bytes, ProbeSlot slot)
    {
        if (_backend is MemoryDryRun)
            return 0;
        var buffer = new byte[bytes];
        return Steps(slot, () => SHA256.HashData(buffer)) / bytes;
    }

    /// <summary>Seconds of a picture of a set.</summary>
    public double Picture(int ipc, ProbeSlot slot)
    {
        if (_backend is MemoryDryRun)
            return 0;
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        SyntheticSet set = SetOf(ipc);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("infmatch-");
        try
        {
            return Steps(slot, () => ImageGrid.Write(
                Path.Combine(folder.FullName, "probe.png"),
                new ImageGrid(
                    data.Pixels(set.Images), data.Image[0], data.Image[1], data.Image[2], data.Pair.Train.ClassNames)
                {
                    Title = "probe", Note = "", Labels = [.. Enumerable.Repeat((string[])["50 % one class", "50 % another"], set.Count)],
                }));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Seconds of a multiplication in a product of float64 matrices, as a whitening consists of.</summary>
    public double Product(int side, ProbeSlot slot)
    {
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        var shape = new Shape(side, side);
        Backend on = ZcaWhitening.BackendFor(_backend);
        Tensor a = Tensor.Full(on, DType.Float64, shape, 1), y = on.Empty(shape, DType.Float64);
        return Steps(slot, () =>
        {
            on.Run(new MatMulCall(a, false, a, false, y));
            y.View(0, Shape.Scalar).ToScalar(); // waits for it
        }) / ((double)side * side * side);
    }

    /// <summary>What networks are trained on that evaluate a set; it belongs to the current scope.</summary>
    public LabelledImages TrainingSetOf(int ipc) => SetOf(ipc).AsTrainingSet();

    /// <summary>Random real images as networks beside a set are trained on; they belong to the current scope.</summary>
    public LabelledImages RealSetOf(int ipc)
    {
        (Tensor images, _) = data.Select(data.RandomOfEachClass(ipc, _key.Split("images")));
        int[] labels = [.. Enumerable.Range(0, ipc * data.Classes).Select(i => i / ipc)];
        return new LabelledImages(images, LabelledImages.OneHot(_backend, DType.Float32, labels, data.Classes));
    }

    // Real images in the place of S, which has as many; it belongs to the current scope.
    private SyntheticSet SetOf(int ipc)
    {
        int factor = settings.FactorOf(ipc);
        (Tensor images, _) = data.Select(data.RandomOfEachClass(ipc * factor * factor, _key.Split("images")));
        int[] labels = [.. Enumerable.Range(0, ipc * data.Classes).Select(i => i / ipc)];
        return new SyntheticSet(
            factor > 1 ? Tiles.Pack(images, factor) : images,
            LabelledImages.OneHot(_backend, DType.Float32, labels, data.Classes).Times(5))
        {
            Factor = factor,
        };
    }

    private double Steps(ProbeSlot slot, Action step)
    {
        var pace = new Pace(clock, slot);
        while (!pace.IsOver)
        {
            cancel.ThrowIfCancellationRequested();
            using var own = TensorScope.Begin();
            step();
            pace.Add();
        }
        return pace.Seconds;
    }

    // As the pieces of a run: each has a thread, and takes as long as the slowest of all that share the memory.
    private double InParallel(int count, Func<int, double> work)
    {
        if (count == 1)
            return work(0);
        var seconds = new double[count];
        _backend.RunInParallel(count, i =>
        {
            using var own = TensorScope.Begin();
            seconds[i] = work(i);
        });
        return seconds.Average();
    }
}
