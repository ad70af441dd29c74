using System.Text.Json.Nodes;
using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

public sealed class ConfigInputTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string FileOf(string text)
    {
        string path = Path.Combine(_folder, "my.json");
        File.WriteAllText(path, text);
        return path;
    }

    private static ResolvedSettings Resolve(
        string? file, string[]? sets = null, string? option = null, string? variable = null, string preset = "standard")
    {
        var input = ConfigInput.Read(file, sets ?? [], _ => true);
        return Settings.Resolve(
            input.Preset ?? preset, s => s.Property == "Device" ? option : null, name => name == "INFMATCH_DEVICE" ? variable : null, input);
    }

    [Fact]
    public void A_file_may_have_comments_and_a_last_comma_and_names_keys_or_options()
    {
        ResolvedSettings resolved = Resolve(FileOf(
            """
            // a note
            {
              "preset": "trajectory", /* the best */
              "lrImg": 123.5,
              "expert-epochs": 2,
              "ipc": [1, 5],
              "estimator": "paper",
              "zca": 0.1,
            }
            """));
        Assert.Equal(123.5, resolved.Settings.LrImg);
        Assert.Equal(2, resolved.Settings.ExpertEpochs);
        Assert.Equal([1, 5], resolved.Settings.Ipc.ToArray());
        Assert.Equal(0.1, resolved.Settings.Zca);
        Assert.Equal("paper", resolved.Settings.Text("Estimator"));
        Assert.Equal(600, resolved.Settings.Iterations);
        Assert.EndsWith("my.json (line 4)", resolved.Origins["LrImg"], StringComparison.Ordinal);
        Assert.Equal("preset trajectory", resolved.Origins["Iterations"]);
    }

    [Fact]
    public void An_option_goes_before_set_that_before_the_environment_that_before_the_file_that_before_the_preset()
    {
        string file = FileOf("""{ "device": "opencl" }""");
        Assert.Equal("auto", Resolve(null).Settings.Device);
        Assert.Equal("opencl", Resolve(file).Settings.Device);
        Assert.Equal("cuda", Resolve(file, variable: "cuda").Settings.Device);
        Assert.Equal("reference", Resolve(file, ["device=reference"], variable: "cuda").Settings.Device);
        ResolvedSettings all = Resolve(file, ["device=reference"], "cpu", "cuda");
        Assert.Equal("cpu", all.Settings.Device);
        Assert.Equal("command line (--device)", all.Origins["Device"]);
        Assert.Equal("command line (--set device)", Resolve(file, ["device=reference"]).Origins["Device"]);
    }

    [Theory]
    [InlineData("{\n \"lr_imgs\": 3 }", "unknown key \"lr_imgs\" at line 2 of ", "(did you mean \"lrImg\"?)")]
    [InlineData("{\n\n \"lrImg\": \"fast\" }", "lrImg at line 3 of ", "expected a number above 0")]
    [InlineData("{ \"iterations\": 2.5 }", "iterations at line 1 of ", "expected a whole number from 1 to 10000000")]
    [InlineData("{ \"iterations\": \"20\" }", "is \"\"20\"\"; expected a whole number", "")]
    [InlineData("{ \"ipc\": [\"1\"] }", "ipc at line 1 of ", "expected a whole number from 1 to 100000")]
    [InlineData("{ \"dataset\": 5 }", "dataset at line 1 of ", "expected text")]
    [InlineData("{ \"device\": null }", "device at line 1 of ", "expected one of auto")]
    [InlineData("{ \"preset\": \"retraned\" }", "preset at line 1 of ", "(did you mean trajectory?)")]
    [InlineData("{\n \"ipc\": 1,\n oops }", "my.json, line 3: ", "'config new FILE' writes one")]
    [InlineData("[1]", "it is no object.", "")]
    [InlineData("{ \"ipc\": 1, \"ipc\": 2 }", "my.json", "IM2016")]
    [InlineData("", "my.json", "IM2016")]
    public void A_mistake_in_a_file_is_told_with_its_line_and_what_is_expected(string text, string first, string second)
    {
        DistillException e = Assert.Throws<DistillException>(() => Resolve(FileOf(text)));
        Assert.Equal(ExitCode.Usage, e.ExitCode);
        Assert.Contains(first, e.Message);
        Assert.Contains(second, e.Message);
    }

    [Theory]
    [InlineData("lrImg", "expected KEY=VALUE")]
    [InlineData("lrImgs=3", "unknown key \"lrImgs\" at --set (did you mean \"lrImg\"?)")]
    [InlineData("lrImg=fast", "--set lrImg is \"fast\"; expected a number above 0")]
    [InlineData("preset=demo", "a preset is named with --preset")]
    public void A_mistake_behind_set_is_told(string text, string message) =>
        Assert.Contains(message, Assert.Throws<DistillException>(() => Resolve(null, [text])).Message);

    [Fact]
    public void A_setting_that_the_command_does_not_have_is_refused_behind_set() => Assert.Contains(
        "iterations is none of them",
        Assert.Throws<DistillException>(() => ConfigInput.Read(null, ["iterations=3"], s => s.Property != "Iterations")).Message);

    [Fact]
    public void A_file_that_is_not_there_is_told() => Assert.Contains(
        "it does not exist", Assert.Throws<DistillException>(() => Resolve(Path.Combine(_folder, "none.json"))).Message);

    [Theory]
    [InlineData("demo", "")]
    [InlineData("trajectory", "")]
    [InlineData("standard", "B")]
    public void A_runs_own_file_gives_the_same_settings_back(string preset, string protocol)
    {
        ResolvedSettings begun = Settings.Resolve(
            preset, s => s.Property == "Protocol" && protocol.Length > 0 ? protocol : s.Property == "Zca" ? "0.1" : null, _ => null);
        string path = Path.Combine(_folder, "config.json");
        ConfigFile.Save(path, "distill", begun);
        foreach (string named in (string[])[path, _folder])
        {
            ResolvedSettings again = Resolve(named);
            Assert.Equal(ConfigFile.Hash(begun.Settings), ConfigFile.Hash(again.Settings));
            Assert.Equal(JsonNode.Parse(ConfigFile.WriteDecisive(begun.Settings))!.ToJsonString(), ConfigFile.WriteDecisive(again.Settings));
        }
    }

    [Fact]
    public void Without_the_budget_of_a_runs_own_file_the_updates_are_those_of_the_preset()
    {
        ResolvedSettings begun = Settings.Resolve("standard", s => s.Property == "Budget" ? "5min" : null, _ => null);
        Assert.Equal((RunSettings.AnyIterations, "budget"), (begun.Settings.Iterations, begun.Origins["Iterations"]));
        string path = Path.Combine(_folder, "config.json");
        ConfigFile.Save(path, "distill", begun);
        Assert.Equal(ConfigFile.Hash(begun.Settings), ConfigFile.Hash(Resolve(path).Settings));
        var input = ConfigInput.Read(path, ["budget=none"], _ => true);
        RunSettings without = Settings.Resolve(input.Preset, _ => null, _ => null, input).Settings;
        Assert.Equal((null, Presets.Standard.Iterations), (without.Budget, without.Iterations));
    }

    [Fact]
    public void A_new_file_gives_the_presets_settings_back()
    {
        foreach (string preset in Presets.Names)
        {
            string file = FileOf(ConfigCommands.Template(preset));
            Assert.Equal(ConfigFile.Hash(Presets.Of(preset)), ConfigFile.Hash(Resolve(file).Settings));
            // What stands in comments can be used as it stands there.
            string[] lines = File.ReadAllLines(file);
            string all = string.Join('\n', lines.Select(l => l.TrimStart().StartsWith("// \"", StringComparison.Ordinal) ? l.Replace("// ", "") : l));
            Assert.Equal(ConfigFile.Hash(Presets.Of(preset)), ConfigFile.Hash(Resolve(FileOf(all)).Settings));
        }
    }
}
