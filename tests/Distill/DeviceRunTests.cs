using InfMatch.Distill;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.Tensors;

namespace InfMatch.Tests.Distill;

/// <summary>A whole distillation on a device, beside the same one on the processor.</summary>
public sealed class DeviceRunTests
{
    // On the processor, the reference backend and PoCL, J differed by 1.4e-6 of itself at most and the images by 8.1e-6
    // of the largest pixel.
    private const double Tolerance = 5e-5;

    [SkippableTheory]
    [InlineData("cuda")]
    [InlineData("opencl")]
    public void A_distillation_on_a_device_follows_that_of_the_processor(string device)
    {
        TestDevice.SkipWithout($"{device}:0");
        using CommandRun host = new(), there = new();
        // At that rate the small set diverges on both, which is said when all is on disk.
        Assert.Equal((int)ExitCode.Diverged, host.Run(On("cpu")));
        Assert.Equal((int)ExitCode.Diverged, there.Run(On(device)));
        Assert.Contains($"{device} was asked for.", there.Errors);

        double[] expected = Objectives(host), found = Objectives(there);
        Assert.Equal((12, 12), (expected.Length, found.Length));
        AssertClose(expected, found, "J of step");
        foreach (int ipc in (int[])[1, 2])
            AssertClose(Images(host, ipc), Images(there, ipc), $"IPC {ipc}, pixel");
    }

    // The rate is so high that each J depends on the steps before: at rate 1 the second is 0.26, here 0.92.
    private static string[] On(string device)
    {
        string[] args = CommandRun.SmallRun("--device", device);
        args[Array.IndexOf(args, "--lr-img") + 1] = "200";
        return args;
    }

    private static double[] Objectives(CommandRun run) =>
    [
        .. MetricsFile.Read(Path.Combine(run.RunPath, "metrics.jsonl")).Where(line => line["loss"] is not null)
            .Select(line => line["loss"]!.GetValue<double>()),
    ];

    private static double[] Images(CommandRun run, int ipc)
    {
        ArraySet set = Safetensors.Read(Path.Combine(run.RunPath, "synthetic", $"ipc{ipc}.safetensors"));
        return [.. set["images"].AsFloat32().ToArray().Select(pixel => (double)pixel)];
    }

    private static void AssertClose(double[] expected, double[] found, string what)
    {
        double allowed = Tolerance * expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(
                Math.Abs(expected[i] - found[i]) <= allowed,
                $"{what} {i}: on the processor {expected[i]:G9}, on the device {found[i]:G9}, allowed {allowed:G3}.");
        }
    }
}
