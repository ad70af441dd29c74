using System.Globalization;
using System.Text.Json.Nodes;
using InfMatch.Autograd;
using InfMatch.Distill;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using SkiaSharp;
using StbImageSharp;

namespace InfMatch.Tests.Distill;

/// <summary>'influence validate' and 'influence scores' from arguments to files and numbers.</summary>
public sealed class InfluenceCommandTests : IDisposable
{
    private static readonly string[] s_small =
    [
        "--dataset", "tiny", "--examples", "60", "--steps", "24", "--batch", "10", "--rate", "0.02", "--threads", "1",
        "--validation", "15",
    ];

    private readonly CommandRun _run = new();

    private string Folder => Path.Combine(_run.Runs, InfluenceCommands.FolderName);

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Validate_measures_every_estimate_at_every_horizon_and_a_second_call_on_more_threads_has_the_same_numbers()
    {
        string[] arguments =
        [
            "influence", "validate", .. s_small, "--horizons", "8", "--seeds", "2", "--leave-out", "12", "--displacements",
                "3",
            "--groups", "6", "--group-size", "5", "--subsets", "12", "--test-points", "4", "--candidates", "6",
            "--candidate-ipc", "2", "--estimators", "unrolled", "first-order", "paper", "tracin", "--json",
        ];
        Assert.Equal((int)ExitCode.Done, _run.Run(arguments));
        JsonArray results = JsonNode.Parse(_run.Output)!["results"]!.AsArray();
        Assert.Equal(8, results.Count);
        JsonNode unrolled = Of(results, "unrolled", 24), paper = Of(results, "paper", 24);
        Assert.True(Mean(unrolled, "cosine") > 0.99, _run.Output);
        Assert.True(Mean(unrolled, "leaveOneOut") > 0.95, _run.Output);
        Assert.True(Mean(unrolled, "lds") > 0.8, _run.Output);
        Assert.True(Mean(unrolled, "error") < Mean(Of(results, "first-order", 24), "error"), _run.Output);
        Assert.True(Mean(paper, "cosine") < 0.5, _run.Output);
        Assert.Null(Of(results, "tracin", 24)["cosine"]!["mean"]);
        Assert.True(Mean(Of(results, "unrolled", 8), "lds") > 0.8, _run.Output);
        Assert.NotNull(unrolled["candidateDistance"]!["mean"]);
        Assert.True(Directory.GetFiles(Folder, "*.png").Length == 2
            && File.Exists(Path.Combine(Folder, "validation-tiny-logistic.csv")));

        // The second call has the command's older name, too.
        Assert.Equal((int)ExitCode.Done, _run.Run(
            [.. arguments.Select((a, i) => i > 0 && arguments[i - 1] == "--threads" ? "2" : i == 1 ? "truth" : a)]));
        JsonArray again = JsonNode.Parse(_run.Output)!["results"]!.AsArray();
        foreach (string what in (string[])["error", "cosine", "leaveOneOut", "groupOut", "lds", "candidateDistance"])
            Assert.Equal(Mean(unrolled, what), Mean(Of(again, "unrolled", 24), what));
    }

    [Fact]
    public void A_smaller_share_has_a_smaller_error_and_a_smooth_training_agrees_with_a_perturbed_retraining()
    {
        double[] errors = [.. new[] { "1", "0.1" }.Select(share =>
        {
            Assert.Equal((int)ExitCode.Done, _run.Run(
            [
                "influence", "validate", .. s_small, "--seeds", "1", "--leave-out", "8", "--displacements", "3", "--groups",
                "4", "--group-size", "5", "--subsets", "8", "--test-points", "2", "--candidates", "0", "--estimators",
                "unrolled", "--share", share, "--twin", "1e-3", "--json",
            ]));
            JsonArray results = JsonNode.Parse(_run.Output)!["results"]!.AsArray();
            JsonNode twin = Of(results, StudyCase.TwinName, 24);
            Assert.True(Mean(twin, "cosine") is > 0.999 and < 1, _run.Output);
            Assert.True(Mean(twin, "error") is > 0 and < 0.05, _run.Output);
            foreach (string what in (string[])["leaveOneOut", "groupOut", "lds"])
                Assert.True(Mean(twin, what) > 0.95, _run.Output);
            Assert.Null(twin["gradients"]!["mean"]);
            return Mean(Of(results, "unrolled", 24), "error");
        })];
        Assert.True(errors[1] < 0.2 * errors[0], string.Join(", ", errors));
    }

