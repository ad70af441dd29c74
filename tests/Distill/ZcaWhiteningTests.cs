using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.Golden;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

public sealed class ZcaWhiteningTests
{
    private readonly CpuBackend _backend = new(2);

    [Fact]
    public void It_is_the_whitening_of_PyTorch_and_kornias_formula()
    {
        JsonElement golden = GoldenNumbers.Protocols.GetProperty("zca");
        ImageDataset train = Set(golden.Numbers("train"), 3), test = Set(golden.Numbers("test"), 3);
        ZcaWhitening zca = ZcaWhitening.Fit(train, 0.1, _backend);
        AssertClose(golden.Numbers("mean"), zca.Mean);
        AssertClose(golden.Numbers("matrix"), zca.Matrix);
        (Tensor images, _) = PreparedData.Copy(test, PreparedData.AllOf(test), _backend);
        float[] before = images.ToArray<float>();
        zca.Apply(images);
        AssertClose(golden.Numbers("whitened"), images.ToArray<float>());
        AssertClose([.. before.Select(v => (double)v)], zca.Inverse.Undo(images.ToArray<float>()), 1e-5);
        // PyTorch's inverse times each unit vector: a row of it beside the mean.
        float[] units = [.. Enumerable.Range(0, 36).Select(i => i % 7 == 0 ? 1f : 0)];
        double[] rows = golden.Numbers("inverse"), mean = golden.Numbers("mean");
        AssertClose([.. rows.Select((v, i) => v + mean[i % 6])], zca.Inverse.Undo(units), 5e-6);
        Assert.Equal("eps=0.1", zca.ToString());
    }

    // On the training set the covariance becomes C/(C + ε); W·C·W = I − εW², entry by entry.
    [Fact]
    public void The_whitened_covariance_is_what_the_definition_says()
    {
        DatasetPair pair = CommandRun.TinyData();
        const double epsilon = 0.3;
        ZcaWhitening zca = ZcaWhitening.Fit(pair.Train, epsilon, _backend);
        int d = zca.Count, n = pair.Train.Count;
        (Tensor images, _) = PreparedData.Copy(pair.Train, PreparedData.AllOf(pair.Train), _backend);
        zca.Apply(images);
        float[] x = images.ToArray<float>();
        double[] w = [.. zca.Matrix.ToArray().Select(v => (double)v)];
        double[] inverse = new double[d * d];
        for (int i = 0; i < d; i++)
        {
            float[] unit = new float[d];
            unit[i] = 1;
            zca.Inverse.Undo(unit).Select((v, j) => (double)v - zca.Mean[j]).ToArray().CopyTo(inverse, i * d);
        }
        for (int i = 0; i < d; i++)
        {
            Assert.Equal(0, Enumerable.Range(0, n).Average(k => (double)x[k * d + i]), 1e-5);
            for (int j = 0; j < d; j++)
            {
                double covariance = Enumerable.Range(0, n).Sum(k => (double)x[k * d + i] * x[k * d + j]) / (n - 1);
                double square = Enumerable.Range(0, d).Sum(k => w[i * d + k] * w[k * d + j]);
                double product = Enumerable.Range(0, d).Sum(k => w[i * d + k] * inverse[k * d + j]);
                Assert.Equal((i == j ? 1 : 0) - epsilon * square, covariance, 1e-5);
                Assert.Equal(i == j ? 1 : 0, product, 1e-5);
                Assert.Equal(w[i * d + j], w[j * d + i], 1e-6);
            }
        }
    }

