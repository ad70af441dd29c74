using System.CommandLine;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

public sealed class HelpTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    private string[] Lines(params string[] args)
    {
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), args));
        Assert.Equal("", _run.Errors);
        return _run.Output.TrimEnd('\n').Split('\n');
    }

    [Fact]
    public void The_help_of_the_program_fits_one_screen_and_names_every_command()
    {
        string[] lines = Lines("--help");
        Assert.InRange(lines.Length, 20, 40);
        foreach (CommandDefinition definition in Kinds.Of<CommandDefinition>()
            .Where(d => d.Name.Length > 0 && !d.IsHidden && !d.Name.Contains(' ')))
            Assert.Contains(lines, l => l.StartsWith($"  {definition.Name} ", StringComparison.Ordinal));
    }

    [Fact]
    public void Help_of_distill_shows_ten_options_first_and_the_others_in_groups()
    {
        string[] lines = Lines("distill", "--help");
        int first = Array.IndexOf(lines, "Most used options:");
        string[] common = [.. lines[(first + 1)..].TakeWhile(l => l.Length > 0).Where(l => l.StartsWith("  --", StringComparison.Ordinal))];
        Assert.Equal(10, common.Length);
        Assert.StartsWith("  --preset NAME", common[0], StringComparison.Ordinal);
        foreach (SettingGroup group in Enum.GetValues<SettingGroup>())
            Assert.Contains($"{SettingGroups.Heading(group)}:", lines, StringComparer.Ordinal);
        foreach (Setting setting in Settings.All)
            Assert.Single(lines, l => l.StartsWith($"  {setting.Name} ", StringComparison.Ordinal));
        Assert.All(lines.Where(l => !l.Contains("dotnet run", StringComparison.Ordinal)), l => Assert.InRange(l.Length, 0, 100));
    }

    [Fact]
    public void A_setting_of_several_methods_shows_the_standard_value_of_each()
    {
        Assert.EndsWith("[2 (influence, datm, mtt); 60 (rat); lors 1; mtt-vl 1; own-path 20; pairs 10; trajectory 20]", Settings.Of("Window").Option.Description);
        Assert.EndsWith("[50; lors 8; mtt-vl 8]", Settings.Of("SyntheticSteps").Option.Description); // one value for all methods
        foreach (OptionOfMethods setting in Settings.All.OfType<OptionOfMethods>())
        {
            foreach (DistillationMethod method in Kinds.Of<DistillationMethod>())
            {
                RunSettings standard = Presets.Standard.With("Method", method.Name);
                if (setting.IsOf(standard))
                    Assert.Contains(setting.Show(standard), setting.Option.Description![setting.Option.Description!.LastIndexOf('[')..]);
            }
        }
    }

    [Fact]
    public void Help_and_version_are_words_too()
    {
        Assert.Equal(Lines("distill", "--help"), Lines("help", "distill"), StringComparer.Ordinal);
        Assert.Equal(Lines("datasets", "get", "--help"), Lines("help", "datasets", "get"), StringComparer.Ordinal);
        Assert.Equal(Lines("--help"), Lines("help"), StringComparer.Ordinal);
        Assert.Equal(Lines("--version"), Lines("version"), StringComparer.Ordinal);
    }

    [Fact]
    public void Every_command_has_help_with_a_short_summary()
    {
        foreach ((CommandDefinition definition, Command _) in CommandTree.Everything(out RootCommand _))
        {
            string[] lines = Lines([.. definition.Name.Split(' '), "--help"]);
            Assert.StartsWith("Usage: ", Array.Find(lines, l => l.StartsWith("Usage", StringComparison.Ordinal)), StringComparison.Ordinal);
            Assert.DoesNotContain(lines, l => l.Contains("  infmatch ", StringComparison.Ordinal));
            Assert.InRange(definition.Summary.Length, 10, 86);
        }
    }

    [Theory]
    [InlineData("./infmatch", "  ./infmatch distill --ipc 1", "  ./infmatch")]
    [InlineData("dotnet run --project Distill --", "  dotnet run --project Distill -- distill --ipc 1", "  dotnet run --project Distill")]
    public void Examples_name_the_program_as_it_was_started(string program, string line, string alone)
    {
        Assert.Equal($"Examples:\n{line}", ProgramName.In("Examples:\n  infmatch distill --ipc 1", program));
        Assert.Equal($"Examples:\n{alone}", ProgramName.In("Examples:\n  infmatch", program));
        Assert.Equal("infmatch is a program", ProgramName.In("infmatch is a program", program));
    }

    [Fact]
    public void The_program_is_named_as_it_was_started()
    {
        string elsewhere = Path.Combine(Path.GetTempPath(), "x", "bin", "Release", "net10.0");
        Assert.Equal("./infmatch", ProgramName.Of("./infmatch", "/usr/bin/dotnet", elsewhere));
        Assert.Equal("infmatch", ProgramName.Of(null, "/usr/local/bin/infmatch", elsewhere));
        Assert.Equal("infmatch", ProgramName.Of("", "/usr/bin/dotnet", "/packages/infmatch/0.1.0/tools/net10.0/linux-x64/"));
        Assert.Equal("dotnet run --project Distill --", ProgramName.Of(null, "/usr/bin/dotnet", elsewhere));
        Directory.CreateDirectory(Path.Combine(_run.Folder, "Distill", "bin", "Release", "net10.0"));
        File.WriteAllText(Path.Combine(_run.Folder, "Distill", "Distill.csproj"), "");
        Assert.Equal(
            $"dotnet run --project {ShellWord.OfPath(Path.Combine(_run.Folder, "Distill"))} --",
            ProgramName.Of(null, "/usr/bin/dotnet", Path.Combine(_run.Folder, "Distill", "bin", "Release", "net10.0")));
    }

    [Theory]
    [InlineData(2, "datasets get: ", "datasets", "get", "no-such-set")]
    [InlineData(3, "datasets verify: ", "datasets", "verify", "cifar-10", "--data", "/nowhere")]
    [InlineData(2, "config show: ", "config", "show", "--lr-img", "x")]
    [InlineData(2, "influence scores: ", "influence", "scores", "--model", "x")]
    public void An_error_begins_with_the_whole_command_and_ends_with_a_code(int code, string prefix, params string[] args)
    {
        Assert.Equal(code, _run.RunAsGiven(Interruption.Silent(), args));
        Assert.StartsWith(prefix, _run.Errors, StringComparison.Ordinal);
        Assert.Matches(@"\[IM\d{4}\]\n$", _run.Errors);
    }

    [Fact]
    public void Quiet_leaves_results_and_errors_alone()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRun("--device", "reference", "--quiet")));
        Assert.Equal("", _run.Errors);
        Assert.Contains("distilled", _run.Output);
        Assert.Equal((int)ExitCode.Usage, _run.Run("distill", "-q", "--preset", "retraned"));
        Assert.Contains("(did you mean trajectory?)", _run.Errors);
    }

    [Fact]
    public void A_wrong_file_is_reported_once()
    {
        string file = Path.Combine(_run.Folder, "set.safetensors");
        File.WriteAllText(file, "this is no safetensors file");
        Assert.Equal((int)ExitCode.Data, _run.RunAsGiven(Interruption.Silent(), "verify", file));
        Assert.Equal("", _run.Output);
        Assert.Single(_run.Errors.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("Did you mean distill?", "help", "distil")]
    [InlineData("\"nope\" is not known here.", "nope", "--help")]
    [InlineData("See datasets --help.", "help", "datasets", "nope")]
    public void Help_on_a_word_that_is_no_command_says_so(string expected, params string[] args)
    {
        Assert.Equal((int)ExitCode.Usage, _run.RunAsGiven(Interruption.Silent(), args));
        Assert.Contains(expected, _run.Errors, StringComparison.Ordinal);
        Assert.Empty(_run.Output);
    }

    [Theory]
    [InlineData("help", "verify")]
    [InlineData("verify", "no-file", "--help")]
    [InlineData("datasets", "--help")]
    public void Help_on_a_command_is_shown_whatever_its_arguments_are(params string[] args)
    {
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), args));
        Assert.Contains("Usage: ", _run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_shows_its_help_under_older_names_too()
    {
        foreach (CommandDefinition definition in Kinds.Of<CommandDefinition>())
        {
            foreach (string older in definition.HiddenNames)
                Assert.StartsWith(HelpText.Paragraphs(definition.Help)[0][..20], Lines([.. older.Split(' '), "--help"])[0], StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Help_says_of_a_command_what_is_true_of_it()
    {
        string report = string.Join(' ', Lines("report", "--help").Select(l => l.Trim()));
        Assert.Contains("Take the run's experts from this folder", report, StringComparison.Ordinal);
        Assert.DoesNotContain("record what is missing", report, StringComparison.Ordinal);
        Assert.Contains("compare RUN RUN… [OPTIONS]", string.Join('\n', Lines("compare", "--help")), StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, _run.RunAsGiven(Interruption.Silent(), "export", "set.safetensors"));
        Assert.Contains("takes --to with a form: ", _run.Errors, StringComparison.Ordinal);
        Assert.All(Kinds.Names<ExportForm>(), form => Assert.Contains(form, _run.Errors, StringComparison.Ordinal));
    }

    [Fact]
    public void A_fault_of_the_data_is_told_without_the_device_before_it()
    {
        Assert.Equal((int)ExitCode.Data, _run.Run("distill", "--dataset", "cifar-10", "--data", "/nowhere", "--device", "cpu"));
        Assert.Single(_run.Errors.TrimEnd().Split('\n'));
        Assert.StartsWith("distill: ", _run.Errors, StringComparison.Ordinal);
    }
}
