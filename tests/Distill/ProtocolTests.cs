using System.Text.Json;
using InfMatch.Distill;
using InfMatch.Nn;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Distill;

public sealed class ProtocolTests
{
    public static TheoryData<string> Extras() =>
    [
        "--zca 0.1", "--factor 2", "--factor 2 --label-start experts", "--protocol B --epochs 5 --repeats 2 --augment diffaug",
        "--expert-optimiser gsam --expert-momentum 0.9 --expert-schedule multi-step --label-start right",
        "--expert-cutmix 0.5 --best-every 2", "--zca 0.2 --partition both --augment diffaug --cutmix 1",
    ];

    [Theory, MemberData(nameof(Extras))]
    public void A_crash_and_resume_give_the_same_bits_under_every_setting(string extra)
    {
        using CommandRun whole = new() { CopyAt = "IPC 2: distilling: 5/6" }, plain = new();
        // What the small run gives must not stand against what is asked for here.
        List<string> args = [.. CommandRun.SmallRun(), .. extra.Split(' ')];
        foreach (string option in extra.Split(' ').Where(o => o.StartsWith("--", StringComparison.Ordinal)))
        {
            int first = args.IndexOf(option);
            if (first != args.LastIndexOf(option))
                args.RemoveRange(first, 2);
        }
        Assert.Equal(0, whole.Run([.. args]));
        Assert.Equal(0, whole.RunAsGiven(Interruption.Silent(), "resume", whole.CopiedRun));
        Assert.Equal(EndToEndTests.Hashes(whole.RunPath), EndToEndTests.Hashes(whole.CopiedRun));
        Assert.Equal(0, plain.Run(CommandRun.SmallRun()));
        Assert.NotEqual(EndToEndTests.Hashes(plain.RunPath), EndToEndTests.Hashes(whole.RunPath));

        // The set is evaluated again to the same accuracies by the same protocol, from its file alone.
        string set = Path.Combine(whole.RunPath, "synthetic", "ipc2.safetensors");
        Summary summary = Summary.Read(Path.Combine(whole.RunPath, "summary.json"));
        string[] evaluation = ["--epochs", "--repeats", "--eval-width", "--augment", "--protocol", "--cutmix", "--best-every"];
        string[] given = [.. evaluation.Where(args.Contains).SelectMany(o => args.GetRange(args.IndexOf(o), 2))];
        Assert.Equal(0, whole.Run(["evaluate", set, "--json", .. given]));
        Summary again = JsonSerializer.Deserialize<Summary>(whole.Output, JsonText.Options)!;
        Assert.Equal(summary.Protocol, again.Protocol);
        Assert.Equal(summary.Results[1].Accuracy.Distilled!.Runs, again.Results[0].Accuracy.Distilled!.Runs);
        Assert.Equal(summary.Results[1].Accuracy.Distilled!.Best?.Runs, again.Results[0].Accuracy.Distilled!.Best?.Runs);
        Assert.Equal(summary.Results[1].Accuracy.RandomReal!.Runs, again.Results[0].Accuracy.RandomReal!.Runs);
    }

    [Fact]
    public void A_named_protocol_sets_what_is_not_given_and_says_so()
    {
        ResolvedSettings Resolve(params (string Option, string Text)[] given) => Settings.Resolve(
            "demo", s => given.FirstOrDefault(g => g.Option == s.Name).Text, _ => null);
        ResolvedSettings none = Resolve(), a = Resolve(("--protocol", "A")), b = Resolve(("--protocol", "B"));
        Assert.Equal(Presets.Demo, none.Settings with { Ipc = Presets.Demo.Ipc });
        Assert.Equal((1000, 5, 0.01, "auto"), Values(a.Settings));
        Assert.Equal((2000, 10, 0.001, "diffaug-no-cutout"), Values(b.Settings));
        Assert.Equal("protocol B", b.Origins["Epochs"]);
        Assert.False(b.IsGiven("Epochs"));
        Assert.True(b.IsGiven("Protocol"));
        ResolvedSettings own = Resolve(("--protocol", "B"), ("--epochs", "60"), ("--cutmix", "0"));
        Assert.Equal((60, 10, 0.001, "diffaug-no-cutout"), Values(own.Settings));

        TrainingPlan planA = Protocols.Plan(a.Settings, "cifar-10"), planB = Protocols.Plan(b.Settings, "cifar-10");
        Assert.Equal(
            new TrainingPlan(1000, 256, 0.01, 0.9, 5e-4, RateSchedule.StepAtHalf)
            {
                Augmentation = new Augmentation(AugmentationOps.Photographs),
            },
            planA);
        Assert.Equal(
            new TrainingPlan(
                2000, 128, 0.001, 0, 0.01, RateSchedule.HalfAtFifths)
            {
                Augmentation = Augmentation.Sequential(AugmentationOps.Photographs & ~AugmentationOps.Cutout),
                Optimiser = Optimiser.AdamW, CutMix = 0.5,
            },
            planB);
        Assert.Equal(0, Protocols.Plan(own.Settings, "cifar-10").CutMix);
        Assert.Equal(AugmentationOps.Digits & ~AugmentationOps.Cutout, Protocols.Plan(b.Settings, "mnist").Augmentation.Ops);
        Assert.Equal((0, 100), (Protocols.BestEvery(a.Settings), Protocols.BestEvery(b.Settings)));
        Assert.Equal(
            "protocol A: convnet-d3-w32, 1000 epochs of SGD 0.01 (/10 at half), momentum 0.9, weight decay 0.0005, batch 256, " +
            "augmentation auto, last epoch, 5 networks",
            PlanFactory.Describe(a.Settings, "cifar-10"));
        Assert.Equal(
            "protocol B: convnet-d3-w32, 2000 epochs of AdamW 0.001 (halved at each fifth), weight decay 0.01, batch 128, " +
            "augmentation diffaug-no-cutout, CutMix 0.5, last epoch (best: of every 100 epochs on the test images), 10 networks",
            PlanFactory.Describe(b.Settings, "cifar-10"));

        static (int, int, double, string) Values(RunSettings s) => (s.Epochs, s.Repeats, s.EvalRate, s.Augment);
    }

