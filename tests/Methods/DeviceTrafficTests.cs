using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.Tensors;
using Xunit.Abstractions;

namespace InfMatch.Tests.Methods;

/// <summary>
/// What a step asks of a device beside arithmetic: kernels queued, and copies to and from the host. The bounds are what
/// was counted (docs/design.md, "What a step asks of a device"), so that neither grows unnoticed. The counts follow from
/// the operations and not from the device.
/// </summary>
public sealed class DeviceTrafficTests(ITestOutputHelper output)
{
    // The indices of images and labels go up; the losses come down together. θ is copied to where the captured graph reads it.
    private const int TrainLaunches = 22, TrainUploads = 2;

    [Fact]
    public void A_training_step_on_the_simulator()
    {
        using var simulator = new GpuBackend(GpuBackend.Simulator);
        Train(simulator, 1, 2); // a launch takes some 50 ms there
    }

    [SkippableTheory]
    [InlineData("cuda:0")]
    [InlineData("opencl:0")]
    public void A_training_step_on_a_device(string device)
    {
        using GpuBackend gpu = TestDevice.OpenOrSkip(device, lanes: 1);
        Train(gpu, Trainer.StepsPerRead, 3 * Trainer.StepsPerRead);
    }

    [SkippableTheory]
    [InlineData("cuda:0", ClassWise.Off, 174, 2, 4)]
    [InlineData("cuda:0", ClassWise.Both, 685, 2, 13)]
    [InlineData("opencl:0", ClassWise.Off, 174, 2, 4)]
    [InlineData("opencl:0", ClassWise.Both, 685, 2, 13)]
    public void A_distillation_step_on_a_device(
        string device, ClassWise classWise, int launches, int uploads, int downloads)
    {
        using GpuBackend gpu = TestDevice.OpenOrSkip(device, lanes: 1);
        using TinyProblem problem = Problem(gpu);
        var plan = new TinyPlan { ClassWise = classWise, Windows = new WindowPlan(2, 0, 1, 1, 0) };
        using Distiller distiller = plan.Begin(problem, RandomKey.FromSeed(3));
        distiller.Step(); // makes the displacements of D, which are kept
        Traffic step = Count(gpu, () => distiller.Step());
        output.WriteLine($"{device}, {classWise}: {step}");
        AssertWithin(step, launches, uploads, downloads);
        int theta = problem.Network.Layout.Count * sizeof(float);
        Assert.True(step.Transfers.UploadedBytes <= (long)uploads * theta, $"More than θ goes up: {step}");
        // Products for J and α, norms of differences, and those of S with those of its gradient: nothing that grows with the network
        // or with S.
        Assert.InRange(step.Transfers.DownloadedBytes, 1, 2L * sizeof(double) * (downloads + 1));
    }

    [SkippableTheory]
    [InlineData("cuda:0")]
    [InlineData("opencl:0")]
    public void A_recording_of_every_step_waits_for_its_vectors_once_in_sixteen_steps(string device)
    {
        using GpuBackend gpu = TestDevice.OpenOrSkip(device, lanes: 1);
        using TinyProblem problem = Problem(gpu);
        Traffic Of(int steps)
        {
            TrainingPlan plan = problem.Plan with { Epochs = steps, MostSteps = steps };
            return Count(gpu, () => Expert.Record(
            new ExpertTraining(problem.Network, problem.Data, plan,
                CheckpointSchedule.Every(steps), RandomKey.FromSeed(1)),
            Path.Combine(problem.Folder, $"{steps}")).Dispose());
        }
        Traffic more = Of(3 * Trainer.StepsPerRead) - Of(Trainer.StepsPerRead);
        output.WriteLine($"{device}: {2 * Trainer.StepsPerRead} steps recorded, {more}");
        // Once for the losses and once for the vectors, twice each.
        Assert.Equal(4, more.Transfers.Waits);
        Assert.Equal(2 * Trainer.StepsPerRead + 2, more.Transfers.Downloads);
    }

