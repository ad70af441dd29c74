using System.Text.Json.Nodes;
using InfMatch.Autograd;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using RealImages = InfMatch.Distill.RealImages;

namespace InfMatch.Tests.Distill;

public sealed class LabelTeacherTests
{
    private const int Classes = 3;

    // Two networks that know little: one is right on an image, the other is not.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Labels_are_of_the_networks_that_are_right_and_images_are_those_on_which_one_is(int factor)
    {
        using CommandRun run = new();
        Assert.Equal(0, run.Run(["train", .. Experts("--experts", "2", "--expert-steps", "1")]));
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), new CpuBackend(1));
        using var scope = TensorScope.Begin();
        using var teacher = LabelTeacher.Open(run.RunPath, data);
        Assert.Equal(2, teacher.Networks.Count);
        var notes = new List<string>();
        SyntheticSet Start(ulong seed, bool rightOnly, ImageStart images) =>
            new RealImages(data, teacher.Networks, 2, RandomKey.FromSeed(seed)) { RightOnly = rightOnly }.Start(3, new SetStart(images, rightOnly ? LabelStart.Right : LabelStart.Experts), factor, notes.Add);

        int none = 0, some = 0;
        for (ulong seed = 0; seed < 16; seed++)
        {
            ImageStart images = seed % 2 == 0 ? ImageStart.Real : ImageStart.Correct;
            SyntheticSet start = Start(seed, rightOnly: true, images);
            (double[] expected, int[] right) = Right(start, teacher, factor);
            Assert.All(expected.Zip(start.LabelLogits.ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
            // A tile is not quite the image that was looked at, and a class may lack such images.
            bool isFilledUp = notes.Any(n => n.StartsWith("Of class", StringComparison.Ordinal));
            if (images == ImageStart.Correct && factor == 1 && !isFilledUp)
                Assert.All(right, r => Assert.True(r > 0, "An image was taken on which no network is right."));
            none += right.Count(r => r == 0);
            some += right.Count(r => r == 1);
        }
        Assert.True(some > 0 && none > 0, $"{none} images without a right network, {some} with some: this shows nothing.");
        Assert.Contains(notes, n => n.StartsWith("No network that labels is right on", StringComparison.Ordinal));
        Assert.NotEqual(
            Start(0, true, ImageStart.Real).LabelLogits.ToArray<float>(), Start(0, false, ImageStart.Real).LabelLogits.ToArray<float>());
    }

    // The mean over tiles of the mean logits of right networks at temperature 2; and how many are right on each tile.
    private static (double[] Logits, int[] Right) Right(SyntheticSet s, LabelTeacher teacher, int factor)
    {
        int tiles = factor * factor, n = s.Count * tiles;
        Tensor images = Variable.Constant(s.Images).EnlargeTiles(factor).Value;
        float[][] each = [.. teacher.Networks.Select(t => t.Logits(images))];
        var logits = new double[s.Count * Classes];
        var right = new int[n];
        for (int i = 0; i < n; i++)
        {
            int label = i / tiles / (s.Count / Classes);
            float[][] rows = [.. each.Select(l => l[(i * Classes)..((i + 1) * Classes)])];
            float[][] of = [.. rows.Where(r => Array.IndexOf(r, r.Max()) == label)];
            right[i] = of.Length;
            for (int c = 0; c < Classes; c++)
            {
                double class0 = c == label ? 5 + Math.Log((Classes - 1) / 9.0) : 0;
                logits[i / tiles * Classes + c] += (of.Length == 0 ? class0 : of.Average(r => r[c]) / 2) / tiles;
            }
        }
        return (logits, right);
    }

    [Fact]
    public void Networks_of_another_folder_give_the_labels_and_the_table_names_them()
    {
        using CommandRun teachers = new(), own = new(), run = new() { CopyAt = "IPC 2: distilling: 4/6" };
        Assert.Equal(0, teachers.Run(["train", .. Experts("--width", "6", "--norm", "none", "--expert-epochs", "3")]));
        string from = teachers.RunPath;
        string[] small = CommandRun.SmallRunWith("--label-start experts");
        Assert.Equal(0, own.Run(small));
        Assert.Equal(0, run.Run([.. small, "--label-from", from]));
        const string who = "Soft labels: mean logits of other networks (2 × convnet-d2-w6-nonorm, 3 epochs, ";
        Assert.Contains(who, run.Output, StringComparison.Ordinal);
        Assert.Contains("Soft labels: mean logits of the experts (2 × convnet-d2-w4, 2 epochs, ", own.Output, StringComparison.Ordinal);
        (Summary a, Summary b) = (Read(own), Read(run));
        Assert.Equal(a.Results[1].Accuracy.RandomReal!.Runs, b.Results[1].Accuracy.RandomReal!.Runs);
        Assert.NotEqual(EndToEndTests.Hashes(own.RunPath), EndToEndTests.Hashes(run.RunPath));
        Assert.Contains(who[..^2], File.ReadAllText(Path.Combine(run.RunPath, "report.html")), StringComparison.Ordinal);

        // A run that was stopped goes on with the same bits, also where the folder has moved.
        string moved = Path.Combine(run.Folder, "moved");
        Directory.Move(from, moved);
        Assert.NotEqual(0, run.RunAsGiven(Interruption.Silent(), "resume", run.CopiedRun));
        Assert.Contains("--label-from", run.Errors, StringComparison.Ordinal);
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), "resume", run.CopiedRun, "--label-from", moved));
        Assert.Equal(EndToEndTests.Hashes(run.RunPath), EndToEndTests.Hashes(run.CopiedRun));

        // The set's file is evaluated beside the same labels, of that folder or of one that is named.
        string set = Path.Combine(run.RunPath, "synthetic", "ipc2.safetensors");
        string[] by = ["--epochs", "4", "--repeats", "2", "--eval-width", "4", "--augment", "none"];
        Assert.Equal(0, run.Run(["evaluate", set, "--label-from", Path.Combine(moved, "experts"), .. by]));
        Assert.Equal(
            b.Results[1].Accuracy.RandomRealSoftLabels!.Runs,
            Summary.Read(Path.Combine(run.EvaluationPath, "summary.json")).Results[0].Accuracy.RandomRealSoftLabels!.Runs);
        Assert.Contains(who, run.Output, StringComparison.Ordinal);
    }

    // Labels begin hard: the networks label random real images alone, which no saved state of the set tells.
    [Fact]
    public void A_run_goes_on_with_the_networks_that_labelled_before_and_with_no_others()
    {
        using CommandRun teachers = new(), others = new(), run = new() { CopyAt = "IPC 2: distilling: 1/6" }, plain = new();
        Assert.Equal(0, teachers.Run(["train", .. Experts("--experts", "1")]));
        Assert.Equal(0, others.Run(["train", .. Experts("--experts", "1", "--seed", "1")]));
        string[] small = CommandRun.SmallRunWith("--label-start hard --evaluate-every 0 --epochs 2");
        Assert.Equal(0, run.Run([.. small, "--label-from", teachers.RunPath]));
        Assert.Single(Summary.Read(Path.Combine(run.CopiedRun, "summary.json")).Results, r => r.Accuracy.RandomRealSoftLabels is not null);
        Assert.Equal(
            (int)ExitCode.Usage, run.RunAsGiven(Interruption.Silent(), "resume", run.CopiedRun, "--label-from", others.RunPath));
        Assert.Contains("they are not the networks with which", run.Errors.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.Contains("[IM2033]", run.Errors, StringComparison.Ordinal);
        string moved = Path.Combine(run.Folder, "moved");
        Directory.Move(teachers.RunPath, moved);
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), "resume", run.CopiedRun, "--label-from", moved));
        Assert.Equal(EndToEndTests.Hashes(run.RunPath), EndToEndTests.Hashes(run.CopiedRun));

        // One that took labels from its own experts goes on so, and from no set that it did not start from.
        Assert.Equal(0, plain.Run(CommandRun.SmallRunWith("--ipc 1 --iterations 2 --epochs 1")));
        Assert.Equal(LabelTeacher.HashOf(plain.RunPath), Read(plain).LabelNetworks);
        foreach (string option in (string[])["--label-from", "--start-from"])
        {
            Assert.Equal((int)ExitCode.Usage, plain.RunAsGiven(Interruption.Silent(), "resume", plain.RunPath, option, moved));
            Assert.Contains("began without it", plain.Errors.ReplaceLineEndings(" "), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Networks_that_saw_other_data_and_folders_without_any_are_refused_before_anything_is_trained()
    {
        using CommandRun teachers = new(), run = new();
        string[] Refused(string from)
        {
            Assert.Equal((int)ExitCode.Usage, run.Run([.. CommandRun.SmallRun(), "--label-from", from]));
            return [run.Errors];
        }
        Assert.Contains("there is no expert-000.safetensors in it", Refused(run.Folder)[0], StringComparison.Ordinal);
        Assert.Equal(0, teachers.Run(["train", .. Experts("--zca", "0.1")]));
        Assert.Contains("was trained on other images or labels", Refused(teachers.RunPath)[0], StringComparison.Ordinal);
        Assert.Contains("[IM2033]", run.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.Exists(run.Runs) ? Directory.GetDirectories(run.Runs, "*tiny*") : []);
    }

    [Fact]
    public void A_network_is_found_by_its_full_name()
    {
        var image = new Shape(3, 32, 32);
        foreach (Network network in (Network[])
        [
            Architectures.Create("convnet", image, 10, new NetworkOptions { Width = 12, Depth = 2, Norm = "group", Pooling = "max" }),
            Architectures.Create("resnet18", image, 7), Architectures.Create("mlp", image, 4), Architectures.Create("convnet", image, 10),
        ])
        {
            Network found = Architectures.OfName(network.Name, image, network.Classes)!;
            Assert.Equal((network.Name, network.Layout.Count), (found.Name, found.Layout.Count));
        }
        Assert.Null(Architectures.OfName("convnet-d3-w128-softplus", image, 10));
        Assert.Null(Architectures.OfName("nothing", image, 10));
    }

    [Fact]
    public void Published_plans_of_experts_are_settings_and_train_as_their_authors_did()
    {
        TrainingPlan Plan(IReadOnlyList<(string Property, string Text)> published)
        {
            RunSettings settings = published.Aggregate(Presets.Standard, (s, p) => s.With(p.Property, p.Text)) with { Dataset = "cifar-10" };
            Assert.All(published, p => Assert.Equal(p.Text, settings.Text(p.Property)));
            Settings.CheckTogether(settings);
            return PlanFactory.ExpertPlan(settings, settings.Dataset);
        }
        var dsa = new Augmentation(AugmentationOps.Photographs);
        TrainingPlan mtt = new(50, 256, 0.01, 0, 0, RateSchedule.Constant) { Augmentation = dsa };
        Assert.Equal(mtt, Plan(PublishedExperts.Mtt));
        Assert.Equal(mtt with { Epochs = 100, SharpnessAware = new SharpnessAware(0.01, 0.3) }, Plan(PublishedExperts.Datm));
        Assert.Equal(
            new TrainingPlan(60, 128, 0.01, 0.9, 5e-4, RateSchedule.FifthAtTwoThirds)
            {
                Augmentation = Augmentation.Sequential(AugmentationOps.Color | AugmentationOps.Crop), CutMix = 0.5,
            },
            Plan(PublishedExperts.Ncfm));
    }

    [Fact]
    public void What_a_run_does_not_use_is_not_in_its_hash_and_what_it_uses_is()
    {
        RunSettings plain = Presets.Of("demo");
        string hash = ConfigFile.Hash(plain);
        foreach ((string property, string text) in (IEnumerable<(string, string)>)
            [("ExpertMomentum", "0"), ("ExpertDecay", "0"), ("ExpertOptimiser", "sgd"), ("ExpertRho", "0.01"), ("ExpertAlpha", "0.3"),
                ("LabelFrom", "elsewhere")])
        {
            RunSettings neutral = plain.With(property, text);
            Assert.Equal(hash, ConfigFile.Hash(neutral));
            if (property != "LabelFrom")
                Assert.Equal(plain, neutral);
        }
        string[] hashes =
        [
            .. new (string Property, string Text)[]
            {
                ("ExpertMomentum", "0.9"), ("ExpertDecay", "0.0005"), ("ExpertOptimiser", "gsam"), ("ExpertSchedule", "multi-step"),
                ("LabelStart", "right"),
            }.Select(p => ConfigFile.Hash(plain.With(p.Property, p.Text))),
        ];
        Assert.Equal(6, hashes.Append(hash).Distinct(StringComparer.Ordinal).Count());
        DistillException e = Assert.Throws<DistillException>(() => Settings.CheckTogether(plain.With("ExpertAlpha", "0.5")));
        Assert.Equal(("--expert-alpha", "\"0.5\""), (e.Option, e.Got));
    }

    [Fact]
    public void The_line_of_experts_and_the_plan_tell_the_truth_about_their_training()
    {
        using CommandRun run = new();
        string[] args = CommandRun.SmallRunWith(
            "--expert-optimiser gsam --expert-rho 0.05 --expert-momentum 0.9 --expert-decay 0.001 --expert-schedule multi-step --ipc 1");
        Assert.Equal(0, run.Run(["plan", .. args]));
        Assert.Contains("(convnet-d2-w4, two gradients each)", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, run.Run(args));
        Assert.Contains(
            "2 epochs of GSAM (rho 0.05, alpha 0.3) over SGD 0.05 (multi-step), momentum 0.9, decay 0.001, batch 16",
            run.Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
        JsonNode settings = JsonNode.Parse(File.ReadAllText(Path.Combine(run.RunPath, "config.json")))!["settings"]!;
        Assert.Equal("gsam", settings["expertOptimiser"]!["value"]!.GetValue<string>());
        Assert.NotEqual(0, run.Run([.. CommandRun.SmallRunWith("--expert-optimiser gsam --estimator unrolled --dense-steps 4")]));
        Assert.Contains("sgd beside --estimator unrolled", run.Errors.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    private static string[] Experts(params string[] more) =>
    [
        "--dataset", "tiny", .. more.Contains("--width") ? [] : (string[])["--width", "4"], "--depth", "2",
        .. more.Contains("--experts") ? [] : (string[])["--experts", "2"],
        .. more.Contains("--expert-epochs") ? [] : (string[])["--expert-epochs", "2"], "--expert-batch", "16", .. more,
    ];

    private static Summary Read(CommandRun run) => Summary.Read(Path.Combine(run.RunPath, "summary.json"));
}
