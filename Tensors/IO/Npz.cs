using System.IO.Compression;

namespace InfMatch.Tensors.IO;

/// <summary>How the arrays of an .npz archive are stored.</summary>
public enum NpzCompression
{
    /// <summary>As they are, like numpy.savez.</summary>
    Stored,

    /// <summary>
    /// Deflated, like numpy.savez_compressed; arrays that would shrink more than a hundredfold are stored, because
    /// readers take such ratios for an attack.
    /// </summary>
    Deflated,
}

/// <summary>Reads and writes numpy's .npz archives: zip files with one .npy file per array.</summary>
/// <remarks>
/// Names of entries must stay inside a folder if somebody extracts the archive: no "..", no leading '/', no backslash,
/// no drive. Checksums are verified here, because .NET 10 accepts stored entries with a wrong one.
/// </remarks>
public static class Npz
{
    private const string Extension = ".npy";

    // Zip cannot express earlier dates. A fixed one gives equal bytes for equal content.
    private static readonly DateTimeOffset s_entryTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes an archive atomically.</summary>
    /// <param name="path">The file to write or replace; its folder must exist.</param>
    /// <param name="arrays">The arrays, at most 1,024; names must differ.</param>
    /// <param name="compression">How to store them.</param>
    /// <param name="files">The file system; <see langword="null"/> means the real one.</param>
    /// <exception cref="ArgumentException">
    /// A name is not usable in an archive or occurs twice, or there are too many.
    /// </exception>
    /// <exception cref="FileWriteException">
    /// The folder is missing or not writable, or the device failed or is full.
    /// </exception>
    public static void Write(
        string path, IEnumerable<NamedArray> arrays, NpzCompression compression = NpzCompression.Deflated,
        FileOperations? files = null)
    {
        ArgumentNullException.ThrowIfNull(arrays);
        NamedArray[] list = [.. arrays];
        AtomicFile.Write(path, stream => Write(stream, list, compression), files);
    }

