using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.IO;
using InfMatch.Tests.Tensors;
using Xunit.Abstractions;

namespace InfMatch.Tests.Methods;

/// <summary>
/// Memory that ends in the middle of a distillation step, at every place where it can: the n-th request is refused for
/// n = 1, 2, 3 … until a step passes. Nothing may leak, the state must be that before the step, and the next step must
/// give the bits of one that was never disturbed.
/// </summary>
public sealed class MemoryRefusalTests(ITestOutputHelper output)
{
    // The simulator takes some 50 ms for a launch: there a small network, the estimator with the fewest launches, and only every
    // 45th n. PoCL takes every one.
    private const int SimulatedStride = 45;

    [Theory]
    [InlineData("first-order", ClassWise.Off)]
    [InlineData("first-order", ClassWise.Both)]
    [InlineData("trajectory-matching", ClassWise.Off)]
    public void Every_refusal_on_the_cpu_leaves_the_state_as_it_was(string estimator, ClassWise classWise)
    {
        var cpu = new CpuBackend(1);
        RefuseAll(cpu, () => cpu.MemoryRequests, n => cpu.RefusedMemoryRequest = n, Convolutions, classWise, estimator);
    }

    [Fact]
    public void Refusals_on_the_simulator_leave_the_state_as_it_was()
    {
        using var simulator = new GpuBackend(GpuBackend.Simulator);
        Refuse(simulator, new Mlp(new Shape(1, 2, 2), 3, [2]), SimulatedStride, "trajectory-matching");
    }

    [SkippableTheory]
    [InlineData("cuda:0")]
    [InlineData("opencl:0")]
    public void Every_refusal_on_a_device_leaves_the_state_as_it_was(string device)
    {
        using GpuBackend backend = TestDevice.OpenOrSkip(device);
        Refuse(backend, Convolutions, stride: 1, "first-order");
    }

    private static Network Convolutions => new ConvNet(new Shape(1, 6, 6), 3, width: 2, depth: 1);

    private void Refuse(GpuBackend gpu, Network network, int stride, string estimator) => RefuseAll(
        gpu, () => gpu.MemoryRequests, n => gpu.RefusedMemoryRequest = n, network, ClassWise.Off, estimator, stride);

    private void RefuseAll(
        Backend backend, Func<long> requests, Action<long> refuse, Network network, ClassWise classWise, string estimator,
        int stride = 1)
    {
        using var problem = new TinyProblem(
            CheckpointSchedule.Every(2), backend: backend, dtype: DType.Float32, mode: SecondDerivatives.FiniteDifference,
            network: network,
            plan: new TrainingPlan(1, 4, 0.1, 0, 0, RateSchedule.Constant) { MostSteps = 2 });
        // The displacements of D by every estimator stay until the end: their number is part of what is counted.
        var alive = new List<MethodSession>();
        var plan = new TinyPlan
        {
            ClassWise = classWise, Estimator = estimator, Windows = new WindowPlan(stride == 1 ? 2 : 1, 0, 1, 1, 0),
            Augmentation = new Augmentation(AugmentationOps.Crop),
        };
        Distiller Begin()
        {
            alive.Add(plan.Session(problem, RandomKey.FromSeed(3)));
            return plan.Begin(alive[^1], problem.Start, RandomKey.FromSeed(3));
        }
        // What the recording of the experts left to the collector.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        MemoryReport first, last;
        byte[] start, end;
        long made;
        using (Distiller undisturbed = Begin())
        {
            (first, start) = (backend.Memory, Bits(undisturbed));
            made = -requests();
            undisturbed.Step();
            made += requests();
            (last, end) = (backend.Memory, Bits(undisturbed));
        }
        // A step leaves the displacements of D behind that it computed first, in the estimator's cache, and nothing else.
        int displacements = last.LiveBuffers - first.LiveBuffers;
        Assert.Equal(classWise == ClassWise.Off ? 1 : 4, displacements);
        long displacementBytes = (last.InUse - first.InUse) / displacements;

        int refused = 0;
        for (int n = 1; ; n += stride)
        {
            using Distiller distiller = Begin();
            MemoryReport before = backend.Memory;
            refuse(requests() + n);
            try
            {
                distiller.Step();
                Assert.Equal(end, Bits(distiller));
                output.WriteLine($"{backend.Name}, {classWise}: {refused} of a step's {made} requests refused.");
                Assert.Equal((made + stride - 1) / stride, refused);
                Assert.True(refused > 3, "A step that asks for memory so seldom covers nothing.");
                return;
            }
            catch (DeviceMemoryException e)
            {
                refused++;
                Assert.True(e.Requested > 0 && e.InUse > 0);
                Assert.Contains($"({e.Requested} bytes) more were asked for", e.Message, StringComparison.Ordinal);
            }
            finally
            {
                refuse(0);
            }
            MemoryReport after = backend.Memory;
            int kept = after.LiveBuffers - before.LiveBuffers;
            Assert.True(kept >= 0 && kept <= displacements, $"Request {n} refused: {kept} buffers more than before the step.");
            Assert.Equal(before.InUse + kept * displacementBytes, after.InUse);
            Assert.Equal((0, 0), (distiller.Iteration, distiller.Skipped));
            Assert.Equal(start, Bits(distiller));
            distiller.Step();
            Assert.Equal(end, Bits(distiller));
            Assert.Equal(before.LiveBuffers + displacements, backend.Memory.LiveBuffers);
        }
    }

    [Fact]
    public void Every_refusal_while_an_expert_is_recorded_leaves_no_buffer_and_no_file()
    {
        var cpu = new CpuBackend(1);
        using var problem = new TinyProblem(
            CheckpointSchedule.Every(2), backend: cpu, dtype: DType.Float32, network: Convolutions);
        var plan = new TrainingPlan(3, 4, 0.1, 0.9, 0, RateSchedule.Constant)
        {
            Augmentation = new Augmentation(AugmentationOps.Photographs),
        };
        using var folder = new TemporaryFolder();
        Expert Record() => Expert.Record(
            new ExpertTraining(problem.Network, problem.Data, plan, CheckpointSchedule.Every(9), RandomKey.FromSeed(4)),
            folder.At("t"));
        byte[] undisturbed;
        using (Record())
            undisturbed = File.ReadAllBytes(folder.At("t"));
        File.Delete(folder.At("t"));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        int live = cpu.Memory.LiveBuffers, refused = 0;
        for (int n = 1; ; n++)
        {
            cpu.RefusedMemoryRequest = cpu.MemoryRequests + n;
            try
            {
                using Expert expert = Record();
                break;
            }
            catch (DeviceMemoryException)
            {
                refused++;
                Assert.Empty(folder.Names);
                Assert.Equal(live, cpu.Memory.LiveBuffers);
            }
            finally
            {
                cpu.RefusedMemoryRequest = 0;
            }
        }
        output.WriteLine($"{refused} requests of a recording refused.");
        Assert.True(refused > 20, "A recording that asks for memory so seldom covers nothing.");
        Assert.Equal(undisturbed, File.ReadAllBytes(folder.At("t")));
    }

    private static byte[] Bits(Distiller distiller)
    {
        using var stream = new MemoryStream();
        Safetensors.Write(stream, [.. distiller.Save()]);
        return stream.ToArray();
    }
}
