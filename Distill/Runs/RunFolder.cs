using System.Globalization;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// The folder of one run: what went in, what came out, and the state to continue from. Only one process works in it
/// at a time.
/// </summary>
internal sealed class RunFolder : IDisposable
{
    private const string LatestFile = "latest", LockFile = "run.lock", ConfigName = "config.json";
    private const string SetFolder = "synthetic", ExpertFolder = "experts";

    private readonly FileStream _lock;

    private RunFolder(string path, FileStream held) => (Path, _lock) = (path, held);

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>The resolved settings.</summary>
    public string Config => In(ConfigName);

    /// <summary>What the run ran on.</summary>
    public string Environment => In("environment.json");

    /// <summary>One line of JSON for every step and evaluation.</summary>
    public string Metrics => In("metrics.jsonl");

    /// <summary>The result.</summary>
    public string Summary => In("summary.json");

    /// <summary>The recorded experts.</summary>
    public string Experts => In(ExpertFolder);

    /// <summary>The distilled set of so many images per class.</summary>
    public string Set(int ipc) => In(SetFolder, $"ipc{ipc}.safetensors");

    /// <summary>The state from which its distillation continues.</summary>
    public string Checkpoint(int ipc) => In("checkpoints", $"ipc{ipc}.safetensors");

    /// <summary>A picture of it.</summary>
    public string Picture(int ipc, string what) => In("images", $"ipc{ipc}-{what}.png");

    /// <summary>2026-11-23_2105_fashion-mnist-small_ipc1-10_s0: readable, and in the order of time when sorted.</summary>
    public static string NameOf(DateTime local, string dataset, string what, ulong seed) => string.Create(
        CultureInfo.InvariantCulture, $"{local:yyyy-MM-dd_HHmm}_{dataset}_{what}_s{seed}");

    /// <summary>Fails unless files can be made below a folder; it is made where it is missing.</summary>
    /// <exception cref="DistillException">They cannot.</exception>
    public static void RequireWritable(string root, string option = "--out")
    {
        try
        {
            Directory.CreateDirectory(root);
            string probe = System.IO.Path.Combine(root, System.IO.Path.GetRandomFileName());
            File.WriteAllText(probe, "");
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(root, e, option);
        }
    }

    /// <summary>Makes a run folder, locked, and points "latest" to it; a second one in the same minute gets a number.</summary>
    /// <exception cref="DistillException">The place is not writable.</exception>
    public static RunFolder Create(string root, string name)
    {
        try
        {
            Directory.CreateDirectory(root);
            string path = System.IO.Path.GetFullPath(System.IO.Path.Combine(root, name));
            for (int i = 2; Directory.Exists(path); i++)
                path = System.IO.Path.GetFullPath(System.IO.Path.Combine(root, $"{name}_{i}"));
            foreach (string sub in (string[])[SetFolder, "images", ExpertFolder, "checkpoints"])
                Directory.CreateDirectory(System.IO.Path.Combine(path, sub));
            RunFolder folder = Lock(path);
            AtomicFile.WriteAllText(System.IO.Path.Combine(root, LatestFile), System.IO.Path.GetFileName(path) + "\n");
            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(root, e);
        }
    }

    /// <summary>Opens an existing run folder, locked.</summary>
    /// <exception cref="DistillException">It does not exist, is not writable, or another process works in it.</exception>
    public static RunFolder Open(string path)
    {
        if (!Directory.Exists(path))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2003", $"the run folder {path} does not exist. Name one, or start a run with 'distill'.");
        }
        return Lock(System.IO.Path.GetFullPath(path));
    }

    /// <summary>The run folder that a name or path means; without one the latest below the root.</summary>
    /// <exception cref="DistillException">There is no latest run.</exception>
    public static string Find(string? run, string root)
    {
        if (run is not null)
            return Directory.Exists(run) ? run : System.IO.Path.Combine(root, run);
        string latest = System.IO.Path.Combine(root, LatestFile);
        return File.Exists(latest)
            ? System.IO.Path.Combine(root, File.ReadAllText(latest).Trim())
            : throw new DistillException(
                ExitCode.Usage, "IM2003", $"there is no run below {root}. Name a run folder, or start a run with 'distill'.");
    }

    /// <summary>Where a run has its configuration and its experts, if a set's file lies in a run folder; else null.</summary>
    public static (string Config, string Experts)? OfSet(string set)
    {
        string? synthetic = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(set));
        string? run = System.IO.Path.GetDirectoryName(synthetic);
        if (run is null)
            return null;
        string config = System.IO.Path.Combine(run, ConfigName);
        return System.IO.Path.GetFileName(synthetic) == SetFolder && File.Exists(config)
            ? (config, System.IO.Path.Combine(run, ExpertFolder))
            : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lock.Dispose();
        File.Delete(In(LockFile));
    }

    private string In(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Path, .. parts]);

    private static RunFolder Lock(string path)
    {
        string file = System.IO.Path.Combine(path, LockFile);
        try
        {
            // The system gives the lock back when the process ends in whatever way, so a crash locks nobody out.
            return new RunFolder(path, new FileStream(file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None));
        }
        catch (UnauthorizedAccessException e)
        {
            throw NotWritable(path, e);
        }
        catch (IOException e) when (File.Exists(file))
        {
            throw new DistillException(
                ExitCode.FileSystem, "IM7002",
                $"another process works in {path}. Wait for its end, or choose another run folder.", e);
        }
    }

    private static DistillException NotWritable(string path, Exception e, string option = "--out") => new(
        ExitCode.FileSystem, "IM7001",
        $"cannot write to {path} ({e.Message.TrimEnd('.')}). Choose a writable folder with {option}.", e);
}
