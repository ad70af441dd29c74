using System.Collections.Immutable;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

public sealed class ExportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, double?, int> Forms()
    {
        var forms = new TheoryData<string, double?, int>();
        foreach (string target in ArtifactExport.Targets)
        {
            forms.Add(target, null, 1);
            forms.Add(target, 0.1, 1);
            forms.Add(target, null, 2);
        }
        return forms;
    }

    [Theory, MemberData(nameof(Forms))]
    public void What_was_exported_is_read_back(string target, double? zca, int factor)
    {
        SyntheticArtifact artifact = SyntheticArtifact.Read(ArtifactSample.Write(_folder.Root, zca, factor));
        var pixels = new PixelView(artifact);
        string folder = Export(artifact, pixels, target);
        ExportedSet read = ExportedSet.Read(folder);
        Assert.Equal(artifact.SoftLabels.Length, read.SoftLabels.Length);
        for (int i = 0; i < read.SoftLabels.Length; i++)
            Assert.Equal(artifact.SoftLabels[i], read.SoftLabels[i], 1e-6f);
        Assert.Equal(artifact.Labels, read.Labels);
        Assert.Equal(artifact.Whitening?.Matrix.ToArray(), read.ZcaMatrix);
        foreach ((string key, string text) in artifact.Metadata)
            Assert.Equal(text, read.Metadata.GetProperty(key).GetString());
        Assert.Equal(pixels.Pixels, read.Pixels);
        if (ArtifactExport.FormOf(target).IsLossy)
            Assert.Null(read.Images);
        else
            Assert.Equal(artifact.Images.AsFloat32(), read.Images!);
        string card = File.ReadAllText(Path.Combine(folder, "README.md"));
        Assert.StartsWith("---\nlicense: unknown\n", card);
        Assert.Contains("**65.0 ± 7.1** %", card);
        Assert.Contains(artifact.Metadata["set_sha256"], card);
        Assert.Equal(ArtifactExport.FormOf(target).IsLossy, card.Contains($"lossy: {pixels.Loss}", StringComparison.Ordinal));
        Assert.Equal(ArtifactExport.Loader(), File.ReadAllText(Path.Combine(folder, "load_infmatch.py")));
        if (target == "safetensors")
            Assert.Equal(artifact.Images.AsFloat32(), SyntheticArtifact.Read(Path.Combine(folder, "set.safetensors")).Images.AsFloat32());
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0.1)]
    public void Pixels_lead_back_to_the_images_as_far_as_they_are_not_clipped(double? zca)
    {
        SyntheticArtifact artifact = SyntheticArtifact.Read(ArtifactSample.Write(_folder.Root, zca, spread: 0.2));
        var pixels = new PixelView(artifact);
        Assert.Equal(0, pixels.Loss.Clipped);
        Assert.InRange(pixels.Loss.Largest, 0.1, 0.51);
        float[] again = pixels.ToTrainingImages(new ReferenceBackend());
        // Half a pixel is 1/(2·255·std); the whitening enlarges it by at most 1/√ε in length, over all pixels of an image.
        double most = 0.5 / 255 / 0.25 * (zca is null ? 1.01 : 8 / Math.Sqrt(0.1));
        for (int i = 0; i < again.Length; i++)
            Assert.Equal(artifact.Images.AsFloat32()[i], again[i], most);

        artifact = SyntheticArtifact.Read(ArtifactSample.Write(_folder.Root, zca, spread: 30));
        Assert.True(new PixelView(artifact).Loss.Clipped > 0.3);
    }

    [Fact]
    public void Classes_whose_names_are_no_folder_names_are_kept_apart_and_in_order()
    {
        string[] names = ["T-shirt/top", "T-shirt\\top", "CON", "con", "..", "a,\"b\"\nc", "Ünï cöde", new string('x', 300)];
        string[] folders = ClassFolders.Of(names);
        Assert.Equal(["00_T-shirt_top", "01_T-shirt_top", "02_CON", "03_con", "04_", "05_a__b__c", "06_Ünï_cöde"],
            folders[..^1], StringComparer.Ordinal);
        Assert.Equal(folders.Order(StringComparer.OrdinalIgnoreCase), folders, StringComparer.Ordinal);
        Assert.True(folders[^1].Length < 60);
        Assert.Equal("100_a", ClassFolders.Of([.. Enumerable.Repeat("a", 101)])[100]);

        DatasetPair tiny = CommandRun.TinyData();
        ImmutableArray<string> classes = ["T-shirt/top", "a,\"b\"", "Bag"];
        ImageDataset Renamed(ImageDataset d) => new(
            d.Traits with { ClassNames = classes }, d.ImageShape, [.. d.Pixels], [.. d.Labels]);
        var pair = new DatasetPair("tiny", Renamed(tiny.Train), Renamed(tiny.Test));
        SyntheticArtifact artifact = SyntheticArtifact.Read(ArtifactSample.Write(_folder.Root, pair: pair));
        string folder = Export(artifact, new PixelView(artifact), "imagefolder");
        Assert.Equal(classes, File.ReadAllLines(Path.Combine(folder, "classes.txt")), StringComparer.Ordinal);
        Assert.Equal(
            ["00_T-shirt_top", "01_a__b_", "02_Bag"],
            Directory.GetDirectories(Path.Combine(folder, "images")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal),
            StringComparer.Ordinal);
        Assert.Contains("01_a__b_/001.png,1,\"a,\"\"b\"\"\"", File.ReadAllText(Path.Combine(folder, "labels.csv")));
    }

    [Fact]
    public void Colours_keep_their_channels()
    {
        byte[] png = PngImage.Encode([1, 2, 3, 4, 50, 60, 70, 80, 200, 210, 220, 230], 3, 2, 2);
        using var bitmap = SkiaSharp.SKBitmap.Decode(png);
        Assert.Equal(new SkiaSharp.SKColor(3, 70, 220), bitmap.GetPixel(0, 1));
        Assert.Contains("2 channels", Assert.Throws<DistillException>(() => PngImage.Encode(new byte[8], 2, 2, 2)).Message);
    }

    [Theory]
    [InlineData("npz")]
    [InlineData("imagefolder")]
    public void A_failure_at_any_call_leaves_nothing_behind(string target)
    {
        SyntheticArtifact artifact = SyntheticArtifact.Read(ArtifactSample.Write(_folder.Root));
        var pixels = new PixelView(artifact);
        string folder = _folder.At("out");
        int failed = 0;
        for (int n = 1; ; n++, failed++)
        {
            var files = new FaultyFiles(n);
            try
            {
                using (var export = new ExportFolder(folder, files))
                {
                    new ArtifactExport(artifact, pixels).Write(target, export);
                    export.Complete();
                }
                break;
            }
            catch (Exception e) when (e is FileWriteException or IOException)
            {
                Assert.DoesNotContain(_folder.Names, name => name.Contains("partial", StringComparison.Ordinal));
                if (Directory.Exists(folder)) // only the last flush failed
                {
                    ExportedSet.Read(folder);
                    Directory.Delete(folder, recursive: true);
                }
            }
        }
        Assert.True(failed > 10);
        ExportedSet.Read(folder);
        DistillException refused = Assert.Throws<DistillException>(() => new ExportFolder(folder));
        Assert.Equal(("IM7010", ExitCode.FileSystem), (refused.Code, refused.ExitCode));
    }

    [Fact]
    public void The_card_names_the_method_that_made_the_set()
    {
        SyntheticArtifact artifact = SyntheticArtifact.Read(ArtifactSample.Write(_folder.Root, null, 1));
        string card = File.ReadAllText(Path.Combine(Export(artifact, new PixelView(artifact), "npz"), "README.md"));
        Assert.Contains("\nInfluence matching, estimator ", card, StringComparison.Ordinal);
        var metadata = new Dictionary<string, string>(artifact.Metadata, StringComparer.Ordinal) { ["method"] = "dm", ["estimator"] = "dm" };
        SyntheticArtifact other = artifact with { Metadata = metadata };
        card = File.ReadAllText(Path.Combine(Export(other, new PixelView(other), "safetensors"), "README.md"));
        Assert.Contains("\nMethod dm, network ", card, StringComparison.Ordinal);
        Assert.DoesNotContain("Influence matching", card, StringComparison.Ordinal);
    }

    private string Export(SyntheticArtifact artifact, PixelView pixels, string target)
    {
        string folder = _folder.At(target);
        using var export = new ExportFolder(folder);
        new ArtifactExport(artifact, pixels).Write(target, export);
        export.Complete();
        return folder;
    }
}