    // Of a ConvNet of depth 3 and width 128 on 32×32, as in docs/performance.md, "Launches".
    [Theory]
    [InlineData(10, false, 45)]
    [InlineData(256, false, 45)]
    [InlineData(10, true, 39)]
    public void A_gradient_is_so_many_kernels(int images, bool isInImages, int launches)
    {
        using var dryRun = new GpuBackend(GpuBackend.Simulator, long.MaxValue, isDryRun: true);
        using var scope = TensorScope.Begin();
        var network = new ConvNet(new Shape(3, 32, 32), 10, width: 128, depth: 3);
        Tensor theta = dryRun.Empty(new Shape(network.Layout.Count), DType.Float32);
        Tensor x = dryRun.Empty(new Shape(images, 3, 32, 32), DType.Float32), y = dryRun.Empty(new Shape(images, 10), DType.Float32);
        var loss = new ImageLoss(network, Augmentation.None, RandomKey.FromSeed(2));
        Traffic gradient = Count(dryRun, () =>
        {
            if (isInImages)
            {
                Variable[] s = [Variable.Leaf(x), Variable.Leaf(y)];
                Gradient.Of(loss.At(Variable.Constant(theta), s), s);
            }
            else
            {
                network.LossAndGradient(theta, Variable.Constant(x), Variable.Constant(y));
            }
        });
        output.WriteLine($"{images} images, {(isInImages ? "in images and logits" : "in θ")}: {gradient.Launches} kernels");
        Assert.InRange(gradient.Launches, 1, launches);
    }

    private void Train(GpuBackend gpu, int few, int many)
    {
        Assert.True(gpu.CanCapture, gpu.CaptureRefusal); // its check launches kernels, too: before they are counted
        LabelledImages data = new(
            Tensor.Full(gpu, DType.Float32, new Shape(4, 1, 6, 6), 0.5),
            LabelledImages.OneHot(gpu, DType.Float32, [0, 1, 2, 0], 3));
        var network = new ConvNet(new Shape(1, 6, 6), 3, width: 2, depth: 1);
        Traffic Of(int steps)
        {
            var plan = new TrainingPlan(steps, 2, 0.1, 0.9, 0, RateSchedule.Constant) { MostSteps = steps };
            var trainer = new Trainer(network, data, plan, RandomKey.FromSeed(1));
            Tensor theta = network.Initialise(gpu, DType.Float32, RandomKey.FromSeed(2));
            return Count(gpu, () => trainer.Run(theta).Dispose());
        }
        (Traffic before, Traffic after) = (Of(few), Of(many));
        Traffic steps = after - before;
        int count = many - few;
        output.WriteLine($"{gpu.Name}: {count} steps, {steps}");
        Assert.InRange(steps.Launches, count, count * TrainLaunches);
        Assert.InRange(steps.Transfers.Uploads, count, count * TrainUploads);
        Assert.True(
            steps.Transfers.UploadedBytes <= count * 2 * 2 * sizeof(int), $"More than indices goes up: {steps}");
        int reads = count / Trainer.StepsPerRead;
        Assert.Equal((reads, reads), (steps.Transfers.Downloads, steps.Transfers.Waits));
        Assert.Equal(reads * Trainer.StepsPerRead * sizeof(float), reads == 0 ? 0 : steps.Transfers.DownloadedBytes);
        // The losses that are left, and the length of the last parameters.
        Assert.Equal(2, before.Transfers.Downloads);
    }

    private static void AssertWithin(Traffic step, int launches, int uploads, int downloads)
    {
        Assert.InRange(step.Launches, 1, launches);
        Assert.InRange(step.Transfers.Uploads, 1, uploads);
        Assert.InRange(step.Transfers.Downloads, 1, downloads);
        Assert.Equal(step.Transfers.Downloads, step.Transfers.Waits); // an upload waits for nothing
    }

    private static TinyProblem Problem(Backend backend) => new(
        CheckpointSchedule.Every(6), backend: backend, dtype: DType.Float32, mode: SecondDerivatives.FiniteDifference,
        network: new ConvNet(new Shape(1, 6, 6), 3, width: 2, depth: 1));

    private static Traffic Count(GpuBackend gpu, Action step)
    {
        (long launches, long requests, TransferReport transfers) = (gpu.Launches, gpu.MemoryRequests, gpu.Transfers);
        step();
        return new Traffic(gpu.Launches - launches, gpu.MemoryRequests - requests, gpu.Transfers - transfers);
    }

    private readonly record struct Traffic(long Launches, long Requests, TransferReport Transfers)
    {
        public static Traffic operator -(Traffic a, Traffic b) =>
            new(a.Launches - b.Launches, a.Requests - b.Requests, a.Transfers - b.Transfers);
    }
}
