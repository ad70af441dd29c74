using System.Globalization;

namespace InfMatch.Distill;

/// <summary>Sizes in bytes as people write and read them.</summary>
internal static class ByteSize
{
    private static readonly (string Unit, long Bytes)[] s_units =
    [
        ("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("B", 1),
    ];

    /// <summary>Bytes from a number with a unit: 512MiB, 4GiB, 1.5 GiB, and 4GB, which are 4·10⁹; null where it is none, or is
    /// below 1 MiB.</summary>
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
            "--memory-limit", text,
            $"a size such as 512MiB or 4GiB, at least 1MiB{(Meant(text) is { } meant ? $" (did you mean {meant}?)" : "")}");

    // 10MB, 10m, 10 and the like as they are written here; null where that is no size either.
    private static string? Meant(string text)
    {
        string number = text.TrimEnd([.. "BbKkMmGgTtIi "]), unit = text[number.Length..].Trim().ToUpperInvariant();
        string written = number + (unit is "" or "B" ? "M" : unit[..1]) + "iB";
        return Parse(written) is null ? null : written;
    }

    /// <summary>Bytes as people read them.</summary>
    public static string Text(long bytes) => Text(bytes, 1);

    /// <summary>Two sizes that are compared: with as many digits as tell them apart, and exact where that are too
    /// many.</summary>
    public static (string A, string B) Texts(long a, long b)
    {
        const int MostDigits = 3;
        for (int digits = 1; digits <= MostDigits && a != b; digits++)
        {
            (string one, string other) = (Text(a, digits), Text(b, digits));
            if (one != other)
                return (one, other);
        }
        return a == b ? (Text(a), Text(b)) : (Exact(a), Exact(b));
    }

    private static string Exact(long bytes) => FormattableString.Invariant($"{bytes} bytes");

    private static string Text(long bytes, int digits)
    {
        (double size, string unit) = bytes < 1L << 30 ? (bytes / 1048576.0, "MiB") : (bytes / 1073741824.0, "GiB");
        return $"{size.ToString($"F{digits}", CultureInfo.InvariantCulture)} {unit}";
    }
}
