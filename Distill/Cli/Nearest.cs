namespace InfMatch.Distill;

/// <summary>The known word nearest to a mistyped one.</summary>
internal static class Nearest
{
    /// <summary>The nearest word by edit distance, or null where none is within a third of its letters.</summary>
    public static string? To(string typed, IEnumerable<string> known) => known
        .Select(word => (Word: word, Distance: Distance(typed, word)))
        .Where(c => c.Distance <= Math.Max(1, c.Word.Length / 3))
        .OrderBy(c => c.Distance)
        .Select(c => c.Word)
        .FirstOrDefault();

    // Levenshtein's distance, one row at a time.
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        foreach (char letter in a)
        {
            int diagonal = row[0]++;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (letter == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[^1];
    }
}
