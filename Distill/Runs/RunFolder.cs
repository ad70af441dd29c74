using System.Globalization;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// The folder of one run: its inputs, its results and the state to continue from. Only one process works in it at a
/// time. The folder itself and its parents may be links; inside it nothing is written through a link.
/// </summary>
internal sealed class RunFolder : RunFiles, IDisposable
{
    private const string LatestFile = "latest", LockFile = "run.lock", RowFolder = "rows";

    /// <summary>What stands for the newest run on the command line.</summary>
    public const string LatestWord = "latest";

    // Of a name, "2026-11-23_2105".
    private const int TimeDigits = 15;

    private const int LongestName = 100;

    private readonly FileStream? _lock;

    private RunFolder(string path, FileStream? held)
        : base(path) => _lock = held;

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

    /// <summary>Makes a run folder, locked and with its configuration, and then points "latest" to it. The folder
    /// appears under its name complete. Where another process takes the name first, it gets a number. A killed process
    /// leaves at most a folder with ".partial" in its name.</summary>
    /// <param name="root">The folder of runs; it is made where it is missing.</param>
    /// <param name="name">Its name.</param>
    /// <param name="config">The text of config.json.</param>
    /// <param name="ablation">The text of ablation.json, or of benchmark.json; null where the run is neither.</param>
    /// <param name="files">The file system; null means the real one.</param>
    /// <param name="beside">The name of that file.</param>
    /// <exception cref="DistillException">The place is not writable.</exception>
    public static RunFolder Create(
        string root, string name, string config, string? ablation = null, FileOperations? files = null,
        string beside = AblationSummary.FileName)
    {
        files ??= FileOperations.Disk;
        RunFolder made = Make(root, (name, IsFixed: false), files, [(ConfigName, config), .. Beside(ablation, beside)])!;
        try
        {
            AtomicFile.WriteAllText(
                System.IO.Path.Combine(System.IO.Path.GetFullPath(root), LatestFile), System.IO.Path.GetFileName(made.Path) + "\n", files);
            return made;
        }
        catch (Exception e)
        {
            made.Dispose();
            if (e is IOException or UnauthorizedAccessException)
                throw NotWritable(root, e);
            throw;
        }
    }

    /// <summary>Makes the run folder of a name that a person gave; "latest" stays as it is. Where the name is taken, also by a process that
    /// was faster just now, nothing is made.</summary>
    /// <param name="root">The folder of runs; it is made where it is missing.</param>
    /// <param name="name">Its name.</param>
    /// <param name="config">The text of config.json.</param>
    /// <param name="text">The text of a second file; null where there is none.</param>
    /// <param name="beside">The name of that file.</param>
    /// <returns>The folder, locked; null where the name is taken.</returns>
    /// <exception cref="DistillException">The place is not writable.</exception>
    public static RunFolder? TryCreate(string root, string name, string config, string? text = null, string beside = AblationSummary.FileName) =>
        Make(root, (name, IsFixed: true), FileOperations.Disk, [(ConfigName, config), .. Beside(text, beside)]);

