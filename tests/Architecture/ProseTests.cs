using System.Text.RegularExpressions;

namespace InfMatch.Tests.Architecture;

/// <summary>
/// How documents read: sentences of at most 40 words, lines of at most 100 columns, and the field's words instead of
/// turns of phrase that readers stumbled over.
/// </summary>
public sealed partial class ProseTests
{
    private const int MostWords = 40, MostColumns = 100;
    private const RegexOptions Any = RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture;

    // What readers did not understand at once, and what to write.
    private static readonly (Regex Words, string Better)[] s_stumbled =
    [
        (HeldTo(), "compared with, or checked against"),
        (StandsBeside(), "is printed next to, or is next to"),
        (WhatThereIs(), "what exists, or the thing's name"),
        (OnTheWay(), "intermediate results"),
        (GoesOnWith(), "continues with"),
        (Reckons(), "computes, or estimates"),
        (Judges(), "evaluates"),
        (AClass(), "per class"),
        (WithSuspicion(), "checks every value"),
        (LooksAtTest(), "evaluations on the test set"),
        (HasNoSay(), "is not counted"),
    ];

    private static IEnumerable<(string Path, string Text)> Documents =>
        Repository.TextFiles.Where(f => f.Path.EndsWith(".md", StringComparison.Ordinal));

    [Fact]
    public void Sentences_are_short_lines_fit_and_words_are_the_fields() =>
        Assert.Empty(Documents.SelectMany(d => Faults(d.Text).Select(fault => $"{d.Path}:{fault}")));

    [Fact]
    public void Many_sentences_are_read()
    {
        int read = Documents.Sum(d => Markdown.Passages(d.Text).Sum(p => Markdown.Sentences(p.Text).Count()));
        Assert.True(read > 3_000, $"Only {read} sentences were found in the documents.");
    }

    [Theory]
    [InlineData("One two. Three!", 2, 2)]
    [InlineData("One `two three\nfour` five\nsix. θ moves by η times ‖x‖ – always.", 2, 7)]
    [InlineData("- one two three\n  four\n- five\n\nsix", 3, 4)]
    [InlineData("| one two | three |\n|---|---|\n| four | five six seven |", 4, 3)]
    [InlineData("one (see [two three](four five.md)), e.g. six.", 1, 6)]
    [InlineData("one\n\n    code code code code. Code.\n\ntwo", 2, 1)]
    [InlineData("one\n```\ncode code. Code code.\n```\ntwo three", 2, 2)]
    [InlineData("1. one\n   two\n\n   three four five\n\n       code code code code\n", 2, 3)]
    [InlineData("<p align=\"center\">\n\none", 1, 1)]
    public void Markdown_is_cut_into_sentences_of_words(string markdown, int sentences, int longest)
    {
        int[] words = [.. Markdown.Passages(markdown).SelectMany(p => Markdown.Sentences(p.Text))
            .Select(Markdown.Words).Where(count => count > 0)];
        Assert.Equal((sentences, longest), (words.Length, words.Max()));
    }

    [Theory]
    [InlineData("images are held to those of the processor", "1 says \"held to\"; write: compared with, or checked")]
    [InlineData("first\nten images a class", "1 says \"images a class\"; write: per class")]
    [InlineData("we\njudged them", "1 says \"judged\"; write: evaluates")]
    public void A_turn_of_phrase_is_found(string text, string fault) =>
        Assert.StartsWith(fault, Assert.Single(Faults(text)), StringComparison.Ordinal);

    [Fact]
    public void A_long_sentence_and_a_long_line_are_found()
    {
        string long41 = string.Join(' ', Enumerable.Repeat("w", MostWords + 1));
        string wide = new('w', MostColumns + 1);
        Assert.Equal("3 has a sentence of 41 words: w w w w w w …", Assert.Single(Faults($"Short.\n\n{long41}.")));
        Assert.Equal("1 has 101 columns", Assert.Single(Faults(wide)));
        Assert.Empty(Faults($"{long41[2..]}. And\n{wide[2..]}."));
        Assert.Empty(Faults($"| {wide} |\n\n    {wide}\n\n[here](https://example.org/{wide}), https://example.org/{wide}"));
    }

    private static IEnumerable<string> Faults(string markdown)
    {
        foreach ((int line, int columns) in Markdown.Widths(markdown).Where(w => w.Columns > MostColumns))
            yield return $"{line} has {columns} columns";
        foreach ((int line, string passage) in Markdown.Passages(markdown))
        {
            foreach (string sentence in Markdown.Sentences(passage))
            {
                if (Markdown.Words(sentence) is > MostWords and int words)
                    yield return $"{line} has a sentence of {words} words: {string.Join(' ', sentence.Split(' ').Take(6))} …";
                foreach ((Regex phrase, string better) in s_stumbled)
                {
                    if (phrase.Match(sentence) is { Success: true } found)
                        yield return $"{line} says \"{found.Value}\"; write: {better}.";
                }
            }
        }
    }

    [GeneratedRegex(@"\b(held|holds? (it|them|this|these)) to\b", Any)]
    private static partial Regex HeldTo();

    [GeneratedRegex(@"\bstands? (beside|next)\b", Any)]
    private static partial Regex StandsBeside();

    [GeneratedRegex(@"\bwhat there is\b", Any)]
    private static partial Regex WhatThereIs();

    [GeneratedRegex(@"\bmade on the way\b", Any)]
    private static partial Regex OnTheWay();

    [GeneratedRegex(@"\b(goes|gone|go) on with\b", Any)]
    private static partial Regex GoesOnWith();

    [GeneratedRegex(@"\breckon(s|ed)?\b", Any)]
    private static partial Regex Reckons();

    [GeneratedRegex(@"\bjudg(ed|es|ing)\b", Any)]
    private static partial Regex Judges();

    [GeneratedRegex(@"\bimages? a class\b", Any)]
    private static partial Regex AClass();

    [GeneratedRegex(@"\bwith suspicion\b", Any)]
    private static partial Regex WithSuspicion();

    [GeneratedRegex(@"\blooks? at the test\b", Any)]
    private static partial Regex LooksAtTest();

    [GeneratedRegex(@"\b(has|have) no say\b", Any)]
    private static partial Regex HasNoSay();
}
