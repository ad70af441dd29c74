namespace InfMatch.Tensors.IO;

/// <summary>The element types that array files may hold.</summary>
public enum ArrayElement
{
    /// <summary>IEEE 754 binary32; safetensors F32, numpy &lt;f4.</summary>
    Float32,

    /// <summary>IEEE 754 binary64; safetensors F64, numpy &lt;f8.</summary>
    Float64,

    /// <summary>Signed 32-bit integer; safetensors I32, numpy &lt;i4.</summary>
    Int32,

    /// <summary>Signed 64-bit integer; safetensors I64, numpy &lt;i8.</summary>
    Int64,

    /// <summary>Unsigned 8-bit integer; safetensors U8, numpy |u1.</summary>
    UInt8,

    /// <summary>IEEE 754 binary16; safetensors F16, numpy &lt;f2. It is read, as Float32, and not written.</summary>
    Float16,

    /// <summary>The upper half of a binary32; safetensors BF16. It is read, as Float32, and not written.</summary>
    BFloat16,
}

/// <summary>Sizes and file names of the element types.</summary>
public static class ArrayElements
{
    /// <summary>The types that arrays have in memory, and that are written.</summary>
    public static IReadOnlyList<ArrayElement> Kept { get; } =
        [ArrayElement.Float32, ArrayElement.Float64, ArrayElement.Int32, ArrayElement.Int64, ArrayElement.UInt8];

    /// <summary>The type that an array of a file has in memory: Float32 for the two of 16 bits, else its own.</summary>
    /// <param name="element">The element type in a file.</param>
    /// <returns>One of <see cref="Kept"/>.</returns>
    public static ArrayElement InMemory(this ArrayElement element) =>
        element is ArrayElement.Float16 or ArrayElement.BFloat16 ? ArrayElement.Float32 : element;

    /// <summary>Bytes of one element in a file: 1, 2, 4 or 8.</summary>
    /// <param name="element">The element type.</param>
    /// <returns>The size in bytes.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a member of the enumeration.</exception>
    public static int ByteSize(this ArrayElement element) => element switch
    {
        ArrayElement.Float32 or ArrayElement.Int32 => 4,
        ArrayElement.Float64 or ArrayElement.Int64 => 8,
        ArrayElement.UInt8 => 1,
        ArrayElement.Float16 or ArrayElement.BFloat16 => 2,
        _ => throw new ArgumentOutOfRangeException(nameof(element), element, "Not a member of ArrayElement."),
    };

    internal static string SafetensorsName(this ArrayElement element) => element switch
    {
        ArrayElement.Float32 => "F32",
        ArrayElement.Float64 => "F64",
        ArrayElement.Int32 => "I32",
        ArrayElement.Int64 => "I64",
        ArrayElement.UInt8 => "U8",
        ArrayElement.Float16 => "F16",
        ArrayElement.BFloat16 => "BF16",
        _ => throw new ArgumentOutOfRangeException(nameof(element), element, "Not a member of ArrayElement."),
    };

    // numpy has no bfloat16.
    internal static string? NumpyName(this ArrayElement element) => element switch
    {
        ArrayElement.Float32 => "<f4",
        ArrayElement.Float64 => "<f8",
        ArrayElement.Int32 => "<i4",
        ArrayElement.Int64 => "<i8",
        ArrayElement.UInt8 => "|u1",
        ArrayElement.Float16 => "<f2",
        ArrayElement.BFloat16 => null,
        _ => throw new ArgumentOutOfRangeException(nameof(element), element, "Not a member of ArrayElement."),
    };
}
