using System.Text.RegularExpressions;

namespace InfMatch.Benchmarks;

/// <summary>The parts of a Markdown file that are made of manifests, each between two comments:
/// <c>&lt;!-- results NAME best|all|commands|commands-of-best --&gt;</c> and <c>&lt;!-- end --&gt;</c>;
/// <c>results machines</c> is the table of machines.</summary>
internal static partial class ResultsDocument
{
    /// <summary>The files of a repository that may hold such parts.</summary>
    public static IEnumerable<string> Files(string root) =>
    [
        Path.Combine(root, "README.md"),
        .. Directory.EnumerateFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories).Order(StringComparer.Ordinal),
    ];

    /// <summary>The text with every such part made anew.</summary>
    /// <exception cref="ResultsException">A comment names a manifest or a view that there is none of.</exception>
    public static string Refresh(string text, ResultsFolder results) => Part().Replace(
        text, m => $"{m.Groups["begin"].Value}\n{View(m.Groups["name"].Value, m.Groups["view"].Value, results)}{m.Groups["end"].Value}");

    /// <summary>How many such parts a text has.</summary>
    public static int Count(string text) => Part().Count(text);

    private static string View(string name, string view, ResultsFolder results)
    {
        if (name == "machines")
            return ResultsTable.Of(results.Machines);
        ResultsManifest manifest = results.Manifest(name);
        return view switch
        {
            "best" => ResultsTable.Of(manifest.Columns, manifest.Best()),
            "all" => ResultsTable.Of(manifest.Columns, manifest.Entries),
            "commands" => ResultsTable.Commands(manifest.Entries),
            "commands-of-best" => ResultsTable.Commands(manifest.Best()),
            _ => throw new ResultsException($"No view is named \"{view}\"; expected best, all, commands or commands-of-best."),
        };
    }

    [GeneratedRegex("(?<begin>^<!-- results (?<name>[a-z0-9-]+)(?: (?<view>[a-z-]+))? -->)\n.*?(?<end>^<!-- end -->)",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Part();
}
