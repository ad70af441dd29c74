using InfMatch.Tensors;
using Spectre.Console;

namespace InfMatch.Distill;

/// <summary>
/// Where output goes: data to one writer, everything for people to the other. Colours and moving bars only where a
/// person sits in front of a terminal, and no colours where NO_COLOR is set (https://no-color.org).
/// </summary>
internal sealed class Terminal
{
    private const int WidthWithoutTerminal = 110;

    public Terminal(TextWriter data, TextWriter people, bool isInteractive)
    {
        Data = data;
        IsInteractive = isInteractive && Environment.GetEnvironmentVariable("TERM") != "dumb";
        bool colours = IsInteractive && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        Console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(people),
            Ansi = IsInteractive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = colours ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = IsInteractive ? InteractionSupport.Detect : InteractionSupport.No,
        });
        Console.Pipeline.Attach(new PrintableRendering());
        if (!IsInteractive)
            Console.Profile.Width = WidthWithoutTerminal;
    }

    /// <summary>Receives data only: what a script reads.</summary>
    public TextWriter Data { get; }

    /// <summary>Receives everything for people.</summary>
    public IAnsiConsole Console { get; }

    /// <summary>Whether a person watches.</summary>
    public bool IsInteractive { get; }

    /// <summary>The least time between two lines of progress where nobody watches.</summary>
    public TimeSpan ProgressInterval { get; init; } = PlainProgress.DefaultInterval;

    /// <summary>Bars where a person watches, else lines.</summary>
    public IProgressView MakeProgress() => IsInteractive
        ? new BarProgress(Console)
        : new PlainProgress(Say, TimeProvider.System, ProgressInterval);

    /// <summary>Writes one line with a mark before it: ✓ for what is as it must be, ✗ for what is not.</summary>
    public void Mark(bool passed, string line)
    {
        Console.Write(new Text(passed ? "  ✓ " : "  ✗ ", new Style(passed ? Color.Green : Color.Red)));
        Say(line);
    }

    /// <summary>Writes one line for people, printable and unbroken, so that a path in it can be copied; not while bars
    /// move.</summary>
    public void Say(string line) => Console.Profile.Out.Writer.WriteLine(PrintableText.Of(line));

    /// <summary>Writes lines for people, such as those of a stack, each printable.</summary>
    public void SayLines(string lines) => Console.Profile.Out.Writer.WriteLine(PrintableText.OfLines(lines));
}
