using System.Runtime.InteropServices;

namespace InfMatch.Tensors.IO;

/// <summary>
/// Writes a safetensors file piece by piece: the header for known shapes first, then the elements in order. The data
/// grows under the name with ".partial" and gets its own name only when complete.
/// </summary>
/// <example>
/// <code>
/// var row = new float[1000];
/// using SafetensorsWriter writer = SafetensorsWriter.Create(
///     "trajectory.safetensors", [new("params", ArrayElement.Float32, [21, 1000])]);
/// for (int checkpoint = 0; checkpoint &lt; 21; checkpoint++)
///     writer.Append("params", row);
/// writer.Complete();
/// </code>
/// </example>
public sealed class SafetensorsWriter : IDisposable
{
    /// <summary>What follows the name of a file that is not complete yet.</summary>
    public const string PartialSuffix = ".partial";

    private readonly FileOperations _files;
    private readonly string _path;
    private readonly Stream _stream;
    private readonly IReadOnlyList<ArrayLayout> _layouts;
    private int _current;
    private long _remaining;
    private bool _closed;

    private SafetensorsWriter(
        string path, Stream stream, IReadOnlyList<ArrayLayout> layouts, byte[] header, FileOperations files)
    {
        Header = header;
        _files = files;
        _path = path;
        _stream = stream;
        _layouts = layouts;
        if (layouts.Count > 0)
            _remaining = CountOf(layouts[0]);
        SkipFinished();
    }

    /// <summary>The bytes with which the file begins, up to the data.</summary>
    public ReadOnlyMemory<byte> Header { get; }

    /// <summary>
    /// Creates the partial file and writes its header; a partial file left by a stopped run is replaced.
    /// </summary>
    /// <param name="path">The final name; its folder must exist.</param>
    /// <param name="layouts">Names, element types and sizes in the order in which the data will come.</param>
    /// <param name="metadata">Text pairs, written sorted by key; <see langword="null"/> for none.</param>
    /// <param name="files">The file system; <see langword="null"/> means the real one.</param>
    /// <returns>The writer; dispose it.</returns>
    /// <exception cref="ArgumentException">
    /// A name is reserved or occurs twice, or the header would exceed 1 MiB.
    /// </exception>
    /// <exception cref="FileWriteException">
    /// The folder is missing or not writable, another writer holds the file, its name is a link, or the device failed or is
    /// full.
    /// </exception>
    public static SafetensorsWriter Create(
        string path, IEnumerable<ArrayLayout> layouts, IReadOnlyDictionary<string, string>? metadata = null,
        FileOperations? files = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(layouts);
        files ??= FileOperations.Disk;
        string full = Path.GetFullPath(path);
        ArrayLayout[] list = [.. layouts.Select(l => l with { Dimensions = [.. l.Dimensions] })];
        byte[] header = SafetensorsHeader.Encode(list, metadata);
        Stream? stream = null;
        try
        {
            stream = files.Create(full + PartialSuffix);
            stream.Write(header);
            return new SafetensorsWriter(full, stream, list, header, files);
        }
        catch (Exception e)
        {
            if (stream is not null)
            {
                CloseQuietly(stream);
                AtomicFile.DeleteLeftover(full + PartialSuffix, files);
            }

            if (FileWriteException.Covers(e))
                throw FileWriteException.For(full + PartialSuffix, e);
            throw;
        }
    }

    /// <summary>Appends floats to the array whose turn it is; NaN and infinities are written as they are.</summary>
    /// <param name="name">Name of that array, so that a wrong order is an error and not a wrong file.</param>
    /// <param name="elements">The next elements, row-major; a whole array may come in any number of pieces.</param>
    /// <exception cref="InvalidOperationException">
    /// It is another array's turn, the element type differs, more elements come than are left, or the writer is closed.
    /// </exception>
    /// <exception cref="FileWriteException">The device failed or is full.</exception>
    public void Append(string name, ReadOnlySpan<float> elements) => Append(name, ArrayElement.Float32, elements);

    /// <summary>Appends doubles to the array whose turn it is; NaN and infinities are written as they are.</summary>
    /// <inheritdoc cref="Append(string, ReadOnlySpan{float})"/>
    public void Append(string name, ReadOnlySpan<double> elements) => Append(name, ArrayElement.Float64, elements);

