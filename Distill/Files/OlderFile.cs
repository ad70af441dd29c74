namespace InfMatch.Distill;

/// <summary>What is said of a file that an earlier version wrote.</summary>
internal static class OlderFile
{
    /// <summary>It states no hash of its content.</summary>
    public static string Note(string path) =>
        $"{path} states no hash of its content, because an earlier version wrote it: damage in it cannot be found.";
}
