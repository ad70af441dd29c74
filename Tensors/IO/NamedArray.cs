using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace InfMatch.Tensors.IO;

/// <summary>An array as it stands in a file: name, element type, dimensions and row-major data in memory.</summary>
public sealed class NamedArray
{
    internal const int ChunkBytes = 1 << 20;

    private readonly Array _data;
    private readonly int[] _dimensions;

    private NamedArray(string name, ArrayElement element, int[] dimensions, Array data)
    {
        Name = name;
        Element = element;
        _dimensions = dimensions;
        _data = data;
    }

    /// <summary>The name, well-formed and not empty.</summary>
    public string Name { get; }

    /// <summary>The element type.</summary>
    public ArrayElement Element { get; }

    /// <summary>
    /// The sizes from the slowest to the fastest dimension; empty for a scalar, which has one element.
    /// </summary>
    public ReadOnlySpan<int> Dimensions => _dimensions;

    /// <summary>Number of elements, the product of the dimensions.</summary>
    public int Count => _data.Length;

    /// <summary>Bytes of the data in a file.</summary>
    public long ByteCount => (long)_data.Length * Element.ByteSize();

    /// <summary>Wraps floats without copying them; NaN and infinities are kept.</summary>
    /// <param name="name">A well-formed name, not empty.</param>
    /// <param name="dimensions">Sizes, each at least 0, whose product is the length of the data; copied.</param>
    /// <param name="data">Row-major elements; not copied.</param>
    /// <returns>The array.</returns>
    /// <exception cref="ArgumentException">The name is not usable or the dimensions do not fit the data.</exception>
    public static NamedArray From(string name, ReadOnlySpan<int> dimensions, float[] data) =>
        Wrap(name, ArrayElement.Float32, dimensions, data);

    /// <summary>Wraps doubles without copying them; NaN and infinities are kept.</summary>
    /// <inheritdoc cref="From(string, ReadOnlySpan{int}, float[])"/>
    public static NamedArray From(string name, ReadOnlySpan<int> dimensions, double[] data) =>
        Wrap(name, ArrayElement.Float64, dimensions, data);

    /// <summary>Wraps 32-bit integers without copying them.</summary>
    /// <inheritdoc cref="From(string, ReadOnlySpan{int}, float[])"/>
    public static NamedArray From(string name, ReadOnlySpan<int> dimensions, int[] data) =>
        Wrap(name, ArrayElement.Int32, dimensions, data);

    /// <summary>Wraps 64-bit integers without copying them.</summary>
    /// <inheritdoc cref="From(string, ReadOnlySpan{int}, float[])"/>
    public static NamedArray From(string name, ReadOnlySpan<int> dimensions, long[] data) =>
        Wrap(name, ArrayElement.Int64, dimensions, data);

    /// <summary>Wraps bytes without copying them.</summary>
    /// <inheritdoc cref="From(string, ReadOnlySpan{int}, float[])"/>
    public static NamedArray From(string name, ReadOnlySpan<int> dimensions, byte[] data) =>
        Wrap(name, ArrayElement.UInt8, dimensions, data);

    /// <summary>The elements of a Float32 array.</summary>
    /// <returns>A view of the data, row-major.</returns>
    /// <exception cref="InvalidOperationException">The array has another element type.</exception>
    public ReadOnlySpan<float> AsFloat32() => As<float>(ArrayElement.Float32);

    /// <summary>The elements of a Float64 array.</summary>
    /// <inheritdoc cref="AsFloat32"/>
    public ReadOnlySpan<double> AsFloat64() => As<double>(ArrayElement.Float64);

    /// <summary>The elements of an Int32 array.</summary>
    /// <inheritdoc cref="AsFloat32"/>
    public ReadOnlySpan<int> AsInt32() => As<int>(ArrayElement.Int32);

    /// <summary>The elements of an Int64 array.</summary>
    /// <inheritdoc cref="AsFloat32"/>
    public ReadOnlySpan<long> AsInt64() => As<long>(ArrayElement.Int64);

    /// <summary>The elements of a UInt8 array.</summary>
    /// <inheritdoc cref="AsFloat32"/>
    public ReadOnlySpan<byte> AsUInt8() => As<byte>(ArrayElement.UInt8);

    /// <summary>Writes the elements as little-endian bytes without any header.</summary>
    /// <param name="stream">Receives <see cref="ByteCount"/> bytes.</param>
    /// <exception cref="IOException">The stream failed.</exception>
    public void WriteTo(Stream stream)
    {
        for (long at = 0; at < ByteCount; at += ChunkBytes)
            stream.Write(BytesAt(at));
    }

    /// <summary>The same elements under another name, not copied.</summary>
    /// <exception cref="ArgumentException">The name is not usable.</exception>
    public NamedArray Named(string name) => Wrap(name, Element, _dimensions, _data);

    /// <summary>Names element type and dimensions, for messages: "images: Float32 [10, 3, 32, 32]".</summary>
    /// <returns>One line of text.</returns>
    public override string ToString() => $"{Name}: {Element} [{string.Join(", ", _dimensions)}]";

