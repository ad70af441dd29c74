using System.Security.Cryptography;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>What a run needs of the machine beside a device: a place to write and data to read.</summary>
internal static class SystemHealthCheck
{
    private const int WrittenBytes = 4 << 20;
    private const long EnoughDisk = 256L << 20;

    /// <summary>All checks.</summary>
    public static IEnumerable<CheckResult> CheckHealth(string folder)
    {
        yield return Disk(folder);
        yield return BuiltInData();
    }

    /// <summary>Free space, and whether what is written is on the disk and is read again.</summary>
    public static CheckResult Disk(string folder)
    {
        string check = $"folder {folder}";
        string probe = Path.Combine(folder, $".{Path.GetRandomFileName()}");
        bool existed = Directory.Exists(folder);
        try
        {
            Directory.CreateDirectory(folder);
            long free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
            byte[] written = RandomNumberGenerator.GetBytes(WrittenBytes);
            long start = TimeProvider.System.GetTimestamp();
            using (var stream = new FileStream(probe, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(written);
                stream.Flush(flushToDisk: true);
            }
            double milliseconds = TimeProvider.System.GetElapsedTime(start).TotalMilliseconds;
            bool same = File.ReadAllBytes(probe).AsSpan().SequenceEqual(written);
            bool enough = free >= EnoughDisk;
            return new CheckResult(
                "system", check, same && enough,
                $"{ByteSize.Text(free)} free; {ByteSize.Text(WrittenBytes)} written and flushed in {milliseconds:F0} ms, read again " +
                (same ? "unchanged" : "CHANGED"),
                !same ? "The disk gives back other bytes than it took: choose another place with --out."
                : enough ? null
                : $"A run needs {ByteSize.Text(EnoughDisk)} and more: make room, or choose another place with --out.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new CheckResult("system", check, false, e.Message, "Choose a writable folder with --out.");
        }
        finally
        {
            if (File.Exists(probe))
                File.Delete(probe);
            if (!existed && Directory.Exists(folder) && Directory.GetFileSystemEntries(folder).Length == 0)
                Directory.Delete(folder);
        }
    }

    private static CheckResult BuiltInData()
    {
        const string Check = "built-in data set";
        try
        {
            DatasetPair pair = FashionMnistSmallDataset.Unpack();
            return new CheckResult(
                "system", Check, true,
                $"{pair.Train.Count} + {pair.Test.Count} images, SHA-256 {FashionMnistSmallDataset.Sha256[..12]}… as it must be", null);
        }
        catch (DatasetException e)
        {
            return new CheckResult("system", Check, false, e.Message, "Build again from a clean copy.");
        }
    }
}
