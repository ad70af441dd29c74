using System.Text.RegularExpressions;

namespace InfMatch.Tests.Tensors;

/// <summary>Which instructions of PTX stand in a loop: those of blocks that can be reached from themselves.</summary>
internal static partial class PtxLoops
{
    /// <summary>Their names, such as add.f32.</summary>
    public static IEnumerable<string> Instructions(string text) => Function().Split(text).Skip(1).SelectMany(InFunction);

    private static IEnumerable<string> InFunction(string function)
    {
        var blocks = new List<List<Match>> { new() };
        var labels = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string line in function.Split('\n'))
        {
            if (Label().Match(line) is { Success: true } label)
            {
                labels[label.Groups["label"].Value] = blocks.Count;
                blocks.Add([]);
            }
            else if (Instruction().Match(line) is { Success: true } instruction)
            {
                blocks[^1].Add(instruction);
                if (instruction.Groups["name"].Value.Split('.')[0] is "bra" or "ret")
                    blocks.Add([]);
            }
        }
        int[][] next = [.. blocks.Select((block, i) => Next(block, i, blocks.Count, labels).ToArray())];
        return blocks.Where((_, i) => Reaches(next, i)).SelectMany(block => block).Select(i => i.Groups["name"].Value);
    }

    private static IEnumerable<int> Next(List<Match> block, int i, int count, Dictionary<string, int> labels)
    {
        string last = block.Count == 0 ? "" : block[^1].Groups["name"].Value.Split('.')[0];
        if (last == "bra")
            yield return labels[block[^1].Groups["rest"].Value.Trim()];
        bool goesOn = last is not ("bra" or "ret") || block[^1].Groups["predicate"].Success;
        if (goesOn && i + 1 < count)
            yield return i + 1;
    }

    private static bool Reaches(int[][] next, int start)
    {
        var seen = new HashSet<int>();
        var open = new Stack<int>(next[start]);
        while (open.TryPop(out int block))
        {
            if (block == start)
                return true;
            if (seen.Add(block))
                next[block].ToList().ForEach(open.Push);
        }
        return false;
    }

    [GeneratedRegex(@"(?=\.visible \.(?:entry|func))", RegexOptions.None, 10000)]
    private static partial Regex Function();

    [GeneratedRegex(@"^\s*(?<label>[A-Za-z_$][\w$]*):", RegexOptions.None, 1000)]
    private static partial Regex Label();

    [GeneratedRegex(@"^\s*(?<predicate>@!?%p\d+\s+)?(?<name>[a-z]\w*(?:\.[\w]+)*)(?<rest>[^;]*);", RegexOptions.None, 1000)]
    private static partial Regex Instruction();
}