    /// <summary>Fails unless a text can be the name of a run.</summary>
    /// <exception cref="DistillException">It cannot.</exception>
    public static string RequireName(string option, string name) =>
        name.Length is > 0 and <= LongestName && name[0] != '-' && name[0] != '.' && name is not (LatestWord or EvaluatedFolder.Name)
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '+' or '=')
            && !name.EndsWith(".partial", StringComparison.Ordinal)
            ? name
            : throw DistillException.BadValue(
                option, name,
                $"a name of a folder from letters, digits and - _ . + =, at most {LongestName}, that begins with a letter or digit, " +
                $"and is not {LatestWord} or {EvaluatedFolder.Name}");

    private static (string File, string Text)[] Beside(string? text, string file) => text is null ? [] : [(file, text)];

    // The folder under its name, or, where that is taken, under one with a number, or null.
    private static RunFolder? Make(
        string root, (string Text, bool IsFixed) name, FileOperations files, IReadOnlyList<(string File, string Text)> first)
    {
        string? staging = null;
        RunFolder? made = null;
        try
        {
            root = System.IO.Path.GetFullPath(root);
            Directory.CreateDirectory(root);
            staging = System.IO.Path.Combine(root, $"{name.Text}.{System.IO.Path.GetRandomFileName()[..8]}.partial");
            Directory.CreateDirectory(staging);
            MakeParts(staging);
            foreach ((string file, string text) in first)
                AtomicFile.WriteAllText(System.IO.Path.Combine(staging, file), text, files);
            made = TakeName(root, name, staging);
            if (made is null)
            {
                Directory.Delete(staging, recursive: true);
                return null;
            }
            staging = null;
            files.FlushFolder(root);
            return made;
        }
        catch (Exception e)
        {
            made?.Dispose();
            if (staging is not null && Directory.Exists(staging))
                Directory.Delete(staging, recursive: true);
            if (e is IOException or UnauthorizedAccessException)
                throw NotWritable(root, e);
            throw;
        }
    }

    /// <summary>Opens an existing run folder, locked.</summary>
    /// <exception cref="DistillException">It does not exist, is not writable, another process works in it, or a folder in it
    /// is a link.</exception>
    public static RunFolder Open(string path) => Open(path, isShared: false);

    private static RunFolder Open(string path, bool isShared)
    {
        if (!Directory.Exists(path))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2003", $"the run folder {path} does not exist. Name one, or start a run with 'distill'.");
        }
        path = System.IO.Path.GetFullPath(path);
        try
        {
            MakeParts(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(path, e);
        }
        return isShared ? new RunFolder(path, held: null) : Lock(path);
    }

    /// <summary>Opens an existing run folder beside other processes that do jobs of it, unlocked: each job is claimed by itself.</summary>
    /// <exception cref="DistillException">It does not exist, is not writable, or a folder in it is a link.</exception>
    public static RunFolder Join(string path) => Open(path, isShared: true);

    /// <summary>Where the folder of a row of this ablation is.</summary>
    public string PathOfRow(string name) => In(RowFolder, name);

    /// <summary>The folder of a row of this ablation, locked; it is made where it is missing.</summary>
    /// <exception cref="DistillException">It is not writable, another process works in it, or it is a link.</exception>
    public RunFolder Row(string name) => Below(RowFolder, name);

    /// <summary>The same unlocked, beside other processes.</summary>
    /// <exception cref="DistillException">It is not writable, or it is a link.</exception>
    public RunFolder JoinRow(string name) => JoinBelow(RowFolder, name);

    /// <summary>The folder of a run that is a part of this one, locked; it is made where it is missing.</summary>
    /// <exception cref="DistillException">It is not writable, another process works in it, or it is a link.</exception>
    public RunFolder Below(string kind, string name) => Open(FolderBelow(kind, name));

    /// <summary>The same unlocked, beside other processes.</summary>
    /// <exception cref="DistillException">It is not writable, or it is a link.</exception>
    public RunFolder JoinBelow(string kind, string name) => Join(FolderBelow(kind, name));

    private string FolderBelow(string kind, string name)
    {
        try
        {
            MakeReal(In(kind));
            MakeReal(In(kind, name));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(Path, e);
        }
        return In(kind, name);
    }

    /// <summary>The run folder of a name or path. Without one, or with <see cref="LatestWord"/>, it is the run below the root that
    /// was begun last, or the newest there where that one has no configuration.</summary>
    /// <exception cref="DistillException">There is no run.</exception>
    public static string Find(string? run, string root)
    {
        if (run is not (null or LatestWord))
            return Directory.Exists(run) ? run : System.IO.Path.Combine(root, run);
        return Newest(root, _ => true) ?? throw new DistillException(
            ExitCode.Usage, "IM2003", $"there is no run below {root}. Name a run folder, or start a run with 'distill'.");
    }

    /// <summary>The run that was begun last of those below a folder that are wanted, or null.</summary>
    public static string? Newest(string root, Func<string, bool> isWanted)
    {
        string latest = System.IO.Path.Combine(root, LatestFile);
        string name = File.Exists(latest) ? File.ReadAllText(latest).Trim() : "";
        string path = IsRun(root, name) ? System.IO.Path.Combine(root, name) : "";
        return path.Length > 0 && isWanted(path) ? path : All(root).FirstOrDefault(isWanted);
    }

    /// <summary>Every run below a folder, the newest first.</summary>
    public static IReadOnlyList<string> All(string root) => !Directory.Exists(root)
        ? []
        :
        [
            .. Directory.EnumerateDirectories(root).Select(d => System.IO.Path.GetFileName(d))
                .Where(d => IsRun(root, d))
                .OrderByDescending(d => d.Length >= TimeDigits ? d[..TimeDigits] : "", StringComparer.Ordinal)
                .ThenByDescending(d => File.GetLastWriteTimeUtc(System.IO.Path.Combine(root, d, ConfigName)))
                .ThenByDescending(d => d, StringComparer.Ordinal)
                .Select(d => System.IO.Path.Combine(root, d)),
        ];

    /// <summary>Whether another process works in a run folder; found without taking its lock.</summary>
    public static bool IsHeld(string path)
    {
        string file = System.IO.Path.Combine(path, LockFile);
        try
        {
            if (File.Exists(file))
                new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read).Dispose();
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    /// <summary>Where a run has its own experts.</summary>
    public static string ExpertsOf(string run) => System.IO.Path.Combine(run, ExpertFolder);

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
        if (_lock is null)
            return;

        // Deleted while still locked: later it could be the file of the next process.
        if (!OperatingSystem.IsWindows())
            File.Delete(In(LockFile));
        _lock.Dispose();
        if (OperatingSystem.IsWindows())
            File.Delete(In(LockFile));
    }

    // Below a root, under a plain name, with a configuration.
    private static bool IsRun(string root, string name) =>
        name.Length > 0 && name is not ("." or "..") && System.IO.Path.GetFileName(name) == name
        && !name.EndsWith(".partial", StringComparison.Ordinal)
        && File.Exists(System.IO.Path.Combine(root, name, ConfigName));

    private static void MakeParts(string path)
    {
        foreach (string part in (string[])[SetFolder, ImageFolder, ExpertFolder, "checkpoints"])
            MakeReal(System.IO.Path.Combine(path, part));
    }

    // Files written into a linked folder would end up somewhere else.
    private static void MakeReal(string path)
    {
        if (new FileInfo(path).LinkTarget is { } target)
        {
            throw new DistillException(
                ExitCode.FileSystem, "IM7004",
                $"{path} is a link to {target}, and nothing is written through a link in a run folder. Put a folder in its place; " +
                "recorded experts elsewhere are named with --experts-from, another disk with --out.");
        }
        Directory.CreateDirectory(path);
    }

    // A folder that is not empty is never replaced by a rename: of two that take a name one fails.
    private static RunFolder? TakeName(string root, (string Text, bool IsFixed) name, string staging)
    {
        FileStream? held = OperatingSystem.IsWindows() ? null : HoldLock(staging); // there nothing in a folder that is renamed may be open
        try
        {
            for (int i = 1; i == 1 || !name.IsFixed; i++)
            {
                string path = System.IO.Path.Combine(root, i == 1 ? name.Text : $"{name.Text}_{i}");
                if (System.IO.Path.Exists(path))
                    continue;
                try
                {
                    Directory.Move(staging, path);
                }
                catch (IOException) when (System.IO.Path.Exists(path))
                {
                    continue;
                }
                return held is null ? Lock(path) : new RunFolder(path, held);
            }
            held?.Dispose();
            return null;
        }
        catch
        {
            held?.Dispose();
            throw;
        }
    }

    private static RunFolder Lock(string path)
    {
        string file = System.IO.Path.Combine(path, LockFile);
        try
        {
            return new RunFolder(path, HoldLock(path));
        }
        catch (UnauthorizedAccessException e)
        {
            throw NotWritable(path, e);
        }
        catch (FileWriteException e)
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

    // The system releases the lock however the process ends, so a crash locks nobody out.
    private static FileStream HoldLock(string path)
    {
        string file = System.IO.Path.Combine(path, LockFile);
        FileOperations.RefuseLink(file);
        return new FileStream(file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
    }

    private static DistillException NotWritable(string path, Exception e, string option = "--out") => new(
        ExitCode.FileSystem, "IM7001",
        $"cannot write to {path} ({e.Message.TrimEnd('.')}). Choose a writable folder with {option}.", e);
}
