using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>The words of commands.</summary>
internal static class CommandWords
{
    /// <summary>The name in its words.</summary>
    public static string[] Split(string name) => name.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>All words by which a command is called; none for the program.</summary>
    public static string Of(Command command)
    {
        var words = new Stack<string>();
        for (Command? at = command; at is not null and not RootCommand; at = at.Parents.OfType<Command>().FirstOrDefault())
            words.Push(at.Name);
        return string.Join(' ', words);
    }

    /// <summary>Arguments with the words "help" and "version" in front as the options that they stand for, since other programs
    /// have them as commands.</summary>
    public static string[] WithoutWords(string[] args) => args switch
    {
        ["help", .. var rest] => [.. rest, "--help"],
        ["version", .. var rest] => ["--version", .. rest],
        _ => args,
    };

    /// <summary>Whether arguments may call a command: all its words are among them. A file of arguments and a line that is
    /// completed hold words of their own.</summary>
    public static Func<string, bool> Called(string[] args)
    {
        if (args.Any(a => a.StartsWith('@')))
            return _ => true;
        HashSet<string> words = [.. args.SelectMany(a => a.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))];
        return name => Split(name).All(words.Contains);
    }

    /// <summary>Whether the options of the demonstration matter: not where nothing but help or the version is asked for.</summary>
    public static bool AsksForMore(string[] args) =>
        args.Length == 0 || args.Any(a => a is not ("--help" or "-h" or "-?" or "/?" or "/h" or "--version" or "--json"));
}
