using System.Text.Json;
using InfMatch.Distill;
using InfMatch.Nn;

namespace InfMatch.Tests.Distill;

public sealed class VerdictTests
{
    private static readonly PixelExtent s_usual = new(Clipped: 0.14, Far: 0.01);

    [Fact]
    public void A_set_far_above_soft_labels_is_better_and_its_interval_is_that_of_Welch()
    {
        Verdict verdict = Of([80, 81, 79], soft: [70, 71, 69], random: [60, 61, 59])!;
        Assert.Equal(Verdict.Better, verdict.Kind);
        // s² is 1 for both, so the standard error is √(2/3) = 0.816; t of 4 degrees of freedom is 2.78.
        Assert.Equal("10.0 ± 2.3 points over random real + soft labels (95 % confidence, 3 and 3 networks)", verdict.Text);
        Assert.Null(verdict.Next);
    }

    [Fact]
    public void A_difference_that_chance_explains_asks_for_as_many_networks_as_would_tell()
    {
        Verdict verdict = Of([74, 70, 76], soft: [67, 69, 66], random: [60, 61, 59])!;
        Assert.Equal(Verdict.Within, verdict.Kind);
        Assert.Contains("which chance explains", verdict.Text, StringComparison.Ordinal);
        Assert.StartsWith("--repeats ", verdict.Next, StringComparison.Ordinal);
    }

    [Fact]
    public void A_set_below_random_images_is_worse_and_half_the_rate_is_tried_next()
    {
        Verdict verdict = Of([31, 31.5, 30.5], soft: [38, 38.5, 37.5], random: [36, 36.5, 35.5])!;
        Assert.Equal(Verdict.Worse, verdict.Kind);
        Assert.Contains("7.0 ± ", verdict.Text, StringComparison.Ordinal);
        Assert.Contains("points under random real + soft labels", verdict.Text, StringComparison.Ordinal);
        Assert.Contains("under random real", verdict.Text, StringComparison.Ordinal);
        Assert.Equal("half of --lr-img: 400", verdict.Next);
    }

