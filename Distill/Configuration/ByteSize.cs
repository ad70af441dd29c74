using System.Globalization;

namespace InfMatch.Distill;

/// <summary>Sizes in bytes as people write and read them.</summary>
internal static class ByteSize
{
    private static readonly (string Unit, long Bytes)[] s_units =
        [("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("B", 1)];

    /// <summary>Bytes from a number with a unit: 512MiB, 4GiB, 1.5 GiB; null where it is none, or is below 1 MiB.</summary>
    public static long? Parse(string text)
    {
        foreach ((string unit, long bytes) in s_units)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && double.TryParse(
                    text[..^unit.Length], NumberStyles.AllowDecimalPoint | NumberStyles.AllowTrailingWhite,
                    CultureInfo.InvariantCulture, out double count))
            {
                double all = count * bytes;
                return all >= 1L << 20 && all < 1L << 60 ? (long)all : null;
            }
        }
        return null;
    }

    /// <summary>--memory-limit in bytes; the largest number where it is not set.</summary>
    /// <exception cref="DistillException">It is no size.</exception>
    public static long Limit(string? text) => text is null
        ? long.MaxValue
        : Parse(text) ?? throw DistillException.BadValue(
            "--memory-limit", text, "a size such as 512MiB or 4GiB, at least 1MiB");

    /// <summary>Bytes as people read them.</summary>
    public static string Text(long bytes) => bytes < 1L << 30
        ? FormattableString.Invariant($"{bytes / 1048576.0:F1} MiB")
        : FormattableString.Invariant($"{bytes / 1073741824.0:F1} GiB");
}