    [Theory]
    [InlineData("Training:", 0)]
    [InlineData("Seed 0: training again: done", 5)]
    public void An_interrupted_study_leaves_no_table_and_what_it_trained_is_found_by_the_next(string at, int trained)
    {
        string[] arguments =
        [
            "influence", "validate", .. s_small, "--seeds", "1", "--leave-out", "3", "--groups", "0", "--subsets", "2",
            "--test-points", "2", "--candidates", "0", "--estimators", "unrolled",
        ];
        _run.InterruptAt = at;
        Assert.Equal((int)ExitCode.Interrupted, _run.Run(arguments));
        string[] left = Directory.GetFiles(Folder, "*", SearchOption.AllDirectories);
        Assert.Equal(trained, left.Count(IsRetrained));
        Assert.DoesNotContain(left, f => !IsRetrained(f) && Path.GetFileName(f) != "trajectory.safetensors");
        DateTime[] written = [.. left.Select(File.GetLastWriteTimeUtc)];

        _run.InterruptAt = null;
        Assert.Equal((int)ExitCode.Done, _run.Run(arguments));
        Assert.Equal(written, left.Select(File.GetLastWriteTimeUtc));
        Assert.Equal(5, Directory.GetFiles(Folder, "*", SearchOption.AllDirectories).Count(IsRetrained));
        Assert.True(File.Exists(Path.Combine(Folder, "validation-tiny-logistic.csv")));

        static bool IsRetrained(string file) => Path.GetFileName(Path.GetDirectoryName(file)) == "retrained";
    }

    [Fact]
    public void Scores_find_planted_wrong_labels()
    {
        Assert.Equal((int)ExitCode.Done, _run.Run(
            ["influence", "scores", .. s_small, "--model", "logistic", "--number-type", "float64", "--second", "exact",
                "--flip-labels", "0.2", "--estimators", "unrolled", "first-order", "--json"]));
        JsonNode result = JsonNode.Parse(_run.Output)!;
        Assert.All(result["estimates"]!.AsArray(), e =>
            Assert.True(e!["areaUnderCurve"]!.GetValue<double>() > 0.9, _run.Output));
        string[] files = [.. result["files"]!.AsArray().Select(f => f!.GetValue<string>())];
        Assert.Equal("scores.csv helpful.png harmful.png", string.Join(' ', files.Select(Path.GetFileName)));
        string[] lines = File.ReadAllLines(files[0]);
        Assert.Equal("index,label,given,flipped,unrolled,first-order", lines[0]);
        Assert.Equal(61, lines.Length);
        string[][] cells = [.. lines.Skip(1).Select(l => l.Split(','))];
        Assert.Equal(12, cells.Count(c => c[3] == "1"));
        Assert.All(cells, c => Assert.Equal(c[1] != c[2], c[3] == "1"));
        Assert.All(cells, c => Assert.True(double.IsFinite(double.Parse(c[4], CultureInfo.InvariantCulture))));
    }

    [Fact]
    public void Scores_tell_what_the_scored_network_has_learned_and_warn_where_it_has_not()
    {
        string[] arguments = ["influence", "scores", .. SmallWithout("--rate"), "--model", "logistic", "--json"];
        Assert.Equal((int)ExitCode.Done, _run.Run([.. arguments, "--rate", "0.02"]));
        JsonNode network = JsonNode.Parse(_run.Output)!["network"]!;
        Assert.True(network["validation"]!["accuracy"]!.GetValue<double>() > 0.9, _run.Output);
        Assert.True(network["training"]!["loss"]!.GetValue<double>() < 0.5, _run.Output);
        Assert.Null(network["whatIsWrong"]);

        Assert.Equal((int)ExitCode.Done, _run.Run([.. arguments, "--rate", "1e-9"]));
        Assert.Contains("has not learned", JsonNode.Parse(_run.Output)!["network"]!["whatIsWrong"]!.GetValue<string>());
        Assert.Equal((int)ExitCode.Done, _run.Run([.. arguments.SkipLast(1), "--rate", "1e-9"]));
        Assert.Contains("the network has not learned", _run.Output + _run.Errors);
    }

