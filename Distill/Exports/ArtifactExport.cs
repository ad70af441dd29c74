using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// Writes a set for users of other programs: in one of the forms, always with its texts, a dataset card and a loader
/// for PyTorch.
/// </summary>
internal sealed class ArtifactExport(SyntheticArtifact artifact, PixelView pixels)
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The forms of a set.</summary>
    public static ImmutableArray<string> Targets { get; } =
        [.. Kinds.Of<ExportForm>().OfType<SetForm>().Select(form => form.Name)];

    /// <summary>The accuracies with the images and with their pixels, where they were measured.</summary>
    public (Accuracy Exact, Accuracy Pixels)? Measured { get; init; }

    /// <summary>The test images that are to stand beside it in test.npz; null for none.</summary>
    public ImageDataset? TestImages { get; init; }

    /// <summary>The form of a set that has a name.</summary>
    /// <exception cref="InvalidOperationException">None has.</exception>
    public static SetForm FormOf(string target) => Kinds.Find<ExportForm>(target) as SetForm
        ?? throw new InvalidOperationException($"There is no form '{target}' of a set.");

    /// <summary>Writes a form into a new folder.</summary>
    /// <exception cref="DistillException">The form cannot hold such images.</exception>
    /// <exception cref="FileWriteException">A file cannot be written.</exception>
    public void Write(string target, ExportFolder folder)
    {
        SetForm form = FormOf(target);
        var set = new SetContent(artifact, pixels) { Metadata = Metadata(target), TestImages = TestImages };
        IReadOnlyList<string> head = form.Write(set, folder);
        if (TestImages is { } test)
        {
            folder.Write("test.npz", stream => Npz.Write(stream,
            [
                NamedArray.From("images", [test.Count, test.Channels, test.Height, test.Width], test.Pixels.ToArray()),
                NamedArray.From("labels", [test.Count], test.Labels.ToArray()),
            ]));
        }
        folder.Write("metadata.json", set.Metadata + "\n");
        folder.Write("README.md", new DatasetCard(set, form, Measured) { MoreHead = head }.Text());
        folder.Write("load_infmatch.py", Loader());
    }

    /// <summary>The loader for PyTorch, which stands beside every export.</summary>
    public static string Loader()
    {
        using Stream stream = typeof(ArtifactExport).Assembly.GetManifestResourceStream("load_infmatch.py")
            ?? throw new InvalidOperationException("load_infmatch.py is not in this build.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    // Every text of the artifact, and what stands in arrays there.
    private string Metadata(string target)
    {
        var root = new JsonObject { ["export"] = target, ["lr"] = artifact.Rate };
        foreach ((string name, double number) in artifact.Numbers.OrderBy(p => p.Key, StringComparer.Ordinal))
            root.Add(name, number);
        foreach ((string key, string value) in artifact.Metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
            root.TryAdd(key, value); // a text of that name does not stand in for the number
        return TableText.Json(root.ToJsonString(s_json));
    }
}
