using System.Text;
using System.Text.Json;

namespace InfMatch.Tests.Distill;

/// <summary>JSON values that a file may hold in the place of another one, by kinds of what goes wrong when files are edited,
/// written by other programs, or damaged.</summary>
internal static class JsonValues
{
    /// <summary>Values by their text.</summary>
    public static string[] All { get; } =
    [
        "null", "true", "false",
        "0", "-0", "1", "-1", "2", "6", "6.0", "0.5", "1.5", "-0.5", "1e2", "1E0", "1e400", "-1e400", "1e-400", "1e30", "1e-30",
        "2147483647", "2147483648", "-2147483648", "9223372036854775807", "18446744073709551615", "18446744073709551616",
        "123456789012345678901234567890", "0.1000000000000000055511151231257827",
        "\"\"", "\"  \"", "\"6\"", "\"0.5\"", "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "\"1e400\"", "\"null\"", "\"true\"",
        "\"COSINE\"", "\"Cpu\"", "\" cpu\"", "\"cpu\\n\"", "\"a\\u0000b\"", "\"\\ud800\"", "\"\\udc00\\ud800\"",
        "\"\\u001b[31m\\u202e\\u2028\"", "\"[red]x[/]\"", $"\"{new string('x', 5000)}\"", "\"4GiB\"", "\"runs\"",
        "[]", "[1]", "[1, 10]", "[1, 1]", "[1, \"2\"]", "[null]", "[[1]]", "[1.0]", "[0]", "[1e400]", "[[[[[[]]]]]]", "[\"a\", \"b\"]",
        "{}", "{\"value\": 1}", "{\"a\": {\"b\": null}}", "{\"\\ud800\": 1}",
    ];

    /// <summary>Files that are no JSON, or none of an object, made from one that is.</summary>
    public static IEnumerable<(string What, byte[] Bytes)> BrokenFiles(string sound)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(sound);
        foreach (string text in All.Where(v => v[0] != '{').Concat(["", " ", "\n", "nul", "// nothing", "NaN", "'a'"]))
            yield return (text, Encoding.UTF8.GetBytes(text));
        yield return ("trailing text", [.. bytes, .. "x"u8]);
        yield return ("another object behind", [.. bytes, .. "{}"u8]);
        yield return ("a comment before", [.. "// said\n"u8, .. bytes]);
        yield return ("a comment within", [.. "{ /* said */"u8, .. bytes.AsSpan(1)]);
        yield return ("a trailing comma", [.. Encoding.UTF8.GetBytes(sound.TrimEnd()[..^1]), .. ",}"u8]);
        yield return ("half of it", bytes[..(bytes.Length / 2)]);
        yield return ("no UTF-8", [.. "{\"\xff\": 1, "u8[..2], 0xff, .. bytes.AsSpan(1)]);
        yield return ("UTF-16", Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes(sound)).ToArray());
        yield return ("the character 0 behind", [.. bytes, 0]);
        yield return ("deep", Encoding.UTF8.GetBytes(new string('[', 100_000)));
        yield return ("an unknown key", [.. "{\"unheard\": 1, "u8, .. bytes.AsSpan(1)]);
        yield return ("a key that is half a pair", [.. "{\"\\ud800\": 1, "u8, .. bytes.AsSpan(1)]);
        using JsonDocument document = JsonDocument.Parse(bytes);
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            yield return ($"{property.Name} twice", Encoding.UTF8.GetBytes(
                $"{{\"{property.Name}\": {property.Value.GetRawText()}, {sound.TrimStart()[1..]}"));
        }
    }
}
