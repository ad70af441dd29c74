using System.Text;

namespace InfMatch.Tensors.IO;

/// <summary>
/// Writes files so that a reader, a crash or a power failure finds either the complete old or the complete new file.
/// </summary>
public static class AtomicFile
{
    /// <summary>
    /// Writes a file through a temporary file in the same folder, flushed to the device and then renamed. After an
    /// exception the earlier file is unchanged and the temporary file is gone (except where only the last flush of the
    /// folder failed: then the new file is in place).
    /// </summary>
    /// <param name="path">The file to write or replace; its folder must exist.</param>
    /// <param name="write">Writes the content; its own exceptions other than I/O errors pass through unchanged.</param>
    /// <param name="files">The file system; <see langword="null"/> means the real one.</param>
    /// <exception cref="FileWriteException">
    /// The folder is missing or not writable, or the device failed or is full.
    /// </exception>
    public static void Write(string path, Action<Stream> write, FileOperations? files = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        files ??= FileOperations.Disk;
        string full = Path.GetFullPath(path);

        // Random: two processes that write the same file must not share the temporary one.
        string temporary = $"{full}.{Path.GetRandomFileName()[..8]}.tmp";
        try
        {
            using (Stream stream = files.Create(temporary))
            {
                write(stream);
                files.FlushToDisk(stream);
            }

            files.Replace(temporary, full);
        }
        catch (Exception e)
        {
            DeleteLeftover(temporary, files);
            if (FileWriteException.Covers(e))
                throw FileWriteException.For(full, e);
            throw;
        }

        files.FlushFolder(Path.GetDirectoryName(full)!);
    }

    /// <summary>Writes text as UTF-8 without a byte-order mark, under the rules of <see cref="Write"/>.</summary>
    /// <param name="path">The file to write or replace; its folder must exist.</param>
    /// <param name="text">The whole content.</param>
    /// <param name="files">The file system; <see langword="null"/> means the real one.</param>
    /// <exception cref="FileWriteException">
    /// The folder is missing or not writable, or the device failed or is full.
    /// </exception>
    public static void WriteAllText(string path, string text, FileOperations? files = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)), files);
    }

    internal static void DeleteLeftover(string path, FileOperations files)
    {
        try
        {
            files.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The caller is already on its way out with the error that matters more.
        }
    }
}
