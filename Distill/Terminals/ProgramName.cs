namespace InfMatch.Distill;

/// <summary>The words with which the program was started, for commands that are printed to be copied.</summary>
internal static class ProgramName
{
    /// <summary>The environment variable in which a script that starts the program leaves its own name.</summary>
    public const string Variable = "INFMATCH_PROGRAM";

    /// <summary>The name of the tool and of the scripts.</summary>
    public const string Tool = "infmatch";

    /// <summary>What a script called itself, the tool, or 'dotnet run' with the project from which the program was built.</summary>
    /// <param name="named">The value of <see cref="Variable"/>.</param>
    /// <param name="process">The path of the running process, which of a tool is the tool's own.</param>
    /// <param name="folder">Where the program's assemblies are.</param>
    public static string Of(string? named, string? process, string folder)
    {
        if (!string.IsNullOrEmpty(named))
            return ShellWord.Of(named);
        string[] parts = folder.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar);
        int tools = Array.LastIndexOf(parts, "tools"); // of a package
        bool isPackage = tools >= 0 && tools + 1 < parts.Length && parts[tools + 1].StartsWith("net", StringComparison.Ordinal);
        if (isPackage || Path.GetFileNameWithoutExtension(process) == Tool)
            return Tool;
        string project = Path.GetFullPath(Path.Combine(folder, "..", "..", ".."));
        return File.Exists(Path.Combine(project, "Distill.csproj"))
            ? $"dotnet run --project {ShellWord.OfPath(ShownPath.Of(project))} --"
            : "dotnet run --project Distill --";
    }

    /// <summary>A text of help in which lines of examples begin with the tool's name, with the words of this start instead.</summary>
    public static string In(string help, string program) => string.Join('\n', help.Split('\n').Select(line =>
    {
        string words = line.TrimStart(), indent = line[..^words.Length];
        return words == Tool ? indent + (program.EndsWith(" --", StringComparison.Ordinal) ? program[..^3] : program)
            : indent.Length > 0 && words.StartsWith(Tool + " ", StringComparison.Ordinal) ? $"{indent}{program}{words[Tool.Length..]}"
            : indent.Length > 0 ? line.Replace($"<({Tool} ", $"<({program} ", StringComparison.Ordinal)
            : line;
    }));
}
