using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.Methods;

namespace InfMatch.Tests.Influence;

/// <summary>Training again under interventions: its bits, its files, and how well predictions agree.</summary>
public sealed class RetrainingCacheTests
{
    private static readonly Intervention[] s_interventions =
    [
        Intervention.LeaveOut(12), Intervention.LeaveOut(12, 3), Intervention.LeaveOut(12, 1, 5, 7),
        Intervention.Subset(12, 0.5, 1, RandomKey.FromSeed(4)), Intervention.Subset(12, 0.5, 1, RandomKey.FromSeed(5)),
    ];

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void Any_number_of_threads_gives_the_same_bits_and_no_change_the_recorded_training(DType dtype)
    {
        using TinyProblem problem = Problem(dtype);
        RetrainingCache one = Folder(problem, "one"), many = Folder(problem, "many");
        IReadOnlyList<string> alone = one.Run(s_interventions), together = many.Run(s_interventions, new LocalJobRunner(4));
        for (int i = 0; i < s_interventions.Length; i++)
            Assert.Equal(File.ReadAllBytes(alone[i]), File.ReadAllBytes(together[i]));
        Expert expert = problem.Experts[0];
        Assert.Equal(expert.Trajectory.Theta(2, problem.Backend, dtype).ToArray<double>(),
            one.Theta(alone[0], 0).ToArray<double>());
        Assert.Equal(expert.Trajectory.Theta(6, problem.Backend, dtype).ToArray<double>(),
            one.Theta(alone[0], 1).ToArray<double>());
        Assert.NotEqual(one.Theta(alone[0], 1).ToArray<double>(), one.Theta(alone[1], 1).ToArray<double>());
    }

    [Fact]
    public void What_is_there_is_not_made_again_and_what_is_damaged_is()
    {
        using TinyProblem problem = Problem(DType.Float64);
        RetrainingCache folder = Folder(problem, "again");
        using var source = new CancellationTokenSource();
        // The second training is the last that begins: an interrupted series.
        Assert.ThrowsAny<OperationCanceledException>(() => folder.Run(
            s_interventions, observe: done =>
            {
                if (done == 2)
                    source.Cancel();
            },
            cancel: source.Token));
        IReadOnlyList<string> files = folder.Run(s_interventions);
        Assert.Equal(3, folder.Made);
        byte[] right = File.ReadAllBytes(files[1]);
        File.WriteAllBytes(files[1], right[..^9]);
        Assert.Equal(files, folder.Run(s_interventions));
        Assert.Equal(1, folder.Made);
        Assert.Equal(right, File.ReadAllBytes(files[1]));
        Assert.Equal(s_interventions.Length, files.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void A_flipped_bit_is_found_and_an_older_file_is_taken_and_counted()
    {
        using TinyProblem problem = Problem(DType.Float32);
        RetrainingCache folder = Folder(problem, "flips");
        string file = Assert.Single(folder.Run([s_interventions[1]]));
        byte[] right = File.ReadAllBytes(file);
        Assert.Equal((0, 0), (folder.WithoutHash, folder.Damaged.Count));
        for (int at = 3; at < right.Length; at += 97) // a file is made anew after each
        {
            byte[] flipped = [.. right];
            flipped[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(file, flipped);
            Exception e = Assert.ThrowsAny<ArrayFileException>(() => folder.Theta(file, 0));
            Assert.StartsWith(file, e.Message, StringComparison.Ordinal);
            folder.Run([s_interventions[1]]);
            Assert.Equal((1, file), (folder.Made, Assert.Single(folder.Damaged)));
            Assert.Equal(right, File.ReadAllBytes(file));
        }
        ArraySet found = Safetensors.Read(file);
        Safetensors.Write(file, found.Arrays, found.Metadata.Where(m => m.Key != ContentHash.Key).ToDictionary(StringComparer.Ordinal));
        folder.Run([s_interventions[1]]);
        Assert.Equal((0, 1, 0), (folder.Made, folder.WithoutHash, folder.Damaged.Count));
    }

    [Fact]
    public void Weights_of_none_of_D_and_horizons_beyond_the_training_are_refused()
    {
        using TinyProblem problem = Problem(DType.Float64);
        Assert.Contains("12 examples", Assert.Throws<ShapeException>(
            () => Folder(problem, "x").Run([Intervention.LeaveOut(13, 0)])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Intervention.LeaveOut(12, 12));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RetrainingCache(problem.Experts[0], problem.Folder, [7]));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new RetrainingCache(problem.Experts[0], problem.Folder, [3, 3]));
    }

    [Theory]
    [InlineData(12, 0.5, 1, 6)]
    [InlineData(13, 0.5, 1, 7)]
    [InlineData(1000, 0.1, 1, 100)]
    [InlineData(100, 0.29, 0.25, 29)]
    public void A_subset_takes_weight_from_so_many_and_keeps_the_mass(int count, double part, double share, int fewer)
    {
        double[] weights = [.. Intervention.Subset(count, part, share, RandomKey.FromSeed(4)).Weights];
        Assert.Equal(fewer, weights.Count(w => w == 1 - share));
        Assert.Single(weights.Where(w => w > 1).Distinct());
        Assert.Equal(count, weights.Sum(), 1e-9);
        Assert.NotEqual(weights, Intervention.Subset(count, part, share, RandomKey.FromSeed(5)).Weights);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.95)]
    public void A_subset_of_all_or_none_is_refused(double part) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Intervention.Subset(12, part, 1, RandomKey.FromSeed(4)));

