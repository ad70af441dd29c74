using System.Text.RegularExpressions;

namespace InfMatch.Tests.Architecture;

/// <summary>What documents say about the source tree: files, folders and sections that they name are there.</summary>
public sealed partial class DocumentTests
{
    // Of these a path is of the tree; runs are made by the program.
    private static readonly string[] s_folders =
    [
        .. Directory.EnumerateDirectories(Repository.Root).Select(folder => Path.GetFileName(folder)!)
            .Where(name => name != "runs"),
    ];

    private static readonly HashSet<string> s_fileNames =
        new(Repository.TextFiles.Select(f => Path.GetFileName(f.Path)), StringComparer.Ordinal);

    private static IEnumerable<(string Path, string Text)> Documents =>
        Repository.TextFiles.Where(f => f.Path.EndsWith(".md", StringComparison.Ordinal)
            && !f.Path.StartsWith("tests/", StringComparison.Ordinal));

    [Fact]
    public void Paths_that_documents_name_exist() => Assert.Empty(Documents.SelectMany(d =>
        Missing(d.Path, d.Text).Select(path => $"{d.Path} names {path}, which is not there.")));

    [Fact]
    public void Many_paths_are_read()
    {
        int named = Documents.Sum(d => Named(d.Text).Count());
        Assert.True(named > 60, $"Only {named} paths were found in the documents: are they written in another way?");
    }

    [Theory]
    [InlineData("*Read* `Tensors/Shape.cs` and `Shape.cs`, in `Tensors/Kernels`, or [the page](docs/theory.md).", "")]
    [InlineData("see `Tensors/Shapes.cs`", "Tensors/Shapes.cs")]
    [InlineData("see `NoSuchFile.cs`", "NoSuchFile.cs")]
    [InlineData("`eng/no-such-script pack folder` packs", "eng/no-such-script")]
    [InlineData("[a page](docs/nowhere.md)", "docs/nowhere.md")]
    [InlineData("`Datasets/Sets/XDataset.cs`, `Distill/Protocols/ProtocolX.cs`, `Methods/X.cs`", "")] // X is any name
    [InlineData("`images/ipc5-after.png`, `runs/RUN/summary.json`", "")] // what the program makes
    public void A_path_that_is_not_there_is_found(string text, string missing) =>
        Assert.Equal(missing, string.Join(' ', Missing("README.md", text)));

    [Fact]
    public void Sections_that_are_named_exist()
    {
        var sections = Documents.Where(d => d.Path.StartsWith("docs/", StringComparison.Ordinal)).ToDictionary(
            d => Path.GetFileName(d.Path),
            d => Heading().Matches(d.Text).Select(m => m.Groups["name"].Value.Trim())
                .Concat(BoldHeading().Matches(d.Text).Select(m => m.Groups["name"].Value)).ToArray(),
            StringComparer.Ordinal);
        (string Path, string File, string Name)[] named =
        [
            .. Documents.Concat(Repository.Sources)
                .SelectMany(f => Section().Matches(LineEnd().Replace(f.Text, " "))
                    .Select(m => (f.Path, File: m.Groups["file"].Value, Name: m.Groups["name"].Value)))
                .Where(n => sections.ContainsKey(n.File)),
        ];
        Assert.Empty(named.Where(n => !sections[n.File].Contains(n.Name, StringComparer.Ordinal))
            .Select(n => $"{n.Path} names the section \"{n.Name}\" of {n.File}, which has none of that name."));
        Assert.True(named.Length > 15, $"Only {named.Length} sections were found: are they named in another way?");
    }

    private static IEnumerable<string> Missing(string document, string text) => Named(text).Where(path =>
    {
        string file = path.TrimEnd('/');
        if (StandsForAnyName().IsMatch(file))
            return false;
        if (!file.Contains('/'))
            return !s_fileNames.Contains(file) && !Exists(Path.Combine(Path.GetDirectoryName(document)!, file));
        return !Exists(file) && !Exists(Path.Combine(Path.GetDirectoryName(document)!, file));
    });

    // Words in backticks that begin with a folder of the root or end as a source file, and targets of links.
    private static IEnumerable<string> Named(string text) =>
        Code().Matches(text)
            .SelectMany(m => m.Groups["text"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(word => word.Trim(',', ';', ':', '(', ')', '…'))
            .Where(word => IsOfTheTree(word) || SourceFile().IsMatch(word))
            .Concat(Link().Matches(text).Select(m => m.Groups["target"].Value)
                .Where(target => !target.Contains(':', StringComparison.Ordinal)));

    private static bool IsOfTheTree(string word) =>
        word.Contains('/') && s_folders.Contains(word[..word.IndexOf('/')], StringComparer.Ordinal);

    private static bool Exists(string path)
    {
        string full = Path.Combine(Repository.Root, path);
        return File.Exists(full) || Directory.Exists(full);
    }

    [GeneratedRegex(@"(?<!`)`(?<text>[^`\n]+)`(?!`)")]
    private static partial Regex Code();

    [GeneratedRegex(@"\]\((?<target>[^)#\s]+)(#[^)]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_.-]*\.(cs|csproj|props|py|md)$")]
    private static partial Regex SourceFile();

    [GeneratedRegex(@"(^|/)X[A-Z.]|[a-z]X\.")]
    private static partial Regex StandsForAnyName();

    [GeneratedRegex(@"^#+ (?<name>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\*\*(?<name>[^*]+?)\.?\*\*", RegexOptions.Multiline)]
    private static partial Regex BoldHeading();

    [GeneratedRegex("\\b(?<file>[a-z-]+\\.md)\\)?,\\s+\"(?<name>[^\"\n]+?)[.,]?\"")]
    private static partial Regex Section();

    [GeneratedRegex(@"\s*\n\s*(///?\s*)?")]
    private static partial Regex LineEnd();
}
