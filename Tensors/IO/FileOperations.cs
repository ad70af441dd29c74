using System.Runtime.InteropServices;

namespace InfMatch.Tensors.IO;

/// <summary>
/// The few file-system calls that safe writing is made of; derive from it to let the n-th call fail in a test.
/// </summary>
public partial class FileOperations
{
    private const int InvalidArgument = 22;
    private const int Interrupted = 4;

    /// <summary>The real file system.</summary>
    public static FileOperations Disk { get; } = new();

    /// <summary>
    /// Creates a file and opens it for writing, shared with nobody. A file of this name that no other writer holds is
    /// replaced and not emptied, so what has another name too keeps its content; a link is refused, so nothing is written
    /// where it leads.
    /// </summary>
    /// <param name="path">Full path of the file.</param>
    /// <returns>The open stream; the caller disposes it.</returns>
    /// <exception cref="FileWriteException">The name is a link.</exception>
    /// <exception cref="IOException">The operating system refused, or another writer holds the file.</exception>
    /// <exception cref="UnauthorizedAccessException">The operating system refused.</exception>
    public virtual Stream Create(string path)
    {
        RefuseLink(path);
        if (!File.Exists(path) && !Directory.Exists(path))
            return CreateNew(path);

        // Opening it finds out whether another writer is at work in it; a reader or a stopped writer holds nothing.
        using var left = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.None);
        if (OperatingSystem.IsWindows())
            left.Dispose();
        File.Delete(path);
        return CreateNew(path);
    }

    /// <summary>Fails where a name is a link, to a file or to a folder, whether or not that exists.</summary>
    /// <param name="path">Full path of the file or folder.</param>
    /// <exception cref="FileWriteException">It is a link.</exception>
    public static void RefuseLink(string path)
    {
        if (new FileInfo(path).LinkTarget is { } target)
        {
            throw new FileWriteException(
                $"Cannot write '{path}': it is a link to '{target}', and nothing is written through a link here. Remove the "
                + "link.");
        }
    }

    /// <summary>Blocks until everything written to the stream is on the device.</summary>
    /// <param name="stream">A stream that <see cref="Create"/> gave.</param>
    /// <exception cref="IOException">The device failed or is full.</exception>
    public virtual void FlushToDisk(Stream stream)
    {
        if (stream is FileStream file)
            file.Flush(flushToDisk: true);
        else
            throw new ArgumentException($"FlushToDisk: got a {stream.GetType().Name}, needs the FileStream from "
                + "Create.",
                nameof(stream));
    }

    /// <summary>
    /// Renames a file in one step, replacing a file that has the new name; a link there is replaced itself.
    /// </summary>
    /// <param name="source">Full path of the file.</param>
    /// <param name="destination">Full path of its new name in the same folder.</param>
    /// <exception cref="IOException">The operating system refused.</exception>
    /// <exception cref="UnauthorizedAccessException">The operating system refused.</exception>
    public virtual void Replace(string source, string destination) => File.Move(source, destination, overwrite: true);

    /// <summary>Deletes a file if it exists.</summary>
    /// <param name="path">Full path of the file.</param>
    /// <exception cref="IOException">The operating system refused.</exception>
    /// <exception cref="UnauthorizedAccessException">The operating system refused.</exception>
    public virtual void Delete(string path) => File.Delete(path);

    /// <summary>
    /// Makes earlier renames in a folder survive a power failure; Windows needs no such call and does nothing here.
    /// </summary>
    /// <param name="folder">Full path of the folder.</param>
    /// <exception cref="FileWriteException">The folder cannot be opened or flushed.</exception>
    public virtual void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        int descriptor = Open(folder, 0);
        int error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        if (descriptor >= 0)
        {
            do
            {
                error = Sync(descriptor) == 0 ? 0 : Marshal.GetLastPInvokeError();
            }
            while (error == Interrupted);
            _ = Close(descriptor);

            // Some network file systems cannot flush a folder ("invalid argument"); the rename itself has happened.
            if (error == InvalidArgument)
                return;
        }

        if (error != 0)
        {
            throw new FileWriteException(
                $"The folder '{folder}' could not be flushed to disk: {Marshal.GetPInvokeErrorMessage(error)}. The new "
                + "file is in place but might not survive a power failure. Check the state of the device.");
        }
    }

    // Fails where anything has the name by now, a link included.
    private static FileStream CreateNew(string path) =>
        new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
