using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

public sealed partial class PrintableTextTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("plain text, Ünï 日本 😀 \\n", "plain text, Ünï 日本 😀 \\n")]
    [InlineData("a\nb", "a\\nb")]
    [InlineData("a\r\nb\tc", "a\\r\\nb\\tc")]
    [InlineData("\u001b[31mred", "\\u001b[31mred")]
    [InlineData("\0\u007f\u0085\u009b1m", "\\u0000\\u007f\\u0085\\u009b1m")]
    [InlineData("a\u2028b\u2029", "a\\u2028b\\u2029")]
    [InlineData("\u202egpj.exe\u2066\u2069\u200e\u061c", "\\u202egpj.exe\\u2066\\u2069\\u200e\\u061c")]
    [InlineData("z\u200bero\u200d\u2060\ufeff\u00ad", "z\\u200bero\\u200d\\u2060\\ufeff\\u00ad")]
    [InlineData("tag\U000e0041", "tag\\U000e0041")]
    [InlineData("blank\u3164\u2800", "blank\\u3164\\u2800")]
    [InlineData("not\ufffe\uffff\ufdd0\U0001ffff", "not\\ufffe\\uffff\\ufdd0\\U0001ffff")]
    public void What_is_not_seen_is_escaped_and_all_else_stays(string text, string expected)
    {
        Assert.Equal(expected, PrintableText.Of(text));
        Assert.Equal(expected, PrintableText.Of(PrintableText.Of(text)));
        Assert.Equal($"\"{expected}\"", PrintableText.Quoted(text));
    }

    [Fact]
    public void Halves_of_surrogate_pairs_are_escaped()
    {
        Assert.Equal("\\ud83d", PrintableText.Of("\ud83d"));
        Assert.Equal("a\\ude00b", PrintableText.Of("a\ude00b"));
        Assert.Equal("\\ude00\\ud83d", PrintableText.Of("\ude00\ud83d"));
        Assert.Equal("😀\\ud83d", PrintableText.Of("😀\ud83d"));
    }

    [Fact]
    public void Every_code_point_is_one_printable_line_of_valid_text()
    {
        var strict = new UTF8Encoding(false, throwOnInvalidBytes: true);
        for (int code = 0; code <= 0x10ffff; code++)
        {
            string text = code is >= 0xd800 and <= 0xdfff ? ((char)code).ToString() : char.ConvertFromUtf32(code);
            string line = PrintableText.Of(text);
            strict.GetByteCount(line); // throws at half a pair
            Assert.True(line == text || Escaped().IsMatch(line), $"U+{code:x4} became {line}");
            bool isHidden = CharUnicodeInfo.GetUnicodeCategory(text, 0) is UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate;
            Assert.False(isHidden && line == text, $"U+{code:x4} stays");
        }
    }

    [Theory]
    [InlineData("abcdef", 6, "abcdef")]
    [InlineData("abcdefg", 6, "abcde…")]
    [InlineData("abc😀efg", 5, "abc…")]
    [InlineData("abc😀efg", 6, "abc😀…")]
    [InlineData("abc", 1, "…")]
    public void A_long_text_ends_with_an_ellipsis_and_never_in_half_a_character(string text, int longest, string expected) =>
        Assert.Equal(expected, PrintableText.Of(text, longest));

    [Fact]
    public void Lines_that_were_meant_stay_lines() =>
        Assert.Equal("a\nb\tc\\u001b\n\\u202e", PrintableText.OfLines("a\r\nb\tc\u001b\n\u202e"));

    [GeneratedRegex(@"^\\(?:[nrt]|u[0-9a-f]{4}|U[0-9a-f]{8})$", RegexOptions.None, 1000)]
    private static partial Regex Escaped();
}
