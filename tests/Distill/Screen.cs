using System.Text;

namespace InfMatch.Tests.Distill;

/// <summary>What a terminal of so many columns shows of what was written to it: line feeds, carriage returns, the erasing of a
/// line, the cursor going up, colours (not shown) and the breaking of long lines, which can be switched off.</summary>
internal sealed class Screen(int width) : StringWriter
{
    private readonly List<StringBuilder> _rows = [new()];
    private readonly StringBuilder _raw = new();
    private int _row, _column;
    private bool _wraps = true;
    private string _sequence = "";

    public int Width => width;

    /// <summary>Everything as it was written.</summary>
    public string Raw => _raw.ToString();

    /// <summary>The rows, without blanks at their ends and without empty rows below.</summary>
    public IReadOnlyList<string> Rows
    {
        get
        {
            List<string> rows = [.. _rows.Select(r => r.ToString().TrimEnd())];
            while (rows is [.., ""])
                rows.RemoveAt(rows.Count - 1);
            return rows;
        }
    }

    public override void Write(char value)
    {
        _raw.Append(value);
        if (_sequence.Length > 0 || value == '\e')
        {
            _sequence += value;
            bool isLong = _sequence.Length > 1 && _sequence[1] == '[';
            if (isLong ? _sequence.Length > 2 && char.IsAsciiLetter(value) : _sequence.Length == 2)
                End();
            return;
        }
        switch (value)
        {
            case '\r':
                _column = 0;
                return;
            case '\n':
                NextRow();
                return;
        }
        if (_column == width)
        {
            if (!_wraps)
                _column = width - 1;
            else
                NextRow();
        }
        StringBuilder row = _rows[_row];
        row.Append(' ', Math.Max(0, _column + 1 - row.Length));
        row[_column++] = value;
    }

    public override void Write(string? value)
    {
        foreach (char c in value ?? "")
            Write(c);
    }

    public override void WriteLine(string? value) => Write(value + "\n");

    public override void WriteLine() => Write('\n');

    private void NextRow()
    {
        (_column, _row) = (0, _row + 1);
        while (_rows.Count <= _row)
            _rows.Add(new StringBuilder());
    }

    private void End()
    {
        switch (_sequence)
        {
            case "\e[2K":
                _rows[_row].Clear();
                break;
            case "\e[1A":
                _row--;
                break;
            case "\e[?7l":
                _wraps = false;
                break;
            case "\e[?7h":
                _wraps = true;
                break;
            default:
                // Colours, and what a terminal library asks of a terminal, leave the text as it is.
                Assert.Matches(@"^\e(\[[?0-9;]*[mhlnc]|[=>])$", _sequence);
                break;
        }
        _sequence = "";
    }
}
