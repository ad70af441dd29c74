namespace InfMatch.Tensors.IO;

/// <summary>
/// A file could not be written; the message names the file, its folder, the cause and the likely fix.
/// </summary>
public sealed class FileWriteException : IOException
{
    /// <summary>Creates the exception with a complete message.</summary>
    /// <param name="message">What failed, where, and the likely fix.</param>
    public FileWriteException(string message)
        : base(PrintableText.Of(message))
    {
    }

    /// <summary>Creates the exception with a complete message and its cause.</summary>
    /// <param name="message">What failed, where, and the likely fix.</param>
    /// <param name="inner">The error of the operating system.</param>
    public FileWriteException(string message, Exception inner)
        : base(PrintableText.Of(message), inner)
    {
    }

    internal static bool Covers(Exception e) =>
        e is IOException and not FileWriteException or UnauthorizedAccessException;

    internal static FileWriteException For(string path, Exception cause)
    {
        string folder = Path.GetDirectoryName(path) ?? path;
        string detail = cause switch
        {
            DirectoryNotFoundException => $"the folder '{folder}' does not exist. Create it or choose another place.",
            UnauthorizedAccessException when Directory.Exists(path) =>
                "this name belongs to a folder. Choose another file name.",
            UnauthorizedAccessException =>
                $"the folder '{folder}' or the file is not writable for this user. Change the permissions or choose "
                + "another place.",
            _ => $"{cause.Message} A file of this name written earlier is unchanged. Check the free space and the "
                + $"state of '{folder}'.",
        };
        return new FileWriteException($"Cannot write '{path}': {detail}", cause);
    }
}
