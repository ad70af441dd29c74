namespace InfMatch.Tests.Architecture;

/// <summary>The source tree that the tests were built from.</summary>
internal static class Repository
{
    private static readonly string[] s_skipped =
        ["bin", "obj", ".git", ".vs", ".idea", "runs", "shared", "TestResults", "BenchmarkDotNet.Artifacts"];

    private static readonly string[] s_text =
    [
        ".cs", ".csproj", ".props", ".targets", ".sln", ".json", ".jsonl", ".md", ".yml", ".yaml", ".txt", ".sh",
        ".ps1", ".cmd", ".py", ".html", ".xml", ".toml", ".csv", ".editorconfig", ".gitattributes", ".gitignore",
    ];

    public static string Root { get; } = Find();

    /// <summary>Every text file that is meant to be tracked, by its path from the root with forward slashes.</summary>
    public static IReadOnlyList<(string Path, string Text)> TextFiles { get; } =
        [.. Walk(Root).Select(file => (Relative(file), File.ReadAllText(file)))];

    public static IEnumerable<(string Path, string Text)> Sources =>
        TextFiles.Where(f => f.Path.EndsWith(".cs", StringComparison.Ordinal));

    public static IEnumerable<(string Path, string Text)> Projects =>
        TextFiles.Where(f => f.Path.EndsWith(".csproj", StringComparison.Ordinal));

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "InfMatch.Native.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"InfMatch.Native.sln stands in no folder above {AppContext.BaseDirectory}.");
    }

    private static IEnumerable<string> Walk(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            if (s_text.Contains(Path.GetExtension(file), StringComparer.Ordinal) || Path.GetFileName(file) == "LICENSE")
                yield return file;
        }
        foreach (string inner in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
        {
            if (s_skipped.Contains(Path.GetFileName(inner), StringComparer.Ordinal))
                continue;
            foreach (string file in Walk(inner))
                yield return file;
        }
    }

    private static string Relative(string file) => Path.GetRelativePath(Root, file).Replace('\\', '/');
}
