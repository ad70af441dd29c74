using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>The known word nearest to a mistyped one.</summary>
internal static class Nearest
{
    /// <summary>The nearest word by edit distance, or null where none is within a third of its letters.</summary>
    public static string? To(string typed, IEnumerable<string> known) => known
        .Select(word => (Word: word, Distance: EditDistance.Between(typed, word)))
        .Where(c => c.Distance <= Math.Max(1, c.Word.Length / 3))
        .OrderBy(c => c.Distance)
        .Select(c => c.Word)
        .FirstOrDefault();
}