    [Fact]
    public void A_share_is_taken_from_the_examples_named_and_the_change_of_another_training_multiplies_its_weights()
    {
        Intervention part = Intervention.TakeAway(4, 0.25, 1, 3);
        Assert.Equal([1, 0.75, 1, 0.75], part.Weights);
        Assert.Equal([2, 2.25, 1, 0], part.Of([2, 3, 1, 0]).Weights);
        Assert.Contains("2 weights", Assert.Throws<ArgumentException>(() => part.Of([1, 1])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Replacing_all_of_D_trains_on_S_alone()
    {
        using TinyProblem problem = Problem(DType.Float64);
        LabelledImages s = problem.Start.AsTrainingSet();
        RetrainingCache folder = Folder(problem, "s");
        Tensor found = folder.Theta(folder.Run([Intervention.Replace(12, s)])[0], 1);
        Tensor start = problem.Experts[0].Trajectory.Theta(0, problem.Backend, DType.Float64);
        var plan = problem.Plan with { Epochs = 6, BatchSize = 3, Augmentation = Augmentation.None };
        Tensor alone = new Trainer(problem.Network, s, plan, RandomKey.FromSeed(0)).Run(start);
        // The order inside a batch differs, and with it the rounding.
        Assert.True(found.Minus(alone).Norm() < 1e-12 * alone.Norm());
    }

    [Fact]
    public void Correlations_and_areas_are_those_of_small_examples()
    {
        Assert.Equal(1, Agreement.Spearman([1, 2, 3], [10, 20, 1000]), 1e-15);
        Assert.Equal(-1, Agreement.Spearman([1, 2, 3], [3, 2, 1]), 1e-15);
        Assert.Equal(0.8, Agreement.Spearman([1, 2, 3, 4], [1, 3, 2, 4]), 1e-12);
        // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5/√(4.5·5).
        Assert.Equal(4.5 / Math.Sqrt(22.5), Agreement.Spearman([1, 2, 2, 3], [1, 2, 3, 4]), 1e-12);
        Assert.True(double.IsNaN(Agreement.Spearman([1, 1], [1, 2])));
        Assert.True(double.IsNaN(Agreement.Spearman([1, double.NaN], [1, 2])));
        Assert.Equal(0.75, Agreement.AreaUnderCurve([1, 2, 3, 4], [false, true, false, true]));
        Assert.Equal(0.5, Agreement.AreaUnderCurve([1, 1, 1], [false, true, false]));
        Assert.True(double.IsNaN(Agreement.AreaUnderCurve([1, 2], [true, true])));
        Assert.Equal(0.5, Agreement.RelativeError([3, 6], [2, 4]), 1e-15);
        Assert.Equal(-1, Agreement.Cosine([1, 2], [-2, -4]), 1e-15);
        Assert.Throws<ArgumentException>(() => Agreement.Spearman([1], [1, 2]));
    }

    private static TinyProblem Problem(DType dtype) => new(
        CheckpointSchedule.Every(6), 0.9, 0.01, backend: new CpuBackend(1), dtype: dtype,
        plan: new TrainingPlan(
            2, 4, 0.1, 0.9, 0.01, RateSchedule.Cosine)
        {
            Augmentation = new Augmentation(AugmentationOps.Photographs),
        });

    private static RetrainingCache Folder(TinyProblem problem, string name) =>
        new(problem.Experts[0], Path.Combine(problem.Folder, name), [2, 6]);
}
