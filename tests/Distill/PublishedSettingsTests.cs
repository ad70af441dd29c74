using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

/// <summary>What the authors of a method published is a preset of its name, and what the method stands for where no preset is
/// named.</summary>
public sealed class PublishedSettingsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string, string> Methods()
    {
        var cases = new TheoryData<string, string>();
        foreach (string method in Kinds.Names<DistillationMethod>())
        foreach (string dataset in DatasetCatalog.Names)
            cases.Add(method, dataset);
        return cases;
    }

    public static TheoryData<string> PresetNames() => [.. Presets.Names];

    [Theory, MemberData(nameof(Methods))]
    public void Every_published_value_is_that_of_a_setting_and_all_of_them_resolve(string method, string dataset)
    {
        DistillationMethod kind = Kinds.Find<DistillationMethod>(method)!;
        foreach (int ipc in (int[])[1, 10, 50])
        {
            IReadOnlyList<(string Property, string Text)> published = kind.Published(new PublishedCase(dataset, ipc));
            string[] names = [.. published.Select(p => p.Property)];
            Assert.Equal(names.Distinct(StringComparer.Ordinal), names, StringComparer.Ordinal);
            Assert.DoesNotContain("Dataset", names, StringComparer.Ordinal);
            Assert.DoesNotContain("Ipc", names, StringComparer.Ordinal);
            Assert.All(names, name => Assert.Contains(Settings.All, s => s.Property == name));
            ResolvedSettings ofMethod = Resolve(null, ("Method", method), ("Dataset", dataset), ("Ipc", $"{ipc}"));
            Assert.All(published, value =>
            {
                Setting setting = Settings.Of(value.Property);
                RunSettings alone = setting.Set(Presets.Standard.With("Method", method), value.Text);
                Assert.Equal(setting.Show(alone), setting.Show(ofMethod.Settings));
                Assert.Equal($"method {method} (published)", ofMethod.Origins[value.Property]);
                Assert.False(ofMethod.IsGiven(value.Property));
            });
            if (published.Count == 0)
                continue;
            ResolvedSettings ofPreset = Resolve(method, ("Dataset", dataset), ("Ipc", $"{ipc}"));
            Assert.Equal(ConfigFile.Hash(ofMethod.Settings), ConfigFile.Hash(ofPreset.Settings));
            Assert.Equal(ConfigFile.Hash(ofMethod.Settings), ConfigFile.Hash(Presets.Find(method)!.SettingsAt(dataset, ipc)));
            Assert.Equal($"preset {method}", ofPreset.Origins["Method"]);
        }
    }

    [Theory, MemberData(nameof(PresetNames))]
    public void Every_preset_resolves_for_every_data_set(string preset)
    {
        foreach (PublishedCase at in Presets.Cases.Where(_ => !Presets.Of(preset).IsOfPairs))
        {
            RunSettings settings = Resolve(preset, ("Dataset", at.Dataset), ("Ipc", $"{at.Ipc}")).Settings;
            Assert.Equal(ConfigFile.Hash(settings), ConfigFile.Hash(Presets.Find(preset)!.SettingsAt(at.Dataset, at.Ipc)));
        }
    }

    [Fact]
    public void Influence_matching_stands_for_the_usual_values()
    {
        ResolvedSettings named = Resolve(null, ("Method", "influence")), none = Resolve(null);
        Assert.Equal(ConfigFile.Hash(Presets.Standard), ConfigFile.Hash(named.Settings));
        Assert.Equal(ConfigFile.Hash(Presets.Standard), ConfigFile.Hash(none.Settings));
        Assert.Equal("preset standard", named.Origins["LrImg"]);
        Assert.Null(Presets.PublishedOf("influence"));
    }

    [Fact]
    public void An_option_goes_before_set_that_before_the_file_that_before_what_is_published_that_before_the_preset()
    {
        string file = FileOf("""{ "method": "dm", "lrImg": 3, "momentumImg": 0.1, "iterations": 9 }""");
        var input = ConfigInput.Read(file, ["momentumImg=0.2", "iterations=8"], _ => true);
        ResolvedSettings resolved = Settings.Resolve(input.Preset, s => s.Property == "Iterations" ? "7" : null, _ => null, input);
        Assert.Equal((7, 0.2, 3.0), (resolved.Settings.Iterations, resolved.Settings.MomentumImg, resolved.Settings.LrImg));
        Assert.Equal(128, resolved.Settings.Width);
        Assert.Equal("method dm (published)", resolved.Origins["Width"]);
        Assert.Equal(Presets.Standard.ExpertRate, resolved.Settings.ExpertRate);
        Assert.Equal("preset standard", resolved.Origins["ExpertRate"]);
    }

    [Fact]
    public void A_preset_that_is_named_goes_before_what_is_published()
    {
        ResolvedSettings resolved = Resolve("demo", ("Method", "dm"));
        Assert.Equal((250, 500.0), (resolved.Settings.Iterations, resolved.Settings.LrImg));
        Assert.Equal("preset demo", resolved.Origins["Iterations"]);
        Assert.Equal(400, Resolve("standard", ("Method", "dm")).Settings.Iterations);
    }

    [Fact]
    public void Several_numbers_of_images_whose_published_settings_differ_are_refused_by_name()
    {
        string message = Assert.Throws<DistillException>(() => Resolve(null, ("Method", "dm"), ("Ipc", "10 100"))).Message;
        Assert.Contains(
            "--ipc is \"10 100\"; expected one number in a run, because the published settings of dm for them differ in --lr-img (1, 10). " +
            "Run each number on its own, or give these options yourself", message);
        Assert.Equal([10, 100], Resolve(null, ("Method", "dm"), ("Ipc", "10 100"), ("LrImg", "2")).Settings.Ipc.ToArray());
        Assert.Equal([1, 10], Resolve(null, ("Method", "dm"), ("Ipc", "1 10")).Settings.Ipc.ToArray());
        Assert.Contains(
            "because the preset best for them differ in --start-first (5, 20), --start-last (60, 200)",
            Assert.Throws<DistillException>(() => Resolve("best", ("Dataset", "cifar-10"), ("Ipc", "1 10"))).Message);
    }

    [Fact]
    public void A_protocol_that_is_given_goes_before_what_is_published_and_a_published_one_behind_what_stands_beside_it()
    {
        ResolvedSettings own = Resolve(null, ("Method", "dm")), given = Resolve(null, ("Method", "dm"), ("Protocol", "B"));
        Assert.Equal(("DC", "auto", 1000, 20), Evaluation(own));
        Assert.Equal("method dm (published)", own.Origins["Augment"]); // the protocol alone stands for none
        Assert.Equal("protocol DC", own.Origins["Epochs"]);
        Assert.Equal(("B", "diffaug-no-cutout", 2000, 10), Evaluation(given));
        Assert.Equal("protocol B", given.Origins["Augment"]);
        Assert.Equal("method dm (published)", given.Origins["EvalWidth"]);
        Assert.Equal(("B", "diffaug-no-cutout", 2000, 10), Evaluation(Resolve("dm", ("Protocol", "B"))));
    }

    [Fact]
    public void A_runs_own_file_gives_the_published_settings_again_for_other_images_per_class()
    {
        ResolvedSettings begun = Resolve(null, ("Method", "dm"), ("Ipc", "10"), ("MomentumImg", "0.25"));
        string path = Path.Combine(_folder, "config.json");
        ConfigFile.Save(path, "distill", begun);
        ResolvedSettings Again(string? ipc)
        {
            var input = ConfigInput.Read(path, [], _ => true);
            return Settings.Resolve(input.Preset, s => s.Property == "Ipc" ? ipc : null, _ => null, input);
        }
        Assert.Equal(ConfigFile.Hash(begun.Settings), ConfigFile.Hash(Again(null).Settings));
        Assert.Equal((10.0, 0.25), (Again("100").Settings.LrImg, Again("100").Settings.MomentumImg));
        Assert.Equal(ConfigFile.Hash(begun.Settings), ConfigFile.Hash(ConfigFile.Read(path).Resolved.Settings));
    }

    [Fact]
    public void Published_settings_stand_on_top_of_others_where_nobody_gave_a_value()
    {
        RunSettings on = Presets.Demo with { LrImg = 5, Epochs = 17 };
        RunSettings found = Presets.WithPublished(
            on, "dm", new PublishedCase("cifar-10", 100), p => p is not ("LrImg" or "Width" or "Protocol" or "Augment"));
        Assert.Equal(("dm", "cifar-10", 5.0, 17, 32), (found.MethodName, found.Dataset, found.LrImg, found.Epochs, found.Width));
        Assert.Equal((20000, "real", "hard"), (found.Iterations, found.ImageStart, found.Labels));
        Assert.Equal(on.ExpertRate, found.ExpertRate);
        Assert.Null(found.Protocol);
        Assert.Equal(1000, Presets.WithPublished(on, "dm", new PublishedCase("cifar-10", 1), _ => true).Epochs);
        RunSettings ours = Presets.WithPublished(on, "influence", new PublishedCase("cifar-10", 1), _ => true);
        Assert.Equal(on with { Dataset = "cifar-10", Ipc = ours.Ipc }, ours);
    }

    [Fact]
    public void The_preset_of_a_method_is_listed_shown_by_case_and_completed()
    {
        using CommandRun run = new();
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), "presets", "--json"));
        Assert.Contains(JsonNode.Parse(run.Output)!.AsArray(), row => row!["name"]!.ToString() == "dm");
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), "presets", "best", "--json"));
        JsonObject best = JsonNode.Parse(run.Output)!.AsObject();
        JsonNode at = best["cases"]!.AsArray().Single(c => c!["dataset"]!.ToString() == "cifar-10" && c["ipc"]!.GetValue<int>() == 50)!;
        Assert.Equal("150", at["changes"]!["iterations"]!.ToString());
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), "presets", "best"));
        Assert.Matches(@"startLast\W+200\W+10, 50\W+cifar-10", run.Output);
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), "distill", "--help"));
        Assert.Matches(@"or\s+the\s+published\s+ones\s+of\s+a\s+method:[\s\w,-]*\bdm\b", run.Output);
    }

    // The options of the second command of the entry fashion-mnist/ipc1-own-path (docs/results.md), which is older than the preset.
    [Fact]
    public void The_preset_of_the_second_stage_has_the_settings_of_the_set_that_was_measured()
    {
        ResolvedSettings measured = Resolve(
            "trajectory", ("Method", "rat"), ("Window", "20"), ("MostSteps", "120"), ("RealBatch", "500"), ("InnerOptimiser", "sgd"),
            ("InnerRate", "0.01"), ("Zca", "none"), ("Width", "32"), ("Optimiser", "adam"), ("Labels", "learned"),
            ("MatchAugment", "auto"), ("Augment", "auto"), ("RateSchedule", "cosine"), ("LrImg", "0.01"), ("LrLabel", "0.01"),
            ("Iterations", "300"));
        Assert.Equal(ConfigFile.Hash(measured.Settings), ConfigFile.Hash(Resolve("own-path").Settings));
    }

    private static (string? Protocol, string Augment, int Epochs, int Repeats) Evaluation(ResolvedSettings resolved) =>
        (resolved.Settings.Protocol, resolved.Settings.Augment, resolved.Settings.Epochs, resolved.Settings.Repeats);

    private static ResolvedSettings Resolve(string? preset, params (string Property, string Text)[] given) => Settings.Resolve(
        preset, s => given.FirstOrDefault(g => g.Property == s.Property).Text, _ => null);

    private string FileOf(string text)
    {
        string path = Path.Combine(_folder, "my.json");
        File.WriteAllText(path, text);
        return path;
    }
}
