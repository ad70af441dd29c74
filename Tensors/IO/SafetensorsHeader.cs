using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace InfMatch.Tensors.IO;

/// <summary>Name, element type and dimensions of an array that is still to be written.</summary>
/// <param name="Name">A well-formed name, not empty.</param>
/// <param name="Element">The element type.</param>
/// <param name="Dimensions">The sizes, each at least 0.</param>
public sealed record ArrayLayout(string Name, ArrayElement Element, int[] Dimensions);

/// <summary>Where one array lies in a safetensors file.</summary>
/// <param name="Name">The name.</param>
/// <param name="Element">The element type in the file.</param>
/// <param name="Dimensions">The sizes.</param>
/// <param name="Offset">First byte of the data, counted from where the format begins (the start of a file).</param>
/// <param name="ByteCount">Bytes of the data.</param>
public sealed record SafetensorsEntry(string Name, ArrayElement Element, int[] Dimensions, long Offset, long ByteCount);

/// <summary>
/// The checked header of a safetensors file: which array lies where, without loading any data.
/// Source: the format description in the README of the safetensors project.
/// </summary>
/// <remarks>
/// Refused: headers over the limit, duplicate keys, unknown keys and element types, sizes that overflow, data with
/// holes, overlaps or trailing bytes, and files shorter or longer than the header says.
/// </remarks>
public sealed class SafetensorsHeader
{
    internal const string MetadataKey = "__metadata__";

    // Data that begins on a cache line can be memory-mapped and read with aligned vectors.
    private const int DataAlignment = 64;

    private static readonly JsonWriterOptions s_writerOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Dictionary<string, SafetensorsEntry> _byName;

    private SafetensorsHeader(
        string source, List<SafetensorsEntry> entries, Dictionary<string, string> metadata, long dataStart)
    {
        FileName = source;
        Entries = entries;
        Metadata = metadata;
        DataStart = dataStart;
        _byName = entries.ToDictionary(e => e.Name, StringComparer.Ordinal);
    }

    /// <summary>The file, or "(stream)" for data that has no file name.</summary>
    public string FileName { get; }

    /// <summary>All arrays, ascending in their offset.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>The text metadata; empty if the file has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>First byte after the header; data of files written here starts at a multiple of 64.</summary>
    public long DataStart { get; }

    /// <summary>The place of the array of this name.</summary>
    /// <param name="name">The name, compared character by character.</param>
    /// <exception cref="KeyNotFoundException">The file has no such array; the message lists what it has.</exception>
    public SafetensorsEntry this[string name] => _byName.TryGetValue(name, out SafetensorsEntry? entry)
        ? entry
        : throw new KeyNotFoundException(
            $"{FileName}: there is no array '{name}'. The file has: {string.Join(", ", Entries.Select(e => e.Name))}.");

    /// <summary>Reads and checks the header of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">What to accept; <see langword="null"/> means <see cref="ArrayFileLimits.Default"/>.</param>
    /// <returns>The header.</returns>
    /// <exception cref="SafetensorsException">
    /// The file breaks a rule of the format or a limit, or is unfinished.
    /// </exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static SafetensorsHeader Read(string path, ArrayFileLimits? limits = null)
    {
        using FileStream stream = OpenFile(path);
        return Read(stream, limits);
    }

    /// <summary>
    /// Reads and checks the header at the position of a seekable stream, which then stands at the data.
    /// </summary>
    /// <param name="stream">A seekable stream whose rest is one safetensors file.</param>
    /// <param name="limits">What to accept; <see langword="null"/> means <see cref="ArrayFileLimits.Default"/>.</param>
    /// <returns>The header; offsets count from the position at the call.</returns>
    /// <exception cref="SafetensorsException">
    /// The data breaks a rule of the format or a limit, or is unfinished.
    /// </exception>
    /// <exception cref="ArgumentException">The stream cannot seek, so its length is unknown.</exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public static SafetensorsHeader Read(Stream stream, ArrayFileLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanSeek)
        {
            throw new ArgumentException(
                "Safetensors: the stream cannot seek. Copy it to a file or a MemoryStream.", nameof(stream));
        }

        limits ??= ArrayFileLimits.Default;
        string source = ArrayFileException.NameOf(stream);
        long length = stream.Length - stream.Position;
        if (length < 8)
            throw new SafetensorsException(source, $"the file has {length} bytes, a safetensors file at least 10. Is "
                + "it complete?");