    /// <summary>Reads the elements from little-endian bytes, those of 16 bits as Float32; the caller has checked that so
    /// many bytes exist.</summary>
    internal static NamedArray ReadFrom(Stream stream, string name, ArrayElement element, int[] dimensions, int count)
    {
        CheckByteOrder();
        if (element.InMemory() != element)
            return ReadHalves(stream, name, element, dimensions, count);
        Array data = element switch
        {
            ArrayElement.Float32 => new float[count],
            ArrayElement.Float64 => new double[count],
            ArrayElement.Int32 => new int[count],
            ArrayElement.Int64 => new long[count],
            _ => new byte[count],
        };
        NamedArray array = new(name, element, dimensions, data);
        for (long at = 0; at < array.ByteCount; at += ChunkBytes)
            stream.ReadExactly(array.BytesAt(at));
        return array;
    }

    // Every number of 16 bits is one of 32, also a subnormal one.
    private static NamedArray ReadHalves(Stream stream, string name, ArrayElement element, int[] dimensions, int count)
    {
        var data = new float[count];
        var chunk = new ushort[Math.Min(count, ChunkBytes / sizeof(ushort))];
        for (int start = 0; start < count; start += chunk.Length)
        {
            Span<ushort> bits = chunk.AsSpan(0, Math.Min(chunk.Length, count - start));
            stream.ReadExactly(MemoryMarshal.AsBytes(bits));
            Span<float> numbers = data.AsSpan(start, bits.Length);
            for (int i = 0; i < bits.Length; i++)
            {
                numbers[i] = element == ArrayElement.Float16
                    ? (float)BitConverter.UInt16BitsToHalf(bits[i])
                    : BitConverter.UInt32BitsToSingle((uint)bits[i] << 16);
            }
        }

        return new NamedArray(name, element.InMemory(), dimensions, data);
    }

    /// <summary>A chunk of the data as bytes; a span of all of them could not exceed 2 GiB.</summary>
    internal Span<byte> BytesAt(long at) => MemoryMarshal.CreateSpan(
        ref Unsafe.AddByteOffset(ref MemoryMarshal.GetArrayDataReference(_data), (nint)at),
        (int)Math.Min(ChunkBytes, ByteCount - at));

    /// <summary>Index of the first NaN or infinity, or −1.</summary>
    internal int FirstNonFinite()
    {
        switch (_data)
        {
            case float[] floats:
                for (int i = 0; i < floats.Length; i++)
                {
                    if (!float.IsFinite(floats[i]))
                        return i;
                }

                return -1;
            case double[] doubles:
                for (int i = 0; i < doubles.Length; i++)
                {
                    if (!double.IsFinite(doubles[i]))
                        return i;
                }

                return -1;
            default:
                return -1;
        }
    }

    /// <summary>Why a text cannot be a name, or null if it can.</summary>
    internal static string? NameProblem(string? name)
    {
        if (string.IsNullOrEmpty(name))
            return "the name is empty";
        if (!IsWellFormed(name))
            return "the name holds a lone surrogate";
        foreach (char c in name)
        {
            if (char.IsControl(c))
                return $"the name holds the control character U+{(int)c:X4}";
        }

        return null;
    }

    /// <summary>Whether the text has no lone surrogates and so survives UTF-8.</summary>
    internal static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out _, out int consumed) != OperationStatus.Done)
                return false;
            text = text[consumed..];
        }

        return true;
    }

    /// <summary>Product of the dimensions; false if one is negative or the product leaves 64 bits.</summary>
    internal static bool TryCount(ReadOnlySpan<int> dimensions, out long count)
    {
        count = 1;
        try
        {
            foreach (int size in dimensions)
            {
                if (size < 0)
                    return false;
                count = checked(count * size);
            }

            return true;
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    private static NamedArray Wrap(string name, ArrayElement element, ReadOnlySpan<int> dimensions, Array data)
    {
        ArgumentNullException.ThrowIfNull(data);
        CheckByteOrder();
        if (NameProblem(name) is { } problem)
            throw new ArgumentException($"NamedArray: {problem}.", nameof(name));
        int[] sizes = dimensions.ToArray();
        if (!TryCount(sizes, out long count) || count != data.Length)
        {
            throw new ArgumentException(
                $"NamedArray '{name}': dimensions [{string.Join(", ", sizes)}] do not describe the {data.Length} "
                + "elements given. Pass sizes of at least 0 whose product is the length of the data.",
                nameof(dimensions));
        }

        return new NamedArray(name, element, sizes, data);
    }

    private static void CheckByteOrder()
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Array files need a little-endian processor.");
    }

    private ReadOnlySpan<T> As<T>(ArrayElement asked) =>
        asked == Element
            ? (T[])_data
            : throw new InvalidOperationException($"{this}: asked for {asked}, the array holds {Element}. Use "
                + $"As{Element}().");
}
