using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>The images of a set as rows of one class each, small enough to lie inside a page.</summary>
/// <param name="Set">The set, for sizes, classes and soft labels.</param>
/// <param name="Classes">How many classes are shown, the first ones.</param>
/// <param name="PerClass">How many images of each are shown, the first ones.</param>
internal sealed record ClassStrip(SyntheticArtifact Set, int Classes, int PerClass)
{
    private const int MostClasses = 20, MostPerClass = 10;

    // What pictures of a set may hold together, before they are compressed.
    private const long MostNumbers = 5_000_000;

    /// <summary>How many pictures of this size a page has room for; at least two, the first and the last.</summary>
    public int MostPictures => (int)Math.Clamp(MostNumbers / Math.Max(1, (long)Classes * PerClass * Set.Image.Count), 2, 12);

    /// <summary>The part of a set that a page shows.</summary>
    public static ClassStrip Of(SyntheticArtifact set)
    {
        int perClass = Math.Min(MostPerClass, set.Count / set.Classes), classes = Math.Min(MostClasses, set.Classes);
        long each = (long)perClass * set.Image.Count;
        return new ClassStrip(set, (int)Math.Clamp(MostNumbers / 2 / each, 1, classes), perClass);
    }

    /// <summary>What is not shown, or null.</summary>
    public string? LeftOut => Classes < Set.Classes || PerClass < Set.Count / Set.Classes
        ? $"Shown are the first {PerClass} of {Set.Count / Set.Classes} images of the first {Classes} of {Set.Classes} classes; all are in the set's file."
        : null;

    /// <summary>The rows of a picture.</summary>
    /// <param name="pixels">Images [M·n, C, H, W], all of class 0 first.</param>
    /// <param name="what">Which picture it is, for those who do not see it.</param>
    public XElement Draw(ReadOnlySpan<byte> pixels, string what)
    {
        int perClass = pixels.Length / Set.Image.Count / Set.Classes;
        XElement strips = Html.Of("div", Html.Class("strips"), Html.At("style", $"--n:{PerClass}"));
        for (int label = 0; label < Classes; label++)
        {
            string name = Set.ClassNames[label], count = PerClass == 1 ? "1 image" : $"{PerClass} images";
            string png = Convert.ToBase64String(Encode(pixels, label * perClass));
            strips.Add(Html.Of(
                "figure", Html.Class("strip"),
                Html.Of(
                    "div", Html.Class("tiles"), Html.At("data-first", $"{label * PerClass}"),
                    Html.Of(
                        "img", Html.At("src", $"data:image/png;base64,{png}"), Html.At("alt", $"{name}: {count} {what}"),
                        Html.At("width", $"{PerClass * Set.Image[2]}"), Html.At("height", $"{Set.Image[1]}"))),
                Html.Of("figcaption", name)));
        }
        return strips;
    }

    private byte[] Encode(ReadOnlySpan<byte> pixels, int first)
    {
        (int channels, int height, int width) = (Set.Image[0], Set.Image[1], Set.Image[2]);
        int plane = height * width;
        var strip = new byte[PerClass * channels * plane];
        for (int i = 0; i < strip.Length; i++)
        {
            (int channel, int y, int x) = (i / (plane * PerClass), i / (width * PerClass) % height, i % (width * PerClass));
            strip[i] = pixels[((first + x / width) * channels + channel) * plane + y * width + x % width];
        }
        return PngImage.Encode(strip, channels, height, PerClass * width);
    }
}
