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
}

/// <summary>Sizes and file names of the element types.</summary>
public static class ArrayElements
{
    /// <summary>Bytes of one element: 1, 4 or 8.</summary>
    /// <param name="element">The element type.</param>
    /// <returns>The size in bytes.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a member of the enumeration.</exception>
    public static int ByteSize(this ArrayElement element) => element switch
    {
        ArrayElement.Float32 or ArrayElement.Int32 => 4,
        ArrayElement.Float64 or ArrayElement.Int64 => 8,
        ArrayElement.UInt8 => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(element), element, "Not a member of ArrayElement."),
    };

    internal static string SafetensorsName(this ArrayElement element) => element switch
    {
        ArrayElement.Float32 => "F32",
        ArrayElement.Float64 => "F64",
        ArrayElement.Int32 => "I32",
        ArrayElement.Int64 => "I64",
        ArrayElement.UInt8 => "U8",
        _ => throw new ArgumentOutOfRangeException(nameof(element), element, "Not a member of ArrayElement."),
    };

    internal static string NumpyName(this ArrayElement element) => element switch
    {
        ArrayElement.Float32 => "<f4",
        ArrayElement.Float64 => "<f8",
        ArrayElement.Int32 => "<i4",
        ArrayElement.Int64 => "<i8",
        ArrayElement.UInt8 => "|u1",
        _ => throw new ArgumentOutOfRangeException(nameof(element), element, "Not a member of ArrayElement."),
    };
}