    [Fact]
    public void The_release_of_influence_matching_is_B_without_decay()
    {
        RunSettings Resolve(string protocol, string? decay = null) => Settings.Resolve(
            "demo", s => s.Name == "--protocol" ? protocol : s.Name == "--eval-decay" ? decay : null, _ => null).Settings;
        TrainingPlan b = Protocols.Plan(Resolve("B"), "cifar-10"), release = Protocols.Plan(Resolve("release"), "cifar-10");
        Assert.Equal((0.01, 0.0), (b.WeightDecay, release.WeightDecay));
        Assert.Equal(b with { WeightDecay = 0 }, release);
        Assert.Equal(0.3, Protocols.Plan(Resolve("A", "0.3"), "cifar-10").WeightDecay);
        Assert.Contains("weight decay 0.3", PlanFactory.Describe(Resolve("release", "0.3"), "cifar-10"));
        Assert.Equal("0.01", Settings.Of("EvalDecay").Show(Resolve("B")));
    }

    [Theory]
    [InlineData("--protocol B --augment diffaug", "diffaug-no-cutout")]
    [InlineData("--cutmix 0.5 --augment diffaug", "diffaug-no-cutout")]
    [InlineData("--protocol B --cutmix 0 --augment diffaug", "diffaug")]
    [InlineData("--augment diffaug", "diffaug")]
    [InlineData("--protocol release --augment auto", "auto")]
    public void Beside_CutMix_diffaug_has_no_cutout(string options, string expected)
    {
        string[] words = options.Split(' ');
        string? Given(Setting s) => Array.IndexOf(words, s.Name) is >= 0 and int at ? words[at + 1] : null;
        Assert.Equal(expected, Settings.Resolve("demo", Given, _ => null).Settings.Augment);
    }

    [Fact]
    public void A_set_of_the_older_B_keeps_its_cutout_and_is_told_from_a_new_one()
    {
        using var run = new CommandRun();
        RunSettings older = ArtifactSample.Settings with
        {
            Protocol = "B", EvalRate = 0.001, Augment = "diffaug", Epochs = 2, Repeats = 1, BestEvery = 0,
        };
        SyntheticArtifact set = SyntheticArtifact.Read(ArtifactSample.Write(run.Folder, settings: older, claimed: Accuracy.Of([50])));
        Assert.Equal("Photographs, in turn", set.Metadata["augmentation_ops"]);
        Assert.Contains("augmentation diffaug, CutMix 0.5", set.Metadata["protocol"]);
        Assert.Equal(Augmentation.Sequential(AugmentationOps.Photographs), Protocols.Plan(set.Settings!, "tiny").Augmentation);
        SyntheticArtifact today = SyntheticArtifact.Read(ArtifactSample.Write(
            run.Folder, settings: older with { Augment = "diffaug-no-cutout" }, claimed: Accuracy.Of([50])));
        Assert.Equal("Color, Flip, Geometric, in turn", today.Metadata["augmentation_ops"]);
        Assert.NotEqual(set.Metadata["config_hash"], today.Metadata["config_hash"], StringComparer.Ordinal);
    }

