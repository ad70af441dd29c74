namespace InfMatch.Distill;

/// <summary>Breaks text for people at the width of their terminal.</summary>
internal static class TextLines
{
    /// <summary>The text in lines of at most so many columns, broken between words only: what is longer than a line, such as a
    /// path, stays whole on a line of its own, so that it can be copied. Further lines are indented like the first, and by so
    /// many columns more.</summary>
    public static IEnumerable<string> Broken(string text, int width, int hanging = 0)
    {
        foreach (string line in text.Split('\n'))
        {
            string rest = line.TrimEnd('\r');
            string indent = new(' ', Math.Min(rest.Length - rest.TrimStart(' ').Length + hanging, Math.Max(0, width / 2)));
            while (rest.Length > width)
            {
                int start = rest.Length - rest.TrimStart(' ').Length;
                int at = rest.LastIndexOf(' ', width);
                if (at <= start)
                    at = rest.IndexOf(' ', Math.Min(start, rest.Length - 1) + 1);
                if (at < 0 || at <= start)
                    break;
                yield return rest[..at].TrimEnd();
                string next = rest[at..].TrimStart(' ');
                if (next.Length == 0)
                {
                    rest = "";
                    break;
                }
                rest = indent + next;
            }
            if (rest.Length > 0 || line.Length == 0)
                yield return rest;
        }
    }
}
