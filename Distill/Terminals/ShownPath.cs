namespace InfMatch.Distill;

/// <summary>Paths as people read and copy them.</summary>
internal static class ShownPath
{
    /// <summary>A path below the working folder relative to that, any other in full.</summary>
    public static string Of(string path)
    {
        string full = Path.GetFullPath(path), relative = Path.GetRelativePath(Environment.CurrentDirectory, full);
        return relative.Length >= full.Length || Path.IsPathRooted(relative)
                || relative.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar)[0] == ".." ? full
            : relative.StartsWith('-') ? Path.Combine(".", relative) // else a command would take it for an option
            : relative;
    }
}