        Span<byte> prefix = stackalloc byte[8];
        try
        {
            stream.ReadExactly(prefix);
            ulong size = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
            if (size > (ulong)limits.MaxHeaderBytes)
            {
                throw new SafetensorsException(source,
                    $"the header claims {size} bytes, the limit is {limits.MaxHeaderBytes}. Is this a safetensors "
                    + "file?");
            }

            if ((long)size > length - 8)
            {
                throw new SafetensorsException(source,
                    $"the header claims {size} bytes, only {length - 8} follow. The file is cut short.");
            }

            byte[] json = new byte[size];
            stream.ReadExactly(json);
            return new HeaderParser(source, limits).Parse(json, 8 + (long)size, length);
        }
        catch (EndOfStreamException e)
        {
            throw new SafetensorsException(source, "the file became shorter while it was read.", e);
        }
    }

    internal static FileStream OpenFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path) && File.Exists(path + SafetensorsWriter.PartialSuffix))
        {
            throw new SafetensorsException(path,
                $"the file is unfinished: only '{path + SafetensorsWriter.PartialSuffix}' exists, left by a run that "
                + "stopped while writing. Run that step again.");
        }

        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
    }

    internal static byte[] Encode(IReadOnlyList<ArrayLayout> layouts, IReadOnlyDictionary<string, string>? metadata)
    {
        ArrayBufferWriter<byte> buffer = new();
        buffer.Write(stackalloc byte[8]);
        using (Utf8JsonWriter json = new(buffer, s_writerOptions))
        {
            json.WriteStartObject();
            WriteMetadata(json, metadata);
            WriteLayouts(json, layouts);
            json.WriteEndObject();
        }

        int padding = (DataAlignment - (buffer.WrittenCount % DataAlignment)) % DataAlignment;
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        byte[] header = buffer.WrittenSpan.ToArray();
        if (header.Length - 8 > ArrayFileLimits.Default.MaxHeaderBytes)
        {
            throw new ArgumentException(
                $"Safetensors: the header needs {header.Length - 8} bytes, the limit is "
                + $"{ArrayFileLimits.Default.MaxHeaderBytes}. Write fewer arrays or less metadata.",
                nameof(layouts));
        }

        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - 8);
        return header;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string>? metadata)
    {
        if (metadata is null || metadata.Count == 0)
            return;
        json.WriteStartObject(MetadataKey);

        // Sorted, so that equal content gives equal bytes and hashes.
        foreach ((string key, string value) in metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            if (!NamedArray.IsWellFormed(key) || !NamedArray.IsWellFormed(value))
                throw new ArgumentException($"Safetensors: metadata '{key}' is not proper text.", nameof(metadata));
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }

    private static void WriteLayouts(Utf8JsonWriter json, IReadOnlyList<ArrayLayout> layouts)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        long offset = 0;
        foreach (ArrayLayout layout in layouts)
        {
            string? problem = NamedArray.NameProblem(layout.Name)
                ?? (layout.Name == MetadataKey ? "the name is reserved" : null)
                ?? (names.Add(layout.Name) ? null : "the name occurs twice")
                ?? (layout.Element.InMemory() == layout.Element
                    ? null
                    : $"{layout.Element} is read, and not written. Write it as {layout.Element.InMemory()}");
            if (problem is not null)
                throw new ArgumentException($"Safetensors: array '{layout.Name}': {problem}.", nameof(layouts));
            if (!NamedArray.TryCount(layout.Dimensions, out long count)
                || count > (long.MaxValue - offset) / layout.Element.ByteSize())
            {
                throw new ArgumentException(
                    $"Safetensors: array '{layout.Name}': sizes [{string.Join(", ", layout.Dimensions)}] are negative "
                    + "or too large.", nameof(layouts));
            }

            json.WriteStartObject(layout.Name);
            json.WriteString("dtype", layout.Element.SafetensorsName());
            json.WriteStartArray("shape");
            foreach (int size in layout.Dimensions)
                json.WriteNumberValue(size);
            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(offset);
            offset += count * layout.Element.ByteSize();
            json.WriteNumberValue(offset);
            json.WriteEndArray();
            json.WriteEndObject();
        }
    }

    private sealed class HeaderParser(string source, ArrayFileLimits limits)
    {
        private readonly List<SafetensorsEntry> _entries = [];
        private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

        public SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataStart, long fileLength)
        {
            if (json.IsEmpty || json[0] != (byte)'{')
                throw Broken("the header does not begin with '{'. Is this a safetensors file?");
            if (!Utf8.IsValid(json))
                throw Broken("the header is not valid UTF-8.");
            try
            {
                ParseRoot(new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 }), dataStart);
            }
            catch (JsonException e)
            {
                throw Broken($"the header is not valid JSON at byte {8 + (e.BytePositionInLine ?? 0)}: {e.Message}", e);
            }

            // Any order of keys is allowed; the rules about holes and overlaps concern the order of the data.
            _entries.Sort((a, b) => a.Offset != b.Offset
                ? a.Offset.CompareTo(b.Offset)
                : a.ByteCount.CompareTo(b.ByteCount));
            long expected = dataStart;
            foreach (SafetensorsEntry entry in _entries)
            {
                if (entry.Offset != expected)
                {
                    throw Broken($"array '{entry.Name}' begins at byte {entry.Offset}, the data before it ends at byte "
                        + $"{expected}. The format allows neither holes nor overlaps.");
                }

                // A sum that leaves 64 bits becomes negative and fails the next comparison.
                expected = unchecked(expected + entry.ByteCount);
            }

            if (expected != fileLength)
            {
                throw Broken($"the header describes {expected} bytes, the file has {fileLength}. "
                    + (expected > fileLength ? "It is cut short or unfinished." : "Something was appended to it."));
            }

            return new SafetensorsHeader(source, _entries, _metadata, dataStart);
        }

        private void ParseRoot(Utf8JsonReader reader, long dataStart)
        {
            HashSet<string> seen = new(StringComparer.Ordinal);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = Text(ref reader);
                if (!seen.Add(name))
                    throw Broken($"the key '{name}' occurs twice in the header.");
                if (name == MetadataKey)
                    ParseMetadata(ref reader);
                else
                    _entries.Add(ParseEntry(ref reader, name, dataStart));
            }

            // Reads the blanks after the object; anything else there throws.
            reader.Read();
        }

        private void ParseMetadata(ref Utf8JsonReader reader)
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.Null)
                return; // the format's own reader takes null for none
            if (reader.TokenType != JsonTokenType.StartObject)
                throw Broken($"{MetadataKey}: expected StartObject, got {reader.TokenType}.");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string key = Text(ref reader);
                Expect(ref reader, JsonTokenType.String, $"{MetadataKey}: value of '{key}'");
                if (!_metadata.TryAdd(key, Text(ref reader)))
                    throw Broken($"the metadata key '{key}' occurs twice.");
            }
        }

        private SafetensorsEntry ParseEntry(ref Utf8JsonReader reader, string name, long dataStart)
        {
            if (NamedArray.NameProblem(name) is { } problem)
                throw Broken($"array '{name}': {problem}.");
            Expect(ref reader, JsonTokenType.StartObject, $"array '{name}'");
            ArrayElement? element = null;
            List<long>? shape = null;
            List<long>? offsets = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string key = Text(ref reader);
                string place = $"array '{name}': {key}";
                if (key == "dtype" && element is null)
                    element = ParseElement(ref reader, place);
                else if (key == "shape" && shape is null)
                    shape = ParseNumbers(ref reader, place, limits.MaxRank);
                else if (key == "data_offsets" && offsets is null)
                    offsets = ParseNumbers(ref reader, place, 2);
                else
                    throw Broken($"{place}: the key is unknown or occurs twice; expected dtype, shape, data_offsets "
                        + "once each.");
            }

            if (element is null || shape is null || offsets is not { Count: 2 })
                throw Broken($"array '{name}': needs dtype, shape and two data_offsets.");
            return Check(name, element.Value, shape, (offsets[0], offsets[1]), dataStart);
        }

        private SafetensorsEntry Check(
            string name, ArrayElement element, List<long> shape, (long Begin, long End) range, long dataStart)
        {
            int[] dimensions = new int[shape.Count];
            for (int k = 0; k < dimensions.Length; k++)
            {
                dimensions[k] = shape[k] <= int.MaxValue
                    ? (int)shape[k]
                    : throw Broken($"array '{name}': dimension {k} is {shape[k]}, the limit is {int.MaxValue}.");
            }

            if (!NamedArray.TryCount(dimensions, out long count) || count > long.MaxValue / element.ByteSize())
                throw Broken($"array '{name}': the sizes [{string.Join(", ", dimensions)}] overflow 64 bits.");
            long bytes = count * element.ByteSize();
            if (range.End < range.Begin || range.End - range.Begin != bytes)
            {
                throw Broken($"array '{name}': data_offsets [{range.Begin}, {range.End}] do not span the {bytes} "
                    + $"bytes of {element} [{string.Join(", ", dimensions)}].");
            }

            if (range.End > long.MaxValue - dataStart)
                throw Broken($"array '{name}': data_offsets [{range.Begin}, {range.End}] overflow 64 bits.");
            return new SafetensorsEntry(name, element, dimensions, dataStart + range.Begin, bytes);
        }

        private ArrayElement ParseElement(ref Utf8JsonReader reader, string place)
        {
            Expect(ref reader, JsonTokenType.String, place);
            string text = Text(ref reader);
            foreach (ArrayElement element in Enum.GetValues<ArrayElement>())
            {
                if (element.SafetensorsName() == text)
                    return element;
            }

            throw Broken($"{place} '{text}' is not supported; supported are F32, F64, F16, BF16, I32, I64, U8. Convert the array "
                + "first.");
        }

        private List<long> ParseNumbers(ref Utf8JsonReader reader, string place, int most)
        {
            Expect(ref reader, JsonTokenType.StartArray, place);
            List<long> numbers = [];
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0)
                    throw Broken($"{place}: element {numbers.Count} is not an integer in [0, 2⁶³).");
                if (numbers.Count == most)
                    throw Broken($"{place}: more than {most} numbers.");
                numbers.Add(number);
            }

            return numbers;
        }

        private void Expect(ref Utf8JsonReader reader, JsonTokenType wanted, string place)
        {
            reader.Read();
            if (reader.TokenType != wanted)
                throw Broken($"{place}: expected {wanted}, got {reader.TokenType}.");
        }

        private string Text(ref Utf8JsonReader reader)
        {
            try
            {
                return reader.GetString()!;
            }
            catch (InvalidOperationException e)
            {
                throw Broken("the header holds an escaped lone surrogate.", e);
            }
        }

        private SafetensorsException Broken(string problem, Exception? inner = null) => new(source, problem, inner);
    }
}
