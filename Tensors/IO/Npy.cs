namespace InfMatch.Tensors.IO;

/// <summary>
/// Reads and writes numpy's .npy files: versions 1.0 and 2.0, element types &lt;f4 &lt;f8 &lt;i4 &lt;i8 |u1, row-major.
/// Python objects are refused, as reading them would run code.
/// </summary>
public static class Npy
{
    /// <summary>Writes an array atomically as version 1.0; the name is not part of the file.</summary>
    /// <param name="path">The file to write or replace; its folder must exist.</param>
    /// <param name="array">The array; NaN and infinities are written as they are.</param>
    /// <param name="files">The file system; <see langword="null"/> means the real one.</param>
    /// <exception cref="FileWriteException">
    /// The folder is missing or not writable, or the device failed or is full.
    /// </exception>
    public static void Write(string path, NamedArray array, FileOperations? files = null)
    {
        ArgumentNullException.ThrowIfNull(array);
        AtomicFile.Write(path, stream => Write(stream, array), files);
    }

    /// <summary>Writes an array as version 1.0 with the bytes that numpy.save gives.</summary>
    /// <param name="stream">Receives the bytes.</param>
    /// <param name="array">The array; NaN and infinities are written as they are.</param>
    /// <exception cref="IOException">The stream failed.</exception>
    public static void Write(Stream stream, NamedArray array)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(array);
        stream.Write(NpyHeader.Encode(array.Element, array.Dimensions));
        array.WriteTo(stream);
    }

    /// <summary>Reads a file; the array is named after it, without the extension.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">What to accept; <see langword="null"/> means <see cref="ArrayFileLimits.Default"/>.</param>
    /// <returns>The array.</returns>
    /// <exception cref="NpyException">
    /// The file breaks a rule of the format or a limit, or holds NaN or infinities.
    /// </exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static NamedArray Read(string path, ArrayFileLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        string name = Path.GetFileNameWithoutExtension(path);
        return Read(stream, name.Length > 0 ? name : Path.GetFileName(path), limits);
    }

    /// <summary>Reads one array from the rest of a seekable stream.</summary>
    /// <param name="stream">A seekable stream whose rest is one .npy file.</param>
    /// <param name="name">The name the array gets.</param>
    /// <param name="limits">What to accept; <see langword="null"/> means <see cref="ArrayFileLimits.Default"/>.</param>
    /// <returns>The array.</returns>
    /// <exception cref="NpyException">
    /// The data breaks a rule of the format or a limit, or holds NaN or infinities.
    /// </exception>
    /// <exception cref="ArgumentException">The stream cannot seek, or the name is not usable.</exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public static NamedArray Read(Stream stream, string name, ArrayFileLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanSeek)
        {
            throw new ArgumentException(
                ".npy: the stream cannot seek. Copy it to a file or a MemoryStream.", nameof(stream));
        }

        if (NamedArray.NameProblem(name) is { } problem)
            throw new ArgumentException($".npy: {problem}.", nameof(name));
        limits ??= ArrayFileLimits.Default;
        string source = ArrayFileException.NameOf(stream);
        NamedArray array = Read(stream, stream.Length - stream.Position, name, source, limits);
        RequireFinite(array, source, limits);
        return array;
    }

    internal static NamedArray Read(Stream stream, long length, string name, string source, ArrayFileLimits limits)
    {
        try
        {
            NpyHeader header = NpyHeader.Read(stream, length, source, limits);
            return NamedArray.ReadFrom(stream, name, header.Element, header.Dimensions, header.Count);
        }
        catch (EndOfStreamException e)
        {
            throw new NpyException(source, $"the data ends before the {length} bytes it was declared to have.", e);
        }
    }

    internal static void RequireFinite(NamedArray array, string source, ArrayFileLimits limits)
    {
        if (!limits.AllowNonFinite && array.FirstNonFinite() is >= 0 and int at)
        {
            throw new NpyException(source,
                $"NaN or an infinity at element {at}. Find the run that wrote it, or set AllowNonFinite.");
        }
    }
}
