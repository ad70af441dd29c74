using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>Where 'features make' reads and writes.</summary>
/// <param name="Images">The folder of images.</param>
/// <param name="Captions">The file of captions.</param>
/// <param name="ImageEncoders">Models, one behind the other; none for the usual ones.</param>
/// <param name="TextEncoder">The model; null for the usual one.</param>
/// <param name="Vocabulary">Its vocabulary; null for the usual one.</param>
/// <param name="Out">The file to make.</param>
internal sealed record FeatureFiles(
    string Images, string Captions, IReadOnlyList<string> ImageEncoders, string? TextEncoder, string? Vocabulary, string Out);

/// <summary>What 'features make' does.</summary>
internal sealed class FeatureCommands(Terminal terminal, CancellationToken cancel)
{
    private const int ImagesAtOnce = 16, SentencesAtOnce = 64;

    /// <summary>Computes the feature vectors of images and captions and writes them, with the list of the images next to them.</summary>
    /// <exception cref="DatasetException">A file is missing or at fault.</exception>
    /// <exception cref="Onnx.OnnxModelException">An encoder cannot be computed here.</exception>
    public void Make(FeatureFiles files)
    {
        if ((files.TextEncoder is null) != (files.Vocabulary is null))
            throw DistillException.BadCommand("--text-encoder and --vocabulary belong together: give both or none.");
        string full = Path.GetFullPath(files.Out), folder = Path.GetDirectoryName(full)!;
        if (File.Exists(full))
            throw new DistillException(ExitCode.FileSystem, "IM7011", $"{files.Out} is there already. Take it away, or name another file with --out.");
        RunFolder.RequireWritable(folder, "--out");
        List<NamedCaption> captions = CaptionFile.Read(files.Captions, DecodeLimits.Default);
        DatasetFile.RequireFolder(files.Images);
        string[] named = [.. captions.Select(c => c.Image).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        string[] names = [.. named.Where(n => File.Exists(Path.Combine(files.Images, n)))];
        if (names.Length == 0)
        {
            throw new DatasetException(
                DatasetFault.NotFound, files.Images, "no image of the captions is there", $"0 of {named.Length}", $"such as {named[0]}",
                "Is this the folder of these captions?");
        }
        string list = string.Concat(names.Select(n => n + "\n")), listFile = Path.Combine(folder, PairLayout.ImageList);
        if (File.Exists(listFile) && File.ReadAllText(listFile).ReplaceLineEndings("\n") != list)
        {
            throw new DistillException(
                ExitCode.FileSystem, "IM7011", $"{ShownPath.Of(listFile)} is there already and lists other images. Name another folder with --out.");
        }
        ModelFile[] image = files.ImageEncoders.Count == 0
            ? ModelFile.UsualImageEncoder()
            : [.. files.ImageEncoders.Select(f => ModelFile.Read(f, ".onnx"))];
        (ModelFile text, ModelFile vocabulary) = files.TextEncoder is null
            ? (ModelFile.UsualTextEncoder(".onnx"), ModelFile.UsualTextEncoder("vocab.txt"))
            : (ModelFile.Read(files.TextEncoder, ".onnx"), ModelFile.Read(files.Vocabulary!, ".txt"));
        var backend = new CpuBackend();
        using var images = new ImageEncoder(backend, image);
        using var sentences = new SentenceEncoder(backend, text, vocabulary);
        using var stages = new StageProgress(terminal);
        if (named.Except(names, StringComparer.Ordinal).FirstOrDefault() is { } missing)
        {
            stages.Note(
                $"{named.Length - names.Length} of the {named.Length} images of the captions are not there and are left out, such as {missing}.");
        }
        float[][] ofImages = OfImages(images, names, files.Images, stages), ofCaptions = OfCaptions(sentences, captions, stages);
        Write(full, ofImages, ofCaptions, new Dictionary<string, string>(PairFeatureFile.TextsOf(names, captions), StringComparer.Ordinal)
        {
            ["image_encoder"] = string.Join(" ", image.Select(Hash)), ["text_encoder"] = $"{Hash(text)} {Hash(vocabulary)}",
            ["image_side"] = images.Side.ToString(CultureInfo.InvariantCulture),
        });
        AtomicFile.WriteAllText(listFile, list);
        Tell(files.Out, listFile, ofImages, ofCaptions);
    }

    /// <summary>A caption as encoders get it: without the full stop that stands behind a space in published captions.</summary>
    public static string Cleaned(string caption) => caption.EndsWith(" .", StringComparison.Ordinal) ? caption[..^2].TrimEnd() : caption;

    private float[][] OfImages(ImageEncoder encoder, string[] names, string folder, StageProgress stages)
    {
        var rows = new List<float[]>(names.Length);
        foreach (string[] part in names.Chunk(ImagesAtOnce))
        {
            cancel.ThrowIfCancellationRequested();
            rows.AddRange(encoder.Encode([.. part.Select(n => Path.Combine(folder, n))]));
            stages.Report("encoding images", rows.Count, names.Length);
        }
        return [.. rows];
    }

    // Sentences of one length together, shorter ones first; the rows are in the order of the file.
    private float[][] OfCaptions(SentenceEncoder encoder, List<NamedCaption> captions, StageProgress stages)
    {
        long[][] pieces = [.. captions.Select(c => encoder.Pieces(Cleaned(c.Text)))];
        var rows = new float[pieces.Length][];
        int done = 0;
        foreach (IGrouping<int, int> equal in Enumerable.Range(0, pieces.Length).GroupBy(i => pieces[i].Length).OrderBy(g => g.Key))
        {
            foreach (int[] part in equal.Chunk(SentencesAtOnce))
            {
                cancel.ThrowIfCancellationRequested();
                float[][] found = encoder.Encode(Array.ConvertAll(part, i => pieces[i]));
                for (int i = 0; i < part.Length; i++)
                    rows[part[i]] = found[i];
                stages.Report("encoding captions", done += part.Length, pieces.Length);
            }
        }
        return rows;
    }

    private static void Write(string path, float[][] images, float[][] captions, Dictionary<string, string> metadata) => ContentHash.Write(
        path,
        [
            NamedArray.From(PairFeatureFile.ImageArray, [images.Length, images[0].Length], [.. images.SelectMany(r => r)]),
            NamedArray.From(PairFeatureFile.CaptionArray, [captions.Length, captions[0].Length], [.. captions.SelectMany(r => r)]),
        ], metadata);

    private void Tell(string made, string list, float[][] images, float[][] captions)
    {
        terminal.ShowUnbroken($"Features of images [{images.Length}, {images[0].Length}] and captions [{captions.Length}, {captions[0].Length}]: {ShownPath.Of(made)}");
        terminal.ShowUnbroken($"Names of the images, row by row: {ShownPath.Of(list)}");
        if (terminal.IsJson)
        {
            terminal.Data.WriteLine(new JsonObject
            {
                ["file"] = made, ["images"] = images.Length, ["imageFeatures"] = images[0].Length, ["captions"] = captions.Length,
                ["captionFeatures"] = captions[0].Length,
            }.ToJsonString(JsonText.Options));
        }
    }

    private static string Hash(ModelFile model) => Convert.ToHexStringLower(SHA256.HashData(model.Bytes));
}
