using System.Text;
using System.Text.Json;
using InfMatch.Distill;
using InfMatch.Tensors;
using Spectre.Console;

namespace InfMatch.Tests.Distill;

public sealed class TableTextTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("T-shirt/top", "T-shirt/top")]
    [InlineData("two words", "two words")]
    [InlineData("", "\"\"")]
    [InlineData(" a", "\" a\"")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("a;b", "\"a;b\"")]
    [InlineData("say \"x\"", "\"say \"\"x\"\"\"")]
    [InlineData("=1+1", "\"'=1+1\"")]
    [InlineData("+1", "\"'+1\"")]
    [InlineData("-1", "\"'-1\"")]
    [InlineData("@x", "\"'@x\"")]
    [InlineData(" =1", "\"' =1\"")]
    [InlineData("\t=1", "\"\\t=1\"")]
    [InlineData("\r=1", "\"\\r=1\"")]
    [InlineData("\uff1d1", "\"'\uff1d1\"")]
    [InlineData("a\nb", "\"a\\nb\"")]
    [InlineData("\u001b[31m", "\"\\u001b[31m\"")]
    public void A_cell_is_text_on_one_line(string text, string cell) => Assert.Equal(cell, TableText.Cell(text));

    [Theory]
    [InlineData("fashion-mnist-small", "fashion-mnist-small")]
    [InlineData("65.0 ± 7.1", "65.0 ± 7.1")]
    [InlineData("augmentation_ops", "augmentation_ops")]
    [InlineData("_a_ *b* `c` ~~d~~", "\\_a\\_ \\*b\\* \\`c\\` \\~\\~d\\~\\~")]
    [InlineData("[x](y) ![z]", "\\[x\\](y) !\\[z\\]")]
    [InlineData("<b>&lt;", "&lt;b&gt;&amp;lt;")]
    [InlineData("a|b\\c$d$", "a\\|b\\\\c\\$d\\$")]
    [InlineData("# a", "\\# a")]
    [InlineData("- a", "\\- a")]
    [InlineData("1. a", "1\\. a")]
    [InlineData("12)", "12\\)")]
    [InlineData("1.5", "1.5")]
    [InlineData("--- \n---", "\\--- \\\\n---")]
    [InlineData("    code", "code")]
    [InlineData("see http://x.y", "see http&#58;//x.y")]
    [InlineData("\u202e", "\\\\u202e")]
    public void Markdown_shows_the_text_itself(string text, string markdown) =>
        Assert.Equal(markdown, TableText.Markdown(text));

    [Theory]
    [InlineData("a: b", "\"a: b\"")]
    [InlineData("\"a\" \\ b", "\"\\\"a\\\" \\\\ b\"")]
    [InlineData("a\n---\nb", "\"a\\\\n---\\\\nb\"")]
    [InlineData("\u0085\u2028", "\"\\\\u0085\\\\u2028\"")]
    public void Yaml_is_one_scalar(string text, string yaml) => Assert.Equal(yaml, TableText.Yaml(text));

    private static readonly JsonSerializerOptions s_relaxed = new()
    {
        WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    [Fact]
    public void Json_means_the_same_and_is_printable()
    {
        const string Text = "a\u001b\u202e\u2028\u200b\ufeff😀\U000e0041\u0085\"\\é\u3164";
        string json = JsonSerializer.Serialize(new[] { Text, "half \ud800" }, s_relaxed);
        string made = TableText.Json(json);
        Assert.Equal([Text, "half \ufffd"], JsonSerializer.Deserialize<string[]>(made)!, StringComparer.Ordinal);
        Assert.All(made.EnumerateRunes(), r => Assert.True(r.Value is '\n' or '\r' || PrintableText.IsPrintable(r), $"{r.Value:x}"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Nothing_that_is_drawn_moves_the_cursor(bool isInteractive)
    {
        using StringWriter results = new(), notes = new();
        var terminal = new Terminal(results, notes, isInteractive, isInteractive);
        const string Foreign = "x\u001b[31m\u009b1m\u202ey";
        terminal.Show(new Table().AddColumn(Markup.Escape($"[red]{Foreign}")).AddRow(new Text(Foreign)));
        terminal.Show(Foreign);
        terminal.ShowUnbroken(Foreign);
        terminal.SayUnbroken(Foreign);
        terminal.Say(Foreign);
        terminal.Mark(true, Foreign);
        terminal.SayLines($"{Foreign}\n{Foreign}");
        string text = results.ToString() + notes;
        Assert.Contains("x\\u001b[31m\\u009b1m\\u202ey", text);
        Assert.DoesNotContain("\u001b[31mx", text);
        Assert.DoesNotContain("x\u001b", text);
        Assert.DoesNotContain("\u009b", text);
        Assert.DoesNotContain("\u202e", text);
        if (!isInteractive)
            Assert.DoesNotContain("\u001b", text);
    }
}
