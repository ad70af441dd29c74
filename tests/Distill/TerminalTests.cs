using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

public sealed class TerminalTests
{
    private readonly ManualClock _clock = new();

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(120)]
    public void A_note_stands_above_the_moving_lines_and_leaves_nothing_of_them_behind(int width)
    {
        var screen = new Screen(width);
        using (BarProgress progress = On(screen))
        {
            using IProgressStage stage = progress.Begin("Experts (convnet-d3-w32)", 1413);
            Report(stage, 700, "expert 2/3, loss 0.673");
            Assert.Single(screen.Rows);
            screen.Write("^C"); // as a terminal shows it
            progress.Note("Interrupted: stopping after this step. Press Ctrl-C again to quit at once.");
            Assert.DoesNotContain("^C", string.Join('\n', screen.Rows));
            Assert.Equal(
                "Interrupted: stopping after this step. Press Ctrl-C again to quit at once.",
                string.Join(' ', screen.Rows.SkipLast(1)));
            Assert.Contains("expert 2/3, loss 0.673", screen.Rows[^1]);
            Report(stage, 701, "expert 2/3, loss 0.672");
        }
        screen.WriteLine("the end");
        Assert.Equal(width < 74 ? 4 : 3, screen.Rows.Count);
        Assert.Contains("loss 0.672", screen.Rows[^2]);
        Assert.Equal("the end", screen.Rows[^1]);
        Assert.All(screen.Rows, row => Assert.True(row.Length <= width - ProgressLine.Free || !row.Contains('━')));
    }

    [Fact]
    public void Stages_that_end_leave_a_line_each_in_their_order()
    {
        var screen = new Screen(80);
        using (BarProgress progress = On(screen))
        {
            IProgressStage first = progress.Begin("IPC 1: distilled", 30), second = progress.Begin("IPC 1: random real", 30);
            Report(first, 10, "network 1/3, loss 0.5");
            Report(second, 5, "network 1/3, loss 0.6");
            Assert.Equal(2, screen.Rows.Count);
            Report(first, 30, "70.3 ± 2.7 % (protocol A)");
            first.Dispose();
            Assert.Equal(2, screen.Rows.Count);
            second.Dispose();
            second.Dispose();
        }
        Assert.Equal(
            [
                "━━━━━━ IPC 1: distilled; 70.3 ± 2.7 % (protocol A); 30/30; 10.0/s; in 0:03",
                "━───── IPC 1: random real; network 1/3, loss 0.6; 5/30; stopped after 0:03",
            ],
            screen.Rows);
        Assert.DoesNotContain("\e[3", screen.Raw);
    }

    [Fact]
    public void A_terminal_that_becomes_narrower_is_cleaned_of_the_lines_that_it_broke()
    {
        int width = 120;
        var screen = new Screen(60); // as if it had been so narrow all the time: lines written for 120 columns take two rows
        using (var progress = new BarProgress(
            screen, () => (width, 40), new BarStyle(Colours: false, Unicode: true), _clock))
        {
            using IProgressStage stage = progress.Begin("a stage", 10);
            Report(stage, 1, new string('x', 60));
            string drawn = screen.Rows[0];
            screen.Write(new string('y', 30)); // what the narrower terminal shows of it in the next row
            Assert.Equal(2, screen.Rows.Count);
            width = 60;
            progress.Note("a note");
            Assert.NotEqual("", drawn, StringComparer.Ordinal);
        }
        Assert.Equal("a note", screen.Rows[0]);
        Assert.DoesNotContain('y', string.Concat(screen.Rows));
        Assert.Equal(2, screen.Rows.Count);
    }

    [Fact]
    public void The_second_signal_leaves_the_cursor_below_the_moving_lines()
    {
        var screen = new Screen(80);
        BarProgress progress = On(screen);
        IProgressStage stage = progress.Begin("a stage", 10);
        Report(stage, 1, "loss 0.5");
        progress.Abandon();
        _clock.Pass(TimeSpan.FromSeconds(1)); // nothing is drawn any more
        screen.Write("$ ");
        Assert.Equal(2, screen.Rows.Count);
        Assert.Equal("$", screen.Rows[1]);
    }

    // The number that matters stands in the line however narrow it is; the end of the name goes first.
    [Theory]
    [InlineData(50)]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(120)]
    [InlineData(200)]
    public void The_detail_of_a_line_is_never_cut_where_there_is_room_for_it(int width)
    {
        var state = new StageState(
            "IPC 10: random real + soft labels (convnet-d3-w128)", "70.3 ± 2.7 % (protocol A)", 600, 1000,
            TimeSpan.FromSeconds(65), TimeSpan.FromSeconds(3700));
        string text = ProgressLine.Text(state, width);
        Assert.True(ProgressLine.BarOf(width) + 1 + text.Length <= width - ProgressLine.Free);
        Assert.Contains("; 70.3 ± 2.7 % (protocol A)", text);
        Assert.StartsWith("IPC 10", text);
        Assert.Equal(width >= 120, text.Contains("1:01:40 left", StringComparison.Ordinal));
        Assert.Equal(width >= 200, text.Contains("; 600/1000", StringComparison.Ordinal));
        Assert.Equal(width >= 200, text.Contains("; 9.2/s", StringComparison.Ordinal));
        Assert.Equal(width < 120, text.Contains('…'));
    }

    [Fact]
    public void A_usual_stage_shows_its_steps_at_80_columns()
    {
        var state = new StageState(
            "Experts (convnet-d3-w32)", "expert 1/3, loss 0.306", 126, 1413, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(46));
        Assert.Equal("Experts (convnet-d3-w32); expert 1/3, loss 0.306; 126/1413; 0:46 left", ProgressLine.Text(state, 80));
    }

    // The first half of the time went to the first step.
    [Fact]
    public void The_time_left_follows_from_the_later_steps()
    {
        var screen = new Screen(120);
        using BarProgress progress = On(screen);
        using IProgressStage stage = progress.Begin("a stage", 100);
        _clock.Pass(TimeSpan.FromSeconds(10));
        stage.Report(1);
        for (int i = 2; i <= 51; i++)
        {
            _clock.Pass(TimeSpan.FromSeconds(1));
            stage.Report(i);
        }
        progress.Note("");
        Assert.Matches(@"; 51/100; 0\.8/s|; 51/100; 1\.\d s each", screen.Rows[^1]);
        Assert.Contains("; 0:49 left", screen.Rows[^1]);
    }

    [Theory]
    [InlineData("because there is no CUDA device", 14, "because there|is no CUDA|device")]
    [InlineData("Run folder: runs/2026-11-28_1616_fashion-mnist", 20, "Run folder:|runs/2026-11-28_1616_fashion-mnist")]
    [InlineData("runs/2026-11-28_1616_fashion-mnist and more", 20, "runs/2026-11-28_1616_fashion-mnist|and more")]
    [InlineData("  indented lines stay indented", 14, "  indented|  lines stay|  indented")]
    [InlineData("as long as it", 13, "as long as it")]
    [InlineData("", 13, "")]
    [InlineData("one\n\ntwo", 13, "one||two")]
    [InlineData("                       ", 13, "                       ")]
    public void Text_is_broken_between_words_only(string text, int width, string lines) =>
        Assert.Equal(lines, string.Join('|', TextLines.Broken(text, width)));

    [Fact]
    public void A_path_below_the_working_folder_is_shown_relative_to_it_and_another_in_full()
    {
        string here = Environment.CurrentDirectory, above = Path.GetDirectoryName(here)!;
        Assert.Equal(Path.Combine("runs", "a"), ShownPath.Of(Path.Combine(here, "runs", "a")));
        Assert.Equal(Path.Combine("runs", "a"), ShownPath.Of(Path.Combine("runs", "a")));
        Assert.Equal(Path.Combine(".", "--runs"), ShownPath.Of("--runs"));
        Assert.Equal(above, ShownPath.Of(above));
        Assert.Equal(Path.Combine(above, "..a"), ShownPath.Of(Path.Combine(above, "..a")));
    }

    [Fact]
    public void Results_go_to_one_writer_and_notes_to_the_other_and_json_takes_the_place_of_results()
    {
        using StringWriter results = new(), notes = new();
        var terminal = new Terminal(results, notes, isInteractive: false);
        terminal.Say("a note");
        terminal.SayUnbroken("a command");
        terminal.Show("a result");
        terminal.ShowUnbroken("a path");
        terminal.Mark(passed: true, "a check");
        Assert.Equal(Lines("a note", "a command"), notes.ToString());
        Assert.Equal(Lines("a result", "a path", "  ✓ a check"), results.ToString());
        terminal.IsJson = true;
        terminal.Show("a result");
        terminal.ShowUnbroken("a path");
        terminal.Show(new Spectre.Console.Text("a table"));
        terminal.Mark(passed: false, "a check");
        Assert.Equal(Lines("a result", "a path", "  ✓ a check"), results.ToString());

        static string Lines(params string[] lines) => string.Concat(lines.Select(l => l + Environment.NewLine));
    }

    private BarProgress On(Screen screen) =>
        new(screen, () => (screen.Width, 40), new BarStyle(Colours: false, Unicode: true), _clock);

    private void Report(IProgressStage stage, long done, string detail)
    {
        stage.Report(done, detail);
        _clock.Pass(TimeSpan.FromSeconds(1));
    }
}
