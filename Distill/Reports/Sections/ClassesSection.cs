using System.Globalization;
using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>Which classes the evaluated networks tell apart: accuracy of each class, and the confusion matrix of each
/// column.</summary>
internal sealed class ClassesSection : ReportSection
{
    // A table of more classes is a picture, and its largest entries a list.
    private const int MostInTable = 20, LargestListed = 15;
    private const double Deep = 55;

    /// <inheritdoc/>
    public override string Name => "classes";

    /// <inheritdoc/>
    public override string Title => "Classes";

    /// <inheritdoc/>
    public override int Place => 5;

    /// <inheritdoc/>
    public override SettingTask Task => SettingTask.Images;

    /// <inheritdoc/>
    public override IEnumerable<XElement> Content(ReportSource source)
    {
        RecordedRun run = source.Run;
        if (run.Confusion is not { Columns.Count: > 0 } confusion)
        {
            yield return Html.Missing(
                "This run did not record which classes its networks take for which: it is of an earlier version, or nothing is evaluated yet. " +
                "'evaluate' of its set records it.");
            yield break;
        }
        foreach ((int ipc, string? network) in confusion.Columns.Select(c => (c.Ipc, c.Network)).Distinct())
        {
            (ResultColumn Column, ConfusionMatrix Matrix)[] columns =
            [
                .. ResultColumn.All.Select(c => (c, Matrix: confusion.Of(ipc, c.Name, network))).Where(c => c.Matrix is not null)
                    .Select(c => (c.c, c.Matrix!)),
            ];
            yield return Html.Of("h3", $"{ipc} {(ipc == 1 ? "image" : "images")} per class{(network is null ? "" : $", {network}")}");
            yield return PerClass(confusion.Classes, columns);
            yield return Html.Of(
                "details", Html.Of("summary", "Confusion matrices"),
                Html.Of("div", Html.Class("heats"), columns.Select(c => Matrix(confusion.Classes, c.Column, c.Matrix))));
        }
    }

    private static XElement PerClass(IReadOnlyList<string> classes, (ResultColumn Column, ConfusionMatrix Matrix)[] columns)
    {
        double[][] accuracies = [.. columns.Select(c => c.Matrix.PerClass())];
        XElement table = Html.Table(
            "Accuracy of each class in percent, over the networks of each column", ["class", .. columns.Select(c => c.Column.Title)],
            classes.Select((name, label) => (IReadOnlyList<object?>)
                [name, .. columns.Select((c, i) => Cell(accuracies[i][label], c.Column.Colour))]));
        table.Element("table")!.Add(Html.Class("perclass"));
        return classes.Count <= MostInTable
            ? table
            : Html.Of("details", Html.Of("summary", $"Accuracy of each of the {classes.Count} classes"), table);
    }

    private static XElement Cell(double accuracy, string colour) => double.IsNaN(accuracy)
        ? Html.Of("span", "–")
        : Html.Of("span", Html.Class($"cell {colour}"), Html.At("style", $"--v:{Short(accuracy)}"), Short(accuracy));

    private static XElement Matrix(IReadOnlyList<string> classes, ResultColumn column, ConfusionMatrix matrix)
    {
        string title = $"{column.Title}: share of the evaluated images of a class (row) that {matrix.Networks} " +
            $"{(matrix.Networks == 1 ? "network takes" : "networks take")} for a class (column), in percent";
        double[][] shares = [.. matrix.Counts.Select(row => row.Select(n => 100.0 * n / Math.Max(1, row.Sum())).ToArray())];
        return Html.Of(
            "div", Html.Class(column.Colour),
            classes.Count <= MostInTable ? Table(classes, title, shares) : Picture(title, shares),
            Html.Of("details", Html.Of("summary", "Classes that are most often taken for another"), Largest(classes, shares)));
    }

    private static XElement Table(IReadOnlyList<string> classes, string title, double[][] shares) => Html.Of(
        "div", Html.Class("scroll"), Html.At("tabindex", "0"), Html.At("role", "group"), Html.At("aria-label", title),
        Html.Of(
            "table", Html.Class("heat"), Html.Of("caption", title),
            Html.Of("thead", Html.Of("tr", Html.Of("td", ""), classes.Select(name => Html.Of("th", Html.At("scope", "col"), Html.At("title", name), name)))),
            Html.Of("tbody", classes.Select((name, label) => Html.Of(
                "tr", Html.Of("th", Html.At("scope", "row"), name), shares[label].Select(share => Html.Of(
                    "td", share > Deep ? Html.Class("deep") : null, Html.At("style", $"--v:{Short(share)}"), share < 0.5 ? "" : $"{share:F0}")))))));

    // Dark where many are, so that a matrix of a hundred classes is seen at one look.
    private static XElement Picture(string title, double[][] shares)
    {
        byte[] pixels = [.. shares.SelectMany(row => row.Select(share => (byte)(255 - Math.Sqrt(share / 100) * 255)))];
        string png = Convert.ToBase64String(PngImage.Encode(pixels, 1, shares.Length, shares.Length));
        return Html.Of(
            "figure", Html.Of("img", Html.Class("pixels"), Html.At("src", $"data:image/png;base64,{png}"), Html.At("alt", title)),
            Html.Of("figcaption", title, ". Rows and columns in the order of the classes; the darker, the more."));
    }

    private static XElement Largest(IReadOnlyList<string> classes, double[][] shares) => Html.Table(
        "Largest shares beside the diagonal", ["class", "taken for", "percent"],
        shares.SelectMany((row, t) => row.Select((share, f) => (True: t, Found: f, Share: share)))
            .Where(e => e.True != e.Found && e.Share > 0).OrderByDescending(e => e.Share).ThenBy(e => e.True).ThenBy(e => e.Found)
            .Take(LargestListed).Select(e => (IReadOnlyList<object?>)[classes[e.True], classes[e.Found], Short(e.Share)]));

    private static string Short(double percent) => percent.ToString("0.0", CultureInfo.InvariantCulture);
}
