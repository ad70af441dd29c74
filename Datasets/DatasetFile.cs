namespace InfMatch.Datasets;

/// <summary>Reads one whole file under a size limit and turns every refusal of the system into a typed error.</summary>
internal static class DatasetFile
{
    public static byte[] ReadAll(string path, DecodeLimits limits)
    {
        long length = LengthOf(path, limits);
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            byte[] bytes = new byte[length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, e);
        }
    }

    /// <summary>The first bytes of a file, fewer when it is shorter: enough to tell what it is.</summary>
    public static byte[] ReadHead(string path, int count)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            byte[] head = new byte[count];
            return head[..stream.ReadAtLeast(head, count, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, e);
        }
    }

    /// <summary>What to do about a missing file of which there is an .xz; null where there is none.</summary>
    public static DatasetException? StillPacked(string path) => File.Exists(path + ".xz")
        ? new DatasetException(
            DatasetFault.NotFound, path, "the file is missing, but there is an .xz of it",
            fix: $"Unpack it: run `xz -dk *.xz` in {Path.GetDirectoryName(path)}.")
        : null;

    /// <summary>Length in bytes, looked up without opening: opening a named pipe would wait for ever.</summary>
    public static long LengthOf(string path, DecodeLimits limits)
    {
        if (Directory.Exists(path))
        {
            throw new DatasetException(
                DatasetFault.WrongFormat, path, "this is a folder where a file is needed",
                fix: "Remove or rename the folder and put the published file there.");
        }

        long length;
        try
        {
            var file = new FileInfo(path);
            // A link's own length is that of the path in it.
            length = (file.LinkTarget is null ? file : (FileInfo)file.ResolveLinkTarget(returnFinalTarget: true)!).Length;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DatasetException(
                DatasetFault.NotFound, path, "the file does not exist", fix: "Check the path.", innerException: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, e);
        }

        if (length == 0)
        {
            throw new DatasetException(
                DatasetFault.Truncated, path, "the file is empty", "0 bytes", fix: "Download the file again.");
        }

        if (length > limits.MaxFileBytes)
        {
            throw new DatasetException(
                DatasetFault.TooLarge, path, "the file is larger than the limit",
                $"{length} bytes", $"at most {limits.MaxFileBytes}", "Check that this is the right file.");
        }

        return length;
    }

    /// <summary>Fails unless the path is an existing folder.</summary>
    public static void RequireFolder(string folder)
    {
        if (Directory.Exists(folder))
            return;
        if (File.Exists(folder))
        {
            throw new DatasetException(
                DatasetFault.WrongFormat, folder, "this is a file where a folder is needed",
                fix: "Give the folder that holds the data files.");
        }

        throw new DatasetException(
            DatasetFault.NotFound, folder, "the folder does not exist", fix: "Check the path and its spelling.");
    }

    public static DatasetException Unreadable(string path, Exception e) => new(
        DatasetFault.Unreadable, path, $"the file cannot be read ({e.Message.TrimEnd('.')})",
        fix: "Check the permissions of the file and that nothing is writing to it.", innerException: e);
}
