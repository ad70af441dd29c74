using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>neighbours.json: the training image and captions nearest to each synthetic pair. It is kept so that a page can be written
/// again when the data are no longer there.</summary>
/// <param name="Licence">What the data set's licence says of showing these images and captions.</param>
/// <param name="Sets">One for each set.</param>
internal sealed record NeighbourFile(string Licence, IReadOnlyList<SetNeighbours> Sets)
{
    /// <summary>Reads the file.</summary>
    /// <exception cref="DistillException">It is damaged.</exception>
    public static NeighbourFile Read(string path)
    {
        try
        {
            (NeighbourFile read, bool hasHash) = SealedJson.Read<NeighbourFile>(path);
            if (!hasHash)
                throw new JsonException("it does not state the hash of its content.");
            foreach (SetNeighbours set in read.Sets)
                set.RequireAcceptable();
            return read;
        }
        catch (JsonException e)
        {
            throw new DistillException(
                ExitCode.Data, "IM3069", $"{path} is damaged: {e.Message} Delete it, and 'report' makes it again.", e);
        }
    }

    /// <summary>Writes the file.</summary>
    public void Save(string path) => AtomicFile.WriteAllText(
        path, SealedJson.Seal(JsonSerializer.SerializeToNode(this, JsonText.Options)!.AsObject()) + "\n");
}

/// <summary>What is nearest to the pairs of a set.</summary>
/// <param name="Pairs">N.</param>
/// <param name="SetSha256">The set's own hash.</param>
/// <param name="Shown">The first pairs of the set; all where they are few.</param>
internal sealed record SetNeighbours(int Pairs, string SetSha256, IReadOnlyList<ShownPair> Shown)
{
    /// <summary>What is not shown, or null.</summary>
    [JsonIgnore]
    public string? LeftOut => Shown.Count < Pairs ? $"Shown are the first {Shown.Count} of {Pairs} pairs." : null;

    /// <summary>Whether a pair has the picture of an image.</summary>
    [JsonIgnore]
    public bool HasPictures => Shown.Any(pair => pair.Image.Picture is not null);

    /// <summary>Fails unless pictures are pictures, so that a page can hold them.</summary>
    /// <exception cref="JsonException">One is none.</exception>
    public void RequireAcceptable()
    {
        if (Shown.Any(pair => pair.Image.Picture is { } picture && !EmbeddedImage.IsOne(picture)))
            throw new JsonException($"a picture of the set of {Pairs} pairs is no embedded image.");
    }
}

/// <summary>A synthetic pair as it is shown.</summary>
/// <param name="Image">The training image that is nearest to its image features.</param>
/// <param name="Captions">The training captions that are nearest to its text features, the nearest first; no text twice.</param>
internal sealed record ShownPair(NearImage Image, IReadOnlyList<NearCaption> Captions);

/// <summary>An image near features.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Cosine">Of the angle between both as standardised vectors.</param>
/// <param name="Picture">The image as a data URI; null where its pixels are not there.</param>
internal sealed record NearImage(string Name, double Cosine, string? Picture);

/// <summary>A caption near features.</summary>
/// <param name="Text">The caption.</param>
/// <param name="Cosine">Of the angle between both as standardised vectors.</param>
/// <param name="IsOfImage">Whether it is a caption of the image that is shown.</param>
internal sealed record NearCaption(string Text, double Cosine, bool IsOfImage);
