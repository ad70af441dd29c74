using System.Globalization;
using System.Text;

namespace InfMatch.Distill;

/// <summary>What two lists of class names have in common.</summary>
internal static class ClassNames
{
    private const int MostNamed = 3, LongestName = 40;

    /// <summary>Whether they name the same classes in the same order; capitals and the forms of Unicode do not count, unless a
    /// list tells classes apart by them.</summary>
    public static bool AreSame(IReadOnlyList<string> own, IReadOnlyList<string> here)
    {
        if (own.SequenceEqual(here, StringComparer.Ordinal))
            return true;
        string[] a = [.. own.Select(Folded)], b = [.. here.Select(Folded)];
        return a.SequenceEqual(b, StringComparer.Ordinal) && a.Distinct(StringComparer.Ordinal).Count() == a.Length;
    }

    /// <summary>Whether the names only count the classes.</summary>
    public static bool AreNumbers(IReadOnlyList<string> names) => names.All(n =>
        int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= names.Count);

    /// <summary>The first places at which they differ, in words: class 0 is "a" in the file and "b" here.</summary>
    public static string Difference(IReadOnlyList<string> own, IReadOnlyList<string> here)
    {
        int count = Math.Max(own.Count, here.Count);
        int[] places = [.. Enumerable.Range(0, count).Where(i => At(own, i) != At(here, i))];
        string first = string.Join("; ", places.Take(MostNamed).Select(
            i => $"class {i} is {Quoted(At(own, i))} in the file and {Quoted(At(here, i))} here"));
        string more = places.Length > MostNamed ? $"; and {places.Length - MostNamed} more of {count}" : "";
        bool isOrder = own.Order(StringComparer.Ordinal).SequenceEqual(here.Order(StringComparer.Ordinal), StringComparer.Ordinal);
        return $"{first}{more}{(isOrder && places.Length > 0 ? " (the same names in another order)" : "")}";
    }

    private static string? At(IReadOnlyList<string> names, int i) => i < names.Count ? names[i] : null;

    private static string Quoted(string? name) => name is null ? "none"
        : name.Length > LongestName ? $"\"{name[..LongestName]}…\"" : $"\"{name}\"";

    private static string Folded(string name)
    {
        try
        {
            return name.Normalize(NormalizationForm.FormC).ToUpperInvariant();
        }
        catch (ArgumentException) // half a surrogate pair has no form
        {
            return name;
        }
    }
}
