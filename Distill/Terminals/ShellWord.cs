using System.Globalization;
using System.Text;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Words of a command that is printed to be copied: as the shell gives them back, and each on one printable
/// line.</summary>
internal static class ShellWord
{
    /// <summary>How the program is called in what is printed: as it was started.</summary>
    public static string Program => s_program.Value;

    private const string Harmless = "%+,-./:@_";

    private static readonly Lazy<string> s_program = new(() => ProgramName.Of(
        Environment.GetEnvironmentVariable(ProgramName.Variable), Environment.ProcessPath, AppContext.BaseDirectory));

    /// <summary>A word that the shell of this system passes on as this text.</summary>
    public static string Of(string text) => OperatingSystem.IsWindows() ? ForWindows(text) : ForPosix(text);

    /// <summary>A path as a word that is neither taken for an option nor for a file of arguments.</summary>
    public static string OfPath(string path) => Of(path.StartsWith('-') || path.StartsWith('@') ? $"./{path}" : path);

    /// <summary>An option with a path, both as words; nothing where there is no path.</summary>
    public static string Option(string name, string? path) => path is null ? "" : $" {name} {OfPath(path)}";

    /// <summary>
    /// A word for a POSIX shell: bare where no shell sees anything in it, else between single quotes. What is not printable
    /// comes out of printf, byte by byte; only a line feed at the end, which the shell would drop there, needs the $'…' of
    /// bash, ksh, zsh and POSIX 2024. The character 0 cannot be in a word.
    /// </summary>
    public static string ForPosix(string text)
    {
        if (text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || Harmless.Contains(c, StringComparison.Ordinal)))
            return text;
        if (PrintableText.Of(text) == text)
            return $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
        string bytes = string.Concat(text.EnumerateRunes().Select(InPrintf));
        if (bytes.StartsWith('-')) // printf would take it for an option
            bytes = $"\\055{bytes[1..]}";
        return text.EndsWith('\n')
            ? $"$'{bytes.Replace("%%", "%", StringComparison.Ordinal)}'"
            : $"\"$(printf '{bytes}')\"";
    }

    /// <summary>A word for cmd and PowerShell: bare or between double quotes. Where PowerShell would put values into those, it
    /// stands between single ones, which cmd does not know.</summary>
    public static string ForWindows(string text)
    {
        if (text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "+-./:\\_".Contains(c, StringComparison.Ordinal)))
            return text;
        string line = PrintableText.Of(text);
        if (line.AsSpan().ContainsAny("$`\u201c\u201d\u201e"))
            return $"'{string.Concat(line.Select(c => c is '\'' or (>= '\u2018' and <= '\u201b') ? $"{c}{c}" : $"{c}"))}'";
        // A backslash before the closing quote would make that a part of the word.
        string end = line.EndsWith('\\') ? "\\" : "";
        return $"\"{line}{end}\"";
    }

    private static string InPrintf(Rune rune)
    {
        if (rune.IsAscii && (Rune.IsLetterOrDigit(rune) || Harmless.Contains((char)rune.Value, StringComparison.Ordinal)))
            return rune.Value == '%' ? "%%" : $"{rune}";
        Span<byte> bytes = stackalloc byte[4];
        int count = rune.EncodeToUtf8(bytes);
        var text = new StringBuilder();
        foreach (byte b in bytes[..count])
            text.Append('\\').Append(Convert.ToString(b, 8).PadLeft(3, '0').ToString(CultureInfo.InvariantCulture));
        return text.ToString();
    }
}
