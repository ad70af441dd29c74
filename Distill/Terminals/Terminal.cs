using InfMatch.Tensors;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace InfMatch.Distill;

/// <summary>
/// Where output goes: what a command found to stdout, progress and notes to stderr. Under --json stdout has the JSON alone, and
/// what would say the same for people is left out. Colours and moving bars only where a person sits in front of a
/// terminal, and no colours where NO_COLOR is set (https://no-color.org).
/// </summary>
internal sealed class Terminal
{
    // So wide that each row of a table is one line, which a script can search.
    private const int WidthWithoutTerminal = 240;

    private const int WidthOfText = 100;

    private readonly TextWriter _notes;
    private readonly Lazy<IAnsiConsole> _notesMade, _resultsMade;
    private readonly bool _isTerminal, _isResultTerminal;
    private readonly Lock _gate = new();
    private BarProgress? _moving;
    private string? _kept;

    /// <summary>Writes results and notes.</summary>
    /// <param name="results">stdout.</param>
    /// <param name="notes">stderr.</param>
    /// <param name="isInteractive">Whether stderr is a terminal.</param>
    /// <param name="isResultInteractive">Whether stdout is one.</param>
    public Terminal(TextWriter results, TextWriter notes, bool isInteractive, bool isResultInteractive = false)
    {
        (Data, _notes, _isTerminal) = (results, notes, isInteractive);
        bool isDumb = Environment.GetEnvironmentVariable("TERM") == "dumb";
        IsInteractive = isInteractive && !isDumb;
        _isResultTerminal = isResultInteractive && !isDumb;
        _notesMade = new Lazy<IAnsiConsole>(() => ConsoleOf(notes, IsInteractive));
        _resultsMade = new Lazy<IAnsiConsole>(() =>
        {
            IAnsiConsole made = ConsoleOf(results, _isResultTerminal);
            if (!isResultInteractive)
                made.Profile.Width = WidthWithoutTerminal;
            return made;
        });
    }

    private IAnsiConsole NoteConsole => _notesMade.Value;

    private IAnsiConsole ResultConsole => _resultsMade.Value;

    /// <summary>The columns for running text of a result: those of the terminal, but no more than are read with ease.</summary>
    public int ResultWidth => _isResultTerminal ? Math.Clamp(ResultConsole.Profile.Width, 40, WidthOfText) : WidthOfText;

    /// <summary>Receives JSON, as stdout.</summary>
    public TextWriter Data { get; }

    /// <summary>Whether a person watches.</summary>
    public bool IsInteractive { get; }

    /// <summary>Whether JSON is asked for: then results are not shown.</summary>
    public bool IsJson { get; set; }

    /// <summary>Whether results and errors alone are shown: no notes, no progress.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>The least time between two lines of progress where nobody watches.</summary>
    public TimeSpan ProgressInterval { get; init; } = PlainProgress.DefaultInterval;

    /// <summary>Bars where a person watches, else lines.</summary>
    public IProgressView MakeProgress()
    {
        SayKept();
        if (IsQuiet)
            return new PlainProgress(_ => { }, TimeProvider.System, TimeSpan.MaxValue);
        if (!IsInteractive || !NoteConsole.Profile.Capabilities.Ansi)
            return new PlainProgress(Say, TimeProvider.System, ProgressInterval);
        var made = new BarProgress(
            _notes, () => (NoteConsole.Profile.Width, NoteConsole.Profile.Height),
            new BarStyle(
                NoteConsole.Profile.Capabilities.ColorSystem != ColorSystem.NoColors, NoteConsole.Profile.Capabilities.Unicode),
            TimeProvider.System,
            () =>
            {
                lock (_gate)
                    _moving = null;
            });
        lock (_gate)
            _moving = made;
        return made;
    }

    /// <summary>Keeps a note until something else is written that is no error: before an error at once it would only be in the
    /// way.</summary>
    public void SayBeforeNext(string line) => _kept = line;

