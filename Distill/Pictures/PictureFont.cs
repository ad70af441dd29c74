using SkiaSharp;

namespace InfMatch.Distill;

/// <summary>The typeface of all pictures: one without serifs, where the machine has one.</summary>
internal static class PictureFont
{
    private static readonly string[] s_wanted =
        ["DejaVu Sans", "Liberation Sans", "Noto Sans", "Arial", "Helvetica Neue", "Helvetica", "Segoe UI"];

    /// <summary>Whether anything can be written on this machine.</summary>
    public static bool Exists { get; } = SKFontManager.Default.FontFamilyCount > 0;

    /// <summary>The name of its family; null where the machine has none of those that are known to have no serifs.</summary>
    public static string? Family { get; } = s_wanted.FirstOrDefault(
        name => SKFontManager.Default.FontFamilies.Contains(name, StringComparer.OrdinalIgnoreCase));

    /// <summary>The typeface.</summary>
    public static SKTypeface Typeface { get; } =
        Family is null ? SKTypeface.Default : SKFontManager.Default.MatchFamily(Family) ?? SKTypeface.Default;
}
