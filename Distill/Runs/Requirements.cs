using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What a run will need, reckoned before it begins, so that it does not fail after an hour.</summary>
/// <param name="DiskBytes">Trajectories that are still to be recorded, and the states.</param>
/// <param name="MemoryBytes">Data, parameter vectors and activations at the largest batch; an estimate.</param>
internal sealed record Requirements(long DiskBytes, long MemoryBytes)
{
    // All forward values are alive at the turn of a backward walk, and at most as much again in gradients.
    private const int CopiesOfActivations = 2;

    // θ and its moved copies, gradients, velocities, and the sides of an influence estimate.
    private const int ParameterVectors = 16;

    /// <summary>The memory need of a run with the networks, of which the largest counts: while it trains on a batch, or while
    /// it looks at the test images. A whitening's matrix lies beside them while images are whitened or shown; what computing
    /// it takes is <see cref="ZcaWhitening.Memory"/>, which is over before there are data. Judging is what
    /// <see cref="NetworkJudge.NumbersHeld"/> says.</summary>
    public static long Memory(
        int realImages, int testImages, int largestBatch, IReadOnlyList<Network> networks, int cachedVectors, int lanes = 1,
        ZcaWhitening? whitening = null, long judging = 0) =>
        ((long)(realImages + testImages) * networks[0].Image.Count
            + Math.Max(
                judging,
                networks.Max(n => n.ActivationCount * Math.Max(
                    (long)CopiesOfActivations * lanes * largestBatch, Math.Min(testImages, Evaluation.ImagesAtOnce(n))))
                + (ParameterVectors + cachedVectors) * (long)networks.Max(n => n.Layout.Count))
            + (whitening is null ? 0 : (long)whitening.Count * whitening.Count)) * sizeof(float);

    /// <summary>Compares the need with what there is.</summary>
    /// <exception cref="DistillException">The disk (exit 7) or the memory (exit 5) is too small.</exception>
    public void Check(long freeDiskBytes, long memoryBytes, string folder, string device)
    {
        if (DiskBytes > freeDiskBytes)
        {
            throw new DistillException(
                ExitCode.FileSystem, "IM7003",
                $"the run needs {ByteSize.Text(DiskBytes)} on disk in {folder}, {ByteSize.Text(freeDiskBytes)} are free. Lower --experts or " +
                "--checkpoints, or choose another place with --out.");
        }
        if (MemoryBytes > memoryBytes)
        {
            throw new DistillException(
                ExitCode.Memory, "IM5002",
                $"the run needs about {ByteSize.Text(MemoryBytes)} of the memory of {device}, {ByteSize.Text(memoryBytes)} can " +
                "be had. Lower --real-batch, --expert-batch, --width or --ipc, or raise --memory-limit where it is set.");
        }
    }

    /// <summary>Compares the need with this machine and with the memory of the device that computes.</summary>
    public void Check(string folder, Backend backend) => Check(
        new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace, backend.Memory.Limit, folder, backend.Name);
}
