namespace InfMatch.Datasets;

/// <summary>How far apart two words are.</summary>
internal static class EditDistance
{
    /// <summary>Levenshtein's distance: the fewest letters to insert, delete or replace.</summary>
    public static int Between(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)]; // of the last letter of a so far
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
