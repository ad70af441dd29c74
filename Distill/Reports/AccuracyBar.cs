using System.Globalization;
using System.Xml.Linq;

namespace InfMatch.Distill;

/// <summary>An accuracy as a bar from 0 to 100 % with its deviation; a table beside it has the numbers.</summary>
internal static class AccuracyBar
{
    /// <summary>The bar.</summary>
    public static XElement Of(string name, string colour, Accuracy accuracy)
    {
        double low = Math.Max(0, accuracy.Mean - accuracy.Std), high = Math.Min(100, accuracy.Mean + accuracy.Std);
        return Html.Of(
            "div", Html.Class($"bar {colour}"), Html.Of("span", Html.Class("name"), name),
            Html.Of(
                "span", Html.Class("track"),
                Html.Of("span", Html.Class("fill"), Html.At("style", $"width:{Percent(accuracy.Mean)}")),
                Html.Of("span", Html.Class("whisker"), Html.At("style", $"left:{Percent(low)};width:{Percent(high - low)}"))),
            Html.Of("span", Html.Class("value"), accuracy.Shown));
    }

    private static string Percent(double value) => value.ToString("0.##", CultureInfo.InvariantCulture) + "%";
}
