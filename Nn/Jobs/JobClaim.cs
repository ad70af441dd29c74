using System.Security.Cryptography;

namespace InfMatch.Nn;

/// <summary>
/// That a job is in work: a lock on a file beside its result. The system frees the lock when the process ends, however it ends, so
/// that a killed process keeps nobody from its job. Where a file system has no locks every claim succeeds, and processes must be given
/// jobs of their own (<see cref="JobShare"/>).
/// </summary>
public sealed class JobClaim : IDisposable
{
    /// <summary>What the name of the lock's file ends with.</summary>
    public const string Suffix = ".claim";

    // Of the file, which is sparse and empty.
    private const int MostBytes = 1 << 20;

    private readonly string _path;
    private readonly FileStream _lock;

    private JobClaim(string path, FileStream held) => (_path, _lock) = (path, held);

    /// <summary>Claims the job that makes a file; null where another has claimed it.</summary>
    /// <param name="result">The file; its folder is made where it is missing.</param>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public static JobClaim? TryTake(string result)
    {
        string path = result + Suffix;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        while (true)
        {
            FileStream? held = Hold(path);
            if (held is null)
                return null;
            if (IsStillNamed(path, held))
                return new JobClaim(path, held);
            held.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // While it is still locked: later it could be the file of the next.
        if (!OperatingSystem.IsWindows())
            File.Delete(_path);
        _lock.Dispose();
        if (OperatingSystem.IsWindows())
            DeleteUnlessTaken();
    }

    private static FileStream? Hold(string path)
    {
        if (new FileInfo(path).LinkTarget is { } target)
            throw new IOException($"{path} is a link to {target}, and no job is claimed through a link. Delete it.");
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (IsLocked(e))
        {
            return null;
        }
        catch (UnauthorizedAccessException) when (OperatingSystem.IsWindows() && File.Exists(path))
        {
            return null; // being deleted
        }
    }

    // Not by a look at the file, which its holder may have deleted since: by the number of the error, which is that of the system.
    private static bool IsLocked(IOException e) => (e.HResult & 0xFFFF) == (OperatingSystem.IsWindows() ? 32 : OperatingSystem.IsLinux() ? 11 : 35);

    // Between opening and locking, whoever had it may have deleted it: then it is the lock of a file that has no name any more, and
    // another may hold the one that has. A length drawn by chance tells one from the other.
    private static bool IsStillNamed(string path, FileStream held)
    {
        if (OperatingSystem.IsWindows())
            return true;
        long length = RandomNumberGenerator.GetInt32(1, MostBytes);
        held.SetLength(length);
        var named = new FileInfo(path);
        return named.Exists && named.Length == length;
    }

    private void DeleteUnlessTaken()
    {
        try
        {
            File.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another has claimed it since.
        }
    }
}
