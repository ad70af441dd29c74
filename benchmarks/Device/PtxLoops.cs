using System.Text.RegularExpressions;

namespace InfMatch.Benchmarks;

/// <summary>An instruction of PTX, and how many loops of its function it stands in.</summary>
/// <param name="Name">Such as add.f32.</param>
/// <param name="Loops">0 outside of every loop.</param>
internal readonly record struct PtxInstruction(string Name, int Loops);

/// <summary>In which loops the instructions of PTX stand: a loop is what can be reached from itself, and the loops within it are
/// what is left of it without the block through which it is entered.</summary>
internal static partial class PtxLoops
{
    /// <summary>All of them, those of functions beside the kernel too.</summary>
    public static IEnumerable<PtxInstruction> Instructions(string text) => Function().Split(text).Skip(1).SelectMany(InFunction);

    private static IEnumerable<PtxInstruction> InFunction(string function)
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
        int[] loops = new int[blocks.Count];
        CountLoops(next, [.. Enumerable.Range(0, blocks.Count)], loops);
        return blocks.SelectMany((block, i) => block.Select(m => new PtxInstruction(m.Groups["name"].Value, loops[i])));
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

    private static void CountLoops(int[][] next, HashSet<int> among, int[] loops)
    {
        Dictionary<int, HashSet<int>> reached = among.ToDictionary(block => block, block => Reached(next, block, among));
        HashSet<int> left = [.. among.Where(block => reached[block].Contains(block))];
        while (left.Count > 0)
        {
            int first = left.First();
            HashSet<int> loop = [.. left.Where(block => reached[first].Contains(block) && reached[block].Contains(first))];
            foreach (int block in loop)
                loops[block]++;
            left.ExceptWith(loop);
            int entry = loop.FirstOrDefault(block => IsEntered(next, loop, block), loop.Min());
            loop.Remove(entry);
            CountLoops(next, loop, loops);
        }
    }

    private static bool IsEntered(int[][] next, HashSet<int> loop, int block) =>
        Enumerable.Range(0, next.Length).Any(b => !loop.Contains(b) && next[b].Contains(block));

    private static HashSet<int> Reached(int[][] next, int start, HashSet<int> among)
    {
        var seen = new HashSet<int>();
        var open = new Stack<int>(next[start]);
        while (open.TryPop(out int block))
        {
            if (among.Contains(block) && seen.Add(block))
                next[block].ToList().ForEach(open.Push);
        }
        return seen;
    }

    [GeneratedRegex(@"(?=\.visible \.(?:entry|func))", RegexOptions.None, 10000)]
    private static partial Regex Function();

    [GeneratedRegex(@"^\s*(?<label>[A-Za-z_$][\w$]*):", RegexOptions.None, 1000)]
    private static partial Regex Label();

    [GeneratedRegex(@"^\s*(?<predicate>@!?%p\d+\s+)?(?<name>[a-z]\w*(?:\.[\w]+)*)(?<rest>[^;]*);", RegexOptions.None, 1000)]
    private static partial Regex Instruction();
}