    /// <summary>Appends 32-bit integers to the array whose turn it is.</summary>
    /// <inheritdoc cref="Append(string, ReadOnlySpan{float})"/>
    public void Append(string name, ReadOnlySpan<int> elements) => Append(name, ArrayElement.Int32, elements);

    /// <summary>Appends 64-bit integers to the array whose turn it is.</summary>
    /// <inheritdoc cref="Append(string, ReadOnlySpan{float})"/>
    public void Append(string name, ReadOnlySpan<long> elements) => Append(name, ArrayElement.Int64, elements);

    /// <summary>Appends bytes to the array whose turn it is.</summary>
    /// <inheritdoc cref="Append(string, ReadOnlySpan{float})"/>
    public void Append(string name, ReadOnlySpan<byte> elements) => Append(name, ArrayElement.UInt8, elements);

    /// <summary>Flushes the file to the device and gives it its final name, replacing an earlier file.</summary>
    /// <exception cref="InvalidOperationException">Elements are missing, or the writer is closed.</exception>
    /// <exception cref="FileWriteException">The device failed or is full; the partial file is gone then.</exception>
    public void Complete()
    {
        ThrowIfClosed();
        if (_current < _layouts.Count)
        {
            throw new InvalidOperationException(
                $"{_path}: array '{_layouts[_current].Name}' still lacks {_remaining} of "
                + $"{CountOf(_layouts[_current])} elements. Append them before Complete.");
        }

        _closed = true;
        string partial = _path + PartialSuffix;
        try
        {
            try
            {
                _files.FlushToDisk(_stream);
            }
            finally
            {
                _stream.Dispose();
            }

            _files.Replace(partial, _path);
        }
        catch (Exception e) when (FileWriteException.Covers(e))
        {
            AtomicFile.DeleteLeftover(partial, _files);
            throw FileWriteException.For(_path, e);
        }

        _files.FlushFolder(Path.GetDirectoryName(_path)!);
    }

    /// <summary>
    /// Deletes the partial file unless <see cref="Complete"/> was called; only a killed process leaves one.
    /// </summary>
    public void Dispose()
    {
        if (_closed)
            return;
        _closed = true;
        CloseQuietly(_stream);
        AtomicFile.DeleteLeftover(_path + PartialSuffix, _files);
    }

    private static long CountOf(ArrayLayout layout) =>
        NamedArray.TryCount(layout.Dimensions, out long count)
            ? count
            : throw new InvalidOperationException("Unchecked layout.");

    private static void CloseQuietly(Stream stream)
    {
        try
        {
            stream.Dispose();
        }
        catch (IOException)
        {
            // The file is about to be deleted: what could not be written no longer matters.
        }
    }

    private void Append<T>(string name, ArrayElement element, ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        ThrowIfClosed();
        ArrayLayout? layout = _current < _layouts.Count ? _layouts[_current] : null;
        if (layout is null || layout.Name != name || layout.Element != element || elements.Length > _remaining)
        {
            string turn = layout is null
                ? "all arrays are complete"
                : $"expected at most {_remaining} {layout.Element} elements of '{layout.Name}'";
            throw new InvalidOperationException(
                $"{_path}: got {elements.Length} {element} elements of '{name}', {turn}. Append in the order of the "
                + "header.");
        }

        try
        {
            // A span of bytes ends at 2 GiB.
            const int piece = 1 << 20;
            for (int at = 0; at < elements.Length; at += piece)
                _stream.Write(MemoryMarshal.AsBytes(elements.Slice(at, Math.Min(piece, elements.Length - at))));
        }
        catch (IOException e)
        {
            throw FileWriteException.For(_path + PartialSuffix, e);
        }

        _remaining -= elements.Length;
        SkipFinished();
    }

    private void SkipFinished()
    {
        while (_current < _layouts.Count && _remaining == 0)
        {
            _current++;
            if (_current < _layouts.Count)
                _remaining = CountOf(_layouts[_current]);
        }
    }

    private void ThrowIfClosed()
    {
        if (_closed)
            throw new InvalidOperationException($"{_path}: the writer is already completed or disposed.");
    }
}