    [Fact]
    public void A_configuration_of_the_older_B_begins_a_run_with_cutout()
    {
        using var run = new CommandRun();
        string file = Path.Combine(run.Folder, "older.json");
        RunSettings Read(string augment)
        {
            File.WriteAllText(file, $$"""
                { "settings": {
                    "protocol": { "value": "B", "origin": "command line (--protocol)" },
                    "augment": { "value": "{{augment}}", "origin": "protocol B" } } }
                """);
            return Settings.Resolve("demo", _ => null, _ => null, ConfigInput.Read(file, [], _ => true)).Settings;
        }
        Assert.Equal("diffaug", Read("diffaug").Augment);
        Assert.Equal("diffaug-no-cutout", Read("diffaug-no-cutout").Augment);
    }

    [Theory]
    [InlineData("mnist", null, "dc", 1000)]
    [InlineData("fashion-mnist", null, "none", 300)]
    [InlineData("cifar-10", "auto", "auto", 1000)]
    [InlineData("mnist", "none", "none", 300)]
    public void Protocol_DC_is_the_evaluation_of_its_code(string dataset, string? augment, string expected, int epochs)
    {
        (string, string?)[] given = [("--protocol", "DC"), ("--dataset", dataset), ("--augment", augment)];
        RunSettings settings = Settings.Resolve(
            "standard", s => given.FirstOrDefault(g => g.Item1 == s.Name).Item2, _ => null).Settings;
        Assert.Equal((expected, epochs, 20, 0.01), (settings.Augment, settings.Epochs, settings.Repeats, settings.EvalRate));
        TrainingPlan plan = Protocols.Plan(settings, dataset);
        Assert.Equal(
            new TrainingPlan(
                epochs + 1, 256, 0.01, 0.9, 5e-4, RateSchedule.Constant)
            {
                Augmentation = PlanFactory.AugmentationOf(expected, dataset),
                FreshAt = epochs / 2 + 2,
            },
            plan);
        Assert.Equal(
            $"protocol DC: convnet-d3-w128, {epochs + 1} epochs of SGD 0.01 (after {epochs / 2 + 2} a new optimiser with /10), " +
            $"momentum 0.9, weight decay 0.0005, batch 256, augmentation {expected}, last epoch, 20 networks",
            PlanFactory.Describe(settings, dataset));
    }

