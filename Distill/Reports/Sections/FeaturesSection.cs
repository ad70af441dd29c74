using System.Globalization;
using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>Where synthetic images lie among the real ones of their class.</summary>
internal sealed class FeaturesSection : ReportSection
{
    private const double Side = 460, Margin = 14;

    /// <inheritdoc/>
    public override string Name => "features";

    /// <inheritdoc/>
    public override string Title => "Features of real and synthetic images";

    /// <inheritdoc/>
    public override int Place => 6;

    /// <inheritdoc/>
    public override SettingTask Task => SettingTask.Images;

    /// <inheritdoc/>
    public override bool IsOf(ReportSource source) => base.IsOf(source) && source.Run.Evaluation is null;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        if (source.Features is not { Sets.Count: > 0 } features)
        {
            yield return Html.Missing(
                source.WhyNoFeatures is { } why ? $"The features are not known: {why}" : "There is no set yet whose features could be shown.");
            yield break;
        }
        yield return Html.Paragraph(
            $"Does S cover a class, or only its middle? Each image is embedded by {features.Network}, expert {features.Expert + 1} " +
            "of this run as it ended its training on the real images (what its last layer reads). Drawn is the plane in which the real " +
            "images of the class spread most (principal component analysis of the real images alone).");
        yield return Html.Of(
            "p", Html.Of("strong", "Coverage"), ": the share of the real images that have a synthetic image nearer than r. r is the median " +
            "distance of a real image from the nearest of as many random real images, so that these cover 50 %: less is a set that " +
            "leaves out more of the class than chance does. ", Html.Of("strong", "Distance"), ": the share of the real images that are nearer to the " +
            "middle of the class than a synthetic one is, on average: 0 % is the middle, 50 % is typical, 100 % lies outside. Both are of all features, not of the plane.");
        foreach (SetFeatures set in features.Sets)
        {
            yield return Html.Of("h3", $"{set.Ipc} {(set.Ipc == 1 ? "image" : "images")} per class");
            yield return Verdict(set);
            yield return Figure(set, [.. set.Classes.Select((_, i) => NameOf(source.Run, i))]);
        }
    }

    private static XElement Verdict(SetFeatures set)
    {
        double coverage = set.Classes.Average(c => c.After.Coverage), distance = set.Classes.Average(c => c.After.Distance);
        string where = distance switch
        {
            < 0.4 => "nearer to the middle of the classes than most real images",
            < 0.6 => "about as far from the middle of the classes as real images",
            < 0.9 => "farther out than most real images, towards the edges of the classes",
            _ => "outside of nearly all real images",
        };
        return Html.Paragraph(
            Html.Of("strong", $"Coverage {Percent(coverage)} %"), $" (as many random real images: 50 %), distance {Percent(distance)} %: S lies {where}.");
    }

    private static string NameOf(RecordedRun run, int label) =>
        label < run.Classes.Count ? run.Classes[label] : $"class {label}";

    private static XElement Figure(SetFeatures set, string[] names)
    {
        string id = $"features-{set.Ipc}";
        return Html.Of(
            "div", Html.Class("features"),
            Html.Of(
                "div", Html.Class("plane"),
                Html.Of("label", Html.At("for", id), "Class "),
                Html.Of("select", Html.At("id", id), names.Select((name, i) => Html.Of("option", Html.At("value", $"{i}"), name))),
                set.Classes.Select((of, i) => Plane(of, names[i])),
                Html.Of(
                    "ul", Html.Class("legend"), Mark("real", "real"), Mark("soft", "synthetic, at the start"),
                    Mark("distilled", "synthetic, at the end"))),
            Html.Table(
                "Coverage and distance of each class, in percent",
                ["class", "coverage at start", "at end", "distance at start", "at end"],
                set.Classes.Select((of, i) => Row(names[i], of)).Append(Mean(set))));
    }

    private static XElement Mark(string colour, string name) =>
        Html.Of("li", Html.Of("span", Html.Class($"swatch dot {colour}")), name);

    private static IReadOnlyList<object?> Row(string name, ClassFeatures of) =>
        [name, Percent(of.Before?.Coverage), Percent(of.After.Coverage), Percent(of.Before?.Distance), Percent(of.After.Distance)];

    private static IReadOnlyList<object?> Mean(SetFeatures set)
    {
        bool hasStart = set.Classes.All(c => c.Before is not null);
        return
        [
            "mean", Percent(hasStart ? set.Classes.Average(c => c.Before!.Coverage) : null), Percent(set.Classes.Average(c => c.After.Coverage)),
            Percent(hasStart ? set.Classes.Average(c => c.Before!.Distance) : null), Percent(set.Classes.Average(c => c.After.Distance)),
        ];
    }

    private static string Percent(double? share) =>
        share is { } value ? (100 * value).ToString("F0", CultureInfo.InvariantCulture) : "–";

    private static XElement Plane(ClassFeatures of, string name)
    {
        (double X, double Y)[] real = Pairs(of.Real), before = Pairs(of.Before?.Points ?? []), after = Pairs(of.After.Points);
        (double X, double Y)[] all = [.. real, .. before, .. after];
        // One scale for both axes: distances are to be compared.
        double width = all.Max(p => p.X) - all.Min(p => p.X), height = all.Max(p => p.Y) - all.Min(p => p.Y);
        double reach = Math.Max(Math.Max(width, height), 1e-9);
        double left = (all.Max(p => p.X) + all.Min(p => p.X) - reach) / 2, top = (all.Max(p => p.Y) + all.Min(p => p.Y) - reach) / 2;
        (double X, double Y) At((double X, double Y) p) =>
            (Margin + (p.X - left) / reach * (Side - 2 * Margin), Margin + (p.Y - top) / reach * (Side - 2 * Margin));
        string words =
            $"{name}: {Percent(of.After.Coverage)} % of {real.Length} real images are covered by " +
            $"{(after.Length == 1 ? "the synthetic one" : $"the {after.Length} synthetic ones")}" +
            (of.Before is { } start ? $", {Percent(start.Coverage)} % at the start" : "") +
            $"; distance {Percent(of.After.Distance)} %. The plane shows {Percent(of.Explained)} % of the variance.";
        string moves = before.Length != after.Length ? "" : string.Concat(before.Zip(after, (b, a) =>
            $"M{LineChart.Number(At(b).X)} {LineChart.Number(At(b).Y)}L{LineChart.Number(At(a).X)} {LineChart.Number(At(a).Y)}"));
        return Html.Of(
            "figure", Html.Class("chart"),
            Html.Of(
                "svg", Html.At("viewBox", $"0 0 {Side} {Side}"), Html.At("role", "img"), Html.At("aria-label", words),
                Layer("real", real.Select(At)),
                Html.Of("path", Html.Class("moves"), Html.At("d", moves)),
                Layer("soft", before.Select(At)), Layer("distilled", after.Select(At))),
            Html.Of("figcaption", words));
    }

    private static XElement Layer(string colour, IEnumerable<(double X, double Y)> points) =>
        Html.Of("g", Html.Class($"series {colour}"), Html.Of("path", Html.Class("dots"), Html.At("d", LineChart.Dots(points))));

    private static (double X, double Y)[] Pairs(IReadOnlyList<double> values) =>
        [.. values.Chunk(2).Select(pair => (pair[0], pair[1]))];
}