    /// <summary>Writes an archive to a stream.</summary>
    /// <param name="stream">Receives the bytes; stays open.</param>
    /// <param name="arrays">
    /// The arrays, at most 1,024; names must differ. NaN and infinities are written as they are.
    /// </param>
    /// <param name="compression">How to store them.</param>
    /// <exception cref="ArgumentException">
    /// A name is not usable in an archive or occurs twice, or there are too many.
    /// </exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public static void Write(
        Stream stream, IEnumerable<NamedArray> arrays, NpzCompression compression = NpzCompression.Deflated)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(arrays);
        NamedArray[] list = [.. arrays];
        if (list.Length > ArrayFileLimits.Default.MaxArchiveEntries)
        {
            throw new ArgumentException(
                $".npz: {list.Length} arrays, the limit is {ArrayFileLimits.Default.MaxArchiveEntries}. Use "
                + "safetensors.",
                nameof(arrays));
        }

        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (NamedArray array in list)
        {
            string? problem = EntryProblem(array.Name) ?? (names.Add(array.Name) ? null : "the name occurs twice");
            if (problem is not null)
                throw new ArgumentException($".npz: array '{array.Name}': {problem}.", nameof(arrays));
        }

        using ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true);
        foreach (NamedArray array in list)
        {
            bool deflate = compression == NpzCompression.Deflated && !ShrinksBeyondLimit(array);
            ZipArchiveEntry entry = archive.CreateEntry(array.Name + Extension,
                deflate ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
            entry.LastWriteTime = s_entryTime;
            using Stream content = entry.Open();
            Npy.Write(content, array);
        }
    }

    /// <summary>Reads all arrays of an archive into memory.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">What to accept; <see langword="null"/> means <see cref="ArrayFileLimits.Default"/>.</param>
    /// <returns>The arrays in the order of the archive.</returns>
    /// <exception cref="NpyException">The archive or an array breaks a rule of the format or a limit.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static ArraySet Read(string path, ArrayFileLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        return Read(stream, limits);
    }

    /// <summary>Reads all arrays of an archive from a seekable stream into memory.</summary>
    /// <param name="stream">A seekable stream that is one archive; stays open.</param>
    /// <param name="limits">What to accept; <see langword="null"/> means <see cref="ArrayFileLimits.Default"/>.</param>
    /// <returns>The arrays in the order of the archive.</returns>
    /// <exception cref="NpyException">The archive or an array breaks a rule of the format or a limit.</exception>
    /// <exception cref="ArgumentException">The stream cannot seek.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ArraySet Read(Stream stream, ArrayFileLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanSeek)
        {
            throw new ArgumentException(
                ".npz: the stream cannot seek. Copy it to a file or a MemoryStream.", nameof(stream));
        }

        limits ??= ArrayFileLimits.Default;
        string source = ArrayFileException.NameOf(stream);
        try
        {
            using ZipArchive archive = new(stream, ZipArchiveMode.Read, leaveOpen: true);
            CheckDirectory(archive, stream.Length, source, limits);
            List<NamedArray> arrays = new(archive.Entries.Count);
            foreach (ZipArchiveEntry entry in archive.Entries)
                arrays.Add(ReadEntry(entry, source, limits));
            return new ArraySet(source, arrays);
        }
        catch (InvalidDataException e)
        {
            throw new NpyException(source, $"the zip archive is damaged: {e.Message}", e);
        }
    }

    private static void CheckDirectory(ZipArchive archive, long fileLength, string source, ArrayFileLimits limits)
    {
        if (archive.Entries.Count > limits.MaxArchiveEntries)
            throw new NpyException(source, $"{archive.Entries.Count} entries, the limit is "
                + $"{limits.MaxArchiveEntries}.");

        // The archive's own length, not the declared compressed sizes: entries may overlap and count it many times.
        double most = Math.Min(
            limits.MaxDataBytes, limits.ExpansionAllowance + ((double)fileLength * limits.MaxExpansionRatio));
        double declared = 0;
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            string? problem = !entry.FullName.EndsWith(Extension, StringComparison.Ordinal)
                ? "an .npz archive holds only .npy files"
                : EntryProblem(entry.FullName[..^Extension.Length])
                    ?? (names.Add(entry.FullName) ? null : "the name occurs twice")
                    ?? (entry.IsEncrypted ? "the entry is encrypted" : null)
                    ?? (entry.Length < 0 || entry.CompressedLength < 0 ? "a declared size is negative" : null);
            if (problem is not null)
                throw new NpyException(source, $"entry '{entry.FullName}': {problem}.");
            declared += entry.Length;
        }

        if (declared > most)
        {
            throw new NpyException(source,
                $"the entries declare {declared:F0} bytes, the limit for an archive of {fileLength} bytes is "
                + $"{most:F0}. Is it a decompression bomb? If not, raise MaxExpansionRatio or MaxDataBytes.");
        }
    }

    private static NamedArray ReadEntry(ZipArchiveEntry entry, string source, ArrayFileLimits limits)
    {
        string place = $"{source}: entry '{entry.FullName}'";
        using Stream content = entry.Open();
        using Crc32Stream checkedContent = new(content);
        NamedArray array = Npy.Read(checkedContent, entry.Length, entry.FullName[..^Extension.Length], place, limits);
        if (checkedContent.ReadByte() != -1)
            throw new NpyException(place, $"the data goes on after the declared {entry.Length} bytes.");
        if (checkedContent.Checksum != entry.Crc32)
        {
            throw new NpyException(place,
                $"CRC-32 is {checkedContent.Checksum:x8}, the archive says {entry.Crc32:x8}. The file is damaged; "
                + "fetch it again.");
        }

        Npy.RequireFinite(array, place, limits);
        return array;
    }

    private static string? EntryProblem(string name)
    {
        if (NamedArray.NameProblem(name) is { } problem)
            return problem;
        if (name[0] == '/' || name.AsSpan().ContainsAny('\\', ':'))
            return "the name is rooted or holds a backslash or a drive";
        return name.Split('/').Any(part => part is "" or "." or "..")
            ? "the name holds an empty, '.' or '..' part"
            : null;
    }

    // Stops at the first bytes too many, so an ordinary array costs about a hundredth of its compression.
    private static bool ShrinksBeyondLimit(NamedArray array)
    {
        long most = array.ByteCount / ArrayFileLimits.Default.MaxExpansionRatio;
        using MemoryStream deflated = new();
        using (DeflateStream deflate = new(deflated, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (long at = 0; at < array.ByteCount; at += NamedArray.ChunkBytes)
            {
                deflate.Write(array.BytesAt(at));
                if (deflated.Length > most)
                    return false;
            }
        }

        return deflated.Length <= most;
    }
}
