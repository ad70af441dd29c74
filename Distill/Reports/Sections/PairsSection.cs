using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>Each learned pair as the training image and captions that are nearest to it.</summary>
internal sealed partial class PairsSection : ReportSection
{
    /// <inheritdoc/>
    public override string Name => "pairs";

    /// <inheritdoc/>
    public override string Title => "Pairs";

    /// <inheritdoc/>
    public override int Place => 2;

    /// <inheritdoc/>
    public override SettingTask Task => SettingTask.Pairs;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        if (source.Neighbours is not { Sets.Count: > 0 } known)
        {
            yield return Html.Missing(source.WhyNoNeighbours is { } why
                ? $"What is nearest to the pairs is not known: {why}"
                : source.Run.Evaluation is { Set: null } ? "Real pairs were evaluated, and no set."
                : "There is no set yet whose pairs could be shown.");
            yield break;
        }
        yield return Html.Of(
            "p", Html.Class("note"),
            "A synthetic pair is two vectors of features. Shown are the training image whose features are nearest to the first, by the " +
            "cosine of standardised vectors, and the training captions nearest to the second. A caption in bold is one of that image.");
        foreach (SetNeighbours set in known.Sets.Where(s => source.Run.Sizes.Contains(s.Pairs)))
        {
            yield return Html.Of("h3", source.Run.WordsOf(set.Pairs));
            yield return Grid(set, set.Shown.Count);
            int same = set.Shown.Count(pair => pair.Captions.Any(c => c.IsOfImage));
            yield return Html.Of(
                "p", Html.Class("note"), set.LeftOut is { } left ? $"{left} " : null,
                $"Of {set.Shown.Count} images {same} have a caption of their own beside them. ",
                set.HasPictures ? null : "The files of the images are not in the folder of the data set, so captions stand alone. ");
        }
        if (known.Licence.Length > 0)
            yield return Html.Of("p", Html.Class("note"), $"Images and captions: {Address().Replace(known.Licence, "")}");
    }

    /// <summary>The first pairs of a set beside each other.</summary>
    public static XElement Grid(SetNeighbours set, int most) => Html.Of("div", Html.Class("pairs"), set.Shown.Take(most).Select(Figure));

    private static XElement Figure(ShownPair pair) => Html.Of(
        "figure", Html.Class("pair"),
        pair.Image.Picture is { } picture
            ? Html.Of(
                "img", Html.At("src", picture), Html.At("alt", pair.Image.Name),
                Html.At("title", $"{pair.Image.Name}, cosine {Cosine(pair.Image.Cosine)}"))
            : null,
        Html.Of("figcaption", Html.Of("ul", pair.Captions.Select(caption => Html.Of(
            "li", Html.Of(caption.IsOfImage ? "strong" : "span", Html.Class("words"), Html.At("title", caption.Text), caption.Text), " ",
            Html.Of("span", Html.Class("cosine"), Cosine(caption.Cosine)))))));

    private static string Cosine(double cosine) => FormattableString.Invariant($"{cosine:F2}");

    // A page names no address elsewhere.
    [GeneratedRegex(@"\s*\(https?://[^)]*\)", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Address();
}
