using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using InfMatch.Influence;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>SHA-256, in lower-case hex, of what a distilled set consists of and of what it came from.</summary>
internal static class ArtifactHash
{
    /// <summary>The metadata key of <see cref="OfContent"/>.</summary>
    public const string ContentKey = "content_sha256";

    /// <summary>Of images and label logits, float32 as they lie in memory: equal hashes are equal sets, bit for bit.</summary>
    public static string OfSet(ReadOnlySpan<float> images, ReadOnlySpan<float> labelLogits)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes(images));
        hash.AppendData(MemoryMarshal.AsBytes(labelLogits));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Of every array and every metadata text but this hash itself, in the order of their names; docs/artifact.md
    /// has the bytes.</summary>
    public static string OfContent(IEnumerable<NamedArray> arrays, IReadOnlyDictionary<string, string> metadata)
    {
        using var sha = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        {
            void Line(string text) => stream.Write(Encoding.UTF8.GetBytes(text + "\n"));
            foreach (NamedArray array in arrays.OrderBy(a => a.Name, StringComparer.Ordinal))
            {
                Line($"{array.Name} {array.Element} {string.Join(' ', array.Dimensions.ToArray())}");
                array.WriteTo(stream);
            }
            foreach ((string key, string value) in metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
            {
                if (key != ContentKey)
                    Line($"{key} {Encoding.UTF8.GetByteCount(value).ToString(CultureInfo.InvariantCulture)} {value}");
            }
        }
        return Convert.ToHexStringLower(sha.Hash!);
    }

    /// <summary>Of a recorded training: its description and the loss of every step.</summary>
    public static string OfTrajectory(TrajectoryFile trajectory)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string key, string value) in trajectory.Metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
            hash.AppendData(Encoding.UTF8.GetBytes($"{key} {value}\n"));
        hash.AppendData(MemoryMarshal.AsBytes<float>((float[])[.. trajectory.Losses]));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Of a text in UTF-8.</summary>
    public static string OfText(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Whether a text has the form of such a hash.</summary>
    public static bool IsHash(string text) =>
        text.Length == 64 && text.All(c => c is >= '0' and <= '9' or >= 'a' and <= 'f');
}

/// <summary>What a distilled set was made from, beside the data.</summary>
/// <param name="Start">The hash of the set that it started from.</param>
/// <param name="Experts">The hashes of the trajectories it was learned from, in their order.</param>
internal sealed record SetOrigin(string Start, IReadOnlyList<string> Experts)
{
    /// <summary>From the start and the experts themselves.</summary>
    public static SetOrigin Of(SyntheticSet start, IReadOnlyList<Expert> experts) => new(
        SyntheticSetFile.Hash(start), [.. experts.Select(e => ArtifactHash.OfTrajectory(e.Trajectory))]);
}