    [Fact]
    public void What_is_not_said_of_scores_follows_from_the_data_and_the_rate_from_short_trainings()
    {
        Assert.Equal((int)ExitCode.Done, _run.Run(
            ["influence", "scores", "--dataset", "tiny", "--threads", "1", "--width", "4", "--depth", "1", "--flip-labels",
                "0.2", "--json"]));
        JsonNode result = JsonNode.Parse(_run.Output)!;
        JsonNode settings = result["settings"]!;
        Assert.Equal(
            "convnet 72 300 float32 differences",
            string.Join(' ', new[] { "model", "examples", "steps", "numberType", "second" }.Select(k => settings[k]!.ToString())));
        Assert.Equal(CommandRun.TinyData().Test.Count, settings["validation"]!.GetValue<int>());
        Assert.True(result["network"]!["rate"]!.GetValue<double>() is >= 1e-4 and <= 0.3, _run.Output);
        Assert.True(result["network"]!["validation"]!["accuracy"]!.GetValue<double>() > 0.9, _run.Output);
        Assert.True(result["estimates"]![0]!["areaUnderCurve"]!.GetValue<double>() > 0.9, _run.Output);
    }

    [Fact]
    public void An_estimate_that_fails_leaves_its_cells_empty_and_the_others_their_scores()
    {
        JsonNode? result = null;
        for (int steps = 4; result?["estimates"]![0]!["remark"] is null && steps < 40; steps++)
        {
            Assert.Equal((int)ExitCode.Done, _run.Run(
            [
                "influence", "scores", .. SmallWithout("--rate", "--steps"), "--steps", $"{steps}", "--rate", "1", "--model",
                "quadratic", "--number-type", "float32", "--estimators", "unrolled", "tracin", "--json",
            ]));
            result = JsonNode.Parse(_run.Output)!;
        }
        Assert.Contains("by unrolled became ", result!["estimates"]![0]!["remark"]!.GetValue<string>());
        Assert.Null(result["estimates"]![1]!["remark"]);
        string[] row = File.ReadAllLines(result["files"]![0]!.GetValue<string>())[1].Split(',');
        Assert.Equal("", row[4]);
        Assert.True(double.IsFinite(double.Parse(row[5], CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("0.3 2.0, 0.1 1.0, 0.03 1.2, 0.01 2.2", 0.03)] // nearly as much as the best
    [InlineData("0.3 2.0, 0.1 1.0, 0.03 1.4, 0.01 2.2", 0.1)]
    [InlineData("0.3 Infinity, 0.1 Infinity, 0.03 2.4, 0.01 2.31", 0.01)] // none better than equal probabilities
    [InlineData("0.3 Infinity, 0.1 Infinity", null)]
    public void The_smallest_rate_that_learns_nearly_as_much_as_the_best_is_taken(string found, double? expected) =>
        Assert.Equal(expected, RateSearch.Choose(
            [.. found.Split(", ").Select(f => f.Split(' ')).Select(f =>
                (double.Parse(f[0], CultureInfo.InvariantCulture), double.Parse(f[1], CultureInfo.InvariantCulture)))], 10));

    [Theory]
    [InlineData("--model", "mlpp", "did you mean mlp?")]
    [InlineData("--momentum", "1", "a number from 0 to below 1")]
    [InlineData("--share", "0", "a number above 0 to 1")]
    [InlineData("--twin", "1", "a number from 0 to below 1")]
    [InlineData("--horizons", "500", "numbers up to --steps (24)")]
    [InlineData("--examples", "5000", "at most the 72 images")]
    [InlineData("--estimators", "unroled", "did you mean unrolled?")]
    [InlineData("--validation", "500", "images, and --test-points takes 4")]
    [InlineData("--test-points", "500", "of which --validation takes others")]
    [InlineData("--leave-out", "61", "at most 60, --examples")]
    [InlineData("--group-size", "60", "at most 59, one less than --examples")]
    [InlineData("--candidate-ipc", "21", "at most 20, --examples for each class")]
    [InlineData("--subset-share", "0.99", "a share that leaves some of 60 examples out and not all")]
    public void A_bad_value_is_a_usage_error_that_says_what_is_expected(string option, string value, string expected)
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run(
        [
            "influence", "validate", .. SmallWithout(option), option, value,
            .. option == "--test-points" ? (string[])[] : ["--test-points", "4"],
        ]));
        Assert.Contains($"{option} is \"{value}\"; expected ", _run.Errors);
        Assert.Contains(expected, _run.Errors);
    }

    [Fact]
    public void Scores_that_overflow_are_a_numerical_error_and_not_an_order()
    {
        int code = 0;
        for (int steps = 4; code == 0 && steps < 40; steps++)
        {
            code = _run.Run(
            [
                "influence", "scores", .. SmallWithout("--rate", "--steps"), "--steps", $"{steps}",
                "--rate", "1", "--model", "quadratic", "--number-type", "float32", "--estimators", "unrolled",
            ]);
        }
        Assert.Equal((int)ExitCode.Numerical, code);
        Assert.Contains("by unrolled became ", _run.Errors);
    }

    [Fact]
    public void Scores_that_overflow_are_named_below_the_table_of_truth()
    {
        int code = 0;
        for (int steps = 4; code == 0 && !_run.Output.Contains("no rank", StringComparison.Ordinal); steps++)
        {
            code = _run.Run(
            [
                "influence", "validate", .. SmallWithout("--rate", "--steps"), "--steps", $"{steps}",
                "--rate", "1", "--model", "quadratic", "--number-type", "float32", "--seeds", "1", "--leave-out", "3",
                "--displacements", "0", "--groups", "0", "--subsets", "0", "--test-points", "1", "--candidates", "0",
                "--estimators", "unrolled",
            ]);
        }
        Assert.Equal((int)ExitCode.Done, code);
        Assert.Contains("seed 0: scores that are not finite", _run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_class_that_has_few_examples_leaves_places_of_its_row_empty()
    {
        // Seven examples of three classes are never as many of each.
        int most = 0;
        int[] widths = [.. new[] { "1", "2", "5" }.Select(pictures =>
        {
            Assert.Equal((int)ExitCode.Done, _run.Run(
            [
                "influence", "scores", .. SmallWithout("--examples"), "--examples", "7", "--pictures", pictures,
                "--estimators", "first-order", "--json",
            ]));
            string[] files = [.. JsonNode.Parse(_run.Output)!["files"]!.AsArray().Select(f => f!.GetValue<string>())];
            int[] counts = [.. File.ReadAllLines(files[0]).Skip(1)
                .GroupBy(l => l.Split(',')[2], StringComparer.Ordinal).Select(g => g.Count())];
            Assert.True(counts.Max() > 2 && counts.Min() < counts.Max(), string.Join(' ', counts));
            most = Math.Min(5, counts.Max());
            return ImageResult.FromMemory(File.ReadAllBytes(files[1])).Width;
        })];
        int cell = widths[1] - widths[0];
        Assert.True(cell > 0);
        Assert.Equal((most - 1) * cell, widths[2] - widths[0]);
    }

    [Fact]
    public void The_margin_of_points_that_are_almost_certain_is_finite_in_float32_and_that_of_float64()
    {
        double[] margins = [.. new[] { "float32", "float64" }.Select(type =>
        {
            using var scope = TensorScope.Begin();
            var settings = new FidelitySettings
            {
                Model = "logistic", Activation = "relu", Examples = 40, Steps = 5, Batch = 10, Rate = 0.1,
                NumberType = type, Measure = "margin", Validation = 10,
            };
            using RecordedCase recorded = RecordedCase.Open(
                settings,
                InputOf(Path.Combine(_run.Runs, type)),
                RandomKey.FromSeed(3), new CpuBackend(1));
            LabelledImages points = recorded.TestImages(10, 0).First;
            Tensor theta = recorded.ContextAt(5).Theta(5);
            return recorded.MeasureOf(points)(Variable.Constant(theta.Times(1000))).Value.ToArray<double>()[0];
        })];
        Assert.True(Math.Abs(margins[1]) > 100, $"{margins[1]}");
        Assert.Equal(margins[1], margins[0], 1e-4 * Math.Abs(margins[1]));
    }

    [Theory]
    [InlineData("quadratic")]
    [InlineData("mlp")]
    [InlineData("convnet")]
    public void Every_model_is_measured_in_float32_with_differences(string model)
    {
        Assert.Equal((int)ExitCode.Done, _run.Run(
        [
            "influence", "validate", .. SmallWithout("--rate"), "--model", model, "--rate", "0.005", "--width", "2",
                "--number-type", "float32",
            "--second", "differences", "--seeds", "1", "--leave-out", "6", "--displacements", "2", "--groups", "0",
                "--subsets", "0",
            "--candidates", "0", "--test-points", "2", "--estimators", "unrolled", "--json",
        ]));
        JsonNode unrolled = Of(JsonNode.Parse(_run.Output)!["results"]!.AsArray(), "unrolled", 24);
        Assert.True(Mean(unrolled, "cosine") > 0.95, _run.Output);
    }

    [Fact]
    public void Pictures_of_scores_frame_planted_wrong_labels_and_say_score_and_labels()
    {
        int Red(string share, string file)
        {
            Assert.Equal((int)ExitCode.Done, _run.Run(
                ["influence", "scores", .. s_small, "--flip-labels", share, "--model", "logistic", "--estimators", "tracin",
                    "--json"]));
            string path = JsonNode.Parse(_run.Output)!["files"]!.AsArray().Select(f => f!.GetValue<string>())
                .Single(f => Path.GetFileName(f) == file);
            using SKBitmap picture = SKBitmap.Decode(path);
            return picture.Pixels.Count(p => p == SKColors.Red);
        }
        Assert.True(Red("0.2", "harmful.png") > 1000);
        Assert.Equal(0, Red("0", "harmful.png"));
    }

    [Fact]
    public void Captions_of_scores_have_a_sign_the_given_label_and_the_true_one_where_it_was_made_wrong()
    {
        using var scope = TensorScope.Begin();
        var settings = new FidelitySettings
        {
            Model = "logistic", Activation = "relu", Examples = 40, Steps = 5, Batch = 10, Rate = 0.1,
            NumberType = "float32", Measure = "loss", Validation = 10, FlipLabels = 0.25,
        };
        using RecordedCase recorded = RecordedCase.Open(
            settings, InputOf(_run.Runs), RandomKey.FromSeed(3), new CpuBackend(1));
        string[] names = ["a", "b", "c"];
        double[] harm = [.. Enumerable.Range(0, 40).Select(i => i % 2 == 0 ? 0.0123 : -45.6)];
        var captions = new ScoreCaptions(recorded, harm, names);
        int wrong = Array.IndexOf(recorded.IsFlipped, true), right = Array.IndexOf(recorded.IsFlipped, false);
        string[][] lines = [.. captions.Of([wrong, right], 3)];
        Assert.Equal(3, lines.Length);
        Assert.Equal(
            [wrong % 2 == 0 ? "+1.23e-2" : "-4.56e+1", $"label: {names[recorded.Given[wrong]]}", $"true: {names[recorded.Labels[wrong]]}"],
            lines[0]);
        Assert.Equal(2, lines[1].Length);
        Assert.Empty(lines[2]);
        Assert.Equal([3], captions.Marked([[right, right], [wrong, right]], 3));
        Assert.Contains("red frame", captions.Note("tracin"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_training_lies_in_a_folder_that_says_what_it_is_and_one_named_by_its_hash_alone_is_still_found()
    {
        string[] arguments = ["influence", "scores", .. s_small, "--model", "logistic", "--estimators", "tracin"];
        Assert.Equal((int)ExitCode.Done, _run.Run(arguments));
        string made = Assert.Single(Directory.GetDirectories(Folder));
        Assert.Matches("^tiny_logistic_60-examples_24-steps_[0-9a-f]{12}$", Path.GetFileName(made));
        string older = Path.Combine(Folder, made[^12..]);
        Directory.Move(made, older);
        string trajectory = Path.Combine(older, "trajectory.safetensors");
        DateTime written = File.GetLastWriteTimeUtc(trajectory);
        Assert.Equal((int)ExitCode.Done, _run.Run(arguments));
        Assert.Equal([older], Directory.GetDirectories(Folder));
        Assert.Equal(written, File.GetLastWriteTimeUtc(trajectory));
    }

    [Fact]
    public void The_table_of_truth_has_a_legend_of_the_columns_that_it_has()
    {
        Assert.Equal((int)ExitCode.Done, _run.Run(
        [
            "influence", "validate", .. s_small, "--seeds", "1", "--leave-out", "6", "--displacements", "0", "--groups", "0",
            "--subsets", "0", "--test-points", "1", "--candidates", "0", "--estimators", "unrolled", "tracin",
        ]));
        Assert.Contains("ρ one out: Spearman's ρ", _run.Output, StringComparison.Ordinal);
        Assert.Contains("grads: gradients of an image", _run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("LDS: ", _run.Output, StringComparison.Ordinal);
        Assert.Contains("No plot of cosine: it was not measured.", _run.Output, StringComparison.Ordinal);
        Assert.EndsWith("leave-one-out.png", Assert.Single(Directory.GetFiles(Folder, "*.png")), StringComparison.Ordinal);
        Assert.Equal(FidelityColumn.All.Count, new FidelityRow(0, 1, "unrolled").Values().Count());
    }

    [Fact]
    public void A_plot_of_one_horizon_has_bars_and_one_of_several_has_curves()
    {
        Directory.CreateDirectory(_run.Runs);
        int Blue(params (int, double)[] points)
        {
            string path = Path.Combine(_run.Runs, $"{points.Length}.png");
            Assert.True(FidelityPlot.Write(path, "title", "cosine", [("unrolled", points), ("tracin", [(30, double.NaN)])]));
            using SKBitmap plot = SKBitmap.Decode(path);
            return plot.Pixels.Count(p => p == SKColors.SteelBlue);
        }
        Assert.True(Blue((30, 0.9)) > 5000);
        Assert.Equal(0, Blue((30, 0.9), (100, 0.8)));
        Assert.False(FidelityPlot.Write(Path.Combine(_run.Runs, "1.png"), "title", "cosine", [("paper", [(30, double.NaN)])]));
        Assert.False(File.Exists(Path.Combine(_run.Runs, "1.png")));
    }

    [Theory]
    [InlineData("convnet", 0, 0.9, 100, "Raise --steps.")]
    [InlineData("convnet", 0.1, 0, 200, "Raise --steps, raise --examples, leave --rate at auto or give --momentum 0.9.")]
    [InlineData("logistic", 0, 0.9, 100, "Raise --steps or score with --model convnet.")]
    public void A_network_that_has_not_learned_is_helped_by_nothing_that_was_done_already(
        string model, double rate, double momentum, int available, string expected) =>
        Assert.Equal(expected, ScoredNetwork.AdviceFor(
            new FidelitySettings { Model = model, Rate = rate, Momentum = momentum, Examples = 100 }, available));

    private static StudyInput InputOf(string folder) => new(
        CommandRun.TinyData(), 3, 1, folder,
        new PlainProgress(Assert.Fail, TimeProvider.System, TimeSpan.FromDays(1)), CancellationToken.None);

    private static IEnumerable<string> SmallWithout(params string[] options) =>
        s_small.Where((_, i) => !options.Contains(s_small[i / 2 * 2], StringComparer.Ordinal));

    private static JsonNode Of(JsonArray results, string estimator, int steps) => results.Single(r =>
        r!["estimator"]!.GetValue<string>() == estimator && r["steps"]!.GetValue<int>() == steps)!;

    private static double Mean(JsonNode row, string what) => row[what]!["mean"]!.GetValue<double>();
}
