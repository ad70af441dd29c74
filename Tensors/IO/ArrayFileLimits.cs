namespace InfMatch.Tensors.IO;

/// <summary>What a reader of array files accepts; everything beyond is refused before memory is taken.</summary>
public sealed record ArrayFileLimits
{
    /// <summary>The limits used when a caller gives none.</summary>
    public static ArrayFileLimits Default { get; } = new();

    /// <summary>
    /// Largest safetensors header in bytes: 1 MiB, about ten thousand arrays (the format itself allows 100 MB).
    /// </summary>
    public int MaxHeaderBytes { get; init; } = 1 << 20;

    /// <summary>Largest .npy header in bytes.</summary>
    public int MaxNpyHeaderBytes { get; init; } = 1 << 16;

    /// <summary>Largest number of dimensions of an array.</summary>
    public int MaxRank { get; init; } = 32;

    /// <summary>Largest sum of data bytes that one read call loads into memory: 8 GiB.</summary>
    public long MaxDataBytes { get; init; } = 8L << 30;

    /// <summary>Largest number of entries of an .npz archive.</summary>
    public int MaxArchiveEntries { get; init; } = 1024;

    /// <summary>
    /// An .npz archive may declare at most this many bytes per byte of the archive file, beyond
    /// <see cref="ExpansionAllowance"/>.
    /// </summary>
    public int MaxExpansionRatio { get; init; } = 100;

    /// <summary>Bytes that an .npz archive may expand to whatever its own size is: 16 MiB.</summary>
    public long ExpansionAllowance { get; init; } = 16L << 20;

    /// <summary>Whether NaN and infinities are accepted in floating-point data; refused by default.</summary>
    public bool AllowNonFinite { get; init; }
}