    /// <summary>Writes a note for people; lines are broken between words only, at the width of a terminal. Bars may
    /// move.</summary>
    public void Say(string line)
    {
        SayKept();
        if (!IsQuiet)
            SayAlways(line);
    }

    /// <summary>Writes a note that belongs to an error, also where notes are not wanted.</summary>
    public void SayAlways(string line)
    {
        line = PrintableText.Of(line);
        lock (_gate)
        {
            if (_moving is not null)
                _moving.Note(line);
            else
                WriteBroken(_notes, line, _isTerminal ? NoteConsole : null);
        }
    }

    /// <summary>Writes a note whose line is not broken, since it is to be copied; not while bars move.</summary>
    public void SayUnbroken(string line)
    {
        SayKept();
        if (!IsQuiet)
            _notes.WriteLine(PrintableText.Of(line));
    }

    /// <summary>Writes lines for people, such as those of a stack, each printable.</summary>
    public void SayLines(string lines) => _notes.WriteLine(PrintableText.OfLines(lines));

    /// <summary>Writes a line of what a command found, broken as notes are.</summary>
    public void Show(string line)
    {
        SayKept();
        if (!IsJson)
            WriteBroken(Data, PrintableText.Of(line), _isResultTerminal ? ResultConsole : null);
    }

    /// <summary>Writes a line of what a command found that is not broken, since it is to be copied.</summary>
    public void ShowUnbroken(string line)
    {
        SayKept();
        if (!IsJson)
            Data.WriteLine(PrintableText.Of(line));
    }

    /// <summary>Writes a table of what a command found.</summary>
    public void Show(IRenderable table)
    {
        SayKept();
        if (!IsJson)
            ResultConsole.Write(table);
    }

    /// <summary>Writes a table in the widest form that the terminal has room for.</summary>
    public void Show(ResultTable table)
    {
        int width = ResultConsole.Profile.Width;
        var options = RenderOptions.Create(ResultConsole);
        Table[] forms = [.. table.Forms()];
        Show(forms.FirstOrDefault(f => ((IRenderable)f).Measure(options, WidthWithoutTerminal).Max <= width) ?? forms[^1]);
    }

    /// <summary>Writes one line of what a command found with a mark before it: ✓ for what is as it must be, ✗ for what is
    /// not.</summary>
    public void Mark(bool passed, string line)
    {
        SayKept();
        if (IsJson)
            return;
        line = PrintableText.Of(line);
        ResultConsole.Write(new Text(passed ? "  ✓ " : "  ✗ ", new Style(passed ? Color.Green : Color.Red)));
        string[] lines = _isResultTerminal
            ? [.. TextLines.Broken("    " + line, ResultConsole.Profile.Width)]
            : ["    " + line];
        Data.WriteLine(lines[0].TrimStart());
        foreach (string more in lines[1..])
            Data.WriteLine(more);
    }

    /// <summary>Says that the work stops; also while bars move.</summary>
    public void AnnounceInterruption()
    {
        if (_isTerminal && _moving is null)
            _notes.WriteLine(); // behind the ^C that the terminal has shown
        Say("Interrupted: stopping after this step. Press Ctrl-C again to quit at once.");
    }

    /// <summary>Leaves the screen so that a shell can go on below what is there.</summary>
    public void Abandon() => _moving?.Abandon();

    private void SayKept()
    {
        if (Interlocked.Exchange(ref _kept, null) is { } line && !IsQuiet)
            SayAlways(line);
    }

    private static void WriteBroken(TextWriter writer, string line, IAnsiConsole? terminal)
    {
        if (terminal is null)
        {
            writer.WriteLine(line);
            return;
        }
        foreach (string part in TextLines.Broken(line, terminal.Profile.Width))
            writer.WriteLine(part);
    }

    private static IAnsiConsole ConsoleOf(TextWriter writer, bool isInteractive)
    {
        bool colours = isInteractive && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isInteractive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = colours ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isInteractive ? InteractionSupport.Detect : InteractionSupport.No,
        });
        console.Pipeline.Attach(new PrintableRendering());
        return console;
    }
}