    [Fact]
    public void It_is_computed_once_for_a_set_and_an_epsilon()
    {
        using var folder = new TemporaryFolder();
        ImageDataset train = CommandRun.TinyData().Train;
        var lines = new List<string>();
        using var progress = new PlainProgress(lines.Add, TimeProvider.System, TimeSpan.Zero);
        ZcaWhitening Get(ImageDataset set, double epsilon) =>
            ZcaWhitening.Get(set, epsilon, _backend, folder.At("cache"), progress, default);
        float[] first = Get(train, 0.1).Matrix.ToArray();
        int said = lines.Count;
        Assert.True(said > 0);
        ZcaWhitening again = Get(train, 0.1);
        Assert.Equal(first, again.Matrix.ToArray());
        Assert.Equal(said, lines.Count);
        float[] images = [.. Enumerable.Range(0, 20 * 64).Select(i => i % 5 - 2f)]; // more than go through the factor at once
        Assert.Equal(again.Inverse.Undo(images), ZcaWhitening.Fit(train, 0.1, _backend).Inverse.Undo(images));
        Assert.Equal(again.Inverse.Undo(images)[^64..], again.Inverse.Undo(images.AsSpan(19 * 64)));
        Assert.NotEqual(first, Get(train, 0.2).Matrix.ToArray());
        Assert.NotEqual(first, Get(train.BalancedSubset(20), 0.1).Matrix.ToArray());
        Assert.Equal(3, Directory.GetFiles(folder.At("cache")).Length);
        foreach (string file in Directory.GetFiles(folder.At("cache")))
            File.WriteAllBytes(file, File.ReadAllBytes(file)[..^9]);
        said = lines.Count;
        Assert.Equal(first, Get(train, 0.1).Matrix.ToArray());
        Assert.True(lines.Count > said);
        said = lines.Count;
        Assert.Equal(first, Get(train, 0.1).Matrix.ToArray());
        Assert.Equal(said, lines.Count);
    }

    [Fact]
    public void A_flipped_bit_in_a_kept_one_is_told_and_it_is_computed_again()
    {
        using var folder = new TemporaryFolder();
        ImageDataset train = CommandRun.TinyData().Train;
        var lines = new List<string>();
        using var progress = new PlainProgress(lines.Add, TimeProvider.System, TimeSpan.Zero);
        float[] Get() => ZcaWhitening.Get(train, 0.1, _backend, folder.Root, progress, default).Matrix.ToArray();
        float[] right = Get();
        string file = Assert.Single(Directory.GetFiles(folder.Root));
        byte[] valid = File.ReadAllBytes(file);
        foreach (int at in (int[])[3, 40, 200, valid.Length / 2, valid.Length - 1])
        {
            byte[] flipped = [.. valid];
            flipped[at] ^= 1;
            File.WriteAllBytes(file, flipped);
            lines.Clear();
            Assert.Equal(right, Get());
            Assert.Contains(lines, l => l.StartsWith(file, StringComparison.Ordinal) && l.EndsWith("computed again.", StringComparison.Ordinal));
            Assert.Equal(valid, File.ReadAllBytes(file));
        }
        ArraySet kept = Safetensors.Read(file);
        Safetensors.Write(file, kept.Arrays, kept.Metadata.Where(m => m.Key != ContentHash.Key).ToDictionary(StringComparer.Ordinal));
        lines.Clear();
        Assert.Equal(right, Get());
        Assert.Equal([OlderFile.Note(file)], lines);
    }

    [Fact]
    public void Images_that_are_too_large_for_the_method_or_the_memory_are_refused()
    {
        using var progress = new PlainProgress(_ => { }, TimeProvider.System, TimeSpan.Zero);
        ImageDataset large = new(
            new DatasetTraits("large", ["a", "b"], new Standardisation([0, 0, 0], [1, 1, 1])), new Shape(3, 64, 64),
            [.. new byte[2 * 3 * 64 * 64]], [0, 1]);
        DistillException e = Assert.Throws<DistillException>(
            () => ZcaWhitening.Get(large, 0.1, _backend, "nowhere", progress, default));
        Assert.Equal((ExitCode.Usage, "IM2011"), (e.ExitCode, e.Code));
        Assert.Contains("12288×12288 numbers for images [3, 64, 64], 6.8 GiB", e.Message);
        var small = new CpuBackend(1, 1 << 17);
        e = Assert.Throws<DistillException>(
            () => ZcaWhitening.Get(CommandRun.TinyData().Train, 0.1, small, "nowhere", progress, default));
        Assert.Equal((ExitCode.Memory, "IM5004"), (e.ExitCode, e.Code));
        e = Assert.Throws<DistillException>(() => ZcaWhitening.Fit(Set(new double[6], 3), 0.1, _backend));
        Assert.Equal("IM3031", e.Code);
    }

    private static ImageDataset Set(double[] pixels, int width)
    {
        int n = pixels.Length / (2 * width);
        return new ImageDataset(
            new DatasetTraits("golden", ["a", "b"], new Standardisation([0.5f], [0.25f])), new Shape(1, 2, width),
            [.. pixels.Select(p => (byte)p)], [.. Enumerable.Range(0, n).Select(i => (byte)(i % 2))]);
    }

    private static void AssertClose(double[] expected, ReadOnlySpan<float> found, double tolerance = 2e-6)
    {
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], found[i], tolerance);
    }
}