    [Fact]
    public void Where_the_loss_still_falls_more_iterations_are_tried_next()
    {
        Verdict verdict = Of(
            [31, 31.5, 30.5], soft: [38, 38.5, 37.5], random: [30, 30.5, 29.5], loss: new LossCourse(0.9, 0.5, FallsAtEnd: true, IsFixed: true))!;
        Assert.Equal(Verdict.Worse, verdict.Kind);
        Assert.StartsWith("more --iterations than 200", verdict.Next, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loss_that_ends_near_that_of_an_empty_set_under_random_images_is_a_divergence()
    {
        Verdict verdict = Of([15, 16, 14], soft: [40, 41, 39], random: [23, 23, 22], loss: Fixed(0.82, 1.0))!;
        Assert.Equal(Verdict.Diverged, verdict.Kind);
        Assert.StartsWith("J ended at 1.000, and an empty set has 1", verdict.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loss_that_ends_near_that_of_an_empty_set_asks_for_clipped_spikes_where_the_set_is_no_worse()
    {
        Verdict verdict = Of([31, 32, 30], soft: [30, 32, 29], random: [25, 26, 24], loss: Fixed(0.82, 0.999))!;
        Assert.Equal(Verdict.Within, verdict.Kind);
        Assert.Equal("--clip-spikes 10, or half of --lr-img: 400: J ended at 0.999, and an empty set has 1", verdict.Next);
    }

    [Fact]
    public void A_loss_that_rose_above_its_start_under_random_images_is_a_divergence()
    {
        Verdict verdict = Of([15, 16, 14], soft: [40, 41, 39], random: [23, 23, 22], loss: Fixed(0.5, 0.7))!;
        Assert.Equal(Verdict.Diverged, verdict.Kind);
        Assert.StartsWith("J in fixed places rose from 0.500 to 0.700", verdict.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_loss_of_updates_may_rise_because_each_has_places_of_its_own()
    {
        LossCourse rising = LossCourse.OfUpdates([.. Enumerable.Range(0, 100).Select(i => 0.5 + i * 0.003)])!.Value;
        Assert.True(rising.Last > rising.First);
        Assert.Equal(Verdict.Better, Of([80, 81, 79], soft: [70, 71, 69], random: [60, 61, 59], loss: rising)!.Kind);
        Assert.Equal(Verdict.Worse, Of([15, 16, 14], soft: [40, 41, 39], random: [23, 23, 22], loss: rising)!.Kind);
    }

    [Fact]
    public void Accuracy_of_guessing_is_a_divergence_unless_random_images_reach_no_more()
    {
        Assert.Equal(Verdict.Diverged, Of([9.8, 10.2, 10], soft: [40, 41, 39], random: [23, 23, 22])!.Kind);
        Assert.Equal(Verdict.Within, Of([9.8, 10.2, 10], soft: [10, 11, 9], random: [10, 10, 10.5])!.Kind);
    }

    [Fact]
    public void Pixels_far_outside_are_a_divergence_unless_the_set_is_better_all_the_same()
    {
        var far = new PixelExtent(Clipped: 0.9, Far: 0.8);
        Verdict verdict = Of([38, 40, 39], soft: [38, 41, 39], random: [23, 23, 22], pixels: far, rate: 1e6)!;
        Assert.Equal(Verdict.Diverged, verdict.Kind);
        Assert.StartsWith("80 % of the pixels are below −255 or above 510", verdict.Text, StringComparison.Ordinal);
        Assert.Equal("a lower --lr-img: 800, as presets have it, and not 1000000", verdict.Next);
        Assert.Equal(Verdict.Better, Of([80, 81, 79], soft: [70, 71, 69], random: [60, 61, 59], pixels: far)!.Kind);
    }

    [Fact]
    public void A_few_test_images_are_named_with_what_they_leave_open()
    {
        Verdict verdict = Of([47.9, 50, 44], soft: [43.8, 47, 40], random: [30, 32, 31], testImages: 32)!;
        Assert.Equal(Verdict.Within, verdict.Kind);
        Assert.EndsWith("32 test images alone make up to ±17", verdict.Text, StringComparison.Ordinal);
        Assert.Equal("more test images: 32 are too few to tell", verdict.Next);
    }

    [Fact]
    public void Two_networks_that_tell_nothing_are_said_to_be_too_few_and_have_no_interval()
    {
        Verdict verdict = Of([54.7, 74.7], soft: [60, 60], random: [40, 41])!;
        Assert.Equal(Verdict.Within, verdict.Kind);
        Assert.Equal("4.7 points over random real + soft labels; 2 and 2 networks are too few to tell", verdict.Text);
        Assert.StartsWith("--repeats 5: ", verdict.Next, StringComparison.Ordinal);
        Assert.Equal(100, AccuracyDifference.Of(Accuracy.Of([0, 100]), Accuracy.Of([50, 50]), 1000).HalfWidth);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    [InlineData(90)]
    public void No_accuracy_is_counted_worse_than_half_and_half(double percent) => Assert.True(
        AccuracyDifference.CountingError(percent, 32) < AccuracyDifference.LargestCountingError(32));

    [Fact]
    public void Single_networks_are_compared_by_the_error_of_counting()
    {
        Verdict verdict = Of([60], soft: [50], random: [40], testImages: 100)!;
        Assert.Equal(Verdict.Within, verdict.Kind);
        Assert.Contains("10.0 ± 13.7 points over random real + soft labels (95 % confidence, 1 and 1 network)", verdict.Text, StringComparison.Ordinal);
        Assert.Equal(Verdict.Better, Of([60], soft: [50], random: [40], testImages: 10_000)!.Kind);
    }

    [Fact]
    public void Without_soft_labels_random_images_are_what_a_set_is_compared_with_and_without_a_set_there_is_no_verdict()
    {
        Verdict verdict = Of([60, 61, 62], soft: null, random: [40, 41, 42])!;
        Assert.Contains("points over random real (", verdict.Text, StringComparison.Ordinal);
        Assert.Null(Of(null, soft: null, random: [40, 41, 42]));
        Assert.Null(Of([40, 41, 42], soft: null, random: null));
    }

    [Fact]
    public void Images_are_measured_in_pixels_of_the_data()
    {
        var by = new InfMatch.Datasets.Standardisation([0.5f], [0.25f]);
        // Black, white, just outside, and far outside on both sides.
        float[] images = [-2, 2, 2.2f, 7, -7, 0];
        Assert.Equal(new PixelExtent(3 / 6.0, 2 / 6.0), PixelExtent.Of(images, new InfMatch.Tensors.Shape(1, 2, 3), by));
    }

    [Fact]
    public void A_run_whose_set_is_destroyed_ends_with_a_warning_and_a_code_of_its_own()
    {
        using var run = new CommandRun();
        // Each update moves the images by the same length, far beyond what pixels can be.
        int code = run.Run(CommandRun.SmallRunWith("--clip-gradient 1 --lr-img 2000 --momentum-img 0 --repeats 3 --ipc 2"));
        Summary summary = Summary.Read(Path.Combine(run.RunPath, "summary.json"));
        Verdict verdict = Assert.Single(summary.Results).Verdict!;
        Assert.Equal((Verdict.Diverged, (int)ExitCode.Diverged), (verdict.Kind, code));
        Assert.Contains("IPC 2 diverged: the table's row is of a set that distilling destroyed. Try ", run.Errors, StringComparison.Ordinal);
        Assert.Contains("[IM8001]", run.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Next:", run.Output, StringComparison.Ordinal);
        Assert.Contains("IPC 2: diverged: ", run.Output, StringComparison.Ordinal);
        Assert.True(summary.Complete);
    }

    [Fact]
    public void Every_row_of_a_run_and_of_an_evaluation_has_a_verdict_in_its_files()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(CommandRun.SmallRun("--json")));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        foreach (JsonElement row in json.RootElement.GetProperty("results").EnumerateArray())
            Assert.Contains(row.GetProperty("verdict").GetProperty("kind").GetString(), (string[])["better", "within", "worse"], StringComparer.Ordinal);
        string set = Path.Combine(run.RunPath, "synthetic", "ipc2.safetensors");
        Assert.Equal(0, run.Run("evaluate", set, "--epochs", "2", "--repeats", "2", "--eval-width", "4", "--augment", "none"));
        Assert.NotNull(Summary.Read(Path.Combine(run.EvaluationPath, "summary.json")).Results[0].Verdict);
        Assert.Matches("IPC 2: (better|no clear difference|worse): ", run.Output);
    }

    [Fact]
    public void A_difference_that_chance_explains_is_called_no_clear_difference()
    {
        Assert.Equal("no clear difference: 1.0 points", new Verdict(Verdict.Within, "1.0 points").ToString());
        Assert.Equal("better: 9.0 points", new Verdict(Verdict.Better, "9.0 points").ToString());
    }

    [Fact]
    public void A_number_that_is_not_finite_leaves_a_verdict_too_and_a_kind_that_is_none_is_refused()
    {
        using var run = new CommandRun();
        Assert.Equal((int)ExitCode.Numerical, run.Run(CommandRun.SmallRunWith("--lr-img 1e40")));
        string path = Path.Combine(run.RunPath, "summary.json");
        Assert.Equal(Verdict.Diverged, Summary.Read(path).Results[0].Verdict!.Kind);
        SealedJsonTests.RemoveHash(path);
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"diverged\"", "\"fine\""));
        DistillException e = Assert.Throws<DistillException>(() => Summary.Read(path));
        Assert.Contains("results[0].verdict.kind is \"fine\"; expected one of better, within, worse, diverged", e.Message, StringComparison.Ordinal);
    }

    private static LossCourse Fixed(double first, double last) => new(first, last, FallsAtEnd: false, IsFixed: true);

    private static Verdict? Of(
        double[]? distilled, double[]? soft, double[]? random, LossCourse? loss = null, PixelExtent? pixels = null,
        int testImages = 1000, double rate = 800)
    {
        Accuracy? Known(double[]? runs) => runs is null ? null : Accuracy.Of(runs);
        return new RowEvidence
        {
            Accuracy = new AccuracySet
            {
                Distilled = Known(distilled), RandomRealSoftLabels = Known(soft), RandomReal = Known(random),
            },
            Settings = Presets.Of("first-order") with { LrImg = rate }, Classes = 10, TestImages = testImages, Pixels = pixels ?? s_usual,
            Loss = loss ?? new LossCourse(0.9, 0.5, FallsAtEnd: false, IsFixed: true),
        }.Decide();
    }
}
