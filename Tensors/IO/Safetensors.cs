namespace InfMatch.Tensors.IO;

/// <summary>
/// Reads and writes whole safetensors files; use <see cref="SafetensorsHeader"/> to look without loading.
/// </summary>
public static class Safetensors
{
    /// <summary>Writes a file atomically: a reader finds the complete old or the complete new one.</summary>
    /// <param name="path">The file to write or replace; its folder must exist.</param>
    /// <param name="arrays">
    /// The arrays; names must differ. Arrays of larger elements come first, so all are aligned.
    /// </param>
    /// <param name="metadata">Text pairs, written sorted by key; <see langword="null"/> for none.</param>
    /// <param name="files">The file system; <see langword="null"/> means the real one.</param>
    /// <exception cref="ArgumentException">
    /// A name is reserved or occurs twice, or the header would exceed 1 MiB.
    /// </exception>
    /// <exception cref="FileWriteException">
    /// The folder is missing or not writable, or the device failed or is full.
    /// </exception>
    /// <remarks>NaN and infinities are written as they are; readers refuse them unless told otherwise.</remarks>
    public static void Write(
        string path, IEnumerable<NamedArray> arrays, IReadOnlyDictionary<string, string>? metadata = null,
        FileOperations? files = null)
    {
        ArgumentNullException.ThrowIfNull(arrays);
        NamedArray[] list = [.. arrays];
        AtomicFile.Write(path, stream => Write(stream, list, metadata), files);
    }

    /// <summary>Writes the format to a stream.</summary>
    /// <param name="stream">Receives the bytes.</param>
    /// <param name="arrays">
    /// The arrays; names must differ. Arrays of larger elements come first, so all are aligned.
    /// </param>
    /// <param name="metadata">Text pairs, written sorted by key; <see langword="null"/> for none.</param>
    /// <exception cref="ArgumentException">
    /// A name is reserved or occurs twice, or the header would exceed 1 MiB.
    /// </exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public static void Write(
        Stream stream, IEnumerable<NamedArray> arrays, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(arrays);
        NamedArray[] ordered = [.. arrays.OrderByDescending(a => a.Element.ByteSize())];
        stream.Write(SafetensorsHeader.Encode(
            [.. ordered.Select(a => new ArrayLayout(a.Name, a.Element, a.Dimensions.ToArray()))], metadata));
        foreach (NamedArray array in ordered)
            array.WriteTo(stream);
    }

    /// <summary>Reads all arrays of a file into memory; F16 and BF16 become Float32, exactly.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">What to accept; <see langword="null"/> means <see cref="ArrayFileLimits.Default"/>.</param>
    /// <returns>Arrays in the order of their data, and the metadata.</returns>
    /// <exception cref="SafetensorsException">
    /// The file breaks a rule of the format or a limit, is unfinished, or holds NaN or infinities that are not allowed.
    /// </exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static ArraySet Read(string path, ArrayFileLimits? limits = null)
    {
        using FileStream stream = SafetensorsHeader.OpenFile(path);
        return Read(stream, limits);
    }

    /// <summary>Reads all arrays from the rest of a seekable stream into memory.</summary>
    /// <param name="stream">A seekable stream whose rest is one safetensors file.</param>
    /// <param name="limits">What to accept; <see langword="null"/> means <see cref="ArrayFileLimits.Default"/>.</param>
    /// <returns>Arrays in the order of their data, and the metadata.</returns>
    /// <exception cref="SafetensorsException">
    /// The data breaks a rule of the format or a limit, is unfinished, or holds NaN or infinities that are not allowed.
    /// </exception>
    /// <exception cref="ArgumentException">The stream cannot seek.</exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public static ArraySet Read(Stream stream, ArrayFileLimits? limits = null)
    {
        limits ??= ArrayFileLimits.Default;
        SafetensorsHeader header = SafetensorsHeader.Read(stream, limits);
        string source = header.FileName;

        // The header check tied the counts to the true length of the file.
        long total = header.Entries.Sum(e => e.ByteCount / e.Element.ByteSize() * e.Element.InMemory().ByteSize());
        if (total > limits.MaxDataBytes)
        {
            throw new SafetensorsException(source,
                $"the data has {total} bytes, the limit is {limits.MaxDataBytes}. Map the file with SafetensorsHeader "
                + "instead.");
        }

        List<NamedArray> arrays = new(header.Entries.Count);
        foreach (SafetensorsEntry entry in header.Entries)
            arrays.Add(ReadArray(stream, entry, limits, source));
        return new ArraySet(source, arrays, header.Metadata);
    }

    private static NamedArray ReadArray(Stream stream, SafetensorsEntry entry, ArrayFileLimits limits, string source)
    {
        long count = entry.ByteCount / entry.Element.ByteSize();
        if (count > Array.MaxLength)
        {
            throw new SafetensorsException(source,
                $"array '{entry.Name}' has {count} elements, one array holds at most {Array.MaxLength}. Map the file "
                + "with SafetensorsHeader instead.");
        }

        NamedArray array;
        try
        {
            array = NamedArray.ReadFrom(stream, entry.Name, entry.Element, entry.Dimensions, (int)count);
        }
        catch (EndOfStreamException e)
        {
            throw new SafetensorsException(source, "the file became shorter while it was read.", e);
        }

        if (!limits.AllowNonFinite && array.FirstNonFinite() is >= 0 and int at)
        {
            throw new SafetensorsException(source,
                $"array '{entry.Name}' holds NaN or an infinity at element {at} (byte "
                + $"{entry.Offset + ((long)at * entry.Element.ByteSize())}). Find the run that wrote it, or set "
                + "AllowNonFinite.");
        }

        return array;
    }
}
