using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The disk and memory that a run will need, computed before it begins, so that it does not fail
/// later.</summary>
/// <param name="DiskBytes">Trajectories that are still to be recorded, and the states.</param>
/// <param name="MemoryBytes">What tensors hold at most; <see cref="DryRun"/> finds it.</param>
internal sealed record Requirements(long DiskBytes, long MemoryBytes)
{
    /// <summary>The options by which the memory becomes less.</summary>
    public string Levers { get; init; } = "--real-batch, --expert-batch, --width, --eval-width or --ipc";

    /// <summary>Compares the need with what is free.</summary>
    /// <exception cref="DistillException">The disk (exit 7) or the memory (exit 5) is too small.</exception>
    public void Check(long freeDiskBytes, long memoryBytes, string folder, string device)
    {
        if (DiskBytes > freeDiskBytes)
        {
            (string need, string free) = ByteSize.Texts(DiskBytes, freeDiskBytes);
            throw new DistillException(
                ExitCode.FileSystem, "IM7003",
                $"the run needs {need} on disk in {folder}, {free} are free. Lower --experts or " +
                "--checkpoints, or choose another place with --out.");
        }
        if (MemoryBytes > memoryBytes)
        {
            (string need, string had) = ByteSize.Texts(MemoryBytes, memoryBytes);
            throw new DistillException(
                ExitCode.Memory, "IM5002",
                $"the run needs about {need} of the memory of {device}, {had} can " +
                $"be had. Lower {Levers}, or raise --memory-limit where it is set.");
        }
    }

    /// <summary>Compares the need with this machine and with the memory of the device that computes; the folder need not be there
    /// yet.</summary>
    /// <exception cref="DistillException">The disk (exit 7) or the memory (exit 5) is too small.</exception>
    public void Check(string folder, Backend backend)
    {
        string place = Path.GetFullPath(folder);
        while (!Directory.Exists(place) && Path.GetDirectoryName(place) is { } above)
            place = above;
        bool isParallel = !backend.RunsFewInTurn && backend.DegreeOfParallelism > 1;
        Requirements own = isParallel ? this with { Levers = $"--threads (1 takes least), {Levers}" } : this;
        own.Check(new DriveInfo(place).AvailableFreeSpace, backend.Memory.Limit, folder, backend.Name);
    }

    /// <summary>Itself, once <see cref="Check(string, Backend)"/> has passed.</summary>
    /// <exception cref="DistillException">The disk (exit 7) or the memory (exit 5) is too small.</exception>
    public Requirements Checked(string folder, Backend backend)
    {
        Check(folder, backend);
        return this;
    }
}