    [Fact]
    public void A_set_evaluated_by_protocol_DC_is_evaluated_again_to_the_bit()
    {
        using CommandRun run = new();
        Assert.Equal(0, run.Run(
            "distill", "--preset", "demo", "--dataset", "tiny", "--ipc", "1", "--iterations", "2", "--width", "4", "--depth", "2",
            "--experts", "1", "--expert-epochs", "2", "--expert-batch", "16", "--checkpoints", "4", "--window", "2", "--start-first",
            "2", "--start-last", "3", "--eval-width", "4", "--protocol", "DC", "--augment", "dc", "--epochs", "5", "--repeats", "2",
            "--lr-img", "1"));
        string set = Path.Combine(run.RunPath, "synthetic", "ipc1.safetensors");
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), "verify", set));
        Assert.Equal("DC", SyntheticArtifact.Read(set).Metadata["protocol_name"]);
    }

    [Fact]
    public void The_best_epoch_stands_beside_the_last_one_in_every_output()
    {
        using var run = new CommandRun();
        string[] evaluator =
        [
            "evaluate", "--dataset", "tiny", "--ipc", "2", "--depth", "2", "--eval-width", "4", "--protocol", "B", "--epochs", "9",
            "--repeats", "3", "--json",
        ];
        Assert.Equal(0, run.Run([.. evaluator, "--best-every", "1"]));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        Assert.Equal("B", json.RootElement.GetProperty("protocolName").GetString());
        JsonElement real = json.RootElement.GetProperty("results")[0].GetProperty("accuracy").GetProperty("randomReal");
        double[] last = Runs(real), best = Runs(real.GetProperty("best"));
        Assert.All(last.Zip(best), pair => Assert.True(pair.First <= pair.Second));
        Assert.NotEqual(last, best);
        Assert.Equal(best.Average(), real.GetProperty("best").GetProperty("mean").GetDouble(), 9);
        Assert.Contains("% (protocol B)", run.Errors);
        Assert.Equal(0, run.Run([.. evaluator.SkipLast(1), "--best-every", "1"]));
        Assert.Contains("(best ", run.Output);

        // Looking changes nothing; what only the last epoch looks at is the last epoch's.
        Assert.Equal(0, run.Run([.. evaluator, "--best-every", "0"]));
        using JsonDocument without = JsonDocument.Parse(run.Output);
        real = without.RootElement.GetProperty("results")[0].GetProperty("accuracy").GetProperty("randomReal");
        Assert.Equal(last, Runs(real));
        Assert.False(real.TryGetProperty("best", out _));
        Assert.Equal(0, run.Run([.. evaluator, "--best-every", "9"]));
        using JsonDocument end = JsonDocument.Parse(run.Output);
        real = end.RootElement.GetProperty("results")[0].GetProperty("accuracy").GetProperty("randomReal");
        Assert.Equal(last, Runs(real.GetProperty("best")));

        static double[] Runs(JsonElement e) => [.. e.GetProperty("runs").EnumerateArray().Select(v => v.GetDouble())];
    }

    [Fact]
    public void Several_architectures_evaluate_in_turn_and_each_row_names_its_own()
    {
        using var run = new CommandRun();
        string[] evaluator =
        [
            "evaluate", "--dataset", "tiny", "--ipc", "1", "2", "--depth", "2", "--eval-width", "4", "--epochs", "3", "--repeats",
            "2", "--json",
        ];
        Assert.Equal(0, run.Run([.. evaluator, "--models", "convnet,mlp"]));
        Summary summary = JsonSerializer.Deserialize<Summary>(run.Output, JsonText.Options)!;
        Assert.Equal(
            [("convnet-d2-w4", 1), ("convnet-d2-w4", 2), ("mlp-64-128-128-3", 1), ("mlp-64-128-128-3", 2)],
            summary.Results.Select(r => (r.Network!, r.Ipc)));
        Assert.StartsWith("protocol A: convnet-d2-w4, mlp-64-128-128-3, 3 epochs", summary.Protocol);
        Assert.Equal(0, run.Run([.. evaluator.SkipLast(1), "--models", "convnet,mlp"]));
        Assert.Matches(@"mlp-64-128-128-3 +│ +2 │", run.Output);
        Assert.Equal(0, run.Run(evaluator));
        Assert.Equal(
            JsonSerializer.Deserialize<Summary>(run.Output, JsonText.Options)!.Results.Select(r => r.Accuracy.RandomReal!.Mean),
            summary.Results.Take(2).Select(r => r.Accuracy.RandomReal!.Mean));
        Assert.Equal((int)ExitCode.Usage, run.Run([.. evaluator, "--models", "convent"]));
        Assert.Contains("did you mean convnet?", run.Errors);
    }

    [Fact]
    public void A_set_under_whitening_carries_it_and_is_shown_without_it()
    {
        using var run = new CommandRun();
        string[] args = CommandRun.SmallRun("--zca", "0.1");
        args[Array.IndexOf(args, "--lr-img") + 1] = "1e-20";
        Assert.Equal(0, run.Run(args));
        string path = Path.Combine(run.RunPath, "synthetic", "ipc1.safetensors");
        ArraySet set = Safetensors.Read(path);
        Assert.Equal(("eps=0.1", "1"), (set.Metadata["zca"], set.Metadata["factor"]));
        Assert.Equal([64], set["zca_mean"].Dimensions.ToArray());
        Assert.Equal([64, 64], set["zca_matrix"].Dimensions.ToArray());
        // The set has not moved from real images, whose bytes come back through the inverse.
        byte[] train = CommandRun.TinyData().Train.Pixels.ToArray(), shown = set["images_u8"].AsUInt8().ToArray();
        Assert.All(shown.Chunk(64), image => Assert.Contains(train.Chunk(64), real => real.SequenceEqual(image)));

        Assert.Equal((int)ExitCode.Usage, run.Run("evaluate", path, "--zca", "0.2"));
        Assert.Contains("whose own whitening counts (eps=0.1)", run.Errors);
        string broken = Path.Combine(run.Folder, "broken.safetensors");
        Safetensors.Write(broken, set.Arrays.Where(a => a.Name != "zca_mean"), set.Metadata);
        Assert.Equal((int)ExitCode.Data, run.Run("evaluate", broken));
        Assert.Contains("the array 'zca_mean' is missing. [IM3022]", run.Errors);
    }

    [Fact]
    public void Tiles_that_do_not_fit_are_refused_before_anything_is_trained()
    {
        using var run = new CommandRun();
        Assert.Equal((int)ExitCode.Usage, run.Run(CommandRun.SmallRun("--factor", "3")));
        Assert.Contains("a number that divides the images' 8 rows and 8 columns", run.Errors);
        Assert.Equal((int)ExitCode.Usage, run.Run(CommandRun.SmallRun("--factor", "2", "--zca", "0.1")));
        Assert.Contains("1 beside --zca", run.Errors);
        Assert.Equal((int)ExitCode.Data, run.Run(CommandRun.SmallRun("--factor", "4")));
        Assert.Contains("24", run.Errors);
    }
}
