using Spectre.Console;

namespace InfMatch.Distill;

/// <summary>A table of what a command found, which stays readable on a narrow terminal: headings are broken into words, columns
/// that can be done without are left out, and only then cells are broken.</summary>
/// <param name="title">What stands above it; null for nothing.</param>
/// <param name="left">How many of the first columns stand at the left of their width; the others stand at its right.</param>
/// <param name="headings">The columns.</param>
internal sealed class ResultTable(string? title, int left, params string[] headings)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Columns that a narrow terminal does without, the first to go first.</summary>
    public IReadOnlyList<string> Optional { get; init; } = [];

    /// <summary>Adds a row, one text for each column.</summary>
    public void Add(params string[] cells) => _rows.Add(cells);

    /// <summary>The forms of the table, from the widest to one that fits anywhere.</summary>
    public IEnumerable<Table> Forms()
    {
        yield return Make(0, isNarrow: false, breaksCells: false);
        for (int without = 0; without <= Optional.Count; without++)
            yield return Make(without, isNarrow: true, breaksCells: false);
        yield return Make(Optional.Count, isNarrow: true, breaksCells: true);
    }

    private Table Make(int without, bool isNarrow, bool breaksCells)
    {
        int[] shown = [.. Enumerable.Range(0, headings.Length).Where(c => !Optional.Take(without).Contains(headings[c], StringComparer.Ordinal))];
        var table = new Table();
        if (title is not null)
            table.Title(Markup.Escape(title));
        foreach (int c in shown)
        {
            var column = new TableColumn(Markup.Escape(isNarrow ? headings[c].Replace(' ', '\n') : headings[c]))
            {
                Alignment = c < left ? Justify.Left : Justify.Right, NoWrap = !breaksCells,
            };
            table.AddColumn(isNarrow ? column.Padding(1, 0, 0, 0) : column);
        }
        foreach (string[] row in _rows)
            table.AddRow([.. shown.Select(c => Markup.Escape(row[c]))]);
        return table;
    }
}
