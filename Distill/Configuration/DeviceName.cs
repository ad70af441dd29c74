using System.Globalization;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What --device can be: a kind of device, and a GPU also by its number.</summary>
internal static class DeviceName
{
    private const string OneOfMany = "opencl, or auto, which takes the fastest device";

    // What people call devices elsewhere.
    private static readonly Dictionary<string, string> s_elsewhere = new(StringComparer.Ordinal)
    {
        ["gpu"] = "cuda or " + OneOfMany, ["nvidia"] = "cuda", ["nv"] = "cuda", ["cudnn"] = "cuda", ["cl"] = "opencl",
        ["amd"] = "opencl", ["radeon"] = "opencl", ["rocm"] = "opencl", ["hip"] = "opencl", ["intel"] = "opencl",
        ["xpu"] = "opencl", ["igpu"] = OneOfMany, ["vulkan"] = "opencl", ["mps"] = "cpu", ["metal"] = "cpu",
    };

    /// <summary>The kinds of device.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["auto", .. Tensors.Kinds.Names<DeviceKind>()];

    /// <summary>The same text where it is a device.</summary>
    /// <exception cref="DistillException">It is none; the message names what may have been meant.</exception>
    public static string Check(string text)
    {
        string[] parts = text.Split(':');
        bool isGpu = IsNumbered(parts[0]);
        if (parts.Length == 1 && Kinds.Contains(text, StringComparer.Ordinal))
            return text;
        if (isGpu && parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out _))
            return text;
        string meant = Meant(parts[0].Trim().ToLowerInvariant(), parts[1..]) is { } near ? $" (did you mean {near}?)" : "";
        throw DistillException.BadValue(
            "--device", text, $"one of {string.Join(", ", Kinds)}, or a GPU by its number as cuda:1{meant}");
    }

    // Of a kind that may be absent there may also be several.
    private static bool IsNumbered(string kind) => Tensors.Kinds.Find<DeviceKind>(kind) is { Noun: not null };

    private static string? Meant(string kind, string[] number)
    {
        string? known = Kinds.Contains(kind, StringComparer.Ordinal) ? kind
            : s_elsewhere.TryGetValue(kind, out string? elsewhere) ? elsewhere
            : Nearest.To(kind, Kinds);
        bool isNumber = number is [{ } text] && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);
        return known is not null && IsNumbered(known) && isNumber ? $"{known}:{number[0]}" : known;
    }
}
